#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The modes of publication in which a version changes as a whole, `data` and `exchange`: what the
# target looks like, changes from mode to mode, validation, and what is refused.

load lib

# ---- what it looks like ----

@test "data: the names at the top are relative links through ..data, to one tree" {
	small_source
	echo hidden >src/.hidden
	publish_in data
	expect_equal "$(readlink target/..data)" ..gs-sidecar-1
	expect_equal "$(cd target && for name in .hidden *; do readlink "$name"; done | xargs)" \
		"..data/.hidden ..data/dir ..data/gone ..data/link ..data/top"
	[[ -d target/..gs-sidecar-1 && ! -L target/..gs-sidecar-1 ]]
	expect_like_rsync src target/..data
	diff -r src target/ --exclude='..*' --exclude=.gs-sidecar
	expect_equal "$(ls -A target | wc -l)" 8
	mv target moved
	expect_equal "$(cat moved/dir/changed)" 1
}

@test "exchange: plain files, and the state beside the target" {
	small_source
	publish_in exchange
	expect_like_rsync
	[[ ! -e target/.gs-sidecar ]]
	expect_equal "$(ls -A)" "$(printf '%s\n' .gs-sidecar-target by-rsync src target | sort)"
	expect_equal "$(stat -c %a .gs-sidecar-target)" 700
}

unchanged_writes_nothing() {
	small_source
	publish_in "$1"
	footprint "$(live_tree "$1")/" >before
	find target -printf '%p %i %C@\n' | sort | grep -v '/.gs-sidecar' >before-all
	publish_in "$1"
	expect_output unchanged
	publish_in "$1" --verify full
	diff before <(footprint "$(live_tree "$1")/")
	diff before-all <(find target -printf '%p %i %C@\n' | sort | grep -v '/.gs-sidecar')
	expect_equal "$(serial)" 1
}

@test "nothing changed: nothing is written, and there is no new serial" {
	in_both unchanged_writes_nothing
}

only_the_changed_is_copied() {
	small_source
	publish_in "$1" --grace 1h
	(cd "$(live_tree "$1")/" && find . -type f -printf '%p %i\n' | sort) >before
	echo 2 >src/dir/changed
	publish_in "$1" --grace 1h
	expect_output "1 placed, 0 removed"
	expect_equal "$(diff before <(cd "$(live_tree "$1")/" && find . -type f -printf '%p %i\n' | sort) |
		grep '^>' | cut -d ' ' -f 2)" ./dir/changed
	expect_like_rsync src "$(live_tree "$1")/" 2>&1 | grep -v same >/dev/null || true
	diff -r src "$(live_tree "$1")/"
	expect_equal "$(serial)" 2
	publish_in "$1" --grace 0
	expect_like_rsync src "$(live_tree "$1")/"
	expect_no_leftovers "$1"
}

@test "one change: only that file is copied, all others are the same inodes as before" {
	in_both only_the_changed_is_copied
}

types_change() {
	mkdir -p src/a-dir src/b-dir
	echo 1 | tee src/a-dir/x src/b-dir/x src/c-file src/d-file >/dev/null
	ln -s c-file src/e-link
	ln -s c-file src/f-link
	publish_in "$1" --grace 0
	rm -r src/*
	echo 2 | tee src/a-dir src/e-link >/dev/null
	ln -s a-dir src/b-dir
	ln -s a-dir src/d-file
	mkdir -p src/c-file src/f-link
	echo 2 | tee src/c-file/x src/f-link/x >/dev/null
	publish_in "$1" --grace 0 --force
	expect_like_rsync src "$(live_tree "$1")/"
	expect_no_leftovers "$1"
}

@test "every type becomes every other" {
	in_both types_change
}

becomes_empty() {
	small_source
	publish_in "$1"
	rm -r src/*
	run "$gs" sync --source src --target target --publish "$1"
	expect_status 4
	expect_equal "$(cat "$(live_tree "$1")/top")" 1
	publish_in "$1" --force --grace 0
	expect_equal "$(ls -A "$(live_tree "$1")/")" ""
	expect_no_leftovers "$1"
	expect_equal "$(cd target && ls -A | grep -v '^\.')" ""
	echo 2 >src/again
	publish_in "$1"
	expect_equal "$(cat target/again)" 2
}

@test "an empty version is published only with --force" {
	in_both becomes_empty
}

keeps_the_root() {
	small_source
	chmod 2775 target
	chown 123:456 target 2>/dev/null || true
	before=$(stat -c '%a %u %g' target)
	publish_in "$1"
	echo 2 >src/top
	publish_in "$1"
	expect_equal "$(stat -c '%a %u %g' target)" "$before"
	expect_equal "$(stat -c '%a %u %g' "$(live_tree "$1")/")" "$before"
}

@test "mode and owner of the target stay" {
	in_both keeps_the_root
}

by_an_ordinary_user() {
	small_source
	chmod 0555 src/dir/inner src/dir
	give_to_ordinary .
	chmod 1777 target
	run as_ordinary "$gs" sync --source src --target target --publish "$1"
	expect_status 0
	chmod -R u+w src
	echo 2 >src/dir/inner/file
	chmod u+w "$(live_tree "$1")/dir" "$(live_tree "$1")/dir/inner"
	echo save | as_ordinary tee "$(live_tree "$1")/dir/save" "$(live_tree "$1")/dir/inner/save" >/dev/null
	chmod 0555 "$(live_tree "$1")/dir" "$(live_tree "$1")/dir/inner"
	chmod 0555 src/dir/inner src/dir
	run as_ordinary "$gs" sync --source src --target target --publish "$1" --grace 0
	expect_status 0
	expect_equal "$(cat target/dir/save target/dir/inner/save target/dir/inner/file)" $'save\nsave\n2'
	expect_equal "$(stat -c %a target/dir/ target/dir/inner/)" $'555\n555'
	expect_no_leftovers "$1"
}

@test "an ordinary user can do it, also with directories that nobody may write" {
	in_both by_an_ordinary_user
}

by_paths_of_all_kinds() {
	small_source
	mkdir way
	ln -s ../target way/link
	for target in target/ ./target// "$dir/way/link" way/link/; do
		date +%N >src/top
		run "$gs" sync --source src/ --target "$target" --publish "$1" --grace 0
		expect_status 0
		expect_like_rsync src "$(live_tree "$1")/"
		[[ -L way/link ]]
	done
	expect_equal "$(serial)" 4
	expect_no_leftovers "$1"
	(cd target && run "$gs" sync --source ../src --target . --publish "$1" && expect_status 0)
	expect_equal "$(ls -A way)" link
}

@test "relative targets, trailing slashes, and links to the target" {
	in_both by_paths_of_all_kinds
}

with_a_state_elsewhere() {
	small_source
	publish_in "$1" --state "$dir/state" --grace 1h
	echo 2 >src/top
	publish_in "$1" --state "$dir/state" --grace 1h
	expect_equal "$(state_names state)" "lock manifests published.json retired "
	publish_in "$1" --state "$dir/state" --grace 0
	expect_equal "$(state_names state)" "lock manifests published.json "
	expect_like_rsync src "$(live_tree "$1")/"
	[[ ! -e .gs-sidecar-target && ! -e target/.gs-sidecar ]]
}

@test "the state is elsewhere on the target's filesystem" {
	in_both with_a_state_elsewhere
}

@test "the state is on another filesystem: data works, exchange is refused" {
	separate_mounts
	mkdir other
	inside mount -t tmpfs tmpfs "$dir/other"
	small_source
	run inside "$gs" sync --source src --target target --state other/state --publish exchange
	expect_status 2
	expect_output "is not on the target's filesystem"
	expect_equal "$(ls -A target)" ""
	run inside "$gs" sync --source src --target target --state other/state --publish data --grace 1h
	expect_status 0
	echo 2 >src/top
	run inside "$gs" sync --source src --target target --state other/state --publish data --grace 1h
	expect_status 0
	expect_equal "$(ls -d target/..?*)" "$(printf 'target/%s\n' ..data ..gs-sidecar-1 ..gs-sidecar-2 ..gs-sidecar-{generations,retired})"
	run inside "$gs" sync --source src --target target --state other/state --publish data --grace 0
	expect_status 0
	expect_like_rsync src target/..data
	expect_equal "$(ls -d target/..?*)" "$(printf 'target/%s\n' ..data ..gs-sidecar-2 ..gs-sidecar-generations)"
}

@test "the root of a volume: data works, exchange is refused and the old files stay" {
	separate_mounts
	inside mount -t tmpfs -o mode=755 tmpfs "$dir/target"
	small_source
	run inside "$gs" sync --source src --target target --publish exchange
	expect_status 2
	expect_output "is a mount of its own and cannot be exchanged"
	[[ ! -e .gs-sidecar-target ]]
	run inside "$gs" sync --source src --target target
	expect_status 0
	echo 2 >src/top
	run inside "$gs" sync --source src --target target --publish exchange
	expect_status 2
	expect_equal "$(inside cat target/top)" 1
	[[ ! -e .gs-sidecar-target ]]
	run inside "$gs" sync --source src --target target --publish data
	expect_status 0
	expect_equal "$(inside cat target/top)" 2
	inside diff -r src target/..data
}

@test "a mount in the target: exchange and the change to data are refused, and all stays" {
	separate_mounts
	mkdir target/logs
	inside mount -t tmpfs -o mode=755 tmpfs "$dir/target/logs"
	inside touch target/logs/log
	small_source
	run inside "$gs" sync --source src --target target --publish exchange
	expect_status 4
	expect_output "'logs' in the target is a mount of its own"
	expect_equal "$(inside ls target)" logs
	run inside "$gs" sync --source src --target target --publish data
	expect_status 0
	run inside "$gs" sync --source src --target target
	expect_status 0
	mkdir src/logs
	echo 1 >src/logs/ours
	run inside "$gs" sync --source src --target target
	expect_status 0
	run inside "$gs" sync --source src --target target --publish data
	expect_status 4
	expect_output "'logs' in the target is a mount of its own"
	run inside "$gs" sync --source src --target target
	expect_status 0
	expect_equal "$(inside ls target/logs)" $'log\nours'
	inside diff -r src target -x .gs-sidecar -x log -x '..*'
}

@test "a ..data that is not ours is refused" {
	local way

	small_source
	for way in "ln -s elsewhere" mkdir touch "ln -s ..gs-sidecar-x" "ln -s ../x"; do
		$way target/..data
		run "$gs" sync --source src --target target --publish data
		expect_status 2
		expect_output "'..data' in the target is not ours"
		rm -rf target/..data
	done
}

@test "the lost record of a version does not cost the version" {
	small_source
	publish_in data
	echo save >target/dir/save
	rm target/.gs-sidecar/published.json
	echo 2 >src/top
	publish_in data --grace 0
	rm target/.gs-sidecar/published.json target/.gs-sidecar/manifests/*
	echo 3 >src/top
	publish_in data --grace 0
	expect_equal "$(cat target/top target/dir/save)" $'3\nsave'
	expect_no_leftovers data
}

a_name_at_the_top_is_gone() {
	small_source
	publish_in "$1"
	rm -r target/dir target/top target/link
	publish_in "$1" --grace 0
	expect_equal "$(cat target/top target/dir/changed target/link/same)" $'1\n1\nsame'
	expect_no_leftovers "$1"
}

@test "names that the game removed come back" {
	in_both a_name_at_the_top_is_gone
}

# ---- from mode to mode ----

@test "from any mode to any other and back, with the game's files, while old trees are kept" {
	local mode round=0

	small_source
	publish_in in-place
	echo save | tee target/save target/dir/save >/dev/null
	for mode in data in-place data exchange data in-place exchange in-place data data exchange \
		exchange data in-place data; do
		((++round % 3)) || echo "$round" >src/top
		publish_in "$mode" --grace 1h
		diff -r src "$(live_tree "$mode")/" -x save -x '..*' -x .gs-sidecar
		expect_equal "$(cat target/save target/dir/save target/top)" \
			$'save\nsave\n'"$(<src/top)"
	done
	publish_in data --grace 0
	expect_no_leftovers data
	expect_equal "$(cat target/save target/dir/save)" $'save\nsave'
	diff -r src target/..data -x save
}

@test "from mode to mode where names cannot be exchanged" {
	small_source
	publish_in in-place
	echo save | tee target/save target/dir/save >/dev/null
	run "$(native deny)" ENOSYS renameat2 "$gs" sync --source src --target target --publish data --grace 0
	expect_status 0
	expect_equal "$(cat target/save target/dir/save)" $'save\nsave'
	expect_no_leftovers data
	diff -r src target/..data -x save
	run "$(native deny)" ENOSYS renameat2 "$gs" sync --source src --target target --grace 0
	expect_status 0
	expect_no_leftovers in-place
	rm target/save target/dir/save
	publish_in in-place
	expect_like_rsync
	run "$(native deny)" ENOSYS renameat2 "$gs" sync --source src --target target --publish exchange
	expect_output unchanged
	echo 2 >src/top
	run "$(native deny)" ENOSYS renameat2 "$gs" sync --source src --target target --publish exchange
	expect_status 4
	expect_output "cannot exchange two directories"
	expect_equal "$(cat target/top)" 1
	publish_in in-place
	expect_no_leftovers in-place
}

on_an_old_kernel() {
	small_source
	for round in 1 2; do
		echo "$round" >src/top
		run "$(native deny)" ENOSYS faccessat2,openat2,statx,close_range "$gs" sync --source src \
			--target target --publish "$1" --grace 0
		expect_status 0
	done
	expect_like_rsync src "$(live_tree "$1")/"
	expect_equal "$(cat target/top)" 2
	expect_no_leftovers "$1"
}

@test "a kernel without the newer calls" {
	in_both on_an_old_kernel
}

@test "sidecars of different modes, one after the other, wait for the lock" {
	local n mode

	small_source
	publish_in in-place
	echo save >target/dir/save
	for n in 1 2 3; do
		mkdir -p "src-$n"
		cp -a src/. "src-$n"
		echo "$n" >"src-$n/top"
	done
	for n in 1 2 3 4 5; do
		start a "$gs" sync --source src-1 --target target --publish data --grace 0 --lock-wait 10s
		start b "$gs" sync --source src-2 --target target --publish exchange --grace 0 --lock-wait 10s
		start c "$gs" sync --source src-3 --target target --publish in-place --grace 0 --lock-wait 10s
		for name in a b c; do
			ended $name
			expect_equal "$status $(cat $name.log)" "0 $(cat $name.log)"
		done
		mode=in-place
		[[ ! -L target/..data ]] || mode=data
		expect_no_leftovers "$mode"
		diff -r "src-$(<target/top)" "$(live_tree "$mode")/" -x save -x '..*' -x .gs-sidecar
		expect_equal "$(cat target/dir/save)" save
	done
}

# ---- validation ----

validated() {
	small_source
	publish_in "$1"
	echo save | tee target/dir/save target/own >/dev/null
	echo 2 >src/top
	rm -r src/gone
	publish_in "$1" --validate sh --validate -c --validate 'find . | sort >'"$dir"'/seen
		test "$(cat top dir/changed dir/same dir/save)" = "$(printf "2\n1\nsame\nsave")"'
	grep -qx ./dir/inner/file seen
	[[ $1 == data ]] || grep -qx ./own seen
	! grep gone seen
	footprint | cut -d " " -f 1,2,4- >before
	echo 3 >src/top
	run "$gs" sync --source src --target target --publish "$1" --validate sh --validate -c --validate 'exit 3'
	expect_status 5
	expect_output "validate: 'sh' ended with status 3: nothing was changed"
	diff before <(footprint | cut -d " " -f 1,2,4-)
	expect_equal "$(cat target/top) $(serial)" "2 2"
	run "$gs" sync --source src --target target --publish "$1" --validate-deadline 2s \
		--validate sh --validate -c --validate 'sleep 321 & echo $! >'"$dir"'/sleeper; wait'
	expect_status 3
	expect_output "validate: 'sh' was killed after 2s: nothing was changed"
	within 5 is_gone "$(<sleeper)"
	diff before <(footprint | cut -d " " -f 1,2,4-)
	publish_in "$1" --grace 0
	expect_no_leftovers "$1"
}

@test "a command sees the whole new version and decides about it" {
	in_both validated
	dir=$dir/in-place
	mkdir -p "$dir/src" "$dir/target"
	cd "$dir"
	validated in-place
}

# ---- what the system refuses ----

small_disk_fills() {
	local room

	small_source
	for ((room = 0; room < 24; room += 3)); do
		inside mount -t tmpfs -o mode=755 tmpfs "$dir/target"
		inside mkdir target/game
		run inside "$gs" sync --source src --target target/game --publish "$1"
		expect_status 0
		echo save | inside tee target/game/dir/save >/dev/null
		echo "$room" >src/top
		inside mount -o "remount,nr_inodes=$(($(inside stat -fc '%c - %d' target) + room))" "$dir/target"
		run inside "$gs" sync --source src --target target/game --publish "$1" --grace 0
		((status == 0)) || expect_status 4
		expect_equal "$(inside cat target/game/dir/save)" save
		((status == 0)) || expect_output "No space left on device"
		inside mount -o remount,nr_inodes=1000 "$dir/target"
		run inside "$gs" sync --source src --target target/game --publish "$1" --grace 0
		expect_status 0
		inside diff -r -x save src "$(live_tree "$1" | sed 's|target|target/game|')/"
		expect_equal "$(inside cat target/game/dir/save)" save
		inside umount "$dir/target"
	done
}

@test "a disk that fills at any moment: the old version or the new one" {
	separate_mounts
	in_both small_disk_fills
}

@test "a disk that does not say what is free is not full" {
	separate_mounts
	small_source
	inside mount -t tmpfs -o mode=755,size=0,nr_inodes=0 tmpfs "$dir/target"
	expect_equal "$(inside stat -fc '%b %c' target)" "0 0"
	run inside "$gs" sync --source src --target target/game
	expect_status 0
	inside diff -r -x .gs-sidecar src target/game
}

target_is_read_only() {
	mkdir disk
	inside mount -t tmpfs tmpfs "$dir/disk"
	inside mkdir disk/target
	small_source
	run inside "$gs" sync --source src --target disk/target --publish "$1"
	expect_status 0
	echo 2 >src/top
	inside mount -o remount,ro "$dir/disk"
	run inside "$gs" sync --source src --target disk/target --publish "$1"
	expect_status 4
	expect_output "Read-only file system"
	expect_equal "$(inside cat disk/target/top)" 1
	inside umount "$dir/disk"
}

@test "a read-only target" {
	separate_mounts
	in_both target_is_read_only
}
