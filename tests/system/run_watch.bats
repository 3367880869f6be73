#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `run --watch-source`: a source that changes is synced again, once and whole.

load lib

prepare() {
	echo 1 >src/file
}

# run_watching FLAGS...: each reload adds a line to reloads
run_watching() {
	start run "${in_front[@]}" "$gs" run --source src --target target --watch-source --watch-settle 100ms \
		--reload-command sh --reload-command -c --reload-command "echo >>'$dir/reloads'" "$@"
	within 10 is_ready
}

mode() {
	status_of .watch.mode
}

# The files are there before the sync has ended, and counted and reloaded only then.
within_reloaded() {
	within 10 eval '[[ $(status_of ".published.serial, .watch.changes" | xargs) == '"'$1 $(($1 - 1))'"' ]]'
	within 10 is_ready
}

# After a change: this publication is there, was reloaded, and nothing follows.
expect_published() {
	within_reloaded "$1"
	read -rt 0.4 <> <(:) || true
	expect_equal "$(status_of .published.serial) $(wc -l <reloads) $(status_of .watch.changes)" \
		"$1 $1 $(($1 - 1))"
	expect_like_rsync "${2:-src}"
}

@test "watch: every kind of change is published and reloaded once" {
	mkdir elsewhere
	run_watching
	expect_equal "$(mode) $(status_of .watch.directories)" "events 1"
	expect_published 1
	echo 2 >src/file
	expect_published 2
	echo 3 >elsewhere/file
	mv elsewhere/file src/file
	expect_published 3
	# By one program, so that no pause in between makes two versions of it.
	mkdir -p new/b/c && echo 1 >new/b/c/file && cp -r new src/a
	expect_published 4
	echo 2 >src/a/b/c/file
	expect_published 5
	mv src/a/b elsewhere/
	expect_published 6
	echo 3 >elsewhere/b/c/file
	mv elsewhere/b src/moved
	expect_published 7
	echo 4 >src/moved/c/file
	expect_published 8
	chmod 600 src/moved/c/file
	expect_published 9
	rm -r src/moved src/a
	expect_published 10
	expect_equal "$(status_of .watch.directories)" 1
}

@test "watch: what names no version makes none, and no line" {
	run_watching
	touch src/file
	within 10 eval '(($(status_of .sync.ended) > 1))'
	expect_published 1
	expect_equal "$(grep -c unchanged run.log) $(times_logged run published)" "0 1"
}

@test "watch: a source that is replaced by renames" {
	run_watching
	cp -a src new
	echo 2 >new/file
	mv src old
	mv new src
	expect_published 2
	echo 3 >old/file
	echo 3 >src/file
	expect_published 3
}

@test "watch: a source that is a link, which is switched" {
	mv src v1
	mkdir v2
	echo 2 >v2/file
	ln -s v1 src
	run_watching
	ln -sfn v2 src.new
	mv -T src.new src
	expect_published 2 src
	echo 3 >v2/file
	expect_published 3 src
}

@test "watch: a source that is gone for a while" {
	run_watching
	mv src old
	within 10 eval '[[ $(status_of .sync.last_error) == *src* ]]'
	is_ready
	expect_equal "$(<target/file)" 1
	echo 2 >old/file
	mv old src
	expect_published 2
	expect_equal "$(status_of .sync.last_error)" null
}

# What kubelet does with a ConfigMap: kubelet_writes VERSION
kubelet_writes() {
	mkdir "src/..$1"
	echo "$1" >"src/..$1/game.json"
	echo "$1" >"src/..$1/other.json"
	ln -s "..$1" src/..data_tmp
	mv -T src/..data_tmp src/..data
}

@test "watch: a ConfigMap that is switched" {
	rm src/file
	kubelet_writes 1
	ln -s ..data/game.json ..data/other.json src/
	run_watching
	expect_equal "$(<target/game.json)" 1
	kubelet_writes 2
	rm -r src/..1
	within 10 eval '[[ $(<target/game.json)$(<target/other.json) == 22 ]]'
	within_reloaded 2
	kubelet_writes 3
	rm -r src/..2
	within 10 eval '[[ $(<target/game.json)$(<target/other.json) == 33 ]]'
	within_reloaded 3
	expect_equal "$(status_of .published.serial) $(wc -l <reloads)" "3 3"
}

@test "watch: a directory on the way that cannot be read is no matter" {
	mkdir -m 711 way
	mv src way/
	give_to_ordinary target way/src
	start run as_ordinary "$gs" run --source way/src --target target --watch-source --watch-settle 100ms
	within 10 is_ready
	expect_equal "$(mode)" events
	echo 2 >way/src/file
	within 10 cmp way/src/file target/file
}

in_step() {
	diff -r --exclude=.gs-sidecar src target
}

# One of these, anywhere: a new tree, a new file, a longer file, moved out, moved in, removed.
do_anything() {
	local place

	place=$(find src -type d | shuf -n 1)
	case $((RANDOM % 6)) in
	0) mkdir -p "$place/d$1/e/f" && echo "$1" >"$place/d$1/e/f/g" ;;
	1) echo "$1" >"$place/f$1" ;;
	2) find src -type f | shuf -n 1 | xargs -r bash -c 'echo more >>"$1"' - ;;
	3) [[ $place == src ]] || mv "$place" "out/$1" ;;
	4) find out -mindepth 1 -maxdepth 1 | shuf -n 1 | xargs -r -I{} mv {} "src/m$1" ;;
	5) [[ $place == src ]] || rm -r "$place" ;;
	esac
}

@test "watch: whatever happens, in the end nothing was missed" {
	local round i

	RANDOM=7
	mkdir out
	run_watching --watch-settle 20ms --watch-longest 200ms --shrink-limit 100
	for ((round = 0; round < 5; round++)); do
		for ((i = 0; i < 40; i++)); do
			do_anything "$round-$i"
		done
		echo "$round" >"$(find src -type d | tail -n 1)/last"
		within 20 in_step
	done
	expect_equal "$(mode)" events
}

@test "watch: a burst of 300 files is one version and one reload" {
	local i

	run_watching --watch-settle 3s --watch-longest 60s
	for ((i = 0; i < 300; i++)); do
		((i % 30)) || mkdir "src/$i"
		echo "$i" >"src/$((i / 30 * 30))/$i"
	done
	expect_published 2
	(($(status_of .sync.ended) <= 4))
}

@test "watch: a file that is still being written is not published" {
	local i

	run_watching --watch-settle 4s --watch-longest 60s
	(for ((i = 0; i < 20; i++)); do
		printf %0100d "$i"
		read -rt 0.1 <> <(:) || true
	done >src/slow) 3>&- &
	pids+=("$!")
	within 20 test -e target/slow
	expect_equal "$(stat -c %s target/slow)" 2000
	expect_published 2
}

@test "watch: a source that is never quiet is published all the same" {
	(while :; do
		date +%N >>src/busy
		read -rt 0.05 <> <(:) || true
	done) 3>&- &
	pids+=("$!")
	run_watching --watch-settle 5s --watch-longest 5s
	within 20 eval '(($(status_of .watch.changes) >= 1))'
}

@test "watch: what changes while a sync runs is synced after it" {
	truncate -s 3G src/big
	start run "$gs" run --source src --target target --watch-source --watch-settle 50ms
	within 10 test -s target/.gs-sidecar/stage/new/big
	echo 2 >src/late
	truncate -s 1k src/big
	within 30 is_ready
	within 10 test -e target/late
	within 10 eval '[[ $(stat -c %s target/big) == 1024 ]]'
	within 10 expect_like_rsync
}

# Changes are found by looking: expect_polling WHY
expect_polling() {
	expect_equal "$(mode) $(status_of .watch.directories)" "polling 0"
	ask GET /metrics | grep -x "gs_sidecar_source_polling 1"
	expect_equal "$(times_logged run "cannot watch for changes, looking every 200ms instead: ")" 1
	logged run "$1"
	echo 2 >src/file
	expect_published 2
	mkdir new && echo 3 >new/file && cp -r new src/
	expect_published 3
	expect_equal "$(times_logged run "cannot watch") $(grep -c unchanged run.log)" "1 0"
}

@test "watch: without inotify it looks every now and then" {
	in_front=("$(native deny)" ENOSYS inotify_init1)
	run_watching --watch-poll 200ms
	expect_polling "start 'inotify': Function not implemented"
}

@test "watch: with no inotify instance left it looks every now and then" {
	limited max_inotify_instances 0
	run_watching --watch-poll 200ms
	expect_polling "the limit is fs.inotify.max_user_instances"
}

@test "watch: where it only looks, a file that is still being written is not published" {
	local i syncs

	limited max_inotify_instances 0
	run_watching --watch-poll 100ms --watch-settle 3s --watch-longest 60s
	for ((i = 0; i < 20; i++)); do
		echo "line $i" >>src/slow
		read -rt 0.1 <> <(:) || true
	done
	within 30 cmp src/slow target/slow
	# The sync that published it has ended when one that began after it has.
	syncs=$(status_of .sync.ended)
	within 30 eval '(($(status_of .sync.ended) > syncs + 1))'
	expect_equal "$(status_of .watch.changes)" 1
}

@test "watch: where it only looks, a source that is never quiet is published all the same" {
	limited max_inotify_instances 0
	(while :; do
		date +%N >>src/busy
		read -rt 0.05 <> <(:) || true
	done) 3>&- &
	pids+=("$!")
	run_watching --watch-poll 100ms --watch-settle 500ms --watch-longest 1s
	within 20 test -s target/busy
}

@test "watch: with too few watches left it looks every now and then, until there are more" {
	mkdir -p src/{1..50}
	limited max_inotify_watches 30
	run_watching --watch-poll 200ms
	expect_polling "the limit is fs.inotify.max_user_watches"
	rm -r src/{1..50}
	within 10 eval '[[ $(mode) == events ]]'
	within 10 logged run "changes can be watched again"
	echo 4 >src/new/file
	within 10 cmp src/new/file target/new/file
}

@test "watch: the limit is reached while it runs" {
	limited max_inotify_watches 30
	run_watching --watch-poll 200ms
	expect_equal "$(mode)" events
	mkdir -p src/{1..50}
	within 10 eval '[[ $(mode) == polling ]]'
	within 10 logged run "the limit is fs.inotify.max_user_watches"
	echo 2 >src/50/file
	within 10 cmp src/50/file target/50/file
}

clean_up() {
	[[ -z ${mounts_pid-} ]] || inside umount src || true
}

@test "watch: a filesystem that others write to is looked at every now and then" {
	echo 1 >behind
	separate_mounts
	start remote inside "$programs/remote" behind src
	within 5 logged remote mounted
	start run inside "$gs" run --source src --target target --watch-source --watch-poll 200ms
	within 10 is_ready
	logged run "'src' is on FUSE, where changes are not told: looking every 200ms"
	expect_equal "$(mode) $(<target/file)" "polling 1"
	echo 22 >behind
	within 10 cmp behind target/file
	within 10 eval '[[ $(status_of .watch.changes) == 1 ]]'
	expect_equal "$(times_logged run unchanged)" 0
}

@test "watch: nothing happening, it does not wake up" {
	local before

	mkdir -p src/a/b
	run_watching
	echo 2 >file
	mv file src/a/b/file
	expect_published 2
	within 10 is_asleep "$run_pid"
	before=$(wake_ups "$run_pid")
	read -rt 1 <> <(:) || true
	expect_equal "$(wake_ups "$run_pid")" "$before"
}

@test "watch: it is off unless asked for, and status tells" {
	start run unshare --mount "$gs" run --source src --target target
	within 10 is_ready
	run in_mounts_of run "$gs" status
	expect_output "watch      off"
	status_of .watch | gojq -e '. == { mode: "off", directories: 0, changes: 0 }'
	echo 2 >src/file
	read -rt 1 <> <(:) || true
	expect_equal "$(<target/file)" 1
}

@test "watch: status and metrics tell" {
	start run unshare --mount "$gs" run --source src --target target --watch-source --watch-settle 50ms
	within 10 is_ready
	echo 2 >src/file
	within 10 eval '[[ $(status_of .watch.changes) == 1 ]]'
	run in_mounts_of run "$gs" status
	expect_output "watch      events, 1 directories by events, 1 changes"
	ask GET /metrics | grep -x "gs_sidecar_source_changes_total 1"
	ask GET /metrics | grep -x "gs_sidecar_source_polling 0"
}

@test "watch: times that make no sense are refused" {
	run "$gs" run --source src --target target --watch-settle 0s
	expect_status 2
	expect_output "--watch-settle: expected a time longer than 0"
	run "$gs" run --source src --target target --watch-poll 0s
	expect_status 2
	expect_output "--watch-poll: expected a time longer than 0"
	run "$gs" run --source src --target target --watch-settle 11s
	expect_status 2
	expect_output "watch-settle (11s) is longer than watch-longest (10s)"
}
