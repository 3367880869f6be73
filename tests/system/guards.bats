#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What keeps a version from being published: it shrinks, a command says no, or there is no room.

load lib

modes=(in-place data exchange)

clean_up() {
	chmod -R u+w "$dir" 2>/dev/null || true
}

# in_each_mode FUNCTION: once in each mode, each time on a fresh target with version one.
in_each_mode() {
	for mode in "${modes[@]}"; do
		printf 'mode %s\n' "$mode"
		rm -rf target .gs-sidecar-target src
		mkdir -p target src/sub
		echo 1 >src/file
		echo same >src/sub/same
		ln -s file src/link
		sync_with
		expect_status 0
		echo 2 >src/file
		echo new >src/sub/new
		"$1"
	done
}

sync_with() {
	run "$gs" sync --source src --target target --publish "$mode" --grace 0s "$@"
}

validate_with() {
	local word words=()

	for word; do
		words+=(--validate "$word")
	done
	sync_with "${words[@]}"
}

live() {
	[[ $mode == data ]] && printf target/..data || printf target
}

# Version one is there, and nothing is left of the try.
expect_one() {
	expect_equal "$(cat "$(live)/file" "$(live)/sub/same")" $'1\nsame'
	[[ ! -e $(live)/sub/new ]]
	expect_equal "$(find . -name stage)" ""
	run "$gs" verify --target target
	expect_status 0
}

expect_two() {
	expect_status 0
	expect_equal "$(cat "$(live)/file" "$(live)/sub/same" "$(live)/sub/new")" $'2\nsame\nnew'
	run "$gs" verify --target target
	expect_status 0
}

# many COUNT: so many files in src, and no more
many() {
	local i

	rm -rf src
	mkdir src
	for ((i = 0; i < $1; i++)); do
		echo 1 >"src/$i"
	done
}

# ---- shrinking ----

@test "shrink: an empty source is refused, and says how it can be published" {
	in_each_mode empty_source
}

empty_source() {
	local how

	for how in 'rm -r src/*' 'mkdir src/only-directories'; do
		eval "$how"
		sync_with --shrink-limit 100
		expect_status 4
		expect_output "--force"
		expect_one
	done
	sync_with --force
	expect_status 0
	expect_equal "$(ls "$(live)")" only-directories
}

@test "shrink: more than the limit and at least ten files" {
	mode=in-place
	many 40
	sync_with
	many 20
	sync_with
	expect_status 0
	many 9
	sync_with
	expect_status 4
	expect_output "11 of 20 published files would go, more than shrink-limit (50 %) allows"
	expect_equal "$(ls target | wc -l)" 20
	sync_with --shrink-limit 54
	expect_status 4
	sync_with --shrink-limit 55
	expect_status 0
	many 1
	sync_with
	expect_status 0
}

@test "shrink: a limit of 0 lets only a few files go, 100 all but the last" {
	mode=in-place
	many 30
	sync_with --shrink-limit 0
	many 21
	sync_with --shrink-limit 0
	expect_status 0
	many 11
	sync_with --shrink-limit 0
	expect_status 4
	many 1
	sync_with --shrink-limit 100
	expect_status 0
	sync_with --shrink-limit 101
	expect_status 2
	expect_output shrink-limit
}

@test "shrink: files that only move count as gone, new ones do not hide it" {
	mode=in-place
	many 20
	sync_with
	mkdir moved
	mv src moved/
	mv moved src
	sync_with
	expect_status 4
	sync_with --force
	expect_status 0
}

@test "shrink: a first sync, and an empty one, are free" {
	mode=in-place
	rm -rf src
	mkdir src
	sync_with
	expect_status 0
	expect_output "the source is empty: the game gets no file"
	many 1
	sync_with
	expect_status 0
}

@test "shrink: not on the way back, and after it the limit is the live version's" {
	mode=in-place
	many 2
	sync_with
	many 40
	sync_with
	run "$gs" rollback --target target
	expect_status 0
	expect_equal "$(ls target | wc -l)" 2
	many 3
	sync_with
	expect_status 0
	expect_equal "$(ls target | wc -l)" 3
}

# ---- validation ----

@test "validate: its exit status decides" {
	in_each_mode exit_status_decides
}

exit_status_decides() {
	validate_with false
	expect_status 5
	expect_output "'false' ended with status 1: nothing was changed"
	expect_one
	validate_with sh -c 'exit 77'
	expect_status 5
	expect_output "status 77"
	expect_one
	validate_with sh -c 'kill -SEGV $$'
	expect_status 5
	expect_output "status 139"
	expect_one
	validate_with true
	expect_two
	# Nothing new is nothing to look at.
	validate_with false
	expect_status 0
}

@test "validate: it sees the new version, whole, and nothing on stdin" {
	in_each_mode sees_all
}

sees_all() {
	validate_with sh -c "pwd >'$dir/pwd' && ls -AR >'$dir/seen' && cat file sub/* >'$dir/content' &&
		readlink link >>'$dir/content' && cat >'$dir/stdin'"
	expect_two
	expect_equal "$(cat content)" $'2\nnew\nsame\nfile'
	expect_equal "$(cat stdin)" ""
	expect_equal "$(tr '\n' ' ' <seen)" ".: file link sub  ./sub: new same "
	[[ $(cat pwd) == */stage/new ]]
}

@test "validate: what it says goes to stderr" {
	in_each_mode says
}

says() {
	"$gs" sync --source src --target target --publish "$mode" --json --validate sh --validate -c \
		--validate 'echo out; echo err >&2' >out 2>err
	gojq -e '.done and .changed' out
	expect_equal "$(sort err)" $'err\nout'
}

@test "validate: a command that is not there, or cannot be run" {
	in_each_mode cannot_be_run
}

cannot_be_run() {
	validate_with no-such-command
	expect_status 4
	expect_output no-such-command
	expect_one
	validate_with "$dir"
	expect_status 4
	expect_one
}

@test "validate: killed at the deadline, with all that it started" {
	in_each_mode deadline
}

deadline() {
	local pid

	rm -f pid
	sync_with --validate-deadline 2s --validate sh --validate -c \
		--validate "sleep 1000 & echo \$! >'$dir/pid'; trap '' TERM; wait; sleep 1000"
	expect_status 3
	expect_output "was killed after 2s"
	expect_one
	within 5 is_gone "$(cat pid)"
}

@test "validate: what it leaves running is killed too" {
	mode=in-place
	echo 1 >src/file
	validate_with sh -c "sleep 1000 & echo \$! >'$dir/pid'"
	expect_status 0
	within 5 is_gone "$(cat pid)"
}

@test "validate: a command that changes what it looks at is refused" {
	in_each_mode changes
}

changes() {
	local how

	for how in 'echo X >file' 'printf 3 | dd of=file conv=notrunc status=none; touch -d @1 file' \
		'rm file' 'chmod 600 sub/new' 'mv sub/new sub/newer' 'echo 1 >more' 'mkdir sub/more' \
		'ln -sfn sub link' 'rm file; mkdir file' 'cp file x; mv x file'; do
		printf '%s\n' "$how"
		validate_with sh -c "$how"
		expect_status 5
		expect_output "it changed '"
		expect_one
	done
	validate_with true
	expect_two
}

@test "validate: a change of a file that is live too is told, and mended by the next sync" {
	in_each_mode changes_live
}

changes_live() {
	validate_with sh -c 'echo X >>sub/same'
	expect_status 5
	expect_output "it changed 'sub/same'"
	run "$gs" verify --target target
	expect_status 1
	sync_with
	expect_two
}

@test "validate: on the way back too" {
	in_each_mode on_the_way_back
}

on_the_way_back() {
	sync_with
	run "$gs" rollback --target target --publish "$mode" --grace 0s --validate grep --validate 2 \
		--validate file
	expect_status 5
	expect_two_again
	run "$gs" rollback --target target --publish "$mode" --grace 0s --validate grep --validate 1 \
		--validate file
	expect_status 0
	expect_one
}

expect_two_again() {
	status=0
	expect_two
}

@test "validate: SIGTERM meanwhile ends both, and version one stays" {
	in_each_mode terminated
}

terminated() {
	rm -f pid
	start sync "$gs" sync --source src --target target --publish "$mode" --validate sh --validate -c \
		--validate "echo \$\$ >'$dir/pid'; exec sleep 1000"
	within 5 test -s pid
	kill -TERM "$sync_pid"
	ended sync
	((status))
	within 5 is_gone "$(cat pid)"
	sync_with
	expect_two
}

@test "run: a version that is not valid is not published, and the old one stays, unready" {
	mode=in-place
	echo 1 >src/file
	sync_with
	echo 2 >src/file
	start run "$gs" run --source src --target target --control "unix:$dir/control" \
		--watch-source --watch-settle 50ms --validate grep --validate -qx --validate '[13]' \
		--validate file
	within 10 logged run "'grep' ended with status 1"
	expect_equal "$(ask GET /readyz "$dir/control")" "the sync failed"
	ask GET /status "$dir/control" |
		gojq -e '.ready == false and (.sync.last_error | contains("validate")) and .published.serial == 1'
	expect_equal "$(cat target/file)" 1
	echo 3 >src/file
	within 10 eval '[[ $(ask GET /readyz "$dir/control") == ready ]]'
	expect_equal "$(cat target/file)" 3
}
