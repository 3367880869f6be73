#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Natively alone: a server that falls silent, which takes its time.
bats_require_minimum_version 1.5.0
load lib
load fetch
load web

prepare() {
	serve_web
}

clean_up() {
	end_web
}

@test "http: a server that says nothing more is given up, and gone on with when it speaks again" {
	local workers

	random_file www/it.bin 2000000
	stop_nginx
	rate=300k write_config
	start_nginx
	start_fetch "\"http\": \"$base/it.bin\", \"retries\": 9"
	within 20 eval '(( $(stat -c %s cache/it/download) > 300000 ))'
	mapfile -t workers < <(pgrep -P "$nginx_pid")
	kill -STOP "$nginx_pid" "${workers[@]}"
	# 30 seconds without a byte are too many.
	within 40 logged fetching "Operation too slow. Less than 1 bytes/sec transferred the last 30 seconds; again in"
	kill -CONT "$nginx_pid" "${workers[@]}"
	ended fetching
	expect_status 0
	cmp www/it.bin cache/it/tree.1/it.bin
	[[ $(last_asked) == *" 206 "* ]]
}
