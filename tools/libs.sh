#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What tools/build-libs.sh and tools/build-fetch-libs.sh have in common; they source it. Static
# libraries come from Debian's source packages; the machine's apt configuration is read, never changed.
#
# A script that sources it calls begin ARCH OUTDIR, has a function build_NAME for each library, and
# ends with build_all.
# shellcheck disable=SC2034
set -euo pipefail
export LC_ALL=C
# shellcheck source=tools/apt.sh
source "$(dirname "${BASH_SOURCE[0]}")/apt.sh"

declare -A licence=(
	[musl]=MIT
	[mbedtls]=Apache-2.0
	[curl]=curl
	[libmicrohttpd]=LGPL-2.1-or-later
	[cjson]=MIT
	[xxhash]=BSD-2-Clause
	[cmocka]=Apache-2.0
	[zlib]=Zlib
	[libzstd]=BSD-3-Clause
	[libarchive]=BSD-2-Clause
)

# Measured on the linked program: -Oz is 12 % larger than -Os here, jump tables cost 1.5 %, and
# -fstack-protector-strong would cost 2 %.
cflags="-Os -flto -ffunction-sections -fdata-sections -fno-pie -fno-jump-tables"
cflags+=" -fno-asynchronous-unwind-tables -fno-unwind-tables"
# These four, each measured alone too, make it 1 % smaller. Not for musl, which has fast parts.
smaller="-fno-caller-saves -fno-thread-jumps -fno-tree-dominator-opts -fno-shrink-wrap"
# The whole program lies within a megabyte, so addresses take one instruction: 3 % of its size.
declare -A cflags_of=([arm64]="-mcmodel=tiny -mno-outline-atomics -fomit-frame-pointer")
# How many lines a patch has to change: other numbers are of other sources, to be looked at.
lines_of_private_keys=14

die() {
	local script=${0##*/}

	printf '%s: %s\n' "${script%.sh}" "$*" >&2
	exit 1
}

begin() {
	(($# == 2)) || die "usage: $0 ARCH OUTDIR"
	arch=$1
	out=$(realpath -m "$2")
	case $arch in
	amd64) machine=x86_64 ;;
	arm64) machine=aarch64 ;;
	*) die "unknown architecture '$arch'" ;;
	esac
	gnu=$machine-linux-gnu
	cflags+=" ${cflags_of[$arch]-}"
	[[ $out != *[[:space:]]* ]] || die "configure scripts cannot work in a path with a blank: $out"
	top=$(realpath "$(dirname "$0")/..")
	config=$top/tools/mbedtls_config.h
	own_mbedtls=$top/tools/mbedtls_own.c
	build=$top/build
	sources=$build/sources
	work=$out.tmp
	cc=$work/bin/cc
	log=$out.log
	cross=
	[[ $(dpkg --print-architecture) == "$arch" ]] || cross=yes
	jobs=$(nproc)
	doing=
	tls_config="-DMBEDTLS_CONFIG_FILE='<mbedtls_config.h>'"
}

# ---- the sources ----

# The source of one package in a folder of its own, which is complete or not there.
download() {
	local dir=$sources/$1

	[[ ! -e $dir ]] || return 0
	[[ -n ${apt_ready-} ]] || private_apt deb-src "$build/apt"
	apt_ready=yes
	rm -rf "$dir.tmp"
	mkdir -p "$dir.tmp"
	cd "$dir.tmp"
	apt-get -c "$build/apt/apt.conf" -q source --download-only "$1"
	cd "$top"
	mv "$dir.tmp" "$dir"
}

# All who build share the downloads, and may do so at the same time.
download_all() {
	local name

	(
		flock 8
		for name; do
			download "$name"
		done
	) 8>"$build/download.lock"
}

# ---- the libraries ----

unpack() {
	dpkg-source -x "$sources/$1/$1"_*.dsc "$work/source/$1"
	cd "$work/source/$1"
}

# LDFLAGS count for configure's own tests: without them these link as PIE, and fail.
configure() {
	./configure --host="$machine-linux-musl" --prefix="$work" --disable-shared --enable-static \
		--disable-dependency-tracking CC="$cc" AR="$gnu-gcc-ar" \
		RANLIB="$gnu-gcc-ranlib" NM="$gnu-gcc-nm" CFLAGS="$cflags $smaller" LDFLAGS="-static -no-pie" "$@"
}

build_mbedtls() {
	unpack mbedtls
	cp "$config" include/mbedtls_config.h
	cp "$own_mbedtls" library/ctr_drbg.c
	: >library/entropy.c
	public_keys_only
	make -j"$jobs" -C library static CC="$cc" AR="$gnu-gcc-ar" RL="$gnu-gcc-ranlib" \
		CFLAGS="$cflags $smaller $tls_config"
	cp library/*.a "$work/lib/"
	cp -R include/mbedtls include/psa include/mbedtls_config.h "$work/include/"
}

# Nothing here has a private key. What remains of the table verifies: the library asks it for NULL.
# rsa_complete() would compute the parts of a private key.
public_keys_only() {
	local private lines

	private="(rsa|eckey|ecdsa)_(sign|decrypt|encrypt|check_pair)(_wrap)?|(rsa|eckey)_debug"
	cp library/pk_wrap.c before
	sed -i -E "s/^    ($private),/    NULL,/" library/pk_wrap.c
	lines=$(diff before library/pk_wrap.c | grep -c '^>' || true)
	cp library/pkparse.c before
	sed -i 's/mbedtls_rsa_complete(rsa) != 0 ||$//' library/pkparse.c
	lines=$((lines + $(diff before library/pkparse.c | grep -c '^>' || true)))
	((lines == lines_of_private_keys)) ||
		die "mbedtls has changed: $lines lines instead of $lines_of_private_keys"
}

# ---- the order of things ----

debian_version() {
	sed -n 's/^Version: //p' "$sources/$1/$1"_*.dsc | head -n 1
}

# Runs the rest as one step called $1. Not as a condition, which would switch "set -e" off inside;
# a failure ends the script, and on_exit says which step it was.
step() {
	local begin=$SECONDS

	doing=$1
	shift
	printf '\n==== %s ====\n' "$doing" >>"$log"
	("$@") >>"$log" 2>&1
	printf '%-6s %-34s %3d s\n' "$arch" "$doing" "$((SECONDS - begin))"
	doing=
}

on_exit() {
	local status=$?

	if [[ -n $doing && $status -lt 128 ]]; then
		tail -n 30 "$log" >&2
		printf '%s: %s: %s failed; the whole log is %s\n' "${0##*/}" "$arch" "$doing" "$log" >&2
	fi
}

require() {
	local group=$1 tool

	shift
	for tool; do
		command -v "$tool" >/dev/null ||
			die "$tool is missing; tools/install-packages.sh $group installs it"
	done
}

# Nothing happens when OUTDIR is up to date: made_of() prints what it was made of.
build_all() {
	local name stamp

	stamp=$(made_of | sha256sum)
	[[ ! -e $out/stamp || $(<"$out/stamp") != "$stamp" ]] || return 0
	mkdir -p "$build" "$(dirname "$out")"
	exec 9>"$out.lock"
	flock 9
	[[ ! -e $out/stamp || $(<"$out/stamp") != "$stamp" ]] || return 0

	trap on_exit EXIT
	rm -rf "$work"
	: >"$log"
	step "download" download_all "$@"
	step "compiler" compiler
	for name; do
		step "$name $(debian_version "$name")" "build_$name"
		printf '%s %s %s\n' "$name" "$(debian_version "$name")" "${licence[$name]}" \
			>>"$work/versions.txt"
	done
	rm -rf "$work/source" "$work/share" "$work/bin/curl-config" "$work"/lib/{pkgconfig,*.la}
	printf '%s\n' "$stamp" >"$work/stamp"
	rm -rf "$out"
	mv "$work" "$out"
}
