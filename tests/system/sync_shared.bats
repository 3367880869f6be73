#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Natively alone, by strace: filesystems, kernels and filters of calls that refuse to share blocks. What
# XFS and btrfs do is in tests/containers/shared_blocks.bats.

load lib

prepare() {
	for file in {1..20}; do
		head -c 200000 /dev/urandom >"src/$file"
	done
	head -c 32767 /dev/urandom >src/small
}

# A sync to which the call says so; how often it was asked for: refused ERROR
refused() {
	rm -rf target
	run strace -f -qqq -o trace -e trace=ioctl -e "inject=ioctl:error=$1" \
		"$gs" sync --source src --target target --threads 2
	expect_status 0
	expect_like_rsync
	asked=$(grep -c FICLONE trace || true)
}

@test "sharing blocks is asked for once by each thread, and all is copied, where that cannot be" {
	local error

	for error in EOPNOTSUPP EXDEV ENOTTY ENOSYS EPERM EACCES EIO EINVAL ETXTBSY; do
		refused "$error"
		((asked == 1 || asked == 2))
	done
}
