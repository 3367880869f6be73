#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Downloads Debian packages of any architecture, and unpacks each into a directory of its own. The
# machine's apt configuration is read, never changed.
#
#   tools/debian-files.sh OUTDIR NAME[:ARCH]...
#
# OUTDIR gets NAME_VERSION_ARCH/ with the package's files and its control data in DEBIAN/. Nothing
# happens when it is what was asked for; remove it to get newer packages.
set -euo pipefail
export LC_ALL=C
umask 022
# shellcheck source=tools/apt.sh
source "$(dirname "$0")/apt.sh"

die() {
	printf 'debian-files: %s\n' "$*" >&2
	exit 1
}

(($# > 1)) || die "usage: $0 OUTDIR NAME[:ARCH]..."
out=$(realpath -m "$1")
shift
apt=$out.apt

main() {
	local deb

	[[ ! -e $out/filled-by || $(<"$out/filled-by") != "$*" ]] || return 0
	rm -rf "$out" "$out.tmp"
	private_apt deb "$apt"
	mkdir "$out.tmp"
	cd "$out.tmp"
	apt-get -c "$apt/apt.conf" -q download "$@" ||
		die "apt on this machine does not offer all of: $*"
	for deb in *.deb; do
		dpkg-deb --raw-extract "$deb" "${deb%.deb}"
		rm "$deb"
	done
	printf '%s\n' "$*" >filled-by
	mv "$out.tmp" "$out"
	rm -rf "$apt"
}

main "$@"
