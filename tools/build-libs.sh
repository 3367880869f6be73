#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the static libraries the program is linked with, from Debian's source packages, for musl.
#
#   tools/build-libs.sh ARCH OUTDIR        ARCH is amd64 or arm64
#
# OUTDIR gets include/, lib/, bin/cc (the compiler to use with them) and versions.txt. Nothing
# happens when OUTDIR is up to date.
set -euo pipefail
# shellcheck source=tools/libs.sh
source "$(dirname "$0")/libs.sh"

# Measured beside Debian's libc.a, built for speed as a whole: with these malloc and the string
# functions are as fast, without malloc a third slower.
fast_parts_of_musl="malloc/mallocng/malloc.c,malloc/mallocng/free.c,string/mem*.c,string/str[cln]*.c"
# How many lines the patches have to change: other numbers are of other sources, to be looked at.
lines_of_doubles=66
lines_of_decimals=4

begin "$@"
own_printf=$top/tools/curl_printf.c
own_reasons=$top/tools/mhd_reasons.c
http_client=$top/base/http_client.c
http_server=$top/base/http_server.c

# The compiler's version counts: LTO objects of one gcc cannot be linked by another.
made_of() {
	cat "$0" "$top/tools/libs.sh" "$config" "$own_mbedtls" "$own_printf" "$own_reasons"
	named CURLOPT "$http_client"
	named CURLINFO "$http_client"
	named MHD "$http_server"
	"$gnu-gcc" -dumpfullversion
	printf '%s\n' "$arch"
}

# ---- the compiler ----

# Debian's own libc.a is built for speed; for size it takes 25 kB less.
build_musl() {
	unpack musl
	doubles_only
	decimals_only
	./configure --target="$machine-linux-musl" --prefix="$work/musl" --disable-shared \
		--disable-wrapper --enable-optimize="$fast_parts_of_musl" CC="$gnu-gcc" AR="$gnu-gcc-ar" \
		RANLIB="$gnu-gcc-ranlib" CFLAGS="${cflags/ -flto/}"
	# The ARCH our own make may have been called with is not musl's name for it.
	MAKEFLAGS='' make -j"$jobs" install
	no_long_arithmetic
	# The specs find it through a variable, so that OUTDIR can be moved.
	sh tools/musl-gcc.specs.sh /include /lib /none |
		sed -E 's#/(include|lib)\b[^ }]*#%:getenv(MUSL_ROOT &)#g' >"$work/musl/specs"
}

# printf, scanf and strtod compute in long double, which on arm64 is 16 kB of software. Nothing here
# has a long double, and musl itself does it in double where the two are the same: so they are made
# the same in these files. strtold() and the conversions by %Lf keep their types.
doubles_only() {
	local file lines=0

	for file in src/stdio/vf{print,scan}f.c src/internal/floatscan.{c,h} src/stdlib/strtod.c; do
		cp "$file" before
		sed -i -E '/strtold|va_arg|\*dest = /!s/long double/double/g; s/\bLDBL_([A-Z])/DBL_\1/g
			s/\b(frexp|copysign|fmod|fabs|scalbn)l\(/\1(/g; s/(\.0)L\b/\1/g' "$file"
		lines=$((lines + $(diff before "$file" | grep -c '^>' || true)))
	done
	((lines == lines_of_doubles)) ||
		die "musl's floating point has changed: $lines lines instead of $lines_of_doubles"
}

# No number is written or read in hexadecimal floating point, and no text is of wide characters.
decimals_only() {
	local file lines=0

	for file in src/stdio/vfprintf.c src/internal/floatscan.c; do
		cp "$file" before
		sed -i -E "s/if \(\(t\|32\)=='a'\)/if (0)/; s/if \(\(c\|32\) == .x.\)/if (0)/
			s/l=wctomb\(mb, \*ws\+\+\)/l=-1/" "$file"
		lines=$((lines + $(diff before "$file" | grep -c '^>' || true)))
	done
	((lines == lines_of_decimals)) ||
		die "musl's formats have changed: $lines lines instead of $lines_of_decimals"
}

# A call like __multf3 would do more than convert.
no_long_arithmetic() {
	local calls

	calls=$("$gnu-nm" -u obj/src/stdio/vf{print,scan}f.o obj/src/internal/floatscan.o \
		obj/src/stdlib/strtod.o)
	! grep -E '__(add|sub|mul|div|cmp|eq|ne|lt|le|gt|ge|unord)tf' <<<"$calls" ||
		die "musl still computes in long double"
}

# musl has no kernel headers of its own; these are Debian's. The one of inotifytools only includes
# <sys/inotify.h>, which is musl's then: its library is not linked.
kernel_headers() {
	local from=/usr/include asm=/usr/include/$gnu/asm

	[[ -z $cross ]] || from=/usr/$gnu/include asm=/usr/$gnu/include/asm
	ln -s "$from/linux" "$from/asm-generic" "$asm" /usr/include/inotifytools "$work/include/"
}

compiler() {
	mkdir -p "$work"/{bin,include,lib,source}
	cat >"$work/bin/cc" <<-END
		#!/bin/sh
		export MUSL_ROOT="\${0%/*}/../musl"
		exec $gnu-gcc "\$@" -specs "\$MUSL_ROOT/specs"
	END
	chmod +x "$work/bin/cc"
	kernel_headers
}

# ---- the libraries ----

build_curl() {
	unpack curl
	# The texts of curl_easy_strerror() are for people and stay, unlike those of the trace.
	sed -i 's/CURL_DISABLE_VERBOSE_STRINGS/NO_ERROR_TEXTS/' lib/strerror.c
	cp "$own_printf" lib/mprintf.c
	no_scanf
	only_named CURLOPT lib/setopt.c "$http_client"
	only_named CURLINFO lib/getinfo.c "$http_client"
	constants
	# getifaddrs() would be for binding to an interface, and brings netlink along.
	curl_disallow_getifaddrs=yes configure CPPFLAGS="-I$work/include $tls_config" \
		--with-mbedtls="$work" --without-ca-bundle --without-ca-path \
		--enable-threaded-resolver --enable-socketpair --enable-ipv6 --disable-verbose \
		--disable-{ftp,file,ldap,ldaps,rtsp,dict,telnet,tftp,pop3,imap,smb,smtp,gopher,mqtt} \
		--disable-{crypto-auth,proxy,cookies,netrc,ntlm,ntlm-wb,tls-srp,doh,mime,dateparse,alt-svc,hsts} \
		--disable-{manual,libcurl-option,ares,progress-meter,dnsshuffle,get-easy-options} \
		--disable-{headers-api,websockets} \
		--without-{zlib,brotli,zstd,libpsl,libidn2,nghttp2,librtmp,libgsasl,libssh2}
	make -j"$jobs" -C lib install
	make -C include install
}

# The status line is all that is read by a format; our own function does it. What else there is:
# RTSP, and answers without a version, as of servers of 1996.
no_scanf() {
	sed -i -E '/" HTTP\/%1d\.%1d%c%3d%c",$/d; s/nc = sscanf\(HEADER1,$/nc = Curl_status_line(HEADER1,/
		s/2 == sscanf\(HEADER1, " HTTP.*\)\)/0)/; s/nc = sscanf\(HEADER1, " HTTP %3d".*;/nc = 0;/
		s/CURLPROTO_RTSP\) \{/0) {/
		1i int Curl_status_line(const char *, int *, int *, char *, int *, char *);' lib/http.c
	! grep 'sscanf(HEADER1' lib/http.c || die "libcurl reads by another format"
}

# The options of one kind that a source of ours uses.
named() {
	grep -oE "\b$1_[A-Z0-9_]*" "$2" | sort -u
}

# Keeps those cases of a switch that our source uses.
only_named() {
	local kind=$1 file=$2 ours=$3 name

	awk -v kind="case ${kind}_" -v names=" $(named "$kind" "$ours" | xargs) " '
		!inside && /^ *switch ?\((opt|option|info|info_type)\)/ {
			inside = 1
			indent = $0
			sub(/switch.*/, "", indent)
		}
		index($0, indent "default:") == 1 || /^}/ { inside = drop = 0 }
		inside && index($0, indent kind) == 1 {
			name = $2
			sub(/:.*/, "", name)
			drop = !index(names, " " name " ")
		}
		!drop || /^#/ || more
		{ more = (more || /^#/) && /\\$/ }' "$file" >kept
	for name in $(named "$kind" "$ours"); do
		grep -qE "(case |\()$name\b" kept || die "$file has no $name"
	done
	mv kept "$file"
}

# What no option sets any more has one value for ever, and the compiler drops what depends on it:
# 20 kB. A field that is assigned after all does not compile.
constants() {
	local strings fields sources state needed

	mapfile -t sources < <(find lib/*.c lib/vtls/{vtls,mbedtls}.c ! -name easy.c)
	strings=$(comm -23 <(grep -o '^  STRING_[A-Z0-9_]*' lib/urldata.h | tr -d ' ' | sort -u) \
		<(grep -o 'STRING_[A-Z0-9_]*' lib/setopt.c | sort -u) | paste -sd'|')
	fields=$(tr -s ' \n' '|' <<-END
		http_fail_on_error http_keep_sending_on_error http_follow_location http_auto_referer
		http_transfer_encoding http_te_skip http_ce_skip http09_allowed http200aliases httppost
		allow_auth_to_other_hosts include_header ignorecl path_as_is disallow_username_in_url verbose
		pipewait haproxyprotocol tcp_keepalive tcp_fastopen use_port localport localportrange ipver
		scope_id use_ssl ssl\.fsslctx connect_only resolve resolver_start resolver_start_client
		is_fread_set fread_func_set in_set seek_func seek_client ioctl_func ioctl_client crlf
		fdebug debugdata fprogress fxferinfo progress_client fmultidone
		fsockopt sockopt_client fclosesocket closesocket_client get_filetime timecondition timevalue
		set_resume_from max_filesize max_send_speed max_recv_speed low_speed_limit low_speed_time
		maxlifetime_conn uh keep_post server_response_timeout prefer_ascii list_only
		wildcard_enabled rtspreq dns_shuffle_addresses
	END
	)
	sed -i -E "s/data->set\.str\[($strings)\]/((char *)0)/g
		s/\bdata->set\.(${fields%|})\b/((__typeof__(0 ? data->set.\1 : 0))0)/g
		s/\bdata->share\b/((struct Curl_share *)0)/g" "${sources[@]}"
	# Of the state: HTTP/1.1 is what is left; a connection serves one request, so none is looked for,
	# and no TLS session is kept; files of authorities are the only files of TLS.
	needed='state\.(range|resume_from|resolve|referer|uh)|httpwant|reuse_fresh|PGRS_HIDE|sessionid'
	needed+='|STRING_(CERT|KEY|SSL_CAPATH|SSL_CRLFILE)|\[BLOB_'
	! grep -nE "$needed" lib/setopt.c || die "an option of the client needs what constants() takes out"
	state='data->state\.(resume_from|use_range|range|resolve|referer)'
	state+='|(data->)?conn->bits\.(reuse|multiplex|altused)'
	sed -i -E "s/Curl_safefree\(data->state\.referer\)/;/
		s/\b($state) = [^;]*;/;/; s/\b($state)\b/0/g
		s/\b(data|handle)->state\.httpwant = [^;]*;/;/
		s/\b(data|handle)->state\.httpwant\b/CURL_HTTP_VERSION_1_1/g
		s/reuse = ConnectionExists\(.*\);/reuse = FALSE;/
		s/data->progress\.flags & PGRS_HIDE/1/" \
		lib/{cf-http,connect,hostip,http,multi,progress,transfer,url}.c lib/vtls/vtls.c
	sed -i -E 's/\bCurl_ssl->/Curl_ssl_mbedtls./g; s/\bssl_config->primary\.sessionid\b/0/
		s/\b(ssl_config->(primary\.)?(clientcert|cert_blob|CRLfile|key_blob|key|key_passwd))\b/((__typeof__(\1))0)/
		s/\b(conn_config->(ca_info_blob|CApath))\b/((__typeof__(\1))0)/' lib/vtls/{vtls,mbedtls}.c
	one_protocol
	no_redirects
	# Datagrams would be for HTTP/3.
	sed -i '/TRNSPRT_UDP, Curl_cf_udp_create/d' lib/connect.c
}

# http and https are the two protocols, and differ by one bit.
one_protocol() {
	local handler='((cf->|data->)?conn|needle|check)->handler' calls

	calls='do_more|connecting|doing|proto_getsock|domore_getsock|perform_getsock|disconnect|readwrite'
	calls+='|connection_check|attach'
	sed -i -E "s/\b($handler->($calls))\b/((__typeof__(\1))0)/g
		s/\b$handler->do_it\b/Curl_http/g; s/\b$handler->done\b/Curl_http_done/g
		s/\b$handler->connect_it\b/Curl_http_connect/g
		s/\b($handler)->protocol\b/(\1->flags \& PROTOPT_SSL ? CURLPROTO_HTTPS : CURLPROTO_HTTP)/g
		s/\b($handler->flags)\b/(\1 \& (PROTOPT_SSL|PROTOPT_ALPN)|PROTOPT_CREDSPERREQUEST|PROTOPT_USERPWDCTRL)/g
		" lib/{cf-socket,connect,easy,http,multi,sendf,transfer,url}.c
	[[ $(grep -c '^const struct Curl_handler .* = {' lib/http.c) == 4 ]] ||
		die "libcurl's handlers of HTTP are others"
}

# Nor is a request made again in another place, or in another way, or the place told.
no_redirects() {
	! grep -nE 'set\.(httpauth|http_follow_location)|REDIRECT_URL' lib/{setopt,getinfo}.c ||
		die "an option of the client needs what no_redirects() takes out"
	sed -i -E 's/Curl_safefree\(data->req\.(newurl|location)\)/;/; s/free\(data->req\.(newurl|location)\)/;/
		s/\bdata->req\.newurl = [^;]*;/;/; s/\bdata->req\.location = [^;]*;/;/
		s/checkprefix\("Location:", headp\)/0/
		s/\b(data->req\.|k->)(newurl|location)\b/((char *)0)/g; s/\bdata->state\.refused_stream = [^;]*;/;/
		s/\bdata->state\.refused_stream\b/0/' \
		lib/{http,multi,transfer,url}.c
}

build_libmicrohttpd() {
	unpack libmicrohttpd
	cp "$own_reasons" src/microhttpd/reason_phrase.c
	only_named MHD_OPTION src/microhttpd/daemon.c "$http_server"
	only_named MHD_DAEMON_INFO src/microhttpd/daemon.c "$http_server"
	only_named MHD_CONNECTION_INFO src/microhttpd/connection.c "$http_server"
	server_constants
	configure --enable-epoll=yes --disable-{poll,sendfile,https,httpupgrade,postprocessor} \
		--disable-{bauth,dauth,messages,doc,examples,curl} --with-threads=none
	make -j"$jobs" -C src/microhttpd install
	make -C src/include install
}

# As with libcurl: how the server is started never changes, and an answer is one block of bytes.
server_constants() {
	local flags response='(re(sponse|sp)|connection->response)' needed

	needed='MHD_USE_(AUTO|SELECT|POLL|.*(THREAD|ITC|TLS|DEBUG|LOG|DUAL|IPv6|PEDANTIC|TURBO))'
	needed+='|MHD_(LISTEN|set_response_options|create_response_(for|from_[^b])|quiesce|get_fdset|run_from)'
	! grep -nE "$needed" "$http_server" || die "the server needs what server_constants() takes out"
	# The library itself takes ITC out of them where it has no thread.
	flags="(($(named 'MHD_(USE|ALLOW)' "$http_server" | paste -sd'|')) \& ~MHD_USE_ITC)"
	sed -i -E "s/^  (daemon->options = \*pflags|pflags = &daemon->options|daemon->listen_fd = [^;]*);/  ;/
		s/\b((connection|con|pos|c)->)?daemon->options\b/$flags/g
		s/\bdaemon->listen_fd = listen_fd;/;/; s/\bdaemon->listen_fd\b/MHD_INVALID_SOCKET/g
		s/MHD_ITC_IS_VALID_ \(daemon->itc\)/0/
		s/\b$response->(crc|flags|data_iov) = [^;]*;/;/; s/\bdaemon->uri_log_callback = [^;]*;/;/
		s/\b$response->(crc|data_iov|flags)\b/((__typeof__(&))0)/g
		s/\bdaemon->(uri_log_callback|per_ip_connection_limit)\b/((__typeof__(&))0)/g
		" src/microhttpd/{daemon,connection,response,internal,mhd_send}.c
	# The library built without threads lacks this function, which it calls all the same.
	sed -i -E '/^static uint64_t$/{N;s/^.*\nconnection_get_wait/#endif\n&/}
		/^static MHD_THRD_RTRN_TYPE_/{N;s/^.*\nthread_main_handle_connection/#ifdef MHD_USE_THREADS\n&/}
		' src/microhttpd/daemon.c
}

build_cjson() {
	local flags

	unpack cjson
	# The only sscanf() of all, but for libcurl's in no_scanf().
	sed -i 's/(sscanf((char\*)number_buffer, "%lg", &test) != 1)/((test = strtod((char*)number_buffer, 0)), 0)/
		' cJSON.c
	! grep sscanf cJSON.c || die "cJSON reads by another format"
	read -ra flags <<<"$cflags $smaller"
	"$work/bin/cc" "${flags[@]}" -c cJSON.c
	"$gnu-gcc-ar" rcs "$work/lib/libcjson.a" cJSON.o
	# Where Debian's own package has it too: the same #include serves both builds.
	mkdir -p "$work/include/cjson"
	cp cJSON.h "$work/include/cjson/"
}

# Header only, by XXH_INLINE_ALL.
build_xxhash() {
	unpack xxhash
	cp xxhash.h xxh3.h "$work/include/"
}

# For the unit tests alone, which are static too, so that they run for both architectures. Its own
# build wants cmake for one file.
build_cmocka() {
	local have=() name

	unpack cmocka
	# It would guess the type that <stdint.h> has defined, and wrongly for arm64.
	sed -i '1i #define _UINTPTR_T_DEFINED 1' include/cmocka.h
	for name in ASSERT_H INTTYPES_H MALLOC_H SETJMP_H SIGNAL_H STDARG_H STDDEF_H STDINT_H STDIO_H \
		STDLIB_H STRING_H STRINGS_H SYS_STAT_H SYS_TYPES_H TIME_H UNISTD_H CALLOC EXIT FPRINTF FREE \
		LONGJMP MALLOC MEMCPY MEMSET PRINTF SETJMP SIGNAL SNPRINTF STRCMP STRSIGNAL VSNPRINTF \
		CLOCK_GETTIME CLOCK_REALTIME STRUCT_TIMESPEC GCC_THREAD_LOCAL_STORAGE; do
		have+=("-DHAVE_$name=1")
	done
	"$work/bin/cc" -O1 -fno-pie "${have[@]}" -Iinclude -c src/cmocka.c
	"$gnu-gcc-ar" rcs "$work/lib/libcmocka.a" cmocka.o
	cp include/cmocka.h "$work/include/"
}

require build make patch dpkg-source apt-get xz
if [[ -n $cross ]]; then require "$arch" "$gnu-gcc"; else require build "$gnu-gcc"; fi
build_all musl mbedtls curl libmicrohttpd cjson xxhash cmocka
