#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The sidecar images of the OKG hot update manual, for tests/bench/pod: bash, rsync, curl and
# request.sh, here from Debian's packages, with the scripts of the 2048 example's two versions.
#
#   tools/containers.sh tests/bench/published/build.sh    makes localhost/published-sidecar:v1.0, v2.0
set -euo pipefail
here=$(realpath "$(dirname "$0")")
root=$(realpath "$here/../../..")
files=$root/build/published
name=localhost/published-sidecar

# Whatever apt of this machine is told to use.
make_base() {
	local sources

	shopt -s nullglob
	sources=(/etc/apt/sources.list.d/*.{list,sources})
	[[ ! -s /etc/apt/sources.list ]] || sources+=(/etc/apt/sources.list)
	mmdebstrap --quiet --variant=essential --include=bash,rsync,curl bookworm "$files/base.tar.new" \
		"${sources[@]}"
	mv "$files/base.tar.new" "$files/base.tar"
}

make_image() {
	local version=$1 container

	rm -rf "${files:?}/$version"
	"$root/examples/2048/sidecar/build.sh" "$version" "$files/$version"
	container=$(buildah from "$name:base")
	buildah copy -q "$container" "$files/$version/js" /app/js >/dev/null
	buildah copy -q "$container" "$here/request.sh" /app/request.sh >/dev/null
	buildah config --workingdir /app "$container"
	buildah commit -q "$container" "$name:$version" >/dev/null
	buildah rm "$container" >/dev/null
}

mkdir -p "$files"
[[ -e $files/base.tar ]] || make_base
if ! podman image exists "$name:base"; then
	container=$(buildah from scratch)
	buildah add -q "$container" "$files/base.tar" / >/dev/null
	buildah commit -q "$container" "$name:base" >/dev/null
	buildah rm "$container" >/dev/null
fi
for version in v1.0 v2.0; do
	make_image "$version"
done
