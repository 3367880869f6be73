#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Two sidecars on one volume: in an in-place update the old and the new one overlap.

load lib

prepare() {
	echo 1 >src/file
	mkdir new
	echo 2 >new/file
}

old_is_ready() {
	start old "$gs" run --source src --target target --control "unix:$dir/old"
	within 5 is_ready_at old
}

is_ready_at() {
	[[ $(ask GET /readyz "$dir/$1") == ready ]]
}

start_new() {
	start new "$gs" run --source new --target target --control "unix:$dir/new-control"
	within 5 logged new "waiting until it is gone"
	within 5 ask GET /healthz "$dir/new-control"
}

takes_over() {
	within 5 is_ready_at new-control
	logged new "taking over"
	expect_equal "$(cat target/file)" 2
}

@test "the new one waits for the old one, and takes over when that ends" {
	old_is_ready
	start_new
	expect_equal "$(ask GET /readyz "$dir/new-control")" "another sidecar still has the target"
	ask GET /status "$dir/new-control" | gojq -e '.ready == false and .sync.waiting_for_lock'
	expect_equal "$(cat target/file)" 1
	is_ready_at old
	kill -TERM "$old_pid"
	ended old
	expect_status 0
	takes_over
	expect_equal "$(times_logged new "waiting until it is gone")" 1
}

@test "the new one takes over when the old one is killed" {
	old_is_ready
	start_new
	kill -KILL "$old_pid"
	takes_over
}

@test "the new one takes over when the old one is killed in the middle of a sync" {
	truncate -s 3G src/big
	start old "$gs" run --source src --target target --control "unix:$dir/old"
	within 5 test -s target/.gs-sidecar/stage/new/big
	start_new
	kill -KILL "$old_pid"
	takes_over
	expect_like_rsync new
}

@test "a suspended old one is waited for, not overrun" {
	truncate -s 3G src/big
	start old "$gs" run --source src --target target --control "unix:$dir/old"
	within 5 test -s target/.gs-sidecar/stage/new/big
	kill -STOP "$old_pid" "$(pgrep -P "$old_pid")"
	start_new
	[[ ! -e target/file ]]
	kill -KILL "$old_pid"
	takes_over
}

@test "the new one can be asked at the standard socket after the old one is gone" {
	start old "$gs" run --source src --target target
	within 5 is_ready
	start new "$gs" run --source new --target target
	within 5 logged new "waiting until it is gone"
	kill -TERM "$old_pid"
	ended old
	within 5 eval '[[ $(status_of .published.serial) == 2 ]]'
	within 5 is_ready
	expect_equal "$(cat target/file)" 2
}

@test "a socket that a killed one left behind is no obstacle" {
	start old "$gs" run --source src --target target
	within 5 is_ready
	kill -KILL "$old_pid"
	ended old || true
	[[ -S target/.gs-sidecar/control.sock ]]
	start new "$gs" run --source new --target target
	within 5 is_ready
	expect_equal "$(cat target/file)" 2
}

@test "of three that start at once each has its turn" {
	mkdir newest
	echo 3 >newest/file
	old_is_ready
	start_new
	start newest "$gs" run --source newest --target target --control "unix:$dir/newest-control"
	within 5 logged newest "waiting until it is gone"
	kill -TERM "$old_pid"
	within 5 eval 'is_ready_at new-control || is_ready_at newest-control'
	kill -TERM "$new_pid"
	within 5 is_ready_at newest-control
	expect_equal "$(cat target/file)" 3
}

@test "the new one takes over the port for probes too, in the pod's one network namespace" {
	local port

	port=$(free_port)
	start old "$gs" run --source src --target target --probe-listen "127.0.0.1:$port"
	within 5 is_ready
	start new "$gs" run --source new --target target --probe-listen "127.0.0.1:$port"
	within 5 logged new "waiting until it is gone"
	# The old one's socket in the state directory still answers for the old one.
	is_ready
	kill -TERM "$old_pid"
	within 5 logged new "probes are answered"
	within 5 eval '[[ $(curl -sS "http://127.0.0.1:$port/readyz") == ready ]]'
	expect_equal "$(cat target/file)" 2
}
