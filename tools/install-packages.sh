#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages a group of make targets needs, and for `test` and `browser` the npm
# packages of tests/npm; silent when nothing is missing.
#
#   tools/install-packages.sh build test
set -euo pipefail
export LC_ALL=C

declare -A packages=(
	# What turns this repository into the binary for the machine it is built on.
	[build]="gcc make linux-libc-dev dpkg-dev xz-utils patch ca-certificates libinotifytools0-dev"
	# The cross compiler and the kernel's headers for it; musl itself build-libs.sh builds.
	[arm64]="gcc-aarch64-linux-gnu linux-libc-dev-arm64-cross qemu-user-static"
	# nginx itself has core http and ssl; nginx-light only adds a module. prometheus brings promtool. gojq starts ten
	# times as fast as jq, which is felt where a test asks again and again.
	[test]="bats libcmocka-dev nginx rsync curl gojq openssl procps util-linux iproute2 nftables strace prometheus python3-minimal
		python3-yaml libmicrohttpd-dev libcurl4-openssl-dev libcjson-dev libxxhash-dev openarena-server
		git fcgiwrap openssh-server openssh-client swift-proxy swift-object swift-container swift-account memcached zstd
		tinyproxy-bin"
	[lint]="clang-format clang-tidy cppcheck shellcheck libmicrohttpd-dev libcurl4-openssl-dev libcjson-dev
		libxxhash-dev libcmocka-dev libarchive-dev libzstd-dev zlib1g-dev libmbedtls-dev"
	# Sanitizers need glibc, so this build links Debian's own shared libraries.
	[sanitize]="gcc clang libclang-rt-14-dev libinotifytools0-dev
		libmicrohttpd-dev libcurl4-openssl-dev libcjson-dev libxxhash-dev
		libarchive-dev libzstd-dev zlib1g-dev libmbedtls-dev"
	[bench]="hyperfine rsync nginx inotify-tools curl time procps util-linux iproute2 prometheus python3-minimal
		mmdebstrap git rclone swift-proxy swift-object swift-container swift-account memcached"
	[containers]="podman buildah runc conmon catatonit uidmap curl jq iproute2 util-linux procps
		bats python3-minimal python3-yaml e2fsprogs xfsprogs btrfs-progs"
	# The page asks for the system's font, and without any there is no text in a screenshot.
	[browser]="chromium fonts-dejavu-core util-linux"
	[demo]="nginx curl"
	[size]="binutils curl"
)

policy=/usr/sbin/policy-rc.d

usage() {
	printf 'usage: %s GROUP...\ngroups:\n' "$0" >&2
	printf '  %s\n' "${!packages[@]}" | sort >&2
	exit 2
}

needs_npm() {
	[[ " $* " == *" test "* || " $* " == *" browser "* ]]
}

wanted() {
	local group

	for group; do
		[[ -v "packages[$group]" ]] || usage
		xargs -n 1 <<<"${packages[$group]}"
		# Debian's npm brings hundreds of packages along; one that is there already will do.
		! needs_npm "$group" || command -v npm >/dev/null || printf '%s\n' nodejs npm
	done | sort -u
}

# Prints those of the given packages that are not completely installed.
missing() {
	comm -23 <(printf '%s\n' "$@") <(
		# dpkg-query fails when it does not know one of the names; it still prints the others.
		dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
			sed -n 's/^installed //p' | sort -u
	)
}

# The environment is set behind sudo, which would drop it.
as_root() {
	if ((EUID == 0)); then
		env DEBIAN_FRONTEND=noninteractive "$@"
	else
		sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
	fi
}

can_be_root() {
	((EUID == 0)) || sudo -n true 2>/dev/null
}

# nginx, prometheus and openarena-server would start as daemons. policy-rc.d is the one switch that
# invoke-rc.d and deb-systemd-invoke both ask; a policy that the machine already has is the owner's
# and stays.
forbid_services() {
	[[ ! -e $policy ]] || return 0
	trap 'as_root rm -f "$policy"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
	as_root chmod 755 "$policy"
}

# Exactly those of package-lock.json, and no script of theirs is run.
install_npm_packages() {
	cd "$(dirname "$0")/../tests/npm"
	! cmp -s package-lock.json node_modules/installed.json || return 0
	npm ci --loglevel error --ignore-scripts --no-audit --no-fund
	cp package-lock.json node_modules/installed.json
}

install_debian_packages() {
	local list names need

	list=$(wanted "$@")
	mapfile -t names <<<"$list"
	mapfile -t need < <(missing "${names[@]}")
	((${#need[@]} > 0)) || return 0

	if ! can_be_root; then
		printf 'Packages are missing, and only root can install them. Please run:\n' >&2
		printf 'sudo apt-get install -y --no-install-recommends %s\n' "${need[*]}" >&2
		exit 1
	fi
	forbid_services
	# An unreachable repository that has nothing to do with us is no reason to stop.
	as_root apt-get update -q || true
	as_root apt-get install -q -y --no-install-recommends "${need[@]}"
}

main() {
	(($# > 0)) || usage
	install_debian_packages "$@"
	! needs_npm "$@" || install_npm_packages
}

main "$@"
