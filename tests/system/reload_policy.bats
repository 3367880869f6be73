#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Several triggers, proof by a second channel, what a failed reload means, and when it may begin.

load lib

prepare() {
	echo v1 >src/file
	# A mount namespace of its own, so that nobody else meets this resident.
	separate_mounts
	in_container=(nsenter --mount="/proc/$mounts_pid/ns/mnt" --wdns="$dir")
}

# run_now FLAGS...
run_now() {
	: >run.log
	start run "${in_container[@]}" "$gs" run --source "$dir/src" --target "$dir/target" \
		--watch-source --watch-settle 50ms "$@"
	within 10 test -S target/.gs-sidecar/control.sock
}

by_hand() {
	run inside "$gs" "$@"
}

stop() {
	kill "-${1-TERM}" "$run_pid"
	ended run
	rm -f target/.gs-sidecar/control.sock
}

in_state() {
	[[ $(status_of .reload.state) == "$1" ]]
}

# command NAME SCRIPT: a trigger as JSON, which adds a line to NAME.ran first.
command() {
	gojq -cn --arg s "echo >>'$dir/$1.ran'; $2" '{ command: ["sh", "-c", $s], backoff: "100ms" }'
}

ran() {
	cat "$dir/$1.ran" 2>/dev/null | wc -l
}

# ---- several triggers ----

@test "triggers: each is run once, in their order" {
	run_now --trigger "$(command a 'echo a >>order')" --trigger "$(command b 'echo b >>order')" \
		--trigger "$(command c 'echo c >>order')"
	within 10 is_ready
	expect_equal "$(paste -sd '' order)" abc
	expect_equal "$(status_of '.reload.triggers | map(.done) | all')" true
	expect_equal "$(status_of '.reload.triggers | length')" 3
	echo v2 >src/file
	within 10 eval '[[ $(ran c) == 2 ]]'
	within 10 is_ready
	expect_equal "$(paste -sd '' order)" abcabc
}

@test "triggers: a bad one does not keep the others from theirs" {
	run_now --trigger "$(command a 'test -e good')" --trigger "$(command b true)"
	within 10 eval '(($(ran a) > 2))'
	expect_equal "$(ran b)" 1
	[[ $(status_of .reload.state) == @(owed|sent) ]]
	expect_equal "$(status_of '.reload.triggers | map(.done) | tostring')" "[false,true]"
	status_of '.reload.triggers[0].last_error' | grep -F "ended with status 1"
	touch good
	within 10 is_ready
	expect_equal "$(ran b)" 1
}

@test "triggers: one that hangs holds the next up no longer than its own try" {
	run_now --trigger '{"command": ["sleep", "300"], "timeout": "300ms"}' \
		--trigger "$(command b true)"
	within 10 eval '[[ $(ran b) == 1 ]]'
	[[ $(status_of .reload.state) == @(owed|sent) ]]
}

@test "triggers: one that has spent the whole deadline leaves the next its try" {
	run_now --reload-deadline 300ms --trigger '{"command": ["sleep", "300"]}' \
		--trigger "$(command b true)"
	within 10 in_state refused
	expect_equal "$(ran b) $(status_of '.reload.triggers[1].done')" "1 true"
}

@test "triggers: by a URL and by a command" {
	start_peer game ok
	run_now --trigger "{\"url\": \"http://127.0.0.1:$port/reload\"}" --trigger "$(command b true)"
	within 10 is_ready
	expect_equal "$(requests_to game) $(ran b)" "1 1"
	expect_equal "$(status_of .reload.trigger)" "http http://127.0.0.1:$port/reload, command 'sh'"
}

@test "triggers: in the configuration file they are objects" {
	gojq -n --argjson a "$(command a true)" --argjson b "$(command b true)" \
		'{ trigger: [$a, $b] }' >gs.json
	run_now --config "$dir/gs.json"
	within 10 is_ready
	expect_equal "$(ran a) $(ran b)" "1 1"
	gojq -n '{ trigger: [{ url: "http://127.0.0.1:1/", method: 5, nonsense: 1 }] }' >gs.json
	run "$gs" check run --config gs.json --source src --target target
	expect_status 2
	expect_output '"trigger": "nonsense": no setting of a trigger has this name'
}

@test "triggers: what makes no sense is refused" {
	local sync=(--source src --target target)

	refused() {
		run "$gs" check run "${sync[@]}" "${@:2}"
		expect_status 2 && expect_output "$1"
	}
	refused "not valid JSON" --trigger '{'
	refused "expected a JSON object" --trigger '["x"]'
	refused 'expected a "url", a "signal" or a "command"' --trigger '{"timeout": "1s"}'
	refused 'reload-signal needs reload-process' --trigger '{"signal": "HUP"}'
	refused '"url": it is there twice' --trigger '{"url": "http://a/", "url": "http://b/"}'
	refused '"command": expected a text or a number' --trigger '{"command": ["a", ["b"]]}'
	refused '"timeout": ' --trigger '{"command": ["a"], "timeout": "soon"}'
	refused '"url": expected a text or a number' --trigger '{"url": {}}'
	refused '"body": expected a text or a number' --trigger '{"url": "http://a/", "body": null}'
	refused "trigger cannot be together with" --trigger '{"command": ["a"]}' --reload-url http://a/
	refused "trigger cannot be together with" --trigger '{"command": ["a"]}' --reload-header 'a: b'
	refused "reload-url, reload-socket, reload-header" --trigger '{"command": ["a"]}' --reload-socket unix:/a
	refused 'reload-timeout: expected more' --trigger '{"command": ["a"], "timeout": "0s"}'
	local many=()
	for _ in {1..17}; do many+=(--trigger '{"command": ["a"]}'); done
	refused "more than 16" "${many[@]}"
}

@test "triggers: what they hold is not shown" {
	run "$gs" check run --source src --target target \
		--trigger '{"url": "http://127.0.0.1:1/", "header": ["Authorization: Bearer sesame"]}'
	expect_status 0
	[[ $output != *sesame* ]]
}

@test "triggers: 'reload' runs them all and says which one failed" {
	run "$gs" reload --trigger "$(command a true)" --trigger "$(command b true)"
	expect_status 0
	expect_equal "$(ran a) $(ran b)" "1 1"
	run "$gs" reload --deadline 1100ms --trigger "$(command a true)" --trigger "$(command b 'exit 7')"
	expect_status 3
	expect_output "ended with status 7"
	expect_equal "$(ran a)" 2
	# The second has its own time of a try, which is not longer than the deadline.
	expect_output "within 1.1s"
	(($(ran b) < 20))
}

# ---- proof ----

# A game that says over HTTP which version it runs: what www/version.json says.
start_game() {
	mkdir -p www
	game_port=$(free_port)
	cat >nginx.conf <<-END
		daemon off;
		user root; # the test's directory is its own
		pid $dir/nginx.pid;
		error_log stderr;
		events {}
		http { access_log off; server { listen 127.0.0.1:$game_port; root $dir/www; } }
	END
	start nginx nginx -p "$dir" -c "$dir/nginx.conf"
	within 10 curl -s "http://127.0.0.1:$game_port/"
}

@test "proof: a value in JSON has to be the version's label" {
	start_game
	gojq -n '{ game: { versions: ["v0", "v1"] } }' >www/version.json
	run_now --label v1 --reload-command true --prove-url "http://127.0.0.1:$game_port/version.json" \
		--prove-json /game/versions/1 --prove-value '{version}' --prove-within 60s
	within 10 is_ready
	expect_equal "$(status_of .reload.state)" acknowledged
	expect_equal "$(status_of .reload.proof)" "GET http://127.0.0.1:$game_port/version.json"
}

@test "proof: it is waited for, and until then nothing is acknowledged" {
	start_game
	run_now --reload-command sh --reload-command -c --reload-command "echo >>'$dir/reloads'" \
		--prove-url "http://127.0.0.1:$game_port/digest" --prove-value '* {digest}' --prove-within 60s
	within 10 test -s reloads
	expect_equal "$(status_of '.ready, .reload.state' | paste -sd ' ')" "false sent"
	[[ ! -e target/.gs-sidecar/acknowledged.json ]]
	echo "loaded $(status_of .published.digest)" >www/digest
	within 10 is_ready
	expect_equal "$(wc -l <reloads)" 1
}

@test "proof: when it does not come the version is unproven, until it is tried again" {
	start_game
	echo v0 >www/version
	run_now --label v1 --reload-command sh --reload-command -c --reload-command "echo >>'$dir/reloads'" \
		--prove-url "http://127.0.0.1:$game_port/version" --prove-value '{version}' --prove-within 300ms
	within 10 in_state unproven
	expect_equal "$(status_of .reason)" "the reload is not proven"
	status_of .reload.unproven | grep -F "not proven within 300ms: the answer is 'v0', expected 'v1'"
	logged run "was answered, but not proven within 300ms"
	by_hand status
	expect_status 1
	expect_output "unproven: not proven"
	ask GET /metrics | grep -x "gs_sidecar_reloads_unproven_total 1"
	by_hand reload
	expect_status 1
	expect_output "the resident's reload: unproven"
	echo v1 >www/version
	by_hand reload
	expect_status 0
	within 10 is_ready
	expect_equal "$(wc -l <reloads)" 3
}

@test "proof: by the status alone, and by a status that is none" {
	start_game
	run_now --reload-command true --prove-url "http://127.0.0.1:$game_port/later" --prove-within 60s
	within 10 in_state sent
	touch www/later
	within 10 is_ready
}

@test "proof: a file that the game writes" {
	run_now --reload-command true --label v1 --prove-file "$dir/loaded" --prove-value '{version}' \
		--prove-within 60s
	within 10 in_state sent
	echo v0 >loaded
	echo v1 >loaded.new
	mv loaded.new loaded
	within 10 is_ready
}

@test "proof: a file that is newer than the reload" {
	echo loaded >loaded
	run_now --reload-command true --prove-file "$dir/loaded" --prove-within 300ms
	within 10 in_state unproven
	status_of .reload.unproven | grep -F "is as it was before the reload"
	stop
	run_now --reload-command sh --reload-command -c --reload-command "touch '$dir/loaded'" \
		--prove-file "$dir/loaded"
	within 10 is_ready
}

@test "proof: 'reload' waits for it too" {
	run "$gs" reload --command sh --command -c --command "echo ok >'$dir/loaded'" \
		--prove-file "$dir/loaded" --prove-value ok
	expect_status 0
	run "$gs" reload --command true --prove-file "$dir/loaded" --prove-value no --prove-within 100ms
	expect_status 3
	expect_output "answered by command 'true', but not proven within 100ms: $dir/loaded is 'ok', expected 'no'"
}

@test "proof: a version that comes meanwhile is reloaded, and the old proof is no longer looked for" {
	run_now --reload-command sh --reload-command -c --reload-command "cat target/file >>'$dir/reloads'" \
		--prove-file "$dir/loaded" --prove-value 'v2' --prove-within 60s
	within 10 test -s reloads
	echo v2 >src/file
	within 10 eval '[[ $(wc -l <reloads) == 2 ]]'
	echo v2 >loaded
	within 10 is_ready
	expect_equal "$(paste -sd ' ' reloads) $(status_of .published.serial)" "v1 v2 2"
}

@test "proof: a version without a label is not proven by whatever the game says" {
	echo anything >loaded
	run_now --reload-command true --prove-file "$dir/loaded" --prove-value '*{version}*' \
		--prove-within 100ms
	within 10 in_state unproven
	status_of .reload.unproven | grep -F "{version} is not known: no label is set"
	run "$gs" reload --command true --prove-file "$dir/loaded" --prove-value '*{digest}*' \
		--prove-within 100ms
	expect_status 3
	expect_output "{digest} is not known"
}

@test "proof: a pipe or a link in the place of the file is not waited at, nor followed" {
	mkfifo loaded
	run_now --reload-command true --prove-file "$dir/loaded" --prove-value ok --prove-within 100ms
	within 10 in_state unproven
	status_of .reload.unproven | grep -F "'$dir/loaded' is not a file"
	rm loaded
	echo sesame >secret
	ln -s secret loaded
	by_hand reload
	expect_status 1
	[[ $(status_of .reload.unproven) != *sesame* ]]
}

@test "proof: an endpoint that has reloaded the version does it again when proof is wanted anew" {
	start reloader "$gs" reloader --listen 127.0.0.1:0 -- sh -c 'echo >>runs'
	within 10 logged reloader "answering /reload"
	local flags=(--reload-url "http://127.0.0.1:$(port_of reloader)/reload"
		--prove-file "$dir/loaded" --prove-value ok --prove-within 100ms)
	run_now "${flags[@]}"
	within 10 in_state unproven
	by_hand reload
	expect_status 1
	expect_equal "$(wc -l <runs)" 2
	stop
	echo ok >loaded
	run_now "${flags[@]}"
	within 10 is_ready
	expect_equal "$(wc -l <runs)" 3
}

@test "proof: what makes no sense is refused" {
	local flags

	while read -r flags; do
		# shellcheck disable=SC2086 # words
		run "$gs" check run --source src --target target --reload-command true $flags
		expect_status 2
	done <<-END
		--prove-url http://a/ --prove-file b
		--prove-value x
		--prove-json /x --prove-value x
		--prove-url http://a/ --prove-json /x
		--prove-url http://a/ --prove-json x --prove-value x
		--reload-when idle
		--reload-idle-or-after 1s
		--game-tcp 0
		--game-tcp 65536
		--reload-timeout 0s
		--reload-deadline 0s
		--reload-failed rollback --keep 0
	END
	while read -r flags; do
		# shellcheck disable=SC2086 # words
		run "$gs" check run --source src --target target $flags
		expect_status 2 && expect_output "need a way to reload"
	done <<-END
		--prove-file b
		--prove-url http://a/
		--prove-process nginx
		--reload-failed rollback
		--reload-when idle --game-tcp 1
		--reload-spread 1s
	END
}

# ---- what a failure means ----

# A game that reloads what is good, and writes down each content that it has loaded.
game_that_wants() {
	printf 'grep -q "%s" target/file && cat target/file >>loaded' "$1"
}

run_policy() {
	run_now --reload-command sh --reload-command -c --reload-command "$(game_that_wants good)" \
		--reload-deadline 400ms "$@"
}

@test "failure: kept, the version stays, unready" {
	echo good1 >src/file
	run_policy
	within 10 is_ready
	echo bad >src/file
	within 10 in_state refused
	expect_equal "$(<target/file) $(status_of .ready)" "bad false"
}

@test "failure: rolled back to the last good version, which is reloaded, and unready all the same" {
	echo good1 >src/file
	run_policy --reload-failed rollback
	within 10 is_ready
	echo bad >src/file
	within 10 eval '[[ $(wc -l <loaded) == 2 ]]'
	within 10 in_state acknowledged
	expect_equal "$(<target/file) $(status_of .ready) $(status_of .published.serial)" "good1 false 3"
	status_of .reason | grep -F "gone back from"
	logged run "going back to"
	# The bad one is not tried again, neither by itself nor after a restart.
	stop
	run_policy --reload-failed rollback
	within 10 eval '[[ $(status_of .sync.held) == true ]]'
	expect_equal "$(<target/file) $(status_of .ready)" "good1 false"
	expect_equal "$(wc -l <loaded)" 2
	echo good2 >src/file
	within 10 is_ready
	expect_equal "$(paste -sd ' ' loaded)" "good1 good1 good2"
}

@test "failure: a person who goes back has the last word" {
	echo good1 >src/file
	run_policy --reload-failed rollback
	within 10 is_ready
	echo good2 >src/file
	within 10 eval '[[ $(wc -l <loaded) == 2 ]]'
	within 10 is_ready
	echo bad >src/file
	within 10 eval '[[ $(wc -l <loaded) == 3 ]]'
	within 10 in_state acknowledged
	expect_equal "$(status_of .ready)" false
	by_hand rollback
	expect_status 0
	within 10 is_ready
	expect_equal "$(<target/file)" good1
}

@test "failure: with nothing good to go back to the version stays, unready" {
	echo bad >src/file
	run_policy --reload-failed rollback
	within 10 in_state refused
	within 10 logged run "there is no version to go back to"
	expect_equal "$(<target/file) $(status_of .published.serial)" "bad 1"
}

@test "failure: when the good version fails too it is not gone back any further" {
	echo good1 >src/file
	run_policy --reload-failed rollback
	within 10 is_ready
	echo good2 >src/file
	within 10 eval '[[ $(wc -l <loaded) == 2 ]]'
	within 10 is_ready
	rm loaded
	mkdir loaded
	echo bad >src/file
	within 20 eval '[[ $(status_of .published.serial) == 4 ]]'
	within 10 in_state refused
	expect_equal "$(<target/file) $(status_of .published.serial)" "good2 4"
	expect_equal "$(times_logged run "going back to")" 1
}

@test "failure: the good version is kept however many bad ones come, until one is good" {
	local i

	echo good1 >src/file
	run_now --reload-command sh --reload-command -c --reload-command "$(game_that_wants good)" \
		--reload-failed rollback --keep 1 --reload-deadline 5s --reload-backoff 200ms
	within 10 is_ready
	for i in {2..5}; do
		echo "bad$i" >src/file
		within 10 eval '[[ $(status_of .published.serial) == '"$i"' ]]'
	done
	within 20 eval '[[ $(status_of .published.serial) == 6 ]]'
	within 10 in_state acknowledged
	expect_equal "$(<target/file)" good1
	echo good2 >src/file
	within 10 is_ready
	echo good3 >src/file
	within 10 eval '[[ $(status_of .published.serial) == 8 ]]'
	within 10 is_ready
	expect_equal "$(status_of '.kept | length')" 1
}

@test "failure: what is not proven is gone back from too" {
	echo good1 >src/file
	run_now --reload-command cp --reload-command target/file --reload-command loaded \
		--prove-file "$dir/loaded" --prove-value 'good*' --prove-within 300ms --reload-failed rollback
	within 10 is_ready
	echo bad >src/file
	within 10 eval '[[ $(status_of .published.serial) == 3 ]]'
	within 10 in_state acknowledged
	expect_equal "$(<target/file) $(<loaded) $(status_of .ready)" "good1 good1 false"
}

@test "failure: sources that have the good version again make the container ready" {
	echo good1 >src/file
	run_policy --reload-failed rollback
	within 10 is_ready
	echo bad >src/file
	within 10 eval '[[ $(wc -l <loaded) == 2 ]]'
	within 10 in_state acknowledged
	expect_equal "$(status_of .ready)" false
	echo good1 >src/file
	within 10 is_ready
	expect_equal "$(wc -l <loaded)" 2
}

@test "failure: what cannot be written down is known until a restart" {
	echo good1 >src/file
	run_policy --reload-failed rollback
	within 10 is_ready
	mkdir target/.gs-sidecar/failed
	echo bad >src/file
	within 10 eval '[[ $(wc -l <loaded) == 2 ]]'
	within 10 in_state acknowledged
	logged run "this could not be recorded, a restart will forget it"
	expect_equal "$(<target/file) $(status_of .ready)" "good1 false"
	status_of .reason | grep -F "gone back from"
}

@test "failure: a newer version that comes meanwhile is not gone back from" {
	cat >slow <<-END
		#!/bin/sh
		grep -q good2 file || exit 0
		touch '$dir/comes'
		until test -e '$dir/refused'; do sleep 0.05; done
	END
	chmod +x slow
	echo good1 >src/file
	run_policy --reload-failed rollback --reload-deadline 2s --validate "$dir/slow"
	within 10 is_ready
	echo bad >src/file
	within 10 eval '[[ $(status_of .published.serial) == 2 ]]'
	echo good2 >src/file
	within 10 test -e comes
	within 10 logged run "going back to"
	touch refused
	within 10 is_ready
	expect_equal "$(paste -sd ' ' loaded) $(<target/file) $(status_of .published.serial)" \
		"good1 good2 good2 3"
}

@test "failure: a person settles for the old version, or has the failed one tried again" {
	echo good1 >src/file
	run_policy --reload-failed rollback
	within 10 is_ready
	echo bad >src/file
	within 10 eval '[[ $(wc -l <loaded) == 2 ]]'
	within 10 in_state acknowledged
	by_hand rollback --target "$dir/target" "$(status_of .published.digest)"
	echo "$status $output"
	expect_status 0
	within 10 is_ready
	expect_equal "$(<target/file)" good1
	by_hand sync --source "$dir/src" --target "$dir/target" --force
	expect_status 0
	within 10 eval '[[ $(status_of .published.serial) > 3 ]]'
	within 20 eval '[[ $(times_logged run "going back to") == 2 ]]'
	within 10 in_state acknowledged
	expect_equal "$(<target/file) $(status_of .ready)" "good1 false"
}

@test "failure: killed when the good version is back and not reloaded yet" {
	echo good1 >src/file
	run_policy --reload-failed rollback
	within 10 is_ready
	local good
	good="grep -q good target/file && cat target/file >>loaded && { [ ! -e slow ] || sleep 300; }"
	stop
	run_now --reload-command sh --reload-command -c --reload-command "$good" --reload-deadline 400ms \
		--reload-timeout 60s --reload-failed rollback
	within 10 is_ready
	touch slow
	echo bad >src/file
	within 10 eval '[[ $(wc -l <loaded) == 2 ]]'
	stop KILL
	rm slow
	run_policy --reload-failed rollback
	within 10 in_state acknowledged
	expect_equal "$(<target/file) $(status_of .ready) $(paste -sd ' ' loaded)" "good1 false good1 good1 good1"
}

@test "failure: going back works in each publish mode" {
	local mode

	for mode in data exchange; do
		rm -rf target loaded
		mkdir target
		echo good1 >src/file
		start run "${in_container[@]}" "$gs" run --source "$dir/src" --target "$dir/target" \
			--watch-source --watch-settle 50ms --publish "$mode" --reload-failed rollback \
			--reload-deadline 400ms --reload-command sh --reload-command -c \
			--reload-command "$(game_that_wants good)"
		within 10 inside "$gs" status
		echo bad >src/file
		within 10 eval '[[ $(wc -l <loaded) == 2 ]]'
		within 10 eval '[[ $(<target/file) == good1 ]]'
		by_hand status
		expect_status 1
		expect_output "gone back from"
		kill "$run_pid"
		ended run
	done
}

@test "failure: when it cannot be gone back the version stays, unready, until it does well" {
	echo good1 >src/file
	run_policy --reload-failed rollback --keep 1
	within 10 is_ready
	echo bad1 >src/file
	within 10 eval '[[ $(status_of .published.serial) == 2 ]]'
	rm -rf target/..gs-sidecar-generations target/.gs-sidecar/generations
	within 10 logged run "it could not be gone back, staying unready"
	expect_equal "$(<target/file) $(status_of .reload.state) $(status_of .ready)" "bad1 refused false"
	echo good2 >src/file
	within 10 is_ready
}

@test "proof: a password and a query in its URL are not shown" {
	run_now --reload-command true --prove-within 200ms \
		--prove-url "http://user:sesame@127.0.0.1:1/{digest}?token=sesame"
	within 10 in_state unproven
	ask GET /status >status.json
	inside "$gs" status >status.txt || true
	expect_secret sesame status.json status.txt run.log
}

# ---- when ----

run_spread() {
	run_now --reload-command sh --reload-command -c --reload-command "echo >>'$dir/reloads'" \
		--reload-failed rollback --reload-spread 1h --pod-name "$1"
}

@test "when: each pod has its own moment in the spread, always the same" {
	local first

	# The first start is no update of a fleet.
	run_spread gss-2048-0
	within 10 is_ready
	echo v2 >src/file
	within 10 logged run "the reload waits for its moment in the spread"
	expect_equal "$(status_of .reload.state)" owed
	first=$(status_of .reload.waits)
	[[ $first == "for its moment in the spread"* ]]
	by_hand status
	expect_output "waits for its moment"
	stop
	run_spread gss-2048-0
	within 10 eval '[[ $(status_of .reload.waits) != null ]]'
	expect_equal "$(status_of .reload.waits)" "$first"
	stop
	run_spread gss-2048-1
	within 10 eval '[[ $(status_of .reload.waits) != null ]]'
	[[ $(status_of .reload.waits) != "$first" ]]
	expect_equal "$(wc -l <reloads)" 1
}

@test "when: the moment comes" {
	run_now --reload-command true --reload-spread 300ms
	within 10 is_ready
	echo v2 >src/file
	within 10 logged run "the reload waits for its moment in the spread"
	within 10 is_ready
}

@test "when: what goes back does not wait for a moment" {
	echo good1 >src/file
	run_policy --reload-failed rollback
	within 10 is_ready
	stop
	run_policy --reload-failed rollback --reload-spread 100ms
	within 10 is_ready
	echo bad >src/file
	within 10 eval '[[ $(wc -l <loaded) == 2 ]]'
	expect_equal "$(times_logged run "the reload waits for its moment")" 1
}

# ---- a sidecar that is killed in each state ----

# Kills run while it is in that state, starts it again, lets the game be well: reloads at most one more.
killed_in() {
	local state=$1 before

	shift
	run_now "$@"
	within 10 in_state "$state"
	within 10 test -s reloads
	stop KILL
	# Owed or refused, the next try may just have begun; one that was sent goes on for as long as it likes.
	[[ $state == sent ]] || within 10 eval '! pgrep -f "$dir/reloads"'
	before=$(wc -l <reloads)
	touch well
	run_now "$@"
	within 10 is_ready
	(($(wc -l <reloads) == before + 1))
}

@test "killed while a reload is owed: it is sent again" {
	killed_in owed --reload-backoff 60s --reload-command sh --reload-command -c \
		--reload-command "echo >>'$dir/reloads'; test -e well || { sleep 1; exit 1; }"
}

@test "killed while a reload is under way: it is sent once more" {
	killed_in sent --reload-command sh --reload-command -c \
		--reload-command "echo >>'$dir/reloads'; test -e well || sleep 300"
}

@test "killed while the proof is looked for: the reload is sent once more" {
	killed_in sent --reload-command sh --reload-command -c \
		--reload-command "echo >>'$dir/reloads'; ! test -e well || date >'$dir/loaded'" \
		--prove-file "$dir/loaded" --prove-within 60s
}

@test "killed after it was refused: the reload is tried again" {
	killed_in refused --reload-deadline 100ms --reload-command sh --reload-command -c \
		--reload-command "echo >>'$dir/reloads'; test -e well"
}

@test "killed when it is acknowledged: no reload" {
	run_now --reload-command sh --reload-command -c --reload-command "echo >>'$dir/reloads'"
	within 10 is_ready
	stop KILL
	run_now --reload-command sh --reload-command -c --reload-command "echo >>'$dir/reloads'"
	within 10 is_ready
	expect_equal "$(wc -l <reloads)" 1
}

@test "'reload' waits for the first version, which is still to come" {
	printf '#!/bin/sh\nuntil test -e %s; do sleep 0.05; done\n' "$dir/go" >slow
	chmod +x slow
	run_now --validate "$dir/slow" --reload-command true
	start asking inside "$gs" reload
	by_hand reload --deadline 300ms
	expect_status 3
	touch go
	ended asking
	expect_equal "$status $(<asking.log)" "0 the resident's reload: acknowledged"
}

@test "removed state: another version has to be reloaded, though its number is the same" {
	run_now --reload-command sh --reload-command -c --reload-command "cat target/file >>'$dir/reloads'"
	within 10 is_ready
	rm -r target/.gs-sidecar
	echo v2 >src/file
	within 10 eval '[[ $(<target/file) == v2 ]]'
	within 10 eval '[[ $(paste -sd " " reloads) == "v1 v2" ]]'
	logged run "was removed"
	within 10 inside "$gs" status
	expect_equal "$(gojq .serial target/.gs-sidecar/acknowledged.json)" 1
}
