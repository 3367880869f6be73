#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the static libraries gs-fetch is linked with besides those of the main program.
#
#   tools/build-fetch-libs.sh ARCH OUTDIR        ARCH is amd64 or arm64
#
# The compiler is that of tools/build-libs.sh, whose OUTDIR is `libs` beside this one; it gives the
# small libraries too. OUTDIR gets include/, lib/ and versions.txt. Nothing happens when it is up to
# date.
set -euo pipefail
# shellcheck source=tools/libs.sh
source "$(dirname "$0")/libs.sh"

begin "$@"
cc=$(dirname "$out")/libs/bin/cc

made_of() {
	cat "$0" "$top/tools/libs.sh" "$config" "$own_mbedtls" "$(dirname "$out")/libs/stamp"
}

compiler() {
	mkdir -p "$work"/{include,lib,source}
}

# Whole trees go through what is named here, so it is built for speed: the files and their flags.
fast() {
	sed -i '1i #pragma GCC optimize("O2")' "$@"
}

build_zlib() {
	unpack zlib
	fast inffast.c inflate.c adler32.c crc32.c
	CHOST=$machine-linux-musl CC=$cc AR=$gnu-gcc-ar RANLIB=$gnu-gcc-ranlib \
		CFLAGS="$cflags $smaller -DDYNAMIC_CRC_TABLE" ./configure --static --prefix="$work"
	make -j"$jobs" libz.a
	cp libz.a "$work/lib/"
	cp zlib.h zconf.h "$work/include/"
}

# The decoder alone, and one way of Huffman decoding instead of two. What amd64 has in assembler, and
# for BMI2, saves a quarter of the time, for 20 kB.
build_libzstd() {
	local flags

	unpack libzstd
	read -ra flags <<<"$cflags -DDEBUGLEVEL=0"
	flags+=(-DZSTD_LEGACY_SUPPORT=0 -DZSTD_STRIP_ERROR_STRINGS -DHUF_FORCE_DECOMPRESS_X1
		-DZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT -DZSTD_NO_UNUSED_FUNCTIONS -Ilib -Ilib/common)
	for file in lib/common/*.c lib/decompress/*.{c,S}; do
		optimize=-Os
		case $file in *_block.c | *huf_*.c | */xxhash.c) optimize=-O2 ;; esac
		"$cc" "${flags[@]}" "$optimize" -c "$file" -o "$(basename "${file%.*}").o"
	done
	"$gnu-gcc-ar" rcs "$work/lib/libzstd.a" ./*.o
	cp lib/zstd.h lib/zstd_errors.h "$work/include/"
}

# Reading alone: nothing of its writers is referred to, so nothing of them is linked. The sum of a
# header is a fifth of what is computed for a small file.
build_libarchive() {
	unpack libarchive
	sed -i '/^checksum(struct archive_read/i __attribute__((optimize("O3")))' \
		libarchive/archive_read_support_format_tar.c
	grep -q 'optimize("O3")' libarchive/archive_read_support_format_tar.c ||
		die "libarchive has changed: its checksum() is not where it was"
	configure CPPFLAGS="-I$work/include" LDFLAGS="-static -no-pie -L$work/lib" --with-zlib \
		--disable-{bsdtar,bsdcat,bsdcpio,acl,xattr,posix-regex-lib} \
		--without-{zstd,bz2lib,libb2,iconv,lz4,lzma,lzo2,cng,nettle,openssl,mbedtls,xml2,expat}
	# Debian patches what configure was made from, in ways that do not matter here.
	make -j"$jobs" AUTOCONF=: AUTOMAKE=: ACLOCAL=: AUTOHEADER=: libarchive.la
	cp .libs/libarchive.a "$work/lib/"
	cp libarchive/archive.h libarchive/archive_entry.h "$work/include/"
}

# SigV4 comes along with Digest, whose MD5 is libcurl's own: nothing else needs that of Mbed TLS. A
# body is handed over in pieces of CURL_MAX_WRITE_SIZE, which become writes to a file: at 16 KiB, the
# usual size, they cost nearly twice as much.
build_curl() {
	unpack curl
	sed -i 's/USE_MBEDTLS/MD5_OF_MBEDTLS/' lib/md5.c
	# The texts of errors are for people and stay, unlike those of the trace.
	sed -i 's/CURL_DISABLE_VERBOSE_STRINGS/NO_ERROR_TEXTS/' lib/strerror.c
	curl_disallow_getifaddrs=yes configure CPPFLAGS="-I$work/include $tls_config -DCURL_MAX_WRITE_SIZE=262144" \
		LDFLAGS="-static -no-pie -L$work/lib" \
		--with-mbedtls="$work" --without-ca-bundle --without-ca-path \
		--enable-threaded-resolver --enable-socketpair --enable-ipv6 --disable-verbose \
		--disable-{ftp,file,ldap,ldaps,rtsp,dict,telnet,tftp,pop3,imap,smb,smtp,gopher,mqtt} \
		--disable-{cookies,netrc,ntlm,ntlm-wb,tls-srp,doh,mime,alt-svc,hsts} \
		--disable-{manual,libcurl-option,ares,progress-meter,dnsshuffle,get-easy-options} \
		--disable-{headers-api,websockets} \
		--without-{zlib,brotli,zstd,libpsl,libidn2,nghttp2,librtmp,libgsasl,libssh2}
	make -j"$jobs" -C lib install
	make -C include install
}

require build make patch dpkg-source apt-get xz
build_all zlib libzstd libarchive mbedtls curl
