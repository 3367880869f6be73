#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the bill of materials of one architecture's image, as SPDX 2.3 JSON: what it contains, and
# what the programs are linked with. The same input gives the same bytes.
#
#   tools/sbom.sh IMAGE ARCH VERSION CA_CERTIFICATES_VERSION SOURCE_DATE_EPOCH
#
# IMAGE is gs-sidecar, or gs-sidecar-fetch, which has gs-fetch too.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."

(($# == 5)) || { echo "usage: $0 IMAGE ARCH VERSION CA_CERTIFICATES_VERSION SOURCE_DATE_EPOCH" >&2 && exit 2; }
image=$1 arch=$2 version=$3 certificates=$4 created=$(date -u -d "@$5" +%FT%TZ)
programs=(gs-sidecar) builders="tools/build-libs.sh has"
if [[ $image == gs-sidecar-fetch ]]; then
	programs+=(gs-fetch)
	builders="tools/build-libs.sh and tools/build-fetch-libs.sh have"
fi

cross=-$arch-cross
[[ $(dpkg --print-architecture) != "$arch" ]] || cross=

# The Debian version of a package that the program was built with.
installed() {
	dpkg-query --show --showformat '${Version}' "$1"
}

# NAME VERSION LICENCE of the libraries of a program; it has no HTTP server when it is gs-fetch.
libraries_of() {
	case $1 in
	gs-sidecar) cat "build/$arch/libs/versions.txt" ;;
	gs-fetch)
		grep -v '^libmicrohttpd ' "build/$arch/libs/versions.txt"
		cat "build/$arch/fetch-libs/versions.txt"
		;;
	esac | sort -u
}

# NAME VERSION LICENCE RELATION PURL PROGRAM, of what is not in the image itself but in a program, or
# was needed to make it.
parts_of() {
	local name version licence relation gcc

	while read -r name version licence; do
		relation=STATIC_LINK
		[[ $name != cmocka ]] || relation=TEST_DEPENDENCY_OF
		printf '%s\t' "$name" "$version" "$licence" "$relation" "$name?arch=source"
		printf '%s\n' "$1"
	done < <(libraries_of "$1")
	gcc=$("build/$arch/libs/bin/cc" -dumpversion)
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' \
		libgcc "$(installed "libgcc-$gcc-dev$cross")" \
		"GPL-3.0-or-later WITH GCC-exception-3.1" STATIC_LINK "libgcc-$gcc-dev$cross" "$1" \
		linux-libc-dev "$(installed "linux-libc-dev$cross")" \
		"GPL-2.0-only WITH Linux-syscall-note" BUILD_DEPENDENCY_OF "linux-libc-dev$cross" "$1" \
		libinotifytools0-dev "$(installed libinotifytools0-dev)" \
		GPL-2.0-only BUILD_DEPENDENCY_OF libinotifytools0-dev "$1"
}

parts() {
	local program

	for program in "${programs[@]}"; do
		parts_of "$program"
	done
}

# {PROGRAM: SHA256}
sums() {
	local program

	for program in "${programs[@]}"; do
		sha256sum "build/$arch/$program"
	done | jq --raw-input --slurp '[split("\n")[] | select(. != "") | split("  ")
		| { key: (.[1] | sub(".*/"; "")), value: .[0] }] | from_entries'
}

relink="The program is linked with this library, whose licence lets you relink it with another \
version of it. In the source tree of gs-sidecar $version: run 'make ARCH=$arch' once, put your source \
package in the place of the one in build/sources/libmicrohttpd, remove build/$arch/libs, run 'make ARCH=$arch' \
again. tools/build-libs.sh builds the library, and shows what is changed in it; make links it."

parts | jq --raw-input --slurp --sort-keys \
	--arg image "$image" --arg arch "$arch" --arg version "$version" --arg certificates "$certificates" \
	--arg created "$created" --argjson sums "$(sums)" --arg relink "$relink" \
	--arg builders "$builders" '
	def package($name; $version; $licence): {
		SPDXID: "SPDXRef-\($name)", name: $name, versionInfo: $version,
		licenseDeclared: $licence, licenseConcluded: $licence, copyrightText: "NOASSERTION",
		downloadLocation: "NOASSERTION", filesAnalyzed: false
	};
	# The name of a package, and perhaps ?arch=ARCH.
	def from_debian($name; $version; $licence; $deb): package($name; $version; $licence) + {
		supplier: "Organization: Debian",
		externalRefs: [{
			referenceCategory: "PACKAGE-MANAGER", referenceType: "purl",
			referenceLocator: ($deb + "?" | split("?") |
				"pkg:deb/debian/\(.[0])@\($version | @uri)?\(.[1:] | map(select(. != "") + "&") | add // "")distro=bookworm")
		}]
	};
	def related($a; $how; $b): {
		spdxElementId: "SPDXRef-\($a)", relationshipType: $how, relatedSpdxElement: "SPDXRef-\($b)"
	};
	[split("\n")[] | select(. != "") | split("\t")
		| { name: .[0], version: .[1], licence: .[2], relation: .[3], deb: .[4], of: .[5] }] as $parts |
	# One that both programs have is one package, of one version.
	($parts | unique_by([.name, .version])) as $packages |
	if ($packages | unique_by(.name)) != $packages then
		error("a library of two versions; remove build/\($arch)/libs and run make ARCH=\($arch)")
	else . end |
	{
		spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT",
		name: "\($image)-\($version)-\($arch)",
		documentNamespace: "https://spdx.org/spdxdocs/\($image)-\($version)-\($arch)-\([$sums[][:32]] | join("-"))",
		creationInfo: { created: $created, creators: ["Tool: gs-sidecar-sbom-\($version)"] },
		packages: ([
			(package("image"; $version; "NOASSERTION") + {
				name: "\($image) image for linux/\($arch)", primaryPackagePurpose: "CONTAINER"
			}),
			($sums | to_entries[] | package(.key; $version; "Apache-2.0") + {
				packageFileName: "/\(.key)", primaryPackagePurpose: "APPLICATION",
				checksums: [{ algorithm: "SHA256", checksumValue: .value }]
			}),
			(from_debian("ca-certificates"; $certificates; "MPL-2.0"; "ca-certificates") + {
				packageFileName: "/etc/ssl/certs/ca-certificates.crt"
			})
		] + [
			$packages[] | from_debian(.name; .version; .licence; .deb) + (
				if .relation == "STATIC_LINK" and .name != "libgcc" then
					{ sourceInfo: "Debian source package; \($builders) what is changed and left out" }
				else {} end
			) + (if .name == "libmicrohttpd" then { comment: $relink } else {} end)
		]),
		relationships: ([
			related("DOCUMENT"; "DESCRIBES"; "image"),
			related("image"; "CONTAINS"; $sums | keys_unsorted[]),
			related("image"; "CONTAINS"; "ca-certificates")
		] + [
			$parts[] | if .relation == "STATIC_LINK" then related(.of; .relation; .name)
				else related(.name; .relation; .of) end
		])
	}'
