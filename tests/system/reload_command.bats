#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `reload --command`: a program is run without a shell and its exit status is the answer.

load lib

@test "reload by command: status 0 is a success, and words stay words" {
	run "$gs" reload --command sh --command -c --command 'printf "%s|" "$@" >words' --command - \
		--command 'two words' --command '*' --command '$HOME;ls' --deadline 5s
	expect_status 0
	expect_output "reloaded by command 'sh'"
	# shellcheck disable=SC2016 # what must not be expanded
	expect_equal "$(<words)" 'two words|*|$HOME;ls|'
}

@test "reload by command: an empty word is kept or refused, not dropped" {
	run "$gs" reload --command sh --command -c --command 'echo $# >words' --command - \
		--command '' --command last --deadline 5s
	((status == 2)) || expect_equal "$(<words)" 2
}

@test "reload by command: a failure is tried again until the deadline and tells what was said" {
	run "$gs" reload --command sh --command -c \
		--command 'echo x >>tries; echo bad map >&2; exit 7' --deadline 1100ms
	expect_status 3
	expect_output "'sh' ended with status 7"
	expect_output "bad map"
	(($(wc -l <tries) >= 2))
}

@test "reload by command: one that succeeds at last is a success" {
	run "$gs" reload --command sh --command -c \
		--command 'echo x >>tries; [ $(wc -l <tries) -ge 3 ]' --deadline 20s
	expect_status 0
	expect_equal "$(wc -l <tries)" 3
}

@test "reload by command: a program that is not there is told" {
	run "$gs" reload --command ./no-such-program --deadline 300ms
	expect_status 3
	expect_output "./no-such-program"
	expect_output "No such file"
}

@test "reload by command: one that takes too long is killed with all that it started" {
	run "$gs" reload --command sh --command -c --command 'sleep 300 & echo $! >child; wait' \
		--timeout 2s --deadline 2s
	expect_status 3
	expect_output "killed after"
	within 5 is_gone "$(<child)"
}

@test "reload by command: ending by a signal leaves nothing behind" {
	start reload "$gs" reload --command sh --command -c \
		--command 'sleep 300 & echo $! >child; wait' --deadline 60s
	within 10 test -s child
	kill -TERM "$reload_pid"
	ended reload
	expect_equal "$status" 143
	within 5 is_gone "$(<child)"
}
