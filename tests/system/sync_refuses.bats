#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a sync refuses: always with the old files untouched and a word on what is wrong.

load lib

clean_up() {
	[[ -z ${mounts_pid-} ]] || inside umount "$dir"/bound* 2>/dev/null || true
}

# A version that has to survive.
published() {
	mkdir src/dir
	echo 1 >src/dir/file
	sync_now
	remember
}

refuses() {
	run "$gs" sync "${@:2}"
	expect_status "$1"
	[[ ! -e $dir/footprint ]] || expect_untouched
}

@test "a source that is missing" {
	published
	refuses 4 --source nothing --target target
	expect_output nothing
	refuses 4 --source src/dir/file/below --target target
}

@test "a source that is a file, or a link to nowhere" {
	published
	refuses 4 --source src/dir/file --target target
	expect_output src/dir/file
	ln -s nowhere link
	refuses 4 --source link --target target
	expect_output link
}

@test "a target that is a file, or whose folder is missing" {
	: >file
	refuses 4 --source src --target file
	expect_output file
	refuses 4 --source src --target missing/folder
	expect_output missing/folder
	[[ ! -s file && ! -e missing ]]
}

@test "a target that is missing is made" {
	echo 1 >src/a
	run "$gs" sync --source src --target new
	expect_status 0
	expect_like_rsync src new
}

@test "a file of the source that may not be read" {
	published
	give_to_ordinary target
	remember
	echo 2 >src/dir/file
	echo secret >src/dir/secret
	chmod 0 src/dir/secret
	run as_ordinary "$gs" sync --source src --target target
	expect_status 4
	expect_output dir/secret
	expect_output "Permission denied"
	expect_untouched
	expect_equal "$(serial)" 1
}

@test "a folder of the source that may not be read" {
	published
	give_to_ordinary target
	remember
	mkdir src/closed
	chmod 0 src/closed
	run as_ordinary "$gs" sync --source src --target target
	expect_status 4
	expect_output closed
	expect_untouched
}

@test "a target that may not be written" {
	echo 1 >src/file
	sync_now
	remember
	echo 2 >src/file
	give_to_ordinary src
	chmod 0555 target
	run as_ordinary "$gs" sync --source src --target target
	expect_status 4
	expect_output "Permission denied"
	expect_untouched
	mkdir -m 0555 new
	run as_ordinary "$gs" sync --source src --target new
	expect_status 4
	expect_output "write to target 'new': Permission denied"
}

@test "a target on a mount that is read-only" {
	published
	echo 2 >src/dir/file
	separate_mounts
	inside mount --bind "$dir/target" "$dir/target"
	inside mount -o remount,bind,ro "$dir/target"
	run inside "$gs" sync --source "$dir/src" --target "$dir/target"
	expect_status 4
	expect_output "Read-only file system"
	expect_untouched
}

@test "a target in its source, and nothing is made there" {
	echo 1 >src/a
	refuses 2 --source src --target src/target
	expect_output source
	mkdir src/there
	refuses 2 --source src --target src/there
	expect_equal "$(find src -printf '%P\n' | sort)" $'\na\nthere'
}

@test "a source in its target" {
	mkdir -p target/a/src
	echo 1 >target/a/src/file
	refuses 2 --source target/a/src --target target
	expect_output target
	[[ ! -e target/file && ! -e target/.gs-sidecar ]]
}

@test "a source that is its target" {
	published
	refuses 2 --source target --target target
	refuses 2 --source target/. --target "$dir/../$(basename "$dir")/target/"
}

@test "a target in its source by a symbolic link" {
	mkdir src/inner
	ln -s src/inner by-link
	refuses 2 --source src --target by-link
	ln -s src by-other-link
	refuses 2 --source by-other-link --target src/inner
	refuses 2 --source by-other-link --target src
	expect_equal "$(find src -printf '%P\n' | sort)" $'\ninner'
}

@test "a target that is its source by a bind mount" {
	mkdir bound
	echo 1 >src/a
	separate_mounts
	inside mount --bind "$dir/src" "$dir/bound"
	run inside "$gs" sync --source "$dir/src" --target "$dir/bound"
	expect_status 2
	expect_equal "$(ls -A src)" a
}

@test "a target in its source by a bind mount" {
	mkdir -p bound src/inner
	echo 1 >src/a
	separate_mounts
	inside mount --bind "$dir/src/inner" "$dir/bound"
	run inside "$gs" sync --source "$dir/src" --target "$dir/bound"
	expect_status 2
	expect_output "'inner'"
	expect_equal "$(find src -name .gs-sidecar -prune -o -printf '%P\n' | sort)" $'\na\ninner'
}

@test "a source in its target by a bind mount is read and left alone" {
	mkdir -p bound target/inner
	echo 1 >target/inner/a
	separate_mounts
	inside mount --bind "$dir/target/inner" "$dir/bound"
	run inside "$gs" sync --source "$dir/bound" --target "$dir/target"
	expect_status 0
	rm target/inner/a
	run inside "$gs" sync --source "$dir/bound" --target "$dir/target" --force
	expect_status 0
	expect_equal "$(find target -name .gs-sidecar -prune -o -printf '%P\n' | sort)" $'\ninner'
}

@test "a source that has what would be the state directory" {
	published
	mkdir src/.gs-sidecar
	echo 1 >src/.gs-sidecar/published.json
	refuses 2 --source src --target target
	expect_output .gs-sidecar
	rm -r src/.gs-sidecar
	: >src/state
	run "$gs" sync --source src --target target --state target/state
	expect_status 2
	expect_output "'state'"
}

@test "a source with a folder of that name is fine when the state is elsewhere" {
	mkdir src/.gs-sidecar
	echo 1 >src/.gs-sidecar/file
	sync_now --state "$dir/state"
	expect_equal "$(cat target/.gs-sidecar/file)" 1
}

@test "a state directory in the source, and nothing is made there" {
	echo 1 >src/a
	refuses 2 --source src --target target --state src/state
	expect_output state
	expect_equal "$(ls -A src)" a
}

@test "a state directory that cannot be made" {
	: >file
	refuses 4 --source src --target target --state file/state
	expect_output file/state
	refuses 4 --source src --target target --state file
	expect_output file
}

@test "a target that somebody else has, after the time given for waiting" {
	published
	echo 2 >src/dir/file
	start other flock --no-fork target/.gs-sidecar/lock sleep infinity
	within 5 bash -c '! flock -n target/.gs-sidecar/lock true'
	refuses 3 --source src --target target --lock-wait 60ms
	expect_output "another sidecar"
	kill "$other_pid"
	run "$gs" sync --source src --target target
	expect_status 0
	expect_like_rsync
}

@test "an error in JSON is one object with the reason and the exit status" {
	run "$gs" sync --source $'not\n"\xffthere' --target target --json
	expect_status 4
	gojq -e '.done == false and .exit_status == 4 and (.error | contains("there"))' <<<"$output"
}

@test "a file that is written to all the time is never published half" {
	local i

	: >src/log
	# Lines of equal length, whole ones only, so that a cut is seen.
	start writer bash -c 'while :; do printf "0123456789abcde\n"; done >src/log'
	within 5 test -s src/log
	for ((i = 0; i < 20; i++)); do
		run "$gs" sync --source src --target target
		if ((status != 0)); then
			expect_status 4
			expect_output "changed while it was read"
			expect_output log
		fi
	done
	kill -STOP "$writer_pid"
	if [[ -e target/log ]]; then
		cmp -n "$(stat -c %s target/log)" src/log target/log
	fi
	sync_now
	expect_like_rsync
}

@test "a file that is rewritten in place all the time is published as it was at one moment, or not" {
	local i versions

	yes 000000000000000 | head -c 8000000 >src/map
	sync_now
	# shellcheck disable=SC2016
	start writer bash -c 'for ((i = 1; ; i++)); do
		[[ ! -e stop ]] || exit 0
		yes "$(printf %015d "$i")" | head -c 8000000 | dd of=src/map bs=16k conv=notrunc status=none
	done'
	for ((i = 0; i < 15; i++)); do
		run "$gs" sync --source src --target target
		((status == 0)) || expect_output "changed while it was read"
		# At one moment the beginning is of one version, and the rest of the one before.
		mapfile -t versions < <(uniq target/map)
		((${#versions[@]} <= 2))
		if ((${#versions[@]} == 2)); then
			expect_equal $((10#${versions[0]})) $((10#${versions[1]} + 1))
		fi
	done
	: >stop
	ended writer
	sync_now
	expect_like_rsync
}

@test "a state directory that somebody else made is not believed" {
	has_other_users || return 0
	echo 1 >src/file
	mkdir -m 777 target/.gs-sidecar
	chown 65534 target/.gs-sidecar
	run "$gs" sync --source src --target target
	expect_status 4
	expect_output "belongs to user 65534"
	[[ ! -e target/file ]]
}

@test "a state directory of ours is closed to others" {
	echo 1 >src/file
	mkdir -m 777 target/.gs-sidecar
	run "$gs" sync --source src --target target
	expect_status 0
	expect_equal "$(stat -c %a target/.gs-sidecar)" 700
}
