#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `hook pre-stop`: waits until the players are gone, as long as there is time, and says which of the
# two it was.

load lib

clean_up() {
	end_descendants "${pids[@]}"
}

prepare() {
	echo one >src/file
	echo 3 >players
	cat >config.json <<-EOT
		{ "probe-source": [ { "name": "players", "file": "$dir/players", "every": "100ms" } ],
		  "probe-rules": [ { "name": "empty", "rules": [
		    { "if": { "source": "players", "equals": 0, "samples": 2 }, "result": "done" },
		    { "if": { "source": "players", "min": 1 }, "result": "busy", "pass": false } ] } ] }
	EOT
}

run_now() {
	start run "$gs" run --config config.json --source src --target target \
		--control "unix:$dir/control"
	within 10 logged run "probe empty: busy, fail, by rule 2"
}

hook=("$gs" hook pre-stop --probe empty --control)

@test "pre-stop: it waits until the probe says the word, and tells the resident" {
	run_now
	start hook "${hook[@]}" "unix:$dir/control" --deadline 600s
	within 10 is_asleep "$hook_pid"
	kill -0 "$hook_pid"
	echo 0 >players
	ended hook
	expect_status 0
	within 10 logged run "info  run: hook pre-stop: empty said 'done' after"
	logged run ": letting go"
}

@test "pre-stop: at its deadline it lets go all the same, and says so" {
	run_now
	run "${hook[@]}" "unix:$dir/control" --deadline 1s
	expect_status 0
	within 10 logged run "warn  run: hook pre-stop: deadline of 1s passed, empty still said 'busy': letting go"
	run "${hook[@]}" "unix:$dir/control" --deadline 1s --on-deadline fail
	expect_status 3
}

@test "pre-stop: another word than done" {
	run_now
	echo 0 >players
	within 10 logged run "probe empty: done"
	run "${hook[@]}" "unix:$dir/control" --deadline 1s --until gone
	within 10 logged run "empty still said 'done'"
	# A word that fails is never let go by.
	echo 3 >players
	within 10 eval '(($(times_logged run "probe empty: busy") == 2))'
	run "${hook[@]}" "unix:$dir/control" --deadline 1s --until busy
	within 10 logged run "empty still said 'busy'"
}

@test "pre-stop: what cannot be told is waited for" {
	run "${hook[@]}" "unix:$dir/nobody" --deadline 1s
	expect_status 0
	expect_output "deadline of 1s passed, empty still said 'unknown', "
	run_now
	rm players
	run "${hook[@]}" "unix:$dir/control" --deadline 1s
	within 10 logged run "empty still said 'unknown'"
}

@test "pre-stop: without a resident, by connections, in the game's own container" {
	start_peer game upgrade
	# shellcheck disable=SC2016 # for the shell that is run
	start player bash -c 'exec 5<>"/dev/tcp/127.0.0.1/$0" && echo connected && exec sleep 1000' \
		"$game_port"
	within 10 logged player connected
	start hook "$gs" hook pre-stop --probe drained --probe-tcp-port "$game_port" --deadline 600s \
		--probe-timeout 5s
	within 10 is_asleep "$hook_pid"
	kill -0 "$hook_pid"
	kill "$player_pid"
	ended hook
	expect_status 0
	logged hook "hook pre-stop: drained said 'done' after"
}

@test "pre-stop: without a resident it writes to what PID 1 of the container writes to" {
	# shellcheck disable=SC2016 # for the shell that is run
	run unshare --pid --fork --mount-proc bash -c 'exec 2>>"$0"; "$@" 2>/dev/null' "$dir/of-pid-1" \
		"${hook[@]}" "unix:$dir/nobody" --deadline 500ms
	expect_status 0
	expect_equal "$(grep -c "gs-sidecar: hook pre-stop: deadline of 500ms passed" of-pid-1)" 1
}

@test "pre-stop: a signal ends it at once, and nothing is said of letting go" {
	start hook "$gs" hook pre-stop --probe drained --probe-tcp-port 1 --until never --deadline 600s
	within 10 is_asleep "$hook_pid"
	kill -TERM "$hook_pid"
	ended hook
	expect_status 143
	! logged hook "letting go"
}

@test "pre-stop: what makes no sense is a mistake" {
	mistake() {
		run "$gs" hook pre-stop "${@:2}"
		expect_status 2 && expect_output "$1"
	}
	mistake "probe is not set"
	mistake "'a b' is no probe's name" --probe 'a b'
	mistake "'unknown' is no word to wait for" --probe empty --until unknown
	mistake "'not done' is no word to wait for" --probe empty --until 'not done'
	mistake "no probe is called 'other'" --probe other --config config.json --probe-direct
	mistake "probe-tcp-port is for the probe 'drained' alone" --probe empty --probe-tcp-port 5000
	run "$gs" hook pre-start
	expect_status 2
}
