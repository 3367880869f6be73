#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Probes of a resident: their pages, what the log tells, and what a restart remembers.

load lib

prepare() {
	echo 1 >src/file
	echo 0 >players
	test='"equals": 0'
	every=100ms
	configure
}

configure() {
	cat >config.json <<-EOT
		{ "probe-source": [ { "name": "players", "file": "$dir/players", "every": "$every" } ],
		  "probe-rules": [
		    { "name": "drain", "rules": [
		      { "if": { "source": "players", $test }, "result": "done" },
		      { "if": { "source": "players", "min": 1 }, "result": "draining", "pass": false } ] },
		    { "name": "count", "rules": [
		      { "if": { "source": "players", "min": 0 }, "result": "{players}" } ] } ] }
	EOT
}

# run_now FLAGS...: with a probe listener on $port
run_now() {
	port=$(free_port)
	start run "$gs" run --config config.json --source src --target target \
		--probe-listen "127.0.0.1:$port" "$@"
	within 10 test -S target/.gs-sidecar/control.sock
}

# get PAGE: status and body at the probe listener, "200 done"
get() {
	local body

	body=$(curl -s --max-time 20 -w '\n%{http_code}' "http://127.0.0.1:$port$1" && echo .)
	printf '%s' "${body%.}" | awk '{ line[NR] = $0 } END { print line[NR] " " line[1] }'
}

get_control() {
	curl -s --max-time 20 -o body -w '%{http_code} ' --unix-socket target/.gs-sidecar/control.sock \
		"http://localhost$1"
	cat body
}

is() {
	[[ $(get "/probe/drain") == *" $1" ]]
}

stop_run() {
	kill "-${1-TERM}" "$run_pid"
	ended run
}

# reading_is FIELD VALUE: of the source
reading_is() {
	ask GET /probes | gojq -e ".sources[0].$1 == $2"
}

@test "pages have the word alone, and the status that it is worth" {
	run_now
	within 10 is "done"
	expect_equal "$(get /probe/drain)" "200 done"
	expect_equal "$(get_control /probe/drain)" "200 done"
	expect_equal "$(curl -s "http://127.0.0.1:$port/probe/drain" | od -An -c)" "   d   o   n   e"
	expect_equal "$(curl -sI "http://127.0.0.1:$port/probe/drain" | head -n 1)" $'HTTP/1.1 200 OK\r'
	curl -sI "http://127.0.0.1:$port/probe/drain" | grep -i '^content-type: text/plain'
	echo 5 >players
	within 10 is draining
	expect_equal "$(get /probe/drain)" "503 draining"
	expect_equal "$(get_control /probe/drain)" "503 draining"
	expect_equal "$(get /probe/count)" "200 5"
	rm players
	within 10 is unknown
	expect_equal "$(get /probe/drain)" "503 unknown"
	expect_equal "$(get /probe/count)" "503 unknown"
}

@test "pages that are not there, and ways that are not theirs" {
	local page

	run_now
	for page in /probe/other /probe/ /probe /probe/drain/ /v1/probe/drain /probes/ /probe/DRAIN; do
		expect_equal "$page $(get "$page" | cut -c 1-3)" "$page 404"
	done
	expect_equal "$(get_control /v1/probe/other | cut -c 1-3)" 404
	for page in /probe/drain /probes; do
		expect_equal "$(curl -s -o /dev/null -w '%{http_code}' -d x "http://127.0.0.1:$port$page")" 405
		expect_equal "$(curl -s -o /dev/null -w '%{http_code}' -X DELETE "http://127.0.0.1:$port$page")" 405
	done
}

@test "for httpGet of Kruise: always 200, on the probe listener alone" {
	echo 5 >players
	run_now --probe-always-200
	within 10 is draining
	expect_equal "$(get /probe/drain)" "200 draining"
	expect_equal "$(get_control /probe/drain)" "503 draining"
	run "$gs" probe drain --control unix:target/.gs-sidecar/control.sock
	expect_status 1
	rm players
	within 10 is unknown
	expect_equal "$(get /probe/drain)" "200 unknown"
}

@test "all of them as JSON" {
	run_now
	within 10 is "done"
	curl -s "http://127.0.0.1:$port/probes" >probes
	gojq -e '[.probes[].probe] == ["drain", "count"]' probes
	gojq -e '.probes[0] | .result == "done" and .pass and .rule == 1 and .rules[0].holds == "yes"
		and .rules[1].holds == "no" and (.rules[1].why | contains("at least 1"))' probes
	gojq -e '.sources == [.sources[0]] and (.sources[0] | .source == "players" and .kind == "file"
		and .reading == "0" and .unknown == null and .looks >= 1 and .failures == 0)' probes
	echo x >players
	within 10 reading_is reading '"x"'
	ask GET /probes | gojq -e '.probes[0] | .result == "unknown" and .pass == false and .rule == 0
		and (.unknown | startswith("rule 1: players is \u0027x\u0027")) and [.rules[].holds] == ["unknown", "unknown"]'
	rm players
	within 10 reading_is reading null
	ask GET /probes | gojq -e '.sources[0].unknown | contains("No such file")'
}

# A look never finds it empty: players_are NUMBER
players_are() {
	echo "$1" >players.new
	mv players.new players
}

@test "the log has each verdict once, and no words that follow numbers" {
	local n

	run_now
	within 10 logged run "probe drain: done, pass, by rule 1"
	for n in 3 4 5; do
		players_are "$n"
		within 10 reading_is reading "\"$n\""
	done
	players_are 0
	within 10 eval '(($(times_logged run "probe drain: done, pass, by rule 1") == 2))'
	expect_equal "$(times_logged run "probe drain: draining, fail, by rule 2")" 1
	expect_equal "$(times_logged run "probe count:")" 1
	rm players
	within 10 logged run "probe drain: unknown (rule 1: players is unknown: "
	expect_equal "$(times_logged run "probe drain: ")" 4
}

# ---- what a restart remembers ----

held_for() {
	test="\"equals\": 0, \"for\": \"$1\""
	configure
}

# It holds, and that is written down.
is_kept() {
	gojq -e '.holds | length == 1' target/.gs-sidecar/probes
}

# What `long` says: it has held for two minutes longer than anybody saw.
keep_two_minutes() {
	held_for 120s
	run_now
	within 10 is_kept
	expect_equal "$(get /probe/drain)" "503 unknown"
	stop_run
	gojq -c '.holds[0].since -= 120000' target/.gs-sidecar/probes >long
	gojq -e '.holds[0].since > 0' long
}

# begins_anew: nobody knows how long it has held, once it has looked.
begins_anew() {
	run_now
	within 10 eval '(($(ask GET /probes | gojq ".sources[0].looks") > 0))'
	expect_equal "$(get /probe/drain)" "503 unknown"
}

@test "a condition goes on holding over a restart, and over being killed" {
	local how

	keep_two_minutes
	cp long target/.gs-sidecar/probes
	for how in TERM KILL TERM; do
		run_now
		within 10 is "done"
		stop_run "$how"
	done
	echo 1 >players
	run_now
	within 10 is draining
	within 10 eval '! is_kept'
	echo 0 >players
	within 10 is_kept
	expect_equal "$(get /probe/count)" "200 0"
	is unknown
}

@test "what is kept counts only on this boot, with this configuration and file" {
	keep_two_minutes
	cp long target/.gs-sidecar/probes
	run_now
	within 10 is "done" # else the rest would say nothing
	stop_run

	gojq -c '.boot = "b4d0c6f4-0000-4000-8000-000000000000\n"' long >target/.gs-sidecar/probes
	begins_anew
	stop_run

	gojq -c '.configuration |= (if .[:1] == "0" then "1" else "0" end) + .[1:]' long >target/.gs-sidecar/probes
	begins_anew
	stop_run

	cp long target/.gs-sidecar/probes
	echo 0 >players
	begins_anew
	stop_run

	head -c 100 long >target/.gs-sidecar/probes
	begins_anew
	stop_run

	head -c 100000 /dev/urandom >target/.gs-sidecar/probes
	begins_anew
	stop_run

	rm target/.gs-sidecar/probes
	mkdir target/.gs-sidecar/probes
	begins_anew
}

@test "somebody who came while nobody looked is not forgotten" {
	keep_two_minutes
	cp long target/.gs-sidecar/probes
	run_now
	within 10 is "done"
	stop_run KILL
	echo 1 >players
	echo 0 >players
	begins_anew
}

@test "another sidecar's directory is left to it" {
	held_for 1s
	start old "$gs" run --source src --target target --control "unix:$dir/old"
	within 10 ask GET /readyz "$dir/old"
	start run "$gs" run --config config.json --source src --target target --control "unix:$dir/new"
	within 10 logged run "waiting until it is gone"
	within 10 eval '[[ $(ask GET /probe/drain "$dir/new") == "done" ]]'
	[[ ! -e target/.gs-sidecar/probes ]]
	kill "$old_pid"
	ended old
	within 10 is_kept
}

@test "on a full disk probes work, and the log says what is lost" {
	mkdir small
	separate_mounts
	inside mount -t tmpfs -o size=256k none small
	held_for 1s
	in_container=(nsenter --mount="/proc/$mounts_pid/ns/mnt" --wdns="$dir")
	start run "${in_container[@]}" "$gs" run --config "$dir/config.json" --source "$dir/src" \
		--target "$dir/small" --control "unix:$dir/control"
	within 10 inside test -e small/.gs-sidecar/probes
	inside bash -c 'head -c 1M /dev/zero >small/full' || true
	echo 1 >players
	within 10 logged run "a restart will forget how long conditions of probes have held"
	within 10 eval '[[ $(ask GET /probe/drain "$dir/control") == draining ]]'
	inside test ! -e small/.gs-sidecar/probes
	echo 0 >players
	within 10 eval '[[ $(ask GET /probe/drain "$dir/control") == "done" ]]'
}

@test "a command has no connection of another source" {
	cat >count <<-'EOT'
		ls -l /proc/$$/fd | sed -n 's/.*socket:.\([0-9]*\).*/\1/p' | grep -cwFf - /proc/net/tcp || true
	EOT
	start_peer game hang
	cat >config.json <<-EOT
		{ "probe-source": [
		    { "name": "command", "every": "100ms", "timeout": "60s",
		      "command": ["bash", "$dir/count"] },
		    { "name": "game", "http": "http://127.0.0.1:$port/", "timeout": "600s" } ],
		  "probe-rules": [ { "name": "both", "rules": [
		    { "if": { "agree": ["command", "game"] }, "result": "same" } ] } ] }
	EOT
	run_now
	within 20 eval 'ask GET /probes | gojq -e ".sources[0].looks > 3"'
	reading_is reading '"0"'
}

# ---- cost ----

@test "without probes nothing is kept, and nothing wakes it" {
	local before

	start run "$gs" run --source src --target target
	within 10 is_ready
	within 10 is_asleep "$run_pid"
	before=$(wake_ups "$run_pid")
	read -rt 2 <> <(:) || true
	expect_equal "$(wake_ups "$run_pid")" "$before"
	[[ ! -e target/.gs-sidecar/probes ]]
	expect_equal "$(ask GET /probes | gojq -c .)" '{"probes":[],"sources":[]}'
}

@test "a source is asked once for all rules, and not at all when no rule names it" {
	start_peer game ok
	gojq -n --arg url "http://127.0.0.1:$port/" '{
		"probe-source": [ { name: "used", http: $url, every: "500s", timeout: "100s" },
			{ name: "unused", http: ($url + "unused"), every: "100ms" } ],
		"probe-rules": [ range(32) | { name: "p\(.)", rules: ([ range(31) | { if: { any: [ { source: "used", equals: . },
			{ source: "used", equals: "no" }, { not: { source: "used", equals: "ok" } } ] },
			result: "r\(.)" } ] + [ { result: "said-{used}" } ]) } ] }' >config.json
	start run "$gs" run --config config.json --source src --target target
	within 20 eval '(($(ask GET /probes | gojq ".sources[0].looks") == 1))'
	expect_equal "$(requests_to game)" 1
	run "$gs" probe p31 --control unix:target/.gs-sidecar/control.sock
	expect_equal "$(requests_to game)" 1
	ask GET /probes | gojq -e '[.sources[].source] == ["used"] and (.probes | length == 32)'
}

@test "as many sources and probes as there may be, and one more" {
	gojq -n --arg dir "$dir" '{
		"probe-source": [ range(64) | { name: "s\(.)", file: "\($dir)/players", every: "200ms" } ],
		"probe-rules": [ range(32) as $p | { name: "p\($p)", rules: [ { if: { all: [ range(16) |
			{ source: "s\(. + $p)", equals: 0, for: "100ms" } ] }, result: "done" } ] } ] }' \
		>config.json
	start run "$gs" run --config config.json --source src --target target
	within 20 eval '(($(ask GET /probes | gojq "[.probes[] | select(.pass)] | length") == 32))'
	gojq '."probe-source" += [ { name: "more", file: "/x" } ]' config.json >more.json
	run "$gs" run --config more.json --source src --target target
	expect_status 2
	expect_output "more than 64 sources or 32 probes"
	gojq '."probe-rules" += [ { name: "more", rules: [ { result: "x" } ] } ]' config.json >more.json
	run "$gs" run --config more.json --source src --target target
	expect_status 2
}
