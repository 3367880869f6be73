#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `run` and the reload it owes: exactly one per change, whatever happens in between.

load lib

clean_up() {
	end_descendants "${pids[@]}"
}

prepare() {
	echo one >src/file
	echo ok >mode
}

# start_run [FLAG...]: in a mount namespace of its own, so that nobody else meets it.
start_run() {
	rm -f run.log
	start run unshare --mount "$gs" run --source "$dir/src" --target "$dir/target" "$@"
	within 10 test -S target/.gs-sidecar/control.sock
}

start_http_run() {
	start_run --reload-url "http://127.0.0.1:$port/reload" "$@"
}

# end_run [SIGNAL]; the log of this run is kept as old.log.
end_run() {
	kill "-${1-TERM}" "$run_pid"
	ended run
	cat run.log >>old.log
	rm -f target/.gs-sidecar/control.sock
}

published() {
	gojq -r .digest target/.gs-sidecar/published.json
}

reload_state() {
	status_of .reload.state
}

in_state() {
	[[ $(reload_state) == "$1" ]]
}

@test "reload of run: the request carries the published digest and a key of its own" {
	start_peer game ok
	start_http_run
	within 10 is_ready
	expect_equal "$(requests_to game)" 1
	logged game "POST /reload HTTP/1.1 digest=$(published) key=$(published)-1"
	[[ $(published) =~ ^xxh3:[0-9a-f]+$|^[0-9a-f:]+$ ]]
	expect_equal "$(gojq -r .digest target/.gs-sidecar/acknowledged.json)" "$(published)"
}

@test "reload of run: a restart without a change sends nothing and is ready" {
	start_peer game ok
	start_http_run
	within 10 is_ready
	end_run
	start_http_run
	within 10 is_ready
	logged run "acknowledged this version before"
	expect_equal "$(requests_to game)" 1
	expect_equal "$(reload_state)" acknowledged
}

@test "reload of run: killed before the acknowledgement, the next start sends again" {
	echo hang >mode
	start_peer game @mode
	start_http_run
	within 10 got_requests game 1
	end_run KILL
	echo ok >mode
	start_http_run
	within 10 is_ready
	expect_equal "$(requests_to game)" 2
	expect_equal "$(times_logged game "key=$(published)-1")" 2
}

@test "reload of run: killed at the moment of the answer, nothing is lost" {
	local i

	start_peer game ok
	for i in 1 2 3 4 5; do
		echo "$i" >src/file
		start_http_run
		within 10 logged game "-$i"
		end_run KILL
	done
	start_http_run
	within 10 is_ready
	expect_equal "$(gojq -r .digest target/.gs-sidecar/acknowledged.json)" "$(published)"
}

@test "reload of run: a newer version than the one owed is the only one sent" {
	local old

	port=$(free_port)
	start_http_run
	within 10 logged run "not acknowledged yet"
	old=$(published)
	end_run
	echo two >src/file
	start_peer game ok -p "$port"
	start_http_run
	within 10 is_ready
	expect_equal "$(requests_to game)" 1
	[[ $old != "$(published)" ]]
	logged game "digest=$(published) key=$(published)-2"
}

@test "reload of run: refused after its deadline, it is logged once and leaves run unready" {
	start_peer game status-500
	start_http_run --reload-deadline 1100ms
	within 10 in_state refused
	expect_equal "$(times_logged run "given up")" 1
	logged run "it answered 500"
	expect_equal "$(ask GET /readyz)" "the game did not acknowledge the reload"
	expect_equal "$(status_of .ready)" false
	[[ $(status_of .reload.last_error) == *"it answered 500"* ]]
	run in_mounts_of run "$gs" status
	expect_status 1
	expect_output "refused"
	kill -0 "$run_pid"
}

@test "reload of run: 'reload' makes it try again what was refused, and tells what came of it" {
	echo status-500 >mode
	start_peer game @mode
	start_http_run --reload-deadline 500ms
	within 10 in_state refused
	run in_mounts_of run "$gs" reload --deadline 10s
	expect_status 1
	expect_output "refused"
	expect_equal "$(times_logged run "given up")" 2

	echo ok >mode
	run in_mounts_of run "$gs" reload --deadline 10s
	expect_status 0
	expect_output "acknowledged"
	is_ready
	logged run "asked to try the reload again"
}

@test "reload of run: 'reload' without a run to ask is told so" {
	run unshare --mount "$gs" reload --deadline 1s
	expect_status 5
	expect_output "no 'gs-sidecar run' answers in this container"
}

@test "reload of run: A, then B refused, then A again: A is reloaded again" {
	local first

	start_peer game @mode
	start_http_run
	within 10 is_ready
	first=$(published)
	end_run

	echo two >src/file
	echo status-500 >mode
	start_http_run --reload-deadline 300ms
	within 10 in_state refused
	end_run

	echo one >src/file
	echo ok >mode
	start_http_run
	within 10 is_ready
	expect_equal "$(published)" "$first"
	logged game "digest=$first key=$first-3"
}

@test "reload of run: an acknowledgement that cannot be recorded is a warning" {
	echo status-500 >mode
	start_peer game @mode
	start run unshare --mount bash -c '
		mkdir state && mount -t tmpfs -o size=256k none state
		exec "$@"' - "$gs" run --source "$dir/src" --target "$dir/target" --state "$dir/state/s" \
		--control "unix:$dir/control.sock" --reload-url "http://127.0.0.1:$port/reload"
	within 10 got_requests game 1
	run dd if=/dev/zero "of=/proc/$run_pid/root$dir/state/fill" bs=1k
	expect_output "No space left"
	echo ok >mode
	within 10 logged run "the acknowledged reload could not be recorded"
	logged run "No space left"
	expect_equal "$(ask GET /readyz "$dir/control.sock")" ready
}

@test "reload of run: what a command says when it fails is in log and status" {
	start_run --reload-command sh --reload-command -c \
		--reload-command 'echo "level 7 is broken" >&2; exit 3' --reload-deadline 1100ms
	within 10 in_state refused
	logged run "level 7 is broken"
	[[ $(status_of .reload.last_output) == "level 7 is broken"* ]]
	[[ $(status_of .reload.last_error) == *"ended with status 3"* ]]
}

@test "reload of run: secrets are in no log, status or metric" {
	echo status-500 >mode
	start_peer game @mode
	start run unshare --mount "$gs" run --source "$dir/src" --target "$dir/target" \
		--log-level info --reload-url "http://joe:pa55word@127.0.0.1:$port/reload?key=s3cret" \
		--reload-header 'X-Token: t0ken' --reload-body b0dy --reload-deadline 500ms
	within 10 logged run "given up"
	in_mounts_of run "$gs" status >said || true
	in_mounts_of run "$gs" status --json >>said || true
	ask GET /metrics >>said
	grep -F "http://127.0.0.1:$port/reload" said
	for secret in pa55word s3cret t0ken b0dy; do
		expect_secret "$secret" said run.log
	done
	output=$(<game.request)
	expect_output b0dy
	expect_output t0ken
}

@test "reload of run: SIGTERM while the game does not answer ends it at once" {
	local began

	start_peer game hang
	start_http_run
	within 10 got_requests game 1
	began=$(milliseconds)
	end_run
	expect_fast "$began" 3000
	expect_equal "$status" 0
}

@test "reload of run: without a way to reload, published is ready" {
	start_run
	within 10 is_ready
	expect_equal "$(reload_state)" none
}
