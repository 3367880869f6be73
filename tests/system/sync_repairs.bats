#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What somebody else does to the target or the state directory, and what has to come of it.

load lib

status_of() {
	"$gs" status --control "unix:$dir/control" --json | gojq -r "$1"
}

@test "a current tree that was removed is made again" {
	echo 1 >src/file
	sync_now --publish data
	rm -r "target/$(readlink target/..data)"
	sync_now --publish data
	expect_equal "$(cat target/file)" 1
	sync_now --publish data
	expect_output unchanged
}

@test "a pipe in the place of a record keeps nobody waiting" {
	separate_mounts
	mkdir state
	inside mount -t tmpfs none "$dir/state"
	echo 1 >src/file
	inside "$gs" sync --source src --target target --state "$dir/state"
	echo 2 >src/file
	inside "$gs" sync --source src --target target --state "$dir/state"
	rm target/..gs-sidecar-generations/1/record.json
	mkfifo target/..gs-sidecar-generations/1/record.json
	echo 3 >src/file
	run inside timeout 10 "$gs" sync --source src --target target --state "$dir/state"
	expect_status 0
	expect_equal "$(cat target/file)" 3
}

@test "what is mounted in an old tree is not emptied with it" {
	separate_mounts
	mkdir -p src/dir/saves outside
	echo save >outside/save
	echo 1 >src/file
	sync_now --publish data
	inside mount --bind "$dir/outside" "$dir/target/$(readlink target/..data)/dir/saves"
	echo 2 >src/file
	run inside "$gs" sync --source src --target target --publish data --grace 0s
	run inside "$gs" sync --source src --target target --publish data --grace 0s
	expect_equal "$(cat outside/save)" save
}

@test "a directory that gives way to a file takes nothing along that came in the meantime" {
	mkdir src/dir
	echo 1 >src/dir/file
	sync_now
	rm -r src/dir
	echo 2 >src/dir
	# The command that validates runs between the plan and the publication.
	cat >late <<-END
		#!/bin/sh
		echo save >"$dir/target/dir/save"
	END
	chmod +x late
	run "$gs" sync --source src --target target --force --validate "$dir/late"
	expect_status 4
	expect_output "'dir/save' in the target is not ours"
	expect_equal "$(cat target/dir/save)" save
}

@test "a label is text on one line" {
	echo 1 >src/file
	run "$gs" sync --source src --target target --label $'v1\e[31m'
	expect_status 2
	run "$gs" seal src --label $'v1\nv2'
	expect_status 2
	run "$gs" seal src --label "v1, the größte"
	expect_status 0
}

@test "changes that come while old trees are waiting to go make one sync at a time" {
	local i

	echo 0 >src/file
	start run "$gs" run --source src --target target --publish data --grace 150ms \
		--watch-source --watch-settle 20ms --watch-longest 50ms --control "unix:$dir/control"
	within 10 eval '[[ $(status_of .synced) == true ]]'
	for ((i = 1; i <= 40; i++)); do
		echo "$i" >new
		mv new src/file
		read -rt 0.0$((RANDOM % 90 + 10)) <> <(:) || true
	done
	within 20 eval '[[ $(cat target/file) == 40 ]]'
	within 20 eval '(($(find target -maxdepth 1 -name "..gs-sidecar-[0-9]*" | wc -l) == 1))'
	kill -TERM "$run_pid"
	within 2 is_gone "$run_pid"
}

@test "a resident whose state directory was removed begins anew, and once" {
	echo 1 >src/file
	start run "$gs" run --source src --target target --watch-source --watch-settle 20ms \
		--control "unix:$dir/control"
	within 10 eval '[[ $(status_of .synced) == true ]]'
	rm -r target/.gs-sidecar
	echo 2 >new
	mv new src/file
	within 10 cmp src/file target/file
	within 10 test -s target/.gs-sidecar/published.json
	within 5 grep -q "was removed: beginning anew" run.log
	run "$gs" sync --source src --target target --lock-wait 0s
	expect_status 3
	expect_output "another sidecar has"
}

@test "a directory that cannot be read to its end is no end: the game's files stay" {
	local n mode

	[[ $TEST_ARCH == "$(dpkg --print-architecture)" ]] || return 0
	mkdir src/dir
	for mode in data exchange; do
		echo 0 >src/dir/file
		sync_now --publish "$mode" --grace 0s
		echo save >target/dir/save
		for ((n = 1; n <= 20; n++)); do
			echo "$n" >src/dir/file
			run strace -fqqq -o "$dir/trace" -e trace=getdents64 \
				-e "inject=getdents64:error=EIO:when=$n" \
				"$gs" sync --source src --target target --publish "$mode" --grace 0s --threads 1
			expect_equal "$(cat target/dir/save)" save
		done
	done
}

@test "what a kill right after the publication left goes with the next sync, though nothing changed" {
	local first

	echo 1 >src/file
	sync_now
	first=$(gojq -r .digest target/.gs-sidecar/published.json)
	cp "target/.gs-sidecar/manifests/$first" older
	echo 2 >src/file
	sync_now
	cp older "target/.gs-sidecar/manifests/$first"
	sync_now
	expect_equal "$(serial)" 2
	expect_equal "$(ls target/.gs-sidecar/manifests)" "$(gojq -r .digest target/.gs-sidecar/published.json)"
}
