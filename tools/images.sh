#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The container images, from the programs of both architectures and Debian's packages.
#
#   tools/images.sh files     what the images hold, below build/images: contexts for any builder
#   tools/images.sh           that, and all images, in the store of tools/containers.sh
#
# The same commit, or SOURCE_DATE_EPOCH, gives the same digests.
set -euo pipefail
export LC_ALL=C
umask 022
cd "$(dirname "$0")/.."
mkdir -p build
exec 9>build/images.lock
flock 9

architectures=(amd64 arm64)
host=$(dpkg --print-architecture)
version=$(sed -n 's/^VERSION = //p' Makefile)
packages=build/packages
nginx_packages=(nginx libc6 libcrypt1 libpcre2-8-0 libssl3 zlib1g)
out=build/images

die() {
	printf 'images: %s\n' "$*" >&2
	exit 1
}

# The time of all that is in the images.
if [[ -z ${SOURCE_DATE_EPOCH-} ]]; then
	SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) ||
		die "there is no commit to take the time from: set SOURCE_DATE_EPOCH to seconds"
fi
export SOURCE_DATE_EPOCH

# ---- the files ----

download() {
	local arch names=(base-files base-passwd ca-certificates nginx-common)

	for arch in "${architectures[@]}"; do
		names+=("${nginx_packages[@]/%/:$arch}")
	done
	tools/debian-files.sh "$packages" "${names[@]}"
}

# Where a package was unpacked: package NAME [ARCH]
package() {
	local found=("$packages/$1"_*"${2+_$2}")

	[[ -d ${found[0]} && ${#found[@]} == 1 ]] || die "not one package $1 in $packages"
	printf %s "${found[0]}"
}

# put FROM TO [MODE]
put() {
	install -D -m "${3-644}" -- "$1" "$2"
}

# The machine's own bundle may hold authorities that are only its owner's business.
certificates() {
	local from

	from=$(package ca-certificates)/usr/share/ca-certificates
	find "$from" -name '*.crt' | sort | xargs -d '\n' sed -s "\$a\\"
}

# What a program is linked with: the lists of its libraries, by PROGRAM.
libraries_of() {
	printf '%s\n' "build/$arch/libs/versions.txt"
	[[ $1 != gs-fetch ]] || printf '%s\n' "build/$arch/fetch-libs/versions.txt"
}

# The documents of what is linked in: Debian's own files, and the whole text of the LGPL.
licences() {
	local dir=$1 name rest

	# shellcheck disable=SC2046 # lists have no blanks in their names
	while read -r name rest; do
		[[ $name != cmocka ]] || continue
		tar -xOf "build/sources/$name/$name"_*.debian.tar.* debian/copyright >"$dir/$name"
	done < <(sort -u $(libraries_of "$2"))
	tar -xOf build/sources/libmicrohttpd/*.orig.tar.* --wildcards '*/COPYING' >"$dir/LGPL-2.1"
	put "$(package ca-certificates)/usr/share/doc/ca-certificates/copyright" "$dir/ca-certificates"
	put "/usr/share/doc/libgcc-$(gcc -dumpversion)-dev/copyright" "$dir/libgcc"
}

# Programs FROM scratch, with what they need: files_of_programs IMAGE PROGRAM...
files_of_programs() {
	local image=$1 arch dir doc ca name

	shift
	ca=$(package ca-certificates)
	ca=${ca#*_}
	for arch in "${architectures[@]}"; do
		dir=$new/$image/$arch
		doc=$dir/usr/share/doc/gs-sidecar
		for name; do
			put "build/$arch/$name" "$dir/$name" 755
		done
		mkdir -p "$dir/etc/ssl/certs" "$doc/licences"
		certificates >"$dir/etc/ssl/certs/ca-certificates.crt"
		printf '%s\n' root:x:0:0:root:/:/sbin/nologin nonroot:x:65532:65532:nonroot:/:/sbin/nologin \
			>"$dir/etc/passwd"
		printf '%s\n' root:x:0: nonroot:x:65532: >"$dir/etc/group"
		put LICENSE "$doc/LICENSE"
		licences "$doc/licences" "${!#}"
		tools/sbom.sh "$image" "$arch" "$version" "${ca%_all}" "$SOURCE_DATE_EPOCH" >"$doc/sbom.spdx.json"
	done
}

# Programs, shared libraries and licences, and what packages they came from, where scanners look.
files_of_nginx() {
	local arch dir name from

	for arch in "${architectures[@]}"; do
		dir=$new/nginx/$arch
		mkdir -p "$dir"/{etc/nginx,tmp,var/lib/dpkg/status.d}
		for name in "${nginx_packages[@]}"; do
			from=$(package "$name" "$arch")
			(cd "$from" && find . \( -name '*.so.*' -o -path ./usr/sbin/nginx -o -name copyright \) \
				! -type d -print0) | tar -C "$from" -c --null -T - | tar -C "$dir" -x
			put "$from/DEBIAN/control" "$dir/var/lib/dpkg/status.d/$name"
		done
		from=$(package libc6 "$arch")
		[[ ! -e $from/lib64 ]] || cp -a "$from/lib64" "$dir/"
		put "$(package nginx-common)/etc/nginx/mime.types" "$dir/etc/nginx/mime.types"
		put "$(package base-files)/usr/lib/os-release" "$dir/etc/os-release"
		cp -R "$(package base-files)/usr/share/common-licenses" "$dir/usr/share/"
		put "$(package base-passwd)/usr/share/base-passwd/passwd.master" "$dir/etc/passwd"
		put "$(package base-passwd)/usr/share/base-passwd/group.master" "$dir/etc/group"
	done
}

# The seal is made here: the image has nothing that could run at its build, and travels with the files.
files_of_2048() {
	local arch tag dir

	for arch in "${architectures[@]}"; do
		put "build/$arch/gs-sidecar" "$new/2048/$arch/gs-sidecar" 755
	done
	put images/2048/nginx.conf "$new/2048/nginx.conf"
	cp -R examples/2048/game "$new/2048/"
	mkdir "$new/2048/game/js"
	for tag in v1.0 v2.0; do
		dir=$new/2048-sidecar/$tag
		mkdir -p "$dir"
		examples/2048/sidecar/build.sh "$tag" "$dir"
		chmod -R u=rwX,go=rX "$dir"
		find "$dir" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
		"build/$host/gs-sidecar" seal --log-level warn --label "$tag" "$dir/js" >/dev/null
	done
}

files() {
	local new=$out.new arch name

	for arch in "${architectures[@]}"; do
		for name in gs-sidecar gs-fetch; do
			[[ -x build/$arch/$name ]] || die "build/$arch/$name is missing: run make ARCH=$arch"
		done
	done
	download
	rm -rf "$new"
	mkdir -p "$new"
	files_of_programs gs-sidecar gs-sidecar
	files_of_programs gs-sidecar-fetch gs-sidecar gs-fetch
	files_of_nginx
	files_of_2048
	chmod -R u=rwX,go=rX "$new"
	chmod 1777 "$new"/nginx/*/tmp
	# The mount point: podman's and Docker's volumes begin with its mode, and this one is kubelet's.
	chmod 777 "$new/2048/game/js"
	find "$new" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
	rm -rf "$out"
	mv "$new" "$out"
}

# ---- the images ----

containers() {
	tools/containers.sh "$@"
}

# image NAME[:TAG] CONTEXT FLAG...: a list of both architectures, and each by NAME:TAG-ARCH.
image() {
	local name=localhost/$1 context=$out/$2 arch

	shift 2
	[[ $name == *:* ]] || name+=:latest
	containers buildah manifest rm "$name" >/dev/null 2>&1 || true
	containers buildah manifest create "$name" >/dev/null
	for arch in "${architectures[@]}"; do
		containers buildah bud --quiet --platform "linux/$arch" --timestamp "$SOURCE_DATE_EPOCH" \
			--identity-label=false --pull=never --tag "$name-$arch" "$@" "$context" >/dev/null
		containers buildah manifest add "$name" "containers-storage:$name-$arch" >/dev/null
	done
	# An OCI layout of all of them is what registries and clusters are fed from, and has the digests.
	containers buildah manifest push --quiet --all "$name" "oci:$out/oci:${name#localhost/}" >/dev/null
	# Root wrote it, and who runs this next removes it.
	containers chown -R --reference=tools "$out/oci"
	rows "$name"
}

blob() {
	jq -r "$2" "$out/oci/blobs/${1/://}"
}

print_row() {
	printf '%-20s %-5s %6s %11s %11s  %s\n' "$@"
}

# What each image is by itself, and what is sent of it.
rows() {
	local name=${1#localhost/} list arch digest

	list=$(jq -r --arg name "$name" '.manifests[] |
		select(.annotations["org.opencontainers.image.ref.name"] == $name) | .digest' "$out/oci/index.json")
	print_row "$name" all '' '' '' "${list:0:19}"
	for arch in "${architectures[@]}"; do
		digest=$(blob "$list" ".manifests[] | select(.platform.architecture == \"$arch\") | .digest")
		print_row "$name" "$arch" "$(blob "$digest" '.layers | length')" \
			"$(containers podman image inspect --format '{{.Size}}' "$1-$arch")" \
			"$(blob "$digest" '[.layers[].size] | add')" "${digest:0:19}"
	done
}

images() {
	local name way tag

	print_row image arch layers bytes compressed digest
	image gs-sidecar gs-sidecar --file images/Containerfile --build-arg "VERSION=$version"
	image gs-sidecar-fetch gs-sidecar-fetch --file images/fetch/Containerfile --build-arg "VERSION=$version"
	for name in gs-sidecar gs-sidecar-fetch; do
		containers buildah tag "localhost/$name" "localhost/$name:$version"
	done
	image nginx:debian nginx --file images/nginx/Containerfile
	image 2048:v1.0 2048 --file images/2048/Containerfile --build-arg BASE=localhost/nginx:debian
	for way in http inotify; do
		image "2048:v1.0-$way" 2048 --file "images/2048/$way/Containerfile" \
			--build-arg BASE=localhost/2048:v1.0
	done
	for tag in v1.0 v2.0; do
		image "2048-sidecar:$tag" "2048-sidecar/$tag" --file images/2048-sidecar/Containerfile \
			--build-arg BASE=localhost/gs-sidecar --build-arg "VERSION=$tag"
	done
	# What had these names before.
	containers podman image prune --force >/dev/null
}

case ${1-all} in
files) files ;;
all)
	files
	images
	;;
*) die "usage: $0 [files]" ;;
esac
