#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `gs-sidecar probe` as Kruise sees it: exit status and both streams, to the byte.

load lib

prepare() {
	echo 1 >src/file
	echo 0 >players
	echo PreDelete >state
	configure
}

# A probe "drain", and "all" that always exits 0.
configure() {
	cat >config.json <<-EOT
		{ "probe-source": [
		    { "name": "players", "file": "$dir/players", "every": "100ms" },
		    { "name": "unused", "file": "$dir/nothing" } ],
		  "probe-rules": [
		    { "name": "drain", "rules": [
		      { "if": { "source": "players", "equals": 0 }, "result": "done" },
		      { "if": { "source": "players", "min": 1 }, "result": "draining", "pass": false } ] },
		    { "name": "count", "rules": [
		      { "if": { "source": "players", "min": 0 }, "result": "{players}" } ] } ] }
	EOT
}

run_now() {
	start run "$gs" run --config config.json --source src --target target \
		--control "unix:$dir/control" "$@"
	within 10 is_answered drain "done"
}

is_answered() {
	[[ $("$gs" probe "$1" --control "unix:$dir/control" 2>&1) == "$2" ]]
}

# says STATUS STDOUT STDERR ARGUMENTS...: to the byte; \n is a line's end.
says() {
	local status=0 got

	"$gs" probe "${@:4}" >out 2>err || status=$?
	got="$status|$(od -An -c out)|$(od -An -c err)"
	expect_equal "$got" "$1|$(printf '%b' "$2" | od -An -c)|$(printf '%b' "$3" | od -An -c)"
}

asks() {
	says "$@" --control "unix:$dir/control"
}

unknown() {
	says 1 '' 'unknown\n' "$@"
}

@test "pass is the word on stdout and 0, fail is the word on stderr and 1" {
	run_now
	asks 0 'done\n' '' drain
	asks 0 '0\n' '' count
	echo 3 >players
	within 10 is_answered drain draining
	asks 1 '' 'draining\n' drain
	asks 0 '3\n' '' count
	echo '3 players' >players
	within 10 is_answered drain unknown
	asks 1 '' 'unknown\n' drain
	asks 1 '' 'unknown\n' count
	asks 1 '' 'unknown\n' other
}

@test "nobody answers, or what answers is not ours" {
	local answer

	unknown drain --control "unix:$dir/none"
	unknown drain --control "127.0.0.1:$(free_port)"
	unknown drain
	for answer in 'ok' 'done' 'done\n' 'probe drain pass done' 'probe drain pass done\nmore\n' \
		'probe other pass done\n' 'probe drain pass \n' 'probe drain pass do|ne\n' 'PASS\n' \
		"probe drain pass $(printf 'x%.0s' {1..64})\\n" 'probe drain maybe done\n' '\n' '' \
		'probe drain pass done\r\n' 'probe  drain pass done\n' '{"result":"done","pass":true}'; do
		printf 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%b' "$answer" >answer
		echo raw-answer >mode
		[[ -n ${peer_pid-} ]] || start_peer peer "@$dir/mode"
		printf 'answer: %s\n' "$answer"
		unknown drain --control "127.0.0.1:$port" --timeout 60s
	done
	# The one thing that is taken, or the above would say nothing.
	printf 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nprobe drain pass done\n' >answer
	says 0 'done\n' '' drain --control "127.0.0.1:$port" --timeout 60s
	sed -i 's/200/404/' answer
	unknown drain --control "127.0.0.1:$port" --timeout 60s
	for mode in endless-body endless-headers garbage close hang slow empty redirect; do
		echo "$mode" >mode
		unknown drain --control "127.0.0.1:$port" --timeout 1s
	done
}

@test "a resident that stands still is unknown, in time" {
	local began=$SECONDS

	run_now
	kill -STOP "$run_pid"
	unknown drain --control "unix:$dir/control" --timeout 1s
	((SECONDS - began < 60))
	kill -CONT "$run_pid"
	within 10 is_answered drain "done"
}

@test "when a resident starts again it is unknown, or true" {
	local i output

	run_now
	echo 3 >players
	within 10 is_answered drain draining
	for i in 1 2 3; do
		kill -KILL "$run_pid"
		ended run
		start run "$gs" run --config config.json --source src --target target \
			--control "unix:$dir/control"
		while :; do
			output=$("$gs" probe drain --control "unix:$dir/control" 2>&1) || true
			[[ $output != draining ]] || break
			expect_equal "$output" unknown
			((SECONDS < 300))
		done
	done
}

@test "a word that cannot be printed is no success" {
	run bash -c '"$1" probe drain --direct --config config.json >/dev/full 2>err' - "$gs"
	((status))
	run bash -c '"$1" probe drain --direct --config config.json >&-' - "$gs"
	((status != 139))
}

@test "directly: one look, and what takes time is unknown" {
	local test

	says 0 'done\n' '' drain --direct --config config.json
	echo 1 >players
	says 1 '' 'draining\n' drain --direct --config config.json
	rm players
	says 1 '' 'unknown\n' drain --direct --config config.json
	echo 0 >players
	for test in '"for": "1ms"' '"samples": 1' '"samples": 3'; do
		sed "s/\"equals\": 0/\"equals\": 0, $test/" config.json >other.json
		says 1 '' 'unknown\n' drain --direct --config other.json
	done
	sed 's/"equals": 0/"changed": "10s"/' config.json >other.json
	says 1 '' 'unknown\n' drain --direct --config other.json
	run "$gs" probe drain --direct --config other.json --explain
	expect_status 1
	expect_output "changed within 10s"
}

@test "directly: sources that hang end with the timeout" {
	start_peer hang hang
	cat >config.json <<-EOT
		{ "probe-source": [
		    { "name": "one", "http": "http://127.0.0.1:$port/", "timeout": "300s" },
		    { "name": "two", "file": "$dir/players" } ],
		  "probe-rules": [
		    { "name": "both", "rules": [ { "if": { "all": [ { "source": "one", "equals": 0 },
		      { "source": "two", "equals": 0 } ] }, "result": "done" } ] },
		    { "name": "either", "rules": [ { "if": { "any": [ { "source": "one", "equals": 0 },
		      { "source": "two", "equals": 0 } ] }, "result": "done" } ] } ] }
	EOT
	says 1 '' 'unknown\n' both --direct --config config.json --timeout 500ms
	says 0 'done\n' '' either --direct --config config.json --timeout 500ms
}

@test "why, for people and as JSON" {
	run_now
	echo 7 >players
	within 10 is_answered drain draining
	run "$gs" probe drain --control "unix:$dir/control" --explain
	expect_status 1
	expect_output "players is '7', wanted: equal 0"
	[[ $output != *count* && $output != *unused* ]] || expect_output "only what was asked for"
	run "$gs" probe drain --control "unix:$dir/control" --explain --json
	expect_status 1
	gojq -e '[.probes[] | select(.probe == "drain")][0] |
		.result == "draining" and .pass == false and .rule == 2 and .unknown == null and
		[.rules[].holds] == ["no", "yes"]' <<<"$output"
	gojq -e '[.sources[].source] == ["players"] and .sources[0].reading == "7" and
		.sources[0].failures == 0 and .sources[0].age_ms >= 0' <<<"$output"
	run "$gs" probe drain --direct --config config.json --explain
	expect_status 1
	expect_output "draining, fail"
	run "$gs" probe other --control "unix:$dir/control" --explain
	((status))
	expect_output "nothing can be told of the probe 'other': the resident has no such probe"
	run "$gs" probe drain --control "unix:$dir/none" --explain
	((status))
	expect_output "nothing can be told of the probe 'drain'"
}

@test "mistakes are told, not guessed around" {
	run "$gs" probe
	expect_status 2
	run "$gs" probe a b
	expect_status 2
	run "$gs" probe 'a/b'
	expect_status 2
	run "$gs" probe other --direct --config config.json
	expect_status 2
	expect_output "no probe is called 'other'"
	run "$gs" probe drain --timeout 0
	expect_status 2
	run "$gs" probe drained --tcp-port 5000
	expect_status 2
	expect_output "probe-state-file is not set"
	run "$gs" probe drained --state-file state
	expect_status 2
	run "$gs" probe other --state-file state --tcp-port 5000
	expect_status 2
}

# drained: what says of a state file and connections to $game_port
drained() {
	says "$1" "$2" "$3" drained --state-file state --tcp-port "$game_port" --timeout 60s
}

@test "before a stop: a signal ends it, between its looks too" {
	start_peer game hang
	exec 7<>"/dev/tcp/127.0.0.1/$port"
	start hook "$gs" hook pre-stop --probe drained --probe-tcp-port "$port" --deadline 600s
	within 10 is_asleep "$hook_pid"
	kill "$hook_pid"
	within 10 is_gone "$hook_pid"
	exec 7>&-
	ended hook
	((status == 143))
}

@test "before a stop: mistakes, and a deadline that is over at once" {
	run "$gs" hook pre-stop --probe drain --probe-timeout 0 --deadline 1s
	expect_status 2
	expect_output "probe-timeout: expected more than 0s"
	run "$gs" hook pre-stop --probe drain --deadline 0s
	expect_status 0
	expect_output "drain still said 'unknown', nobody was asked: letting go"
}

@test "drained, in all states" {
	start_peer game hang
	drained 0 'done\n' ''
	echo Ready >state
	drained 1 '' 'serving\n'
	printf PreDelete >state
	drained 0 'done\n' ''
	printf 'PreDelete\r\n' >state
	drained 0 'done\n' ''
	: >state
	drained 1 '' 'unknown\n'
	printf 'PreDelete PreDelete' >state
	drained 1 '' 'serving\n'
	rm state
	drained 1 '' 'unknown\n'
	mkdir state
	drained 1 '' 'unknown\n'
	rmdir state
	echo PreDelete >state
	exec {player}<>"/dev/tcp/127.0.0.1/$game_port"
	drained 1 '' 'draining\n'
	echo Ready >state
	drained 1 '' 'serving\n'
	rm state
	drained 1 '' 'unknown\n'
	echo PreDelete >state
	exec {player}<&-
	within 10 drained 0 'done\n' ''
}
