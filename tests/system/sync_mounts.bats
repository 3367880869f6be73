#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Targets that are mounts, have mounts in them, and states that are on another filesystem.

load lib

# What is kept of older versions is the subject of rollback.bats.
export GS_SIDECAR_KEEP=0

prepare() {
	separate_mounts
	mkdir src/mnt
	echo 1 >src/file
	echo 1 >src/mnt/file
	ln -s x src/mnt/link
}

tmpfs() {
	mkdir -p "$1"
	inside mount -t tmpfs -o size=10m,mode=755 tmpfs "$dir/$1"
}

sync_inside() {
	run inside "$gs" sync --source "$dir/src" --target "$dir/target" "$@"
	expect_status 0
}

expect_like_rsync_inside() {
	export -f expect_like_rsync expect_same_tree tree_listing
	dir=$dir inside bash -eo pipefail -c expect_like_rsync
}

no_leftovers() {
	expect_equal "$(inside find "$dir/target" -name '..*' -not -path '*/..gs-sidecar-generations*')" ""
	export -f state_names
	expect_equal "$(inside bash -c 'state_names "$1"' - "$dir/${1:-target/.gs-sidecar}")" \
		"lock manifests published.json "
}

@test "the target is the root of a volume" {
	tmpfs target
	inside mkdir target/lost+found
	sync_inside
	echo 2 >src/file
	sync_inside
	inside rmdir target/lost+found
	expect_like_rsync_inside
	no_leftovers
}

@test "the state is elsewhere on the target's filesystem" {
	sync_inside --state "$dir/state"
	echo 2 >src/file
	rm -r src/mnt
	sync_inside --state "$dir/state"
	expect_like_rsync_inside
	expect_equal "$(ls -A target)" file
	no_leftovers state
}

@test "the state is on another filesystem" {
	tmpfs state
	sync_inside --state "$dir/state"
	expect_like_rsync_inside
	echo 2 >src/file
	rm -r src/mnt
	mkdir src/dir
	echo 2 >src/dir/file
	sync_inside --state "$dir/state"
	expect_like_rsync_inside
	expect_equal "$(ls -A target)" $'dir\nfile'
	no_leftovers state
	rm -r src/*
	echo now a file >src/dir
	sync_inside --state "$dir/state"
	expect_like_rsync_inside
}

@test "the state is a folder deep in the target" {
	mkdir -p target/keep/state
	sync_inside --state "$dir/target/keep/state"
	rm -r src/mnt
	mkdir src/keep
	echo 1 >src/keep/file
	sync_inside --state "$dir/target/keep/state"
	expect_equal "$(find target -path target/keep/state -prune -o -printf '%P\n' | sort)" \
		$'\nfile\nkeep\nkeep/file'
	rm -r src/keep
	sync_inside --state "$dir/target/keep/state"
	expect_equal "$(ls target target/keep | tr '\n' ' ')" "target: file keep  target/keep: state "
}

@test "a folder of the target is a mount of its own" {
	tmpfs target/mnt
	mkdir src/mnt/sub
	echo 1 >src/mnt/sub/file
	chmod 4751 src/mnt/file
	! has_other_users || chown 12345 src/mnt/file
	chmod 4751 src/mnt/file
	sync_inside
	expect_like_rsync_inside
	no_leftovers
	echo 2 >src/mnt/file
	echo 2 >src/mnt/sub/new
	rm src/mnt/sub/file
	ln -sfn y src/mnt/link
	sync_inside
	expect_like_rsync_inside
	no_leftovers
	sync_inside
	expect_output unchanged
}

@test "a mount in the target that the new version no longer has stays, emptied of ours" {
	tmpfs target/mnt
	sync_inside
	inside sh -c 'echo save >target/mnt/save'
	rm -r src/mnt
	sync_inside
	expect_equal "$(inside ls -A "$dir/target/mnt")" save
	inside rm target/mnt/save
	mkdir src/mnt
	echo 1 >src/mnt/file
	sync_inside
	expect_like_rsync_inside
	rm -r src/mnt
	sync_inside
	inside mountpoint -q "$dir/target/mnt"
	expect_equal "$(inside ls -A "$dir/target/mnt")" ""
	sync_inside
	expect_output unchanged
}

@test "a mount in the target where a file has to be is an error, and nothing changes" {
	tmpfs target/mnt
	sync_inside
	expect_equal "$(inside cat "$dir/target/file")" 1
	rm -r src/mnt
	echo 2 >src/mnt
	echo 2 >src/file
	run inside "$gs" sync --source "$dir/src" --target "$dir/target"
	expect_status 4
	expect_output mnt
	expect_equal "$(inside cat "$dir/target/file" "$dir/target/mnt/file")" $'1\n1'
	expect_equal "$(inside gojq .serial "$dir/target/.gs-sidecar/published.json")" 1
}

@test "types change inside a mount in the target" {
	tmpfs target/mnt
	mkdir src/mnt/d
	echo 1 >src/mnt/d/inner
	sync_inside
	rm -r src/mnt/*
	echo now a file >src/mnt/d
	mkdir src/mnt/link src/mnt/file
	echo 2 >src/mnt/link/inner
	sync_inside
	expect_like_rsync_inside
	no_leftovers
}

@test "hard links inside a mount in the target do not stop a sync, nor publish for ever" {
	tmpfs target/mnt
	ln src/mnt/file src/mnt/second
	sync_inside
	expect_equal "$(inside cat target/mnt/file target/mnt/second)" $'1\n1'
	sync_inside
	expect_output unchanged
	ln src/mnt/file src/mnt/third
	sync_inside
	expect_equal "$(inside cat target/mnt/file target/mnt/second target/mnt/third)" $'1\n1\n1'
}

@test "hard links of the source across a mount in the target are files of equal content" {
	tmpfs target/mnt
	ln src/file src/mnt/same
	sync_inside
	expect_equal "$(inside cat target/file target/mnt/same)" $'1\n1'
	sync_inside
	expect_output unchanged
	echo 2 >src/file
	sync_inside
	expect_equal "$(inside cat target/file target/mnt/same)" $'2\n2'
	sync_inside
	expect_output unchanged
}

@test "equal inode numbers on two filesystems are no hard link" {
	local i

	tmpfs target
	inside mkdir target/mnt
	inside mount -t tmpfs tmpfs "$dir/target/mnt"
	echo 1 >src/a
	sync_inside
	# Somebody edits the file in the mount so that it has the number of the other one.
	for ((i = 0; i < 100; i++)); do
		inside sh -c 'echo wrong >target/mnt/new && mv target/mnt/new target/mnt/z'
		[[ $(inside stat -c %i target/mnt/z) != "$(inside stat -c %i target/a)" ]] || break
	done
	expect_equal "$(inside stat -c %i target/mnt/z)" "$(inside stat -c %i target/a)"
	ln src/a src/mnt/z
	sync_inside
	expect_equal "$(inside cat target/mnt/z)" 1
}

@test "a single file of the target that is a mount of its own is named, and nothing changes" {
	sync_inside
	echo mounted >mounted
	inside mount --bind "$dir/mounted" "$dir/target/mnt/file"
	echo 2 >src/mnt/file
	echo 2 >src/file
	run inside "$gs" sync --source "$dir/src" --target "$dir/target"
	expect_status 4
	expect_output mnt/file
	expect_equal "$(cat mounted)" mounted
	expect_equal "$(inside cat "$dir/target/file")" 1
}

@test "a source with mounts in it is one tree" {
	tmpfs src/mnt/deeper
	inside sh -c 'echo 1 >src/mnt/deeper/file'
	sync_inside
	expect_equal "$(cat target/mnt/deeper/file)" 1
	[[ $(stat -c %d target/mnt/deeper) == "$(stat -c %d target)" ]]
}

@test "the source is read-only, as an image is" {
	inside mount --bind "$dir/src" "$dir/src"
	inside mount -o remount,bind,ro "$dir/src"
	sync_inside
	expect_like_rsync_inside
}
