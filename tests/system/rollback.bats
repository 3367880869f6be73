#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Older versions are kept, and `rollback` publishes them again, in each mode of publication.

load lib

modes=(in-place data exchange)

# Three versions with every kind of change between them.
prepare() {
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0
	mkdir -p v1/keep v1/dir-to-file/sub v1/gone/deep v1/closed v1/empty-dir
	echo 1 >v1/keep/file
	echo same >v1/keep/same
	echo same >v1/mode
	: >v1/empty
	echo 1 >v1/dir-to-file/sub/file
	echo moved >v1/gone/deep/file
	echo moved >v1/gone/twin
	echo 1 >v1/file-to-dir
	echo 1 >v1/file-to-link
	echo linked >v1/linked
	ln v1/linked v1/linked-too
	ln -s keep v1/link-to-dir
	ln -s nowhere v1/link
	echo 1 >v1/closed/file
	chmod 0555 v1/closed
	cp -a v1 v2
	echo 2 >v2/keep/file
	echo new >v2/keep/new
	chmod 0755 v2/mode
	rm -r v2/dir-to-file v2/gone v2/file-to-dir v2/file-to-link v2/link-to-dir v2/linked-too v2/empty
	echo 2 >v2/dir-to-file
	echo moved >v2/here
	mkdir -p v2/file-to-dir/sub v2/link-to-dir
	echo 2 >v2/file-to-dir/sub/file
	echo 2 >v2/link-to-dir/file
	ln -s keep v2/file-to-link
	ln v2/keep/file v2/linked-again
	ln -sfn elsewhere v2/link
	chmod 0755 v2/closed
	echo 2 >v2/closed/file
	chmod 0555 v2/closed
	mkdir v3
	echo same >v3/mode
	echo 3 >v3/file-to-dir
}

clean_up() {
	chmod -R u+w "$dir" 2>/dev/null || true
}

# in_each_mode FUNCTION: once in each mode, each time on a fresh target.
in_each_mode() {
	for mode in "${modes[@]}"; do
		printf 'mode %s\n' "$mode"
		fresh_target
		"$1"
	done
}

fresh_target() {
	chmod -R u+w target .gs-sidecar-target 2>/dev/null || true
	rm -rf target .gs-sidecar-target
	mkdir target
	flags=(--target target --publish "$mode" --grace 0s)
	where=()
}

# publish SOURCE FLAGS...
publish() {
	run "$gs" sync --source "$1" "${flags[@]}" --shrink-limit 100 "${@:2}"
	expect_status 0
}

back() {
	run "$gs" rollback "${flags[@]}" "$@"
}

back_to() {
	back "${@:2}"
	expect_status 0
	expect_live "$1"
}

state() {
	[[ $mode == exchange ]] && printf .gs-sidecar-target || printf target/.gs-sidecar
}

live() {
	[[ $mode == data ]] && printf target/..data || printf target
}

# What a kept version shares with the live one has one name more there: rsync does not count it.
expect_live() {
	expect_equal "$(rsync -aHnci --delete --modify-window=-1 --exclude='/..*' --exclude=/.gs-sidecar \
		"$1/" "$(live)/" | grep -v ' \./$')" ""
	run "$gs" verify --target target "${where[@]}"
	expect_status 0
}

published() {
	gojq -r ".$1" "$(state)/published.json"
}

kept() {
	ls "$(state)/generations" 2>/dev/null | sort -n | tr '\n' ' '
}

# Where a version's own copy of a file is kept: kept_file SERIAL TEXT
kept_file() {
	grep -lrFx -- "$2" "$(state)/generations/$1/files"
}

# ---- back ----

@test "rollback: back to the version before, whole" {
	in_each_mode back_once
}

back_once() {
	publish v1 --label one
	publish v2 --label two
	expect_live v2
	back_to v1
	expect_equal "$(published label) $(published serial)" "one 3"
	back --json
	expect_status 2
	expect_equal "$(gojq -r '.done, .exit_status' <<<"$output")" $'false\n2'
	expect_live v1
}

@test "rollback: twice, three to two to one, and the default goes no further" {
	in_each_mode back_twice
}

back_twice() {
	publish v1
	publish v2
	publish v3
	back_to v2
	back_to v1
	back
	expect_status 2
	expect_live v1
}

@test "rollback: to a digest, or how it begins, to and fro" {
	in_each_mode by_digest
}

by_digest() {
	local one two three

	publish v1
	one=$(published digest)
	publish v2
	two=$(published digest)
	publish v3
	three=$(published digest)
	back_to v1 "${one:0:8}"
	back_to v3 "$three"
	back_to v2 "${two:0:12}"
	back_to v1 "$one"
	back_to v2 "$two"
	expect_equal "$(published serial)" 8
}

@test "rollback: what is no version of ours is a mistake, and changes nothing" {
	in_each_mode no_such_version
}

no_such_version() {
	local text

	back
	expect_status 2
	publish v1
	publish v2
	remember
	for text in 01234567 "$(printf '0%.0s' {1..33})" ABC xyz ../1 '' 'a b' $'a\n'; do
		back "$text"
		expect_status 2
	done
	back aa bb
	expect_status 2
	expect_untouched
}

@test "rollback: a beginning that several versions share is a mistake" {
	local i digest

	mode=in-place
	fresh_target
	for ((i = 0; i < 18; i++)); do
		echo "$i" >src/file
		publish src --keep 20
	done
	# Of 17 kept versions two begin with the same digit.
	digest=$(gojq -r .digest target/.gs-sidecar/generations/*/record.json | cut -c 1 | sort | uniq -d |
		head -n 1)
	remember
	back "$digest"
	expect_status 2
	expect_output several
	expect_untouched
}

@test "rollback: to what is published already changes nothing and rejects nothing" {
	in_each_mode to_itself
}

to_itself() {
	publish v1
	publish v2
	back_to v1
	publish v2 --force
	back_to v1
	publish v2 --force
	back "$(published digest)"
	expect_status 0
	expect_output unchanged
	expect_live v2
	[[ ! -e $(state)/rejected ]]
	back_to v1
	back "$(published digest)"
	publish v2
	expect_held
}

# ---- what is kept ----

@test "keep: 0, 1 and 3 versions, and fewer from now on" {
	in_each_mode keep_some
}

keep_some() {
	local n

	for n in 1 2 3 4 5 6; do
		echo "$n" >src/file
		publish src --keep 3
	done
	expect_equal "$(kept)" "3 4 5 "
	echo 7 >src/file
	publish src --keep 1
	expect_equal "$(kept)" "6 "
	echo 8 >src/file
	publish src --keep 0
	expect_equal "$(kept)" ""
	[[ ! -e $(state)/generations ]]
	back
	expect_status 2
	expect_output "no older version is kept"
}

@test "keep: one version, to and fro" {
	in_each_mode keep_one
}

keep_one() {
	publish v1 --keep 1
	publish v2 --keep 1
	back_to v1 --keep 1
	publish v2 --keep 1 --force
	back_to v1 --keep 1
	expect_equal "$(kept | wc -w)" 1
}

@test "keep: a file that did not change has no second copy" {
	in_each_mode no_second_copy
}

no_second_copy() {
	rm -rf src
	mkdir src
	head -c 200000 /dev/urandom >src/big
	for n in 1 2 3 4; do
		echo "$n" >src/small
		publish src --keep 3
	done
	expect_equal "$(find target .gs-sidecar-target -size +100k -printf '%i\n' 2>/dev/null |
		sort -u | wc -l)" 1
	expect_equal "$(find "$(state)/generations" -size +100k | wc -l)" 0
	(($(du -sk "$(state)/generations" | cut -f 1) < 150))
	# What shares it last is where it is kept.
	rm src/big
	publish src --keep 3
	expect_equal "$(find "$(state)/generations" -size +100k | wc -l)" 1
}

@test "keep: files that several versions share are found, whichever has them" {
	in_each_mode shared_files
}

shared_files() {
	local one two

	rm -rf s1 s2 s3 s4
	mkdir s1
	echo a >s1/a
	echo b >s1/b
	echo c >s1/c
	cp -a s1 s2
	echo a2 >s2/a
	mv s2/b s2/b-moved
	cp -a s2 s3
	rm s3/c
	cp -a s3 s4
	echo b >s4/a
	rm s4/b-moved
	publish s1 --keep 3
	one=$(published digest)
	publish s2 --keep 3
	two=$(published digest)
	publish s3 --keep 3
	publish s4 --keep 3
	back_to s1 --keep 3 "$one"
	back_to s2 --keep 3 "$two"
	back_to s1 --keep 3 "$one"
}

@test "keep: sixty versions, and nothing grows" {
	in_each_mode sixty
}

sixty() {
	local n before

	for ((n = 0; n < 60; n++)); do
		echo "$n" >src/file
		echo "$n" >"src/file-$((n % 3))"
		publish src --keep 3
		((n != 20)) || before=$(find target .gs-sidecar-target 2>/dev/null | wc -l)
	done
	expect_equal "$(find target .gs-sidecar-target 2>/dev/null | wc -l)" "$before"
	expect_equal "$(kept)" "57 58 59 "
}

@test "keep: to and fro a hundred times, and nothing grows" {
	local n before

	mode=in-place
	fresh_target
	publish v1 --keep 99
	publish v2 --keep 99
	for ((n = 0; n < 110; n++)); do
		publish "v$((n % 2 + 1))" --force --keep 99
		((n != 100)) || before=$(kept | wc -w)
	done
	(($(kept | wc -w) <= 100))
	expect_equal "$(kept | wc -w)" "$before"
	back_to v1 --keep 99
}

# ---- what cannot be gone back to ----

@test "rollback: a kept file that was changed, also with the same size and time" {
	in_each_mode changed_file
}

changed_file() {
	local file

	publish v1
	publish v2
	file=$(kept_file 1 1)
	touch -r "$file" stamp
	printf 'X' | dd of="$file" conv=notrunc status=none
	touch -r stamp "$file"
	remember
	back
	expect_status 4
	grep -E "'(keep/file|file-to-dir|file-to-link|dir-to-file/sub/file|closed/file)'" <<<"$output"
	expect_untouched
	expect_live v2
	publish v2
	publish v3
}

@test "rollback: a kept file that is gone" {
	in_each_mode lost_file
}

lost_file() {
	publish v1
	publish v2
	rm "$(kept_file 1 1)"
	remember
	back
	expect_status 4
	expect_output "is gone"
	expect_untouched
	expect_live v2
}

@test "rollback: a manifest that is damaged, cut, missing or another one's" {
	in_each_mode lost_manifest
}

lost_manifest() {
	local how manifest

	publish v1
	publish v2
	manifest=$(state)/generations/1/manifest
	cp "$manifest" whole
	remember
	for how in 'printf X | dd conv=notrunc status=none seek=200 bs=1 of=' 'truncate -s 100 ' \
		': >' 'rm ' "cp $(state)/manifests/$(published digest) "; do
		cp whole "$manifest"
		eval "$how$manifest"
		printf '%s\n' "$how"
		back
		expect_status 4
		expect_output "$(gojq -r .digest "$(state)/generations/1/record.json")"
		expect_untouched
	done
	cp whole "$manifest"
	back_to v1
}

@test "rollback: a live file that was changed behind our back is not taken for what it was" {
	in_each_mode changed_live
}

changed_live() {
	publish v1
	publish v2
	# v1 has it under two other names.
	echo mOved >"$(live)/here"
	back
	((status == 0 || status == 4))
	((status)) || expect_live v1
}

@test "rollback: the game's own files survive" {
	in_each_mode foreign_files
}

foreign_files() {
	publish v1
	publish v2
	echo save >"$(live)/save"
	echo save >"$(live)/keep/save"
	back
	expect_status 0
	expect_equal "$(cat "$(live)/save" "$(live)/keep/save")" $'save\nsave'
	run "$gs" verify --target target "${where[@]}"
	rm "$(live)/save" "$(live)/keep/save"
	touch -r v1/keep "$(live)/keep"
	expect_live v1
}

# ---- held back ----

expect_held() {
	expect_status 0
	expect_output "held back"
	expect_live v1
}

@test "held: a sync of what was gone back from, until the sources have another version" {
	in_each_mode held
}

held() {
	publish v1
	publish v2
	back_to v1
	publish v2
	expect_held
	publish v2 --json
	expect_equal "$(gojq -c '[.done, .changed, .held, .serial]' <<<"$output")" '[true,false,true,3]'
	publish v3
	expect_equal "$(gojq -r .serial "$(state)/published.json")" 4
	publish v2
	expect_live v2
	publish v2 --json
	expect_equal "$(gojq -c '[.changed, .held]' <<<"$output")" '[false,false]'
}

@test "held: forced, it is published and forgiven" {
	in_each_mode forced
}

forced() {
	publish v1
	publish v2
	back_to v1
	publish v2 --force
	expect_live v2
	publish v1
	expect_live v1
	publish v2
	expect_live v2
}

@test "held: sources that have the version gone back to are no news, and forgive" {
	in_each_mode same_as_live
}

same_as_live() {
	publish v1
	publish v2
	back_to v1
	publish v1
	expect_output unchanged
	publish v2
	expect_live v2
}

@test "held: sealed, merged and filtered sources, however they are verified" {
	in_each_mode sources_of_all_kinds
}

sources_of_all_kinds() {
	local how

	for how in none stat full; do
		printf 'verify %s\n' "$how"
		fresh_target
		rm -rf sealed more
		mkdir -p sealed more
		echo 1 >sealed/file
		"$gs" seal sealed
		echo more >more/file-2
		publish sealed --verify "$how"
		echo 2 >sealed/file
		"$gs" seal sealed
		publish sealed --verify "$how"
		back
		expect_status 0
		publish sealed --verify "$how"
		expect_output "held back"
		publish sealed --source more --verify "$how"
		expect_output published
		back
		expect_equal "$(cat "$(live)/file")" 1
		publish sealed --source more --verify "$how"
		expect_output "held back"
		publish sealed --source more --exclude file-2 --verify "$how"
		expect_output published
		publish sealed --source more --verify "$how"
		expect_output published
	done
}

@test "held: with a file in the way that stays" {
	in_each_mode foreign_in_the_way
}

foreign_in_the_way() {
	rm -rf src
	mkdir src
	echo 1 >src/file
	publish src --foreign keep
	echo 2 >src/file
	echo mine >"$(live)/other"
	echo ours >src/other
	publish src --foreign keep
	expect_equal "$(cat "$(live)/file" "$(live)/other")" $'2\nmine'
	back --foreign keep
	expect_status 0
	expect_equal "$(cat "$(live)/file" "$(live)/other")" $'1\nmine'
	publish src --foreign keep
	expect_output "held back"
	expect_equal "$(cat "$(live)/file" "$(live)/other")" $'1\nmine'
}

@test "state on another filesystem: versions are kept beside the files" {
	for mode in in-place data; do
		fresh_target
		rm -rf "/dev/shm/rollback-$$"
		where=(--state "/dev/shm/rollback-$$")
		flags+=("${where[@]}")
		publish v1
		publish v2
		expect_equal "$(ls -d target/..*generations)" target/..gs-sidecar-generations
		expect_equal "$(find "/dev/shm/rollback-$$" -name files)" ""
		back_to v1
		publish v2
		expect_held
		back "$(gojq -r .digest target/..gs-sidecar-generations/2/record.json)"
		expect_live v2
		rm -rf "/dev/shm/rollback-$$"
	done
}

@test "from one mode to another the kept versions come along" {
	local other

	for mode in in-place data exchange; do
		for other in in-place data exchange; do
			[[ $mode != "$other" ]] || continue
			printf '%s to %s\n' "$mode" "$other"
			local first=$mode
			fresh_target
			publish v1
			mode=$other
			flags=(--target target --publish "$mode" --grace 0s)
			publish v2
			expect_live v2
			back_to v1
			mode=$first
		done
	done
}

# ---- killed ----

# Calls that change something.
changing=(renameat renameat2 unlinkat linkat symlinkat write)

# Small versions, of which every round needs a few.
small_versions() {
	rm -rf v1 v2 v3
	mkdir -p v1/keep
	echo same >v1/keep/same
	echo 1 >v1/keep/file
	echo 1 >v1/gone
	cp -a v1 v2
	rm v2/gone
	echo 2 >v2/keep/file
	echo new >v2/new
	mkdir v3
	echo same >v3/elsewhere
	echo 3 >v3/new
	touch -d '2026-01-01' v1/keep v2/keep
}

save_target() {
	rm -rf saved
	mkdir saved
	cp -a target saved/
	[[ ! -e .gs-sidecar-target ]] || cp -a .gs-sidecar-target saved/
}

load_target() {
	fresh_target
	rmdir target
	cp -a saved/. .
}

# killed_at CALL N COMMAND...: its status is not 0 when that call was reached.
killed_at() {
	run strace -qqq -o "$dir/trace" -e "trace=$1" -e "inject=$1:signal=KILL:when=$2" \
		"$gs" "${@:3}" "${flags[@]}" --threads 1
}

# kill_at_each_call CHECK COMMAND...: on the saved target. With sanitizers, which are slow, at every fifth.
kill_at_each_call() {
	local call n step=1

	[[ $gs != */asan/* ]] || step=5
	for call in "${changing[@]}"; do
		for ((n = 1 + RANDOM % step; n < 100; n += step)); do
			load_target
			killed_at "$call" "$n" "${@:2}"
			((status != 0)) || break
			printf 'killed at %s %d\n' "$call" "$n" >"$dir/where"
			"$1" || {
				cat "$dir/where"
				return 1
			}
		done
	done
}

game_files_are_there() {
	[[ $(cat "$(live)/save" "$(live)/keep/save") == $'save\nsave' ]]
}

# Either it has not been, and v2 is what the source has; or v1 is there and v2 is held back.
sync_after_kill() {
	publish v2
	game_files_are_there || return 1
	rm "$(live)/save" "$(live)/keep/save"
	if [[ $output == *"held back"* ]]; then
		touch -r v1/keep "$(live)/keep"
		expect_live v1 || return 1
	else
		touch -r v2/keep "$(live)/keep"
		expect_live v2 || return 1
	fi
	publish v2 --json
	gojq -e '.changed == false' <<<"$output" || return 1
}

rollback_after_kill() {
	back "$digest"
	expect_status 0 && game_files_are_there || return 1
	rm "$(live)/save" "$(live)/keep/save"
	touch -r v1/keep "$(live)/keep"
	expect_live v1
}

with_game_files() {
	echo save >"$(live)/save"
	echo save >"$(live)/keep/save"
	save_target
}

natively() {
	[[ $TEST_ARCH == "$(dpkg --print-architecture)" ]]
}

@test "a rollback that is killed anywhere: the next sync makes it whole" {
	natively || return 0
	small_versions
	in_each_mode kill_rollback_then_sync
}

kill_rollback_then_sync() {
	publish v1
	publish v2
	with_game_files
	kill_at_each_call sync_after_kill rollback
}

@test "a rollback that is killed anywhere: the next rollback makes it whole" {
	natively || return 0
	small_versions
	in_each_mode kill_rollback_then_rollback
}

kill_rollback_then_rollback() {
	publish v1
	digest=$(published digest)
	publish v2
	with_game_files
	kill_at_each_call rollback_after_kill rollback
}

@test "a sync that is killed anywhere: what was kept can be gone back to" {
	natively || return 0
	small_versions
	in_each_mode kill_sync_then_rollback
}

kill_sync_then_rollback() {
	publish v1 --keep 1
	digest=$(published digest)
	publish v2 --keep 1
	with_game_files
	flags+=(--keep 1 --shrink-limit 100)
	kill_at_each_call rollback_after_kill sync --source v3
}

@test "a sync that is killed anywhere, then finished: what it replaced is kept, whole" {
	natively || return 0
	small_versions
	in_each_mode kill_sync_then_sync_and_rollback
}

kill_sync_then_sync_and_rollback() {
	publish v1
	publish v2
	save_target
	kill_at_each_call finished_then_back sync --source v3 --keep 1 --shrink-limit 100
}

finished_then_back() {
	publish v3 --keep 1
	expect_live v3 || return 1
	back --keep 1
	expect_status 0 || return 1
	expect_live v2
}

@test "a second rollback that is killed anywhere: what is held back does not hide a torn target" {
	natively || return 0
	small_versions
	in_each_mode kill_second_rollback
}

kill_second_rollback() {
	publish v1
	publish v2
	publish v3
	back_to v2
	save_target
	kill_at_each_call torn_is_mended rollback
}

torn_is_mended() {
	publish v3
	expect_output "held back" || return 1
	if [[ -e $(live)/new ]]; then expect_live v2; else expect_live v1; fi
}

@test "killed, then another version without a look at the target: no part of it stays" {
	natively || return 0
	small_versions
	mode=in-place
	fresh_target
	publish v1
	save_target
	flags+=(--shrink-limit 100 --verify none)
	kill_at_each_call same_again sync --source v2
}

same_again() {
	publish v1 --verify none --shrink-limit 100
	expect_live v1
}

# ---- a full disk ----

small_disk() {
	separate_mounts
	inside mount -t tmpfs -o "mode=755,$1" tmpfs "$dir/target"
}

publish_random() {
	head -c "$1" /dev/urandom >src/file
	run inside "$gs" sync --source src --target target "${@:2}"
}

@test "a full disk: the oldest kept version makes room, and that is said" {
	small_disk size=700k
	publish_random 150000
	publish_random 150000
	publish_random 150000
	expect_status 0
	expect_equal "$(inside ls target/.gs-sidecar/generations | tr '\n' ' ')" "1 2 "
	publish_random 300000
	expect_status 0
	expect_output "dropping kept version"
	inside cmp src/file target/file
	expect_equal "$(inside ls target/.gs-sidecar/generations | tr '\n' ' ')" "2 3 "
	publish_random 340000
	expect_status 0
	inside cmp src/file target/file
}

@test "a full disk: kept versions do not go when that is of no use" {
	small_disk size=700k
	publish_random 150000
	publish_random 150000
	publish_random 150000
	publish_random 900000
	expect_status 4
	expect_output "No space left"
	expect_equal "$(inside ls target/.gs-sidecar/generations | tr '\n' ' ')" "1 2 "
	run inside "$gs" rollback --target target
	expect_status 0
}

@test "a full disk: no inodes to keep a version with is no reason not to publish" {
	local room published=0

	separate_mounts
	for ((room = 0; room < 14; room++)); do
		inside mount -t tmpfs -o mode=755 tmpfs "$dir/target"
		publish_random 100
		publish_random 100
		expect_status 0
		inside mount -o "remount,nr_inodes=$(($(inside stat -fc '%c - %d' "$dir/target") + room))" \
			"$dir/target"
		publish_random 100
		if ((status == 0)); then
			inside cmp src/file target/file
			published=1
		else
			expect_output "No space left"
		fi
		inside mount -o remount,nr_inodes=100 "$dir/target"
		publish_random 100
		expect_status 0
		inside cmp src/file target/file
		run inside "$gs" verify --target target
		expect_status 0
		inside umount "$dir/target"
	done
	((published))
}
