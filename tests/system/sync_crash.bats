#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A sync that is killed, or refused by the system, at any of the calls it makes. strace does it at
# each call in turn; programs of another machine run under qemu, which strace cannot look into, so
# there it is done after any time.
# Not under qemu, see tests/run.

load lib

# What is kept of older versions is the subject of rollback.bats.
export GS_SIDECAR_KEEP=0

# Calls that change something, by the groups that get an equal share of the rounds.
changing=(renameat unlinkat mkdirat linkat symlinkat "fchmodat,?chmod" fchmod utimensat fchownat write)

# Two versions with every kind of change between them, and a game's own files in between.
prepare() {
	# The leak sanitizer cannot work in a process that strace traces.
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0
	mkdir -p one/keep one/dir-to-file/sub one/gone/deep one/closed
	echo 1 >one/keep/file
	echo same >one/keep/same
	echo same >one/mode
	echo 1 >one/dir-to-file/sub/file
	echo 1 >one/gone/deep/file
	echo 1 >one/file-to-dir
	echo 1 >one/file-to-link
	echo 1 >one/linked
	ln one/linked one/linked-too
	ln -s keep one/link-to-dir
	ln -s keep one/link
	echo 1 >one/closed/file
	chmod 0555 one/closed
	cp -a one two
	echo 2 >two/keep/file
	echo new >two/keep/new
	chmod 0755 two/mode
	rm -r two/dir-to-file two/gone two/file-to-dir two/file-to-link two/link-to-dir two/linked-too
	echo 2 >two/dir-to-file
	mkdir -p two/file-to-dir/sub two/link-to-dir
	echo 2 >two/file-to-dir/sub/file
	echo 2 >two/link-to-dir/file
	ln -s keep two/file-to-link
	ln two/keep/file two/linked-again
	ln -sfn two two/link
	chmod 0755 two/closed
	echo 2 >two/closed/file
	chmod 0555 two/closed
	"$gs" sync --source one --target target >/dev/null
	echo save >target/save
	echo save >target/keep/save
	mv target first
	rsync -aH --modify-window=-1 two/ by-rsync/
	echo save >by-rsync/save
	echo save >by-rsync/keep/save
	touch -r first/save by-rsync/save
	touch -r first/keep/save by-rsync/keep/save
	touch -r two/keep by-rsync/keep
	tree_listing by-rsync >listing
}

fresh_target() {
	chmod -R u+w target 2>/dev/null || true
	rm -rf target
	cp -a first target
}

# Nothing is in the state that does not belong there, and nothing of ours outside of it.
expect_whole() {
	diff listing <(tree_listing target) &&
		expect_equal "$(state_names target/.gs-sidecar; ls target/.gs-sidecar/manifests)" \
			"lock manifests published.json $(digest_of published.json)"
}

digest_of() {
	[[ $(<"target/.gs-sidecar/$1") =~ [0-9a-f]{32} ]]
	printf %s "${BASH_REMATCH[0]}"
}

# with CALL WHAT N: a sync of SOURCE that meets WHAT at its Nth CALL
sync_with() {
	run strace -fqqq -o "$dir/trace" -e "trace=$1" -e "inject=$1:$2:when=$3" \
		"$gs" sync --source "$4" --target target --threads 1
}

# The next plain sync makes all well again: recovered WHAT-WAS-DONE
recovered() {
	run "$gs" sync --source two --target target
	if ! expect_status 0 || ! expect_whole; then
		printf 'after: %s\n' "$*"
		return 1
	fi
}

# Runs a sync and kills it after MICROSECONDS.
sync_for() {
	local pid

	"$gs" sync --source "$2" --target target >/dev/null 2>&1 3>&- &
	pid=$!
	read -rt "$(printf '0.%06d' "$1")" <> <(:) || true
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
}

kill_at_each_call() {
	local call n

	for call in "${changing[@]}"; do
		for ((n = 1; n < 100; n++)); do
			fresh_target
			sync_with "$call" signal=KILL "$n" two
			((status != 0)) || break
			expect_equal "$(cat target/save target/keep/save)" $'save\nsave'
			recovered "killed at $call $n"
		done
		# Each of them is called at least once, or nothing was tested.
		((n > 1 && n < 100)) || {
			printf '%s: %d rounds\n' "$call" $((n - 1))
			return 1
		}
	done
}

kill_after_any_time() {
	local time

	for ((time = 0; time < 60000; time += 1500)); do
		fresh_target
		sync_for "$time" two
		recovered "killed after $time us"
	done
}

@test "killed anywhere: the next sync makes it whole, and foreign files survive" {
	if [[ $TEST_ARCH == "$(dpkg --print-architecture)" ]]; then
		kill_at_each_call
	else
		kill_after_any_time
	fi
}

# Every name in the target holds what version one or two has there, never something between.
expect_old_or_new() {
	local file

	while IFS= read -r -d '' file; do
		cmp -s "target/$file" "one/$file" || cmp -s "target/$file" "two/$file" || {
			printf 'neither old nor new: %s\n' "$file"
			return 1
		}
	done < <(cd target && find . -path ./.gs-sidecar -prune -o -type f ! -name save -print0)
}

@test "killed anywhere: each file is the old one or the new one" {
	local n

	if [[ $TEST_ARCH == "$(dpkg --print-architecture)" ]]; then
		for ((n = 1; n < 100; n++)); do
			fresh_target
			sync_with renameat signal=KILL "$n" two
			((status != 0)) || break
			expect_old_or_new
		done
		((n > 5))
	else
		for ((n = 0; n < 20; n++)); do
			fresh_target
			sync_for $((n * 3000)) two
			expect_old_or_new
		done
	fi
}

# An error is told by exit 4, or it did not matter and all is well.
refuse_at_each_call() {
	local call n error step

	for call in "${changing[@]}" openat openat2 read getdents64 readlinkat newfstatat; do
		step=1
		[[ " ${changing[*]} " == *" $call "* ]] || step=2
		case $call in
		write | mkdirat | symlinkat) error=ENOSPC ;;
		renameat | fchmodat* | utimensat) error=EACCES ;;
		*) error=EIO ;;
		esac
		for ((n = 1; n < 200; n += step)); do
			fresh_target
			sync_with "$call" "error=$error" "$n" two
			grep -q INJECTED trace || break
			if ((status == 0)); then
				diff listing <(tree_listing target) || {
					printf '%s at %s %d: exit 0 but the target is not whole\n%s\n' \
						"$error" "$call" "$n" "$output"
					echo "$call $n" >>"$dir/untold"
				}
				# A serial that was used before would hide that a reload is owed.
				if (($(serial) < 2)); then
					printf '%s at %s %d: the serial went back\n' "$error" "$call" "$n"
					echo "$call $n" >>"$dir/untold"
				fi
			elif [[ $output == *"loading shared libraries"* || $output == *Sanitizer* ]]; then
				continue # the loader or the run-time of a build with sanitizers, not us
			elif ((status != 4)) && [[ $output != *"configuration: "* ]]; then
				printf '%s at %s %d: exit %d: %s\n' "$error" "$call" "$n" "$status" "$output"
				echo "$call $n" >>"$dir/wrong-status"
			fi
			recovered "$error at $call $n" || echo "$call $n" >>"$dir/unrepaired"
		done
	done
	[[ ! -e untold && ! -e unrepaired && ! -e wrong-status ]]
}

# The same where there is no strace: a disk that has room for a little more each time.
refuse_by_a_full_disk() {
	local room

	separate_mounts
	for ((room = 0; room < 40; room++)); do
		inside mount -t tmpfs -o mode=755 tmpfs "$dir/target"
		inside cp -a first/. target/
		inside mount -o "remount,nr_inodes=$(($(inside stat -fc '%c - %d' target) + room))" "$dir/target"
		run inside "$gs" sync --source two --target target
		((status == 0)) || expect_status 4
		inside mount -o remount,nr_inodes=1000 "$dir/target"
		run inside "$gs" sync --source two --target target
		expect_status 0
		inside diff -r --no-dereference --exclude=save --exclude=.gs-sidecar two target
		inside umount "$dir/target"
	done
}

@test "refused anywhere: it is told or does not matter, and the next sync makes it whole" {
	if [[ $TEST_ARCH == "$(dpkg --print-architecture)" ]]; then
		refuse_at_each_call
	else
		mkdir target
		refuse_by_a_full_disk
	fi
}

@test "versions whose publication was cut off leave nothing behind in the one that came through" {
	local n m

	cp -a two three
	rm three/keep/new three/linked-again
	mkdir three/only-three
	echo 3 >three/only-three/file
	echo 3 >three/keep/file
	echo 3 >three/only-in-three
	mv two unused
	cp -a unused two-of-three
	echo only two >two-of-three/only-in-two
	mkdir two-of-three/only-two
	echo only two >two-of-three/only-two/file
	cp -a one two
	echo 4 >two/keep/file
	rm -rf by-rsync
	rsync -aH --modify-window=-1 two/ by-rsync/
	echo save >by-rsync/save
	echo save >by-rsync/keep/save
	touch -r first/save by-rsync/save
	touch -r first/keep/save by-rsync/keep/save
	touch -r two/keep by-rsync/keep
	tree_listing by-rsync >listing
	for n in 3 5 7 9 11 13 15; do
		for m in 2 4 6 8 10 12; do
			fresh_target
			if [[ $TEST_ARCH == "$(dpkg --print-architecture)" ]]; then
				sync_with renameat signal=KILL "$n" two-of-three
				sync_with renameat signal=KILL "$m" three
			else
				sync_for $((n * 1500)) two-of-three
				sync_for $((m * 1500)) three
			fi
			recovered "cut off at $n and $m"
		done
	done
}

# cut_off_in_mount CHANGE: killed anywhere while target/mnt, a mount of its own, is being written
cut_off_in_mount() {
	local n

	separate_mounts
	mkdir -p target src/mnt/sub
	for ((n = 1; n < 14; n++)); do
		inside umount "$dir/target/mnt" 2>/dev/null || true
		rm -rf target
		mkdir -p target/mnt
		inside mount -t tmpfs tmpfs "$dir/target/mnt"
		echo 1 | tee src/a src/mnt/a src/mnt/b src/mnt/sub/c >/dev/null
		run inside "$gs" sync --source src --target target
		expect_status 0
		"$1"
		if [[ $TEST_ARCH == "$(dpkg --print-architecture)" ]]; then
			run inside strace -qqq -o "$dir/trace" -e trace=renameat -e "inject=renameat:signal=KILL:when=$n" \
				"$gs" sync --source src --target target
		else
			run inside timeout -s KILL "0.0$((n * 4 + 10))" "$gs" sync --source src --target target
		fi
		run inside "$gs" sync --source src --target target
		expect_status 0
		expect_equal "$(inside find "$dir/target" -name '..*')" ""
		expect_equal "$(inside diff -r src target)" "Only in target: .gs-sidecar"
	done
}

update() {
	echo 2 | tee src/a src/mnt/a src/mnt/b src/mnt/sub/c >/dev/null
}

damage() {
	inside sh -c 'echo wrong | tee target/mnt/a target/mnt/b target/mnt/sub/c >/dev/null'
}

@test "killed in the middle of an update: nothing is left in a mount of its own either" {
	cut_off_in_mount update
}

@test "killed in the middle of a repair: nothing is left in a mount of its own either" {
	cut_off_in_mount damage
}
