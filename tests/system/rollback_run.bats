#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `rollback` and `sync --force` where `run` has the target: it is asked, and reloads the game.

load lib

modes=(in-place data exchange)

# What a container is to the resident is a mount namespace of its own.
prepare() {
	separate_mounts
	# Without a shell in between, so that its pid is the program's.
	in_container=(nsenter --mount="/proc/$mounts_pid/ns/mnt" --wdns="$dir")
	socket=unix:$dir/control
	mkdir other
}

# run_now FLAGS...: each reload adds a line to reloads
run_now() {
	: >run.log
	start run "${in_container[@]}" "$gs" run --source "$dir/src" --target "$dir/target" \
		--publish "${mode:-in-place}" --control "$socket" --reload-command sh --reload-command -c \
		--reload-command "echo >>'$dir/reloads'" "$@"
	within 10 ready
}

ask_it() {
	ask "$1" "$2" "$dir/control"
}

status_field() {
	ask_it GET /status | gojq -c "$1"
}

ready() {
	[[ $(ask_it GET /readyz) == ready ]]
}

stop() {
	kill -TERM "$run_pid"
	ended run
	expect_status 0
}

live() {
	[[ ${mode:-} == data ]] && printf target/..data || printf target
}

# expect_now CONTENT SERIAL RELOADS: soon, and ready.
expect_now() {
	within 10 eval '[[ $(status_field .published.serial) == '"$2"' ]]'
	# That is written before the sync has ended, and a reload begins only then.
	within 10 eval '(($(wc -l <reloads) >= '"$3"'))'
	within 10 ready
	expect_equal "$(cat "$(live)/file") $(status_field .published.serial) $(wc -l <reloads)" "$1 $2 $3"
}

by_hand() {
	run inside "$gs" "$@"
}

fresh() {
	rm -rf target .gs-sidecar-target reloads
	mkdir -p target
	: >reloads
	echo 1 >src/file
}

two_versions() {
	fresh
	inside "$gs" sync --source src --target target --publish "${mode:-in-place}" --label one
	echo 2 >src/file
	run_now --label two "$@"
	expect_now 2 2 1
}

@test "back by the resident: reloaded once, acknowledged, ready, and status says so" {
	for mode in "${modes[@]}"; do
		printf 'mode %s\n' "$mode"
		two_versions
		expect_equal "$(status_field '[.kept[] | .label, .serial]')" '["one",1]'
		by_hand rollback
		expect_status 0
		expect_output "published"
		expect_output "(one, serial 3)"
		expect_now 1 3 2
		expect_equal "$(status_field '[.kept[] | .label, .serial]')" '["two",2,"one",1]'
		expect_equal "$(status_field '[.published.label, .reload.state, .sync.failures]')" \
			'["one","acknowledged",0]'
		by_hand status
		expect_status 0
		expect_output READY
		grep -E '^kept       [0-9a-f]{32} two, serial 2, 1 files, 2 B, of 2' <<<"$output"
		grep -E '^           [0-9a-f]{32} one, serial 1, 1 files, 2 B, of 2' <<<"$output"
		logged run "asked to go back to an older version"
		stop
	done
}

@test "back by the resident, then the same image again: held back, ready, no reload" {
	for mode in "${modes[@]}"; do
		printf 'mode %s\n' "$mode"
		two_versions
		by_hand rollback
		expect_status 0
		expect_now 1 3 2
		stop
		run_now
		logged run "held back"
		expect_now 1 3 2
		stop
		echo 3 >src/file
		run_now
		expect_now 3 4 3
		stop
	done
}

@test "back by the resident: what cannot be is told with its exit status, and run goes on" {
	two_versions
	by_hand rollback 00000000
	expect_status 2
	expect_output "no version '00000000' is kept"
	by_hand rollback xyz
	expect_status 2
	by_hand rollback --json 00000000
	expect_status 2
	expect_equal "$(gojq -c '[.done, .exit_status]' <<<"$output")" '[false,2]'
	rm -r target/.gs-sidecar/generations/1/files/*
	by_hand rollback
	expect_status 4
	expect_output "'file' is gone"
	expect_now 2 2 1
	expect_equal "$(status_field '[.sync.last_error, .ready]')" '[null,true]'
	logged run "what was asked for failed"
	expect_equal "$(times_logged run "trying again")" 0
}

@test "back by the resident with its own target named, however; never with another's" {
	two_versions
	run inside sh -c "cd target && '$gs' rollback --target ../target/."
	expect_status 0
	expect_now 1 3 2
	# Nobody has that one: it is done here and now.
	by_hand rollback --target other
	expect_status 2
	expect_output "no older version is kept"
	inside "$gs" sync --source src --target other
	echo 4 >src/file
	inside "$gs" sync --source src --target other
	by_hand rollback --target other
	expect_status 0
	expect_equal "$(cat other/file)" 2
	expect_now 1 3 2
}

@test "force: by the resident, which has the lock; not for another target" {
	two_versions
	by_hand rollback
	expect_now 1 3 2
	by_hand sync --source src --target target/ --force
	expect_status 0
	expect_now 2 4 3
	logged run "asked to sync whatever the guards say"
	by_hand sync --source src --target other --force
	expect_status 0
	expect_output "published"
	expect_now 2 4 3
	start other_lock flock --no-fork other/.gs-sidecar/lock sleep infinity
	within 5 bash -c '! flock -n other/.gs-sidecar/lock true'
	by_hand sync --source src --target other --force --lock-wait 100ms
	expect_status 2
	expect_output "has another target"
	expect_now 2 4 3
}

@test "force: what shrinks too much is published by the resident" {
	local i

	fresh
	for ((i = 0; i < 30; i++)); do
		echo 1 >"src/$i"
	done
	run_now --watch-source --watch-settle 300ms
	rm src/[0-9]*
	within 10 logged run "shrink-limit"
	status_field .sync.last_error | grep -F "sync --force"
	expect_equal "$(ls target | wc -l)" 31
	by_hand sync --source src --target target --force
	expect_status 0
	expect_now 1 2 2
	expect_equal "$(ls target)" file
}

@test "watch: a held version is not published again, another one is" {
	two_versions --watch-source --watch-settle 50ms
	by_hand rollback
	expect_now 1 3 2
	touch src/file
	within 10 eval '(($(status_field .sync.ended) >= 3))'
	expect_now 1 3 2
	echo 3 >src/file
	expect_now 3 4 3
	echo 2 >src/file
	expect_now 2 5 4
}

# A fifo that a validation waits at makes a sync last as long as we want.
slow_run() {
	fresh
	mkfifo gate
	inside "$gs" sync --source src --target target
	echo 2 >src/file
	inside "$gs" sync --source src --target target
	run_now --watch-source --watch-settle 50ms --validate sh --validate -c \
		--validate "echo \$\$ >'$dir/pid'; echo >>'$dir/validating'; exec cat '$dir/gate'"
	expect_now 2 2 1
}

lines() {
	[[ -e $1 && $(wc -l <"$1") == "$2" ]]
}

@test "a rollback while a sync is running comes after it, and back from what it published" {
	slow_run
	echo 3 >src/file
	within 10 lines validating 1
	start back "${in_container[@]}" "$gs" rollback
	within 5 logged run "asked to go back"
	echo >gate
	within 10 lines validating 2
	echo >gate
	ended back
	expect_status 0
	within 10 ready
	expect_equal "$(cat target/file) $(status_field .published.serial)" "2 4"
}

@test "a rollback while a sync is failing does not wait for the next try" {
	slow_run
	echo 3 >src/file
	within 10 lines validating 1
	start back "${in_container[@]}" "$gs" rollback
	within 5 logged run "asked to go back"
	rm -r src
	mkdir src
	kill -KILL "$(<pid)"
	within 5 lines validating 2
	echo >gate
	ended back
	expect_status 0
	expect_equal "$(cat target/file)" 1
}

@test "two at once: the second is refused, and the first done" {
	slow_run
	start first "${in_container[@]}" "$gs" rollback
	within 10 lines validating 1
	by_hand rollback
	expect_status 5
	expect_output "somebody else's request"
	by_hand sync --source src --target target --force
	expect_status 5
	echo >gate
	ended first
	expect_status 0
	expect_now 1 3 2
}

@test "who asked has gone: it is done all the same, and the next one is answered" {
	slow_run
	start first "${in_container[@]}" "$gs" rollback
	within 10 lines validating 1
	kill -KILL "$first_pid"
	echo >gate
	expect_now 1 3 2
	by_hand rollback
	expect_status 2
}

@test "run ends while it is asked: the asker is told, and the target is whole" {
	slow_run
	start first "${in_container[@]}" "$gs" rollback
	within 10 lines validating 1
	stop
	ended first
	expect_status 5
	expect_equal "$(cat target/file)" 2
}

@test "old trees go by themselves, also after a rollback, and one that failed" {
	for mode in data exchange; do
		printf 'mode %s\n' "$mode"
		two_versions --grace 300ms
		by_hand rollback
		expect_status 0
		by_hand rollback
		expect_status 2
		within 10 no_old_trees
		expect_now 1 3 2
		stop
	done
}

no_old_trees() {
	[[ ! -e target/.gs-sidecar/retired && ! -e .gs-sidecar-target/retired &&
		$(find target -maxdepth 1 -name '..[0-9]*' | wc -l) -le 1 ]]
}

@test "without run and without a target nobody can be asked" {
	by_hand rollback
	expect_status 5
	expect_output "target is not set"
}
