#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Reloads that ask a probe: for the proof, and whether the game is idle.

load lib

prepare() {
	echo v1 >src/file
	separate_mounts
	in_container=(nsenter --mount="/proc/$mounts_pid/ns/mnt" --wdns="$dir")
}

# configure EVERY: a probe that says what the file `game` says, and passes unless that is "busy".
configure() {
	cat >config.json <<-EOT
		{ "probe-source": [ { "name": "game", "file": "$dir/game", "every": "$1" } ],
		  "probe-rules": [ { "name": "says", "rules": [
		    { "if": { "source": "game", "equals": "busy" }, "result": "busy", "pass": false },
		    { "if": { "source": "game", "matches": "*" }, "result": "{game}" } ] } ] }
	EOT
}

run_now() {
	start run "${in_container[@]}" "$gs" run --config "$dir/config.json" --source "$dir/src" \
		--target "$dir/target" "$@"
	within 10 test -S target/.gs-sidecar/control.sock
}

in_state() {
	[[ $(status_of .reload.state) == "$1" ]]
}

@test "proof by a probe: its word is the version's label" {
	configure 100ms
	echo v0 >game
	run_now --label v1 --reload-command true --prove-probe says --prove-value '{version}' \
		--prove-within 60s
	within 10 logged run "probe says: v0, pass, by rule 2"
	within 10 in_state sent
	echo v1 >game
	within 10 is_ready
	expect_equal "$(status_of .reload.proof)" "probe says"
}

@test "proof by a probe: that it passes, or the reason why not" {
	configure 100ms
	echo busy >game
	run_now --reload-command true --prove-probe says --prove-within 1s
	within 10 in_state unproven
	status_of .reload.unproven | grep -F "the probe says fails, with 'busy'"
	echo free >game
	within 10 logged run "probe says: free"
	run inside "$gs" reload
	expect_status 0
	within 10 is_ready
}

@test "proof by a probe: what it saw before the reload proves nothing" {
	configure 900ms
	echo fine >game
	# From the reload on the game says nothing; what it said before still stands for a while.
	run_now --reload-command sh --reload-command -c --reload-command "rm -f '$dir/game'" \
		--prove-probe says --prove-within 1s
	within 10 in_state unproven
}

@test "proof by a probe: what cannot be read proves nothing" {
	configure 100ms
	run_now --reload-command true --prove-probe says --prove-within 1s
	within 10 in_state unproven
	status_of .reload.unproven | grep -F "the probe says fails, with 'unknown'"
	kill "$run_pid"
	ended run
	run_now --reload-command true --prove-probe says --prove-value 'un*' --prove-within 1s
	within 10 in_state unproven
}

@test "idle by a probe: the reload waits until it says the word" {
	configure 100ms
	echo busy >game
	run_now --reload-command touch --reload-command "$dir/reloaded" --reload-when idle \
		--reload-idle-probe says --reload-idle-word empty
	within 10 logged run "the reload waits until the probe says says empty"
	echo other >game
	within 10 logged run "probe says: other, pass"
	[[ ! -e reloaded ]]
	rm game
	within 10 logged run "probe says: unknown"
	[[ ! -e reloaded ]]
	echo empty >game
	within 20 is_ready
	[[ -e reloaded ]]
}

@test "idle by a probe: that it passes, or after so long all the same" {
	configure 100ms
	echo busy >game
	run_now --reload-command touch --reload-command "$dir/reloaded" --reload-when idle \
		--reload-idle-probe says
	within 10 logged run "the reload waits until the probe says says that it passes, now"
	echo free >game
	within 20 is_ready
	kill "$run_pid"
	ended run
	echo busy >game
	echo v2 >src/file
	run_now --reload-command touch --reload-command "$dir/again" --reload-when idle \
		--reload-idle-probe says --reload-idle-or-after 1s
	within 20 is_ready
	[[ -e again ]]
}

@test "a reload that asks a probe: which one has to be there" {
	configure 1s
	run "$gs" check --config config.json --source src --target target --reload-command true \
		--prove-probe sais
	expect_status 2
	expect_output "prove-probe: no probe is called 'sais'"
	run "$gs" check --config config.json --source src --target target --reload-command true \
		--reload-when idle --reload-idle-probe sais
	expect_status 2
	expect_output "reload-idle-probe: no probe is called 'sais'"
	run "$gs" check --config config.json --source src --target target --reload-command true \
		--prove-probe says --prove-within 1s
	expect_status 2
	expect_output 'prove-within: source "game" is not looked at that often'
	sed -i 's/"result": "{game}"/&, "refresh": "1m"/' config.json
	run "$gs" check --config config.json --source src --target target --reload-command true \
		--prove-probe says
	expect_status 2
	expect_output "prove-probe: the probe 'says' has a \"refresh\""
	run "$gs" check --source src --target target --reload-command true --reload-idle-word idle
	expect_status 2
	expect_output "reload-idle-word needs reload-idle-probe"
	run "$gs" reload --url http://127.0.0.1:1 --prove-probe says
	expect_status 2
	expect_output "go with that alone"
}
