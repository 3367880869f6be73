#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the bill of materials of one architecture's image, as SPDX 2.3 JSON: what it contains, and
# what the program is linked with. The same input gives the same bytes.
#
#   tools/sbom.sh ARCH VERSION CA_CERTIFICATES_VERSION SOURCE_DATE_EPOCH
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."

(($# == 4)) || { echo "usage: $0 ARCH VERSION CA_CERTIFICATES_VERSION SOURCE_DATE_EPOCH" >&2 && exit 2; }
arch=$1 version=$2 certificates=$3 created=$(date -u -d "@$4" +%FT%TZ)
program=build/$arch/gs-sidecar
sum=$(sha256sum "$program" | cut -d ' ' -f 1)

cross=-$arch-cross
[[ $(dpkg --print-architecture) != "$arch" ]] || cross=

# The Debian version of a package that the program was built with.
installed() {
	dpkg-query --show --showformat '${Version}' "$1"
}

# NAME VERSION LICENCE RELATION PURL, of what is not in the image itself but in the program, or was
# needed to make it.
parts() {
	local name version licence relation gcc

	while read -r name version licence; do
		relation=STATIC_LINK
		[[ $name != cmocka ]] || relation=TEST_DEPENDENCY_OF
		printf '%s\t' "$name" "$version" "$licence" "$relation"
		printf '%s\n' "$name?arch=source"
	done <"build/$arch/libs/versions.txt"
	gcc=$("build/$arch/libs/bin/cc" -dumpversion)
	printf '%s\t%s\t%s\t%s\t%s\n' \
		libgcc "$(installed "libgcc-$gcc-dev$cross")" \
		"GPL-3.0-or-later WITH GCC-exception-3.1" STATIC_LINK "libgcc-$gcc-dev$cross" \
		linux-libc-dev "$(installed "linux-libc-dev$cross")" \
		"GPL-2.0-only WITH Linux-syscall-note" BUILD_DEPENDENCY_OF "linux-libc-dev$cross" \
		libinotifytools0-dev "$(installed libinotifytools0-dev)" \
		GPL-2.0-only BUILD_DEPENDENCY_OF libinotifytools0-dev
}

relink="The program is linked with this library, whose licence lets you relink it with another \
version of it. In the source tree of gs-sidecar $version: run 'make ARCH=$arch' once, put your source \
package in the place of build/sources/libmicrohttpd_*, remove build/$arch/libs, run 'make ARCH=$arch' \
again. tools/build-libs.sh builds the library, and shows what is changed in it; make links it."

parts | jq --raw-input --slurp --sort-keys \
	--arg arch "$arch" --arg version "$version" --arg certificates "$certificates" \
	--arg created "$created" --arg sum "$sum" --arg relink "$relink" '
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
		| { name: .[0], version: .[1], licence: .[2], relation: .[3], deb: .[4] }] as $parts |
	{
		spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT",
		name: "gs-sidecar-\($version)-\($arch)",
		documentNamespace: "https://spdx.org/spdxdocs/gs-sidecar-\($version)-\($arch)-\($sum[:32])",
		creationInfo: { created: $created, creators: ["Tool: gs-sidecar-sbom-\($version)"] },
		packages: ([
			(package("image"; $version; "NOASSERTION") + {
				name: "gs-sidecar image for linux/\($arch)", primaryPackagePurpose: "CONTAINER"
			}),
			(package("gs-sidecar"; $version; "Apache-2.0") + {
				packageFileName: "/gs-sidecar", primaryPackagePurpose: "APPLICATION",
				checksums: [{ algorithm: "SHA256", checksumValue: $sum }]
			}),
			(from_debian("ca-certificates"; $certificates; "MPL-2.0"; "ca-certificates") + {
				packageFileName: "/etc/ssl/certs/ca-certificates.crt"
			})
		] + [
			$parts[] | from_debian(.name; .version; .licence; .deb) + (
				if .relation == "STATIC_LINK" and .name != "libgcc" then
					{ sourceInfo: "Debian source package; tools/build-libs.sh has what is changed and left out" }
				else {} end
			) + (if .name == "libmicrohttpd" then { comment: $relink } else {} end)
		]),
		relationships: ([
			related("DOCUMENT"; "DESCRIBES"; "image"),
			related("image"; "CONTAINS"; "gs-sidecar"),
			related("image"; "CONTAINS"; "ca-certificates")
		] + [
			$parts[] | if .relation == "STATIC_LINK" then related("gs-sidecar"; .relation; .name)
				else related(.name; .relation; "gs-sidecar") end
		])
	}'
