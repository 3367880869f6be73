#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `status`: what the `run` of this container says of itself.

load lib

prepare() {
	echo one >src/file
	printf 12345 >src/other
}

start_run() {
	start run unshare --mount "$gs" run --source "$dir/src" --target "$dir/target" "$@"
	within 10 test -S target/.gs-sidecar/control.sock
}

show() {
	run in_mounts_of run "$gs" status "$@"
}

@test "status: ready is 0 and says what is published" {
	start_peer game ok
	start_run --reload-url "http://127.0.0.1:$port/reload"
	within 10 is_ready
	show
	expect_status 0
	[[ ${lines[0]} == READY* ]]
	expect_output "$(gojq -r .digest target/.gs-sidecar/published.json)"
	expect_output "serial 1, 2 files, 9 B"
	expect_output "acknowledged, by http http://127.0.0.1:$port/reload, tries 1"
	expect_output "$dir/src -> $dir/target"
}

@test "status: a version is named as people call it" {
	start_run --label v1.4.2
	within 10 is_ready
	show
	expect_status 0
	expect_output "label v1.4.2"
}

@test "status: not ready is 1 and says why" {
	start_run --reload-url http://127.0.0.1:1/reload
	within 10 logged run "not acknowledged yet"
	show
	expect_status 1
	[[ ${lines[0]} == "NOT READY"*"the reload is not acknowledged yet"* ]]
	expect_output "last failure:"
}

@test "status: no run in this container is 5, and tells what to do" {
	run unshare --mount "$gs" status
	expect_status 5
	expect_output "no 'gs-sidecar run' answers in this container"
	expect_output "--control"
	run unshare --mount "$gs" status --control "unix:$dir/nothing.sock"
	expect_status 5
}

@test "status: JSON is one valid object with everything in it" {
	start_peer game ok
	start_run --reload-url "http://127.0.0.1:$port/reload"
	within 10 is_ready
	in_mounts_of run "$gs" status --json >status.json
	gojq -e '.ready == true and .published.serial == 1 and .published.files == 2 and
		.published.bytes == 9 and .reload.state == "acknowledged" and .reload.attempts == 1 and
		.reload.acknowledged.digest == .published.digest and .sync.failures == 0 and
		.timeline_ms.published <= .timeline_ms.acknowledged and (.version | length) > 0' status.json
}

@test "status: a control address is used where it is given, on both sides" {
	port=$(free_port)
	start run unshare --mount "$gs" run --source src --target target --control "127.0.0.1:$port"
	within 10 logged run "ready,"
	run unshare --mount "$gs" status --control "127.0.0.1:$port"
	expect_status 0
	expect_output READY
}

@test "status: an answer that is no status is told as one" {
	start_peer other ok
	run "$gs" status --control "127.0.0.1:$port"
	expect_status 5
	start_peer endless endless-body
	run timeout 20 "$gs" status --control "127.0.0.1:$port"
	expect_status 5
	expect_output "larger"
	start_peer refusing status-500
	run "$gs" status --control "127.0.0.1:$port"
	expect_status 5
	expect_output "500"
}

@test "status: control refuses browsers and other methods" {
	local path

	start_run
	within 10 is_ready
	for path in /status /v1/reload /v1/hook; do
		run curl -s -o /dev/null -w '%{http_code}' -X POST -H 'Origin: http://evil.example' \
			--unix-socket target/.gs-sidecar/control.sock "http://localhost$path"
		expect_equal "$output" 403
	done
	run curl -s -o /dev/null -w '%{http_code}' \
		--unix-socket target/.gs-sidecar/control.sock http://localhost/v1/reload
	expect_equal "$output" 405
	# No browser reaches a unix socket by a name: any will do.
	run curl -s -o /dev/null -w '%{http_code}' \
		--unix-socket target/.gs-sidecar/control.sock http://gs/status
	expect_equal "$output" 200
}

@test "status: what a hook tells cannot forge a line of the log" {
	start_run
	within 10 is_ready
	curl -s --unix-socket target/.gs-sidecar/control.sock http://localhost/v1/hook \
		--data-binary $'one\n2026-01-01T00:00:00.000Z error run: forged'
	within 5 logged run 'one\n2026'
	expect_equal "$(grep -c '^2026-01-01T00' run.log || true)" 0
}
