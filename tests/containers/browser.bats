#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Real games in a real browser, which comes to the pod from outside, before and after a hot update.
# Screenshots are left in build/screenshots.

load pod

root=$BATS_TEST_DIRNAME/../..
pictures=$root/build/screenshots

prepare() {
	mkdir -p "$pictures"
	pod_create game "$root/examples/2048/gameserverset.yaml"
	container_start game app-2048
	within 10 curl -fsS "http://$(address game)/"
	mkfifo hands eyes
}

opens_the_page() {
	start player sh -c "exec node '$root/tests/npm/player.js' <hands >eyes"
	exec {hands}>hands {eyes}<eyes
	player open "http://$(address game)/"
	expect_equal "$answer" open
}

# player COMMAND...: the answer is in $answer.
player() {
	printf '%s\n' "$*" >&"$hands"
	read -r -t 120 -u "$eyes" answer || {
		printf 'no answer to: %s\n%s\n' "$*" "$(<player.log)"
		return 1
	}
	[[ $answer != failed:* ]] || {
		printf '%s: %s\n' "$*" "$answer"
		return 1
	}
}

# expect_end MESSAGE: after a whole game.
expect_end() {
	player end
	expect_equal "${answer##* points, }" "$1"
}

update() {
	pod_update game '(.spec.containers[] | select(.name == "sidecar").image) |= sub(":[^:]*$"; ":v2.0")'
	within 10 pod_is_ready game
}

@test "browser: a whole game of version 1, and one of version 2 after a reload of the page" {
	container_start game sidecar
	opens_the_page
	expect_end 'Game over!'
	player picture "$pictures/test-v1.png"
	update
	player reload
	player new
	[[ $answer == "score 0 board "* ]]
	expect_end '*_* Game over!'
	player picture "$pictures/test-v2.png"
}

@test "browser: a page that is open keeps its game, and its version, through the update" {
	local before

	container_start game sidecar
	opens_the_page
	player press 40
	before=$answer
	[[ $before =~ ^score\ [1-9] ]]
	update
	player look
	expect_equal "$answer" "$before"
	player press 1
	[[ $answer == score* && $answer != "$before" ]]
	expect_end 'Game over!'
}

@test "browser: a game in progress goes on after a reload of the page, with version 2" {
	local before

	container_start game sidecar
	opens_the_page
	player press 40
	before=$answer
	update
	player reload
	expect_equal "$answer" "$before"
	expect_end '*_* Game over!'
}

@test "browser: without the sidecar's files the page says so, and a reload finds them" {
	opens_the_page
	if player look; then return 1; fi
	[[ $answer == "failed: there is no board"*"scripts are not here yet"* ]]
	ended player
	expect_status 1
	container_start game sidecar
	opens_the_page
	player press 1
	[[ $answer == "score "* ]]
}
