#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Natively alone: digests are the same whatever vectors a CPU has, the oldest and the newest that qemu
# knows of; qemu runs a program of any architecture on each.
bats_require_minimum_version 1.5.0
load lib

sizes=(0 1 16 17 128 129 240 241 255 256 257 1023 1024 1025 131071 131072 131073 1000000)

case $TEST_ARCH in
amd64) qemu=qemu-x86_64-static cpus=(Nehalem max) ;;
arm64) qemu=qemu-aarch64-static cpus=(cortex-a53 max) ;;
esac

@test "digest: what one CPU has sealed, another one finds the same" {
	local size cpu

	for size in "${sizes[@]}"; do random_file "src/$size" "$size"; done
	run "$gs" seal src
	expect_status 0
	mv src/..gs-sidecar-seal native
	for cpu in "${cpus[@]}"; do
		run "$qemu" -cpu "$cpu" "$gs" seal src
		expect_status 0
		cmp src/..gs-sidecar-seal native
		rm src/..gs-sidecar-seal
	done
}
