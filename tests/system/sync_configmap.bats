#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A mounted ConfigMap as the source: kubelet's links are an arrangement, not the content.

load lib

# kubelet VERSION FILES...: what kubelet's AtomicWriter does, in src
kubelet() {
	local version=$1 name old

	shift
	old=$(readlink src/..data || true)
	mkdir "src/..$version"
	for name; do
		mkdir -p "src/..$version/$(dirname "$name")"
		echo "$name of $version" >"src/..$version/$name"
	done
	ln -s "..$version" src/..data_tmp
	mv -T src/..data_tmp src/..data
	for name; do
		name=${name%%/*}
		[[ -L src/$name ]] || ln -s "..data/$name" "src/$name"
	done
	for name in src/*; do
		[[ -e $name || ! -L $name ]] || rm "$name"
	done
	[[ -z $old ]] || rm -r "src/$old"
}

@test "the files of a ConfigMap arrive as files" {
	kubelet 2026_11_20 game.json sub/level.json .hidden
	ln -s ..data/.hidden src/.hidden 2>/dev/null || true
	sync_now
	expect_same_tree src/..2026_11_20 target
	[[ -f target/game.json && ! -L target/game.json && ! -L target/sub && ! -e target/..data ]]
	[[ $output != *"left out"* ]]
}

@test "a new version of a ConfigMap arrives, and keys that are gone go" {
	kubelet 1 game.json old.json sub/level.json
	sync_now
	kubelet 2 game.json new.json sub/other.json
	sync_now
	expect_same_tree src/..2 target
	expect_equal "$(serial)" 2
	remember
	sync_now
	expect_untouched
}

@test "a ConfigMap written again with the same content is no new version" {
	kubelet 1 game.json
	touch -d @1 src/..1/game.json
	sync_now
	kubelet 2 game.json
	echo "game.json of 1" >src/..2/game.json
	sync_now
	expect_output unchanged
	expect_equal "$(serial)" 1
}

@test "a file mounted into a ConfigMap's directory and a link of its own are what they are" {
	kubelet 1 game.json
	echo own >src/own
	ln -s ..data/other src/mine
	ln -s game.json src/alias
	: >src/..1/other
	sync_now
	expect_equal "$(cat target/own)" own
	expect_equal "$(readlink target/mine) $(readlink target/alias)" "..data/other game.json"
}

@test "a ConfigMap whose content is missing is an error, and the old files stay" {
	kubelet 1 game.json
	sync_now
	remember
	rm -r src/..1
	run "$gs" sync --source src --target target
	expect_status 4
	expect_output game.json
	expect_untouched
}
