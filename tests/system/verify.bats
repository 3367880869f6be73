#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `verify`: a sealed directory against its seal, the target against what was published.

load lib

prepare() {
	mkdir -p src/js/lib
	echo 1 >src/js/game.js
	echo 22 >src/js/lib/inner.js
	echo 333 >src/index.html
	ln -s js/game.js src/latest
}

# verify_it STATUS [ARGUMENT...]
verify_it() {
	local status_wanted=$1

	shift
	run "$gs" verify "$@"
	expect_status "$status_wanted"
}

# The lines before the summary.
expect_differences() {
	expect_equal "$(head -n -1 <<<"$output")" "$1"
}

# ---- the target ----

@test "a target that is what was published has no difference" {
	sync_now
	verify_it 0 --target target
	[[ $output == "no difference between 'target' and the published version "[0-9a-f]*": 4 files, 9 B, compared in "* ]]
	# What is not ours is nobody's difference.
	echo save >target/world.dat
	verify_it 0 --target target
	remember
	verify_it 0 --target target --json
	expect_equal "$(gojq -c '[.same, .directory, .against, .files, .bytes, .count, .not_listed,
		.differences]' <<<"$output")" '[true,"target","published",4,9,0,0,[]]'
	expect_equal "$(gojq -r .digest <<<"$output")" "$(gojq -r .digest target/.gs-sidecar/published.json)"
	expect_untouched
}

@test "each difference of a target is told, in order" {
	echo 1 >src/js/other.js
	echo 1 >src/z
	sync_now
	rm target/index.html
	# Same size and time: only its bytes tell.
	touch -r target/js/game.js times
	echo 2 >target/js/game.js
	touch -r times target/js/game.js
	chmod 600 target/js/lib/inner.js
	echo longer >target/js/other.js
	ln -sfn js/other.js target/latest
	rm target/z
	mkdir target/z
	verify_it 1 --target target
	expect_differences "missing  index.html
content  js/game.js
mode     js/lib/inner.js
size     js/other.js
target   latest
type     z"
	[[ ${lines[-1]} == "6 differences between 'target' and the published version "* ]]
	verify_it 1 --target target --json
	expect_equal "$(gojq -c '[.same, .count, .not_listed]' <<<"$output")" '[false,6,0]'
	expect_equal "$(gojq -r '.differences[] | .path + " " + .difference' <<<"$output")" \
		"index.html missing
js/game.js content
js/lib/inner.js mode
js/other.js size
latest target
z type"
	sync_now --verify full
	verify_it 0 --target target
}

@test "of a directory that is gone only itself is told" {
	sync_now
	rm -r target/js
	verify_it 1 --target target
	expect_differences "missing  js"
	[[ ${lines[-1]} == "1 difference between "* ]]
}

@test "names that steer a terminal do not" {
	touch $'src/a\nb\e[31m'
	sync_now
	rm target/a*
	verify_it 1 --target target
	expect_differences 'missing  a\nb\x1b[31m'
	verify_it 1 --target target --json
	expect_equal "$(gojq -r '.differences[0].path' <<<"$output")" $'a\nb\e[31m'
}

@test "a target where nothing was published is not the same" {
	verify_it 1 --target target
	expect_equal "$output" "gs-sidecar: nothing is published in 'target'"
	verify_it 1 --target target --json
	expect_output "nothing is published in 'target'"
	expect_equal "$("$gs" verify --target target --json 2>/dev/null | gojq -c '[.same, .digest]')" \
		'[false,null]'
	expect_equal "$(ls -A target)" ""
}

@test "a state directory elsewhere is found by its setting" {
	run "$gs" sync --source src --target target --state state
	expect_status 0
	verify_it 1 --target target
	verify_it 0 --target target --state state
	rm target/latest
	GS_SIDECAR_TARGET=target GS_SIDECAR_STATE=state verify_it 1
	expect_differences "missing  latest"
}

@test "a published version without a sound record cannot be compared" {
	sync_now
	: >"target/.gs-sidecar/manifests/$(gojq -r .digest target/.gs-sidecar/published.json)"
	verify_it 2 --target target
	expect_output "verify 'target': "
	rm target/.gs-sidecar/manifests/*
	verify_it 4 --target target
	expect_output "verify 'target': "
}

@test "a link in a directory's place is not followed" {
	sync_now
	mv target/js elsewhere
	ln -s ../elsewhere target/js
	verify_it 1 --target target
	expect_differences "type     js"
}

@test "a target in the data layout is compared behind its links, and they too" {
	sync_now --publish data
	verify_it 0 --target target
	expect_output "no difference between 'target' and the published version "
	echo 4444 >"$(realpath target/index.html)"
	rm target/js target/latest
	echo theirs >target/latest
	verify_it 1 --target target
	expect_differences "link     js
link     latest
size     index.html"
	[[ ${lines[-1]} == "3 differences between 'target' and "* ]]
}

@test "a target that was exchanged is compared as any other" {
	mkdir volume
	run "$gs" sync --source src --target volume/scripts --publish exchange
	expect_status 0
	verify_it 0 --target volume/scripts
	rm volume/scripts/js/game.js
	verify_it 1 --target volume/scripts
	expect_differences "missing  js/game.js"
}

# ---- a sealed directory ----

@test "a sealed directory is compared with its seal" {
	"$gs" seal src
	verify_it 0 src
	[[ $output == "no difference between 'src' and its seal "[0-9a-f]*": 4 files, 9 B, compared in "* ]]
	rm src/latest
	touch src/added src/js/lib/added
	chmod 711 src/js
	verify_it 1 src
	expect_differences "added    added
mode     js
added    js/lib/added
missing  latest"
	verify_it 1 --json src
	expect_equal "$(gojq -c '[.same, .directory, .against, .count]' <<<"$output")" '[false,"src","seal",4]'
}

@test "what a seal leaves out is no difference" {
	mkfifo src/pipe
	"$gs" seal src
	verify_it 0 src
	mkfifo src/js/pipe
	verify_it 0 src
}

@test "what has no sound seal cannot be compared" {
	verify_it 2 src
	expect_output "verify 'src': it is not sealed"
	"$gs" seal src
	truncate -s -1 src/..gs-sidecar-seal
	verify_it 2 src
	expect_output "verify 'src': seal '..gs-sidecar-seal': the manifest is cut, or too long"
	verify_it 4 nowhere
	expect_output "open directory 'nowhere'"
	verify_it 2
	expect_output "--target DIR"
	verify_it 2 src target
}

@test "what may not be read is an error, not a difference" {
	echo secret >src/js/secret
	chmod 0 src/js/secret
	chmod a+rx src src/js src/js/lib
	"$gs" seal src
	give_to_ordinary target
	run as_ordinary "$gs" verify src
	expect_status 4
	expect_output "'js/secret' cannot be read: Permission denied"
}
