#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The game's own files, and old trees that somebody is still in, when a version changes as a whole.
# Not under qemu, see tests/run.

load lib

# ---- the game's own files ----

foreign_files_stay() {
	local live

	live=$(live_tree "$1")
	small_source
	mkdir -p target/saves/deep
	echo save | tee target/save target/saves/deep/save >/dev/null
	publish_in "$1"
	echo save | tee target/late "$live/dir/save" "$live/dir/inner/save" "$live/gone/save" >/dev/null
	mkdir -p "$live/dir/own/deep" "$live/dir/empty"
	ln -s nowhere "$live/dir/own-link"
	mkfifo "$live/dir/own-fifo"
	echo save >"$live/dir/own/deep/save"
	chmod 0700 "$live/dir/own"
	chmod 0600 "$live/dir/own/deep/save"
	inode=$(stat -c %i "$live/dir/own" "$live/dir/save")
	rm -r src/gone
	echo 2 >src/dir/changed
	publish_in "$1" --grace 0
	echo 3 >src/dir/changed
	publish_in "$1" --grace 0
	expect_equal "$(cd target && cat save saves/deep/save late dir/save dir/inner/save gone/save \
		dir/own/deep/save | xargs)" "save save save save save save save"
	expect_equal "$(stat -c %i "$live/dir/own" "$live/dir/save")" "$inode"
	expect_equal "$(stat -c %a "$live/dir/own" "$live/dir/own/deep/save" | xargs)" "700 600"
	[[ -d target/dir/empty && -L target/dir/own-link && -p target/dir/own-fifo ]]
	expect_equal "$(ls target/gone)" save
	expect_no_leftovers "$1"
	publish_in "$1"
	expect_output unchanged
}

@test "the game's files stay: at the top, in our directories, and in those that are gone" {
	in_both foreign_files_stay
}

replaced_by_rename() {
	small_source
	publish_in "$1"
	for round in 1 2 3 4; do
		echo "$round" >target/dir/save.new
		mv target/dir/save.new target/dir/save
		echo "$round" >src/top
		publish_in "$1" --grace 0
		expect_equal "$(cat target/dir/save target/top)" "$round"$'\n'"$round"
	done
	rm target/dir/save
	echo 5 >src/top
	publish_in "$1" --grace 0
	[[ ! -e target/dir/save ]]
}

@test "a file of the game's that is replaced between versions is the last one, or gone" {
	in_both replaced_by_rename
}

in_our_way() {
	small_source
	echo foreign >target/top
	publish_in "$1" --foreign keep --grace 0
	expect_output "kept 1 thing in the target that was not ours, such as 'top'"
	expect_equal "$(cat target/top target/dir/changed)" $'foreign\n1'
	echo foreign >target/dir/new
	echo ours >src/dir/new
	publish_in "$1" --foreign keep --grace 0
	expect_equal "$(cat target/top target/dir/new)" $'foreign\nforeign'
	publish_in "$1" --foreign keep --grace 0
	expect_output unchanged
	publish_in "$1" --grace 0
	expect_equal "$(cat target/top target/dir/new)" $'1\nours'
	expect_like_rsync src "$(live_tree "$1")/"
	expect_no_leftovers "$1"
}

@test "a foreign file in our way is kept or replaced, as --foreign says" {
	in_both in_our_way
}

directory_in_our_way() {
	small_source
	mkdir -p target/top
	echo save >target/top/save
	run "$gs" sync --source src --target target --publish "$1"
	expect_status 4
	expect_output "'top/save' in the target is not ours"
	expect_equal "$(cat target/top/save)" save
	publish_in "$1" --foreign keep
	expect_equal "$(cat target/top/save target/dir/changed)" $'save\n1'
	rm target/top/save
	publish_in "$1" --grace 0
	expect_like_rsync src "$(live_tree "$1")/"
	expect_no_leftovers "$1"
}

@test "a foreign directory in our way is kept, or refused while it holds something" {
	in_both directory_in_our_way
}

shared_directory() {
	small_source
	mkdir -p target/dir/own target/later
	echo save | tee target/dir/save target/dir/own/save target/later/save >/dev/null
	publish_in "$1" --grace 0
	expect_equal "$(cat target/dir/save target/dir/own/save target/dir/changed)" $'save\nsave\n1'
	mkdir src/later
	echo ours >src/later/file
	publish_in "$1" --grace 0
	expect_equal "$(cat target/dir/save target/later/save target/later/file)" $'save\nsave\nours'
	publish_in "$1"
	expect_output unchanged
	expect_no_leftovers "$1"
}

@test "a directory that the game has already, and then the version too, is shared" {
	in_both shared_directory
}

of_another_user() {
	small_source
	give_to_ordinary .
	run as_ordinary "$gs" sync --source src --target target --publish "$1"
	expect_status 0
	echo save >target/dir/save
	chmod 0600 target/dir/save
	echo 2 >src/top
	run as_ordinary "$gs" sync --source src --target target --publish "$1" --grace 0
	expect_status 0
	expect_equal "$(cat target/dir/save target/top) $(stat -Lc '%u %a' target/dir/save)" $'save\n2 0 600'
	mkdir target/dir/own
	echo save >target/dir/own/save
	chmod 0600 target/dir/own/save
	echo 3 >src/top
	run as_ordinary "$gs" sync --source src --target target --publish "$1" --grace 0
	expect_status 4
	expect_output "carry 'dir/own/save' over to the new version: "
	expect_equal "$(cat target/dir/save target/dir/own/save target/top)" $'save\nsave\n2'
	chmod 0777 target/dir/own
	run as_ordinary "$gs" sync --source src --target target --publish "$1" --grace 0
	expect_status 0
	expect_equal "$(cat target/dir/save target/dir/own/save target/top)" $'save\nsave\n3'
	expect_equal "$(stat -Lc '%u %a' target/dir/own)" "0 777"
}

@test "files of another user, that we can give no second name, are moved, or it is refused" {
	has_other_users || return 0
	[[ $(</proc/sys/fs/protected_hardlinks) == 1 ]] || return 0
	in_both of_another_user
}

changed_and_gone() {
	small_source
	publish_in "$1"
	echo "mine now" >target/gone/file
	rm "$(live_tree "$1")/link"
	echo "mine too" >"$(live_tree "$1")/link"
	rm -r src/gone src/link
	publish_in "$1" --grace 0
	expect_equal "$(cat "$(live_tree "$1")/gone/file" "$(live_tree "$1")/link")" $'mine now\nmine too'
	rm -r src/dir
	rm -r target/dir/*
	publish_in "$1" --grace 0 --force
	expect_equal "$(ls "$(live_tree "$1")/")" $'gone\nlink\ntop'
}

@test "a file of ours that the game changed stays when the new version does not have it" {
	in_both changed_and_gone
}

written_all_the_time() {
	small_source
	publish_in "$1"
	start append "$programs/reader" append target/dir/log
	mkdir "$(live_tree "$1")/dir/own"
	start stay "$programs/reader" stay target/dir/own
	within 5 test -s target/dir/log
	within 5 test -e target/dir/own/1
	for ((round = 0; round < 20; round++)); do
		echo "$round" >src/top
		publish_in "$1" --grace 0
	done
	kill "$append_pid" "$stay_pid"
	ended append
	expect_equal "$status $(cat append.log)" "0 $(cat append.log)"
	ended stay
	expect_equal "$status $(cat stay.log)" "0 $(cat stay.log)"
	expect_equal "$(sort -n target/dir/log)" "$(seq "$(awk '/rounds/ { print $2 }' append.log)")"
	expect_equal "$(ls target/dir/own | sort -n)" "$(seq "$(awk '/rounds/ { print $2 }' stay.log)")"
}

@test "no line is lost of a log, nor a file in a directory that the game stays in" {
	in_both written_all_the_time
}

# ---- the old tree ----

old_tree_stays() {
	small_source
	publish_in "$1" --grace 1h
	exec {held}<"$(live_tree "$1")/"
	old=$(realpath "$(live_tree "$1")")
	rm -r src/gone
	echo 2 >src/dir/changed
	publish_in "$1" --grace 1h
	expect_equal "$(cat /proc/self/fd/$held/gone/file /proc/self/fd/$held/dir/changed)" $'1\n1'
	[[ $1 == exchange ]] || expect_equal "$(cat "$old/gone/file" "$old/dir/changed")" $'1\n1'
	[[ ! -e target/gone/file ]]
	publish_in "$1" --grace 1h
	expect_equal "$(cat /proc/self/fd/$held/gone/file)" 1
	publish_in "$1" --grace 0
	[[ ! -e /proc/self/fd/$held/gone/file ]]
	exec {held}<&-
	expect_no_leftovers "$1"
}

@test "the old tree can be read for --grace and then goes with the next sync" {
	in_both old_tree_stays
}

old_tree_goes_by_itself() {
	small_source
	publish_in "$1" --grace 1h
	echo 2 >src/dir/changed
	start run "$gs" run --source src --target target --publish "$1" --grace 300ms
	within 10 grep -q 2 target/dir/changed
	within 10 logged run "ready,"
	within 10 eval "expect_no_leftovers_of_run $1"
	kill "$run_pid"
	ended run
}

expect_no_leftovers_of_run() {
	[[ ! -e $(state_dir)/retired ]] && ! ls -d target/..gs-sidecar-1 2>/dev/null
}

@test "with run the old tree goes by itself" {
	in_both old_tree_goes_by_itself
}
