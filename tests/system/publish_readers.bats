#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a game sees that reads all the time while versions are published: tests/programs/reader.c.
# Not under qemu, see tests/run.

load lib

# Readers of all kinds while more than 50 versions are published: read_during MODE VERSIONS
read_during() {
	local n

	make_version 1
	publish_in "$1"
	start whole "$programs/reader" whole "$(live_tree "$1")"
	start folders "$programs/reader" whole target/js target/maps
	start each "$programs/reader" each target/{one,two,first,js/a,js/b,js/c,js/deep/d,maps/m}
	within 5 logged whole reading
	within 5 logged folders reading
	within 5 logged each reading
	for ((n = 2; n <= $2; n++)); do
		make_version "$n"
		publish_in "$1"
	done
	stop_readers
	(($(awk '/^rounds/ { print $4 }' whole.log) > $2 / 6))
	publish_in "$1" --grace 0
	expect_no_leftovers "$1"
}

stop_readers() {
	local name

	kill "$whole_pid" "$folders_pid" "$each_pid"
	for name in whole folders each; do
		ended "$name"
		expect_equal "$status $(cat "$name.log")" "0 $(cat "$name.log")"
	done
}

reads_only_whole_versions() {
	read_during "$1" 52
}

@test "readers see only whole versions" {
	in_both reads_only_whole_versions
}

@test "readers see only whole files in place" {
	local n

	make_version 1
	publish_in in-place
	start each "$programs/reader" each target/{one,two,first,js/a,js/b,js/c,js/deep/d,maps/m}
	within 5 logged each reading
	for ((n = 2; n <= 52; n++)); do
		make_version "$n"
		publish_in in-place
	done
	kill "$each_pid"
	ended each
	expect_equal "$status $(cat each.log)" "0 $(cat each.log)"
}

@test "readers by path find every file while the mode changes" {
	local n mode modes=(data in-place)

	make_version 1
	publish_in in-place
	start each "$programs/reader" each target/{one,two,first,js/a,js/b,js/c,js/deep/d,maps/m}
	within 5 logged each reading
	for ((n = 2; n <= 40; n++)); do
		((n % 2)) || make_version "$n"
		mode=${modes[n % 2]}
		publish_in "$mode"
	done
	kill "$each_pid"
	ended each
	expect_equal "$status $(cat each.log)" "0 $(cat each.log)"
}
