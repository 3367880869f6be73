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

die() {
	printf 'debian-files: %s\n' "$*" >&2
	exit 1
}

(($# > 1)) || die "usage: $0 OUTDIR NAME[:ARCH]..."
out=$(realpath -m "$1")
shift
apt=$out.apt

# The machine's sources, for other architectures too: one that names its own ("[arch=amd64]") would
# hide them.
sources() {
	local list='' parts=''

	eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
	shopt -s nullglob
	[[ -e $list ]] || list=/dev/null
	sed -E 's/\barch[+-]?=[^] ]*//; s/\[ *\]//' "$list" "$parts"/*.list >"$apt/sources/machine.list"
	# A blank line after each file, or the last stanza of one would run into the next.
	sed -s -e '/^Architectures:/Id' -e "\$G" /dev/null "$parts"/*.sources >"$apt/sources/machine.sources"
}

# An apt with lists and caches of its own, that takes packages of this Debian alone: another vendor's
# repository must not replace one by offering the same name.
private_apt() {
	local codename

	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
	rm -rf "$apt"
	mkdir -p "$apt/sources" "$apt/lists/partial" "$apt/cache/archives/partial"
	sources
	cat >"$apt/preferences" <<-END
		Package: *
		Pin: release o=Debian,n=/^$codename(-updates|-security)?\$/
		Pin-Priority: 990

		Package: *
		Pin: release o=*
		Pin-Priority: -1
	END
	cat >"$apt/apt.conf" <<-END
		#clear APT::Update;
		#clear APT::Architectures;
		APT::Architectures { "amd64"; "arm64"; };
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Dir::Etc::sourcelist "/dev/null";
		Dir::Etc::sourceparts "$apt/sources";
		Dir::Etc::preferences "$apt/preferences";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::State::lists "$apt/lists";
		Dir::State::status "/dev/null";
		Dir::Cache "$apt/cache";
	END
	# A repository that has nothing to do with us may be unreachable.
	apt-get -c "$apt/apt.conf" -q update || true
}

main() {
	local deb

	[[ ! -e $out/filled-by || $(<"$out/filled-by") != "$*" ]] || return 0
	rm -rf "$out" "$out.tmp"
	private_apt
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
