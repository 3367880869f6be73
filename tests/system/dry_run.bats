#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `sync --dry-run`: what would change of what is published, by source, and nothing is written.

load lib

prepare() {
	mkdir -p base/js patch/js
	echo 1 >base/same
	echo 1 >base/old
	echo 1 >base/js/app.js
	echo 1 >patch/js/more.js
}

sync_both() {
	run "$gs" sync --source base --source patch --target target "$@"
	expect_status 0
}

change_all() {
	rm base/old
	echo 2 >base/js/app.js
	echo 1 >base/js/more.js
	chmod 600 base/same
	echo 2 >patch/js/more.js
	mkdir patch/new
	ln -s x patch/link
}

digest_of() {
	gojq -r .digest <<<"$output"
}

@test "dry-run: everything is new where nothing is published, and nothing is written" {
	sync_both --dry-run --diff
	expect_equal "$(grep -v '^would' <<<"$output")" "base:
  + js/app.js
  + old
  + same
patch:
  + js
  + js/more.js"
	expect_output "would publish "
	expect_output ": 5 to add, 0 to change, 0 to remove; published is nothing"
	expect_equal "$(ls -A target)" ""
}

@test "dry-run: what would change, by the source it comes from; then a sync does just that" {
	local before would

	sync_both --json
	before=$(digest_of)
	change_all
	sync_both --dry-run --diff
	expect_equal "$(grep -v '^would' <<<"$output")" "base:
  ~ js/app.js
  ~ same
patch:
  ~ js/more.js
  + link
  + new
in no source any more:
  - old"
	expect_output "2 to add, 3 to change, 1 to remove; published is $before"
	expect_equal "$(cat target/js/app.js target/js/more.js target/old)" $'1\n1\n1'
	sync_both --dry-run --json
	would=$(digest_of)
	expect_equal "$(gojq -c '[.published, .added, .changed, .removed, .differences]' <<<"$output")" \
		"[\"$before\",2,3,1,[]]"
	sync_both --json
	expect_equal "$(digest_of)" "$would"
	sync_both --dry-run --diff --json
	expect_equal "$(gojq -c '[.digest, .published, .added, .changed, .removed, .differences]' <<<"$output")" \
		"[\"$would\",\"$would\",0,0,0,[]]"
}

@test "dry-run: JSON has each difference with its source" {
	sync_both
	change_all
	sync_both --dry-run --diff --json
	expect_equal "$(gojq -r '.differences[] | "\(.what) \(.path) \(.source)"' <<<"$output")" "~ js/app.js base
~ same base
~ js/more.js patch
+ link patch
+ new patch
- old null"
}

@test "dry-run: beside a resident that has the target, and of a read-only target" {
	sync_both
	start lock flock --no-fork target/.gs-sidecar/lock sleep infinity
	within 5 bash -c '! flock -n target/.gs-sidecar/lock true'
	change_all
	footprint target >before
	sync_both --dry-run --diff
	expect_output "  - old"
	footprint target | diff before -
}

@test "dry-run: names with control characters stay on their line" {
	touch base/$'a\nb'
	sync_both --dry-run --diff
	expect_output '  + a\nb'
}

@test "dry-run: diff alone, or a source that is not there, is an error" {
	run "$gs" sync --source base --target target --diff
	expect_status 2
	expect_output "diff only means something with dry-run"
	run "$gs" sync --source missing --target target --dry-run
	expect_status 4
	expect_output missing
}
