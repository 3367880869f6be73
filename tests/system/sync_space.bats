#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Disks that are full, of bytes or of inodes: the old files stay whole.

load lib

# What is kept of older versions is the subject of rollback.bats.
export GS_SIDECAR_KEEP=0

# A small disk below the target: small_disk MOUNT-OPTION, with version one on it.
small_disk() {
	separate_mounts
	inside mount -t tmpfs -o "mode=755,$1" tmpfs "$dir/target"
	mkdir src/dir
	head -c 100000 /dev/urandom >src/dir/file
	echo 1 >src/small
	run inside "$gs" sync --source src --target target
	expect_status 0
	export -f footprint
	inside bash -c "footprint '$dir/target'" >before
	cp -a src version-one
}

old_files_are_whole() {
	diff before <(inside bash -c "footprint '$dir/target'")
	inside cmp target/dir/file version-one/dir/file
	expect_equal "$(inside gojq .serial target/.gs-sidecar/published.json)" 1
}

# Nothing but what belongs there.
expect_clean() {
	expect_equal "$(inside find "$dir/target" -name '..*')" ""
	export -f state_names
	expect_equal "$(inside bash -c 'state_names "$1"' - "$dir/target/.gs-sidecar")" \
		"lock manifests published.json "
	expect_equal "$(inside ls "$dir/target/.gs-sidecar/manifests" | wc -l)" 1
}

@test "a full disk leaves the old files whole" {
	small_disk size=600k
	head -c 50000 /dev/urandom >src/dir/file
	head -c 150000 /dev/urandom >src/dir/new
	head -c 600000 /dev/urandom >src/more
	run inside "$gs" sync --source src --target target
	expect_status 4
	expect_output "No space left on device"
	expect_output "nothing was changed"
	old_files_are_whole
	rm src/more
	run inside "$gs" sync --source src --target target
	expect_status 0
	inside cmp target/dir/new src/dir/new
	expect_clean
}

@test "a disk without inodes leaves the old files whole" {
	local i

	small_disk nr_inodes=25
	for ((i = 0; i < 30; i++)); do
		echo 2 >"src/dir/$i"
	done
	run inside "$gs" sync --source src --target target
	expect_status 4
	expect_output "No space left on device"
	old_files_are_whole
	rm src/dir/*
	echo 3 >src/dir/file
	run inside "$gs" sync --source src --target target
	expect_status 0
	expect_equal "$(inside cat target/dir/file)" 3
	expect_clean
}

@test "a disk that is full at any moment of an update leaves old files or makes new ones" {
	local room

	for ((room = 0; room < 30; room++)); do
		small_disk_again "$room"
		run inside "$gs" sync --source src --target target
		if ((status == 0)); then
			break
		fi
		expect_status 4
		expect_output "No space left on device"
		inside mount -o remount,nr_inodes=100 "$dir/target"
		run inside "$gs" sync --source src --target target
		expect_status 0
		expect_clean
		expect_equal "$(inside diff -r src target)" "Only in target: .gs-sidecar"
	done
	((room > 5 && room < 30))
}

# A fresh disk with version one and room for ROOM things more, and version two in src.
small_disk_again() {
	if [[ -z ${mounts_pid-} ]]; then
		separate_mounts
		mkdir -p one/dir/sub one/was-dir
		echo 1 >one/dir/sub/file
		echo 1 >one/was-dir/file
		rm -r src
		mkdir -p src/dir/sub src/is-dir/a
		echo 2 >src/dir/sub/file
		echo 2 >src/was-dir
		echo 2 >src/is-dir/a/file
		ln -s x src/is-dir/link
	else
		inside umount "$dir/target"
	fi
	inside mount -t tmpfs -o mode=755 tmpfs "$dir/target"
	run inside "$gs" sync --source one --target target
	expect_status 0
	inside mount -o "remount,nr_inodes=$(($(inside stat -fc '%c - %d' "$dir/target") + $1))" "$dir/target"
}

@test "an update needs no room for what did not change" {
	small_disk size=300k
	echo 2 >src/small
	run inside "$gs" sync --source src --target target
	expect_status 0
	expect_equal "$(inside cat target/small)" 2
}

@test "a resident on a full disk says so, stays unready, and goes on by itself" {
	small_disk size=600k
	inside sh -c 'head -c 450000 /dev/zero >target/foreign'
	head -c 150000 /dev/urandom >src/dir/file
	start run inside "$gs" run --source src --target target --control "unix:$dir/control"
	within 5 logged run "No space left on device"
	logged run "trying again"
	ask GET /readyz "$dir/control" | grep -F "the sync failed"
	expect_equal "$(ask GET /status "$dir/control" | gojq '.ready, .published.serial')" $'false\n1'
	ask GET /status "$dir/control" | gojq -e '.sync.last_error | contains("No space left")'
	diff before <(inside bash -c "footprint '$dir/target'" | grep -v foreign)
	inside rm target/foreign
	within 10 eval '[[ $(ask GET /readyz "$dir/control") == ready ]]'
	inside cmp src/dir/file target/dir/file
	expect_equal "$(ask GET /status "$dir/control" | gojq '.sync.last_error')" null
}

@test "a resident starts on a disk without room for its state, and goes on by itself" {
	separate_mounts
	echo 1 >src/file
	inside mount -t tmpfs -o mode=755,nr_inodes=2 tmpfs "$dir/target"
	start run inside "$gs" run --source src --target target --control "unix:$dir/control"
	within 5 logged run "No space left on device"
	inside mount -o remount,nr_inodes=100 "$dir/target"
	within 10 eval '[[ $(ask GET /readyz "$dir/control") == ready ]]'
}
