#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The published hot update, by its manifest as it is: an update in place of one container of the pod.

load pod

manifest=$examples/2048/gameserverset.yaml

# An image tag in the manifest: tag_of CONTAINER TAG
tag_of() {
	printf '(.spec.containers[] | select(.name == "%s").image) |= sub(":[^:]*$"; ":%s")' "$@"
}

prepare() {
	pod_create game "$manifest"
	pod_start game
	within 10 pod_is_ready game
}

@test "hot update: the game says what version 2 says, and nothing but the sidecar was replaced" {
	local before reloads sidecar

	expect_message game 'Game over!'
	player_connects game
	before=$(life_of game app-2048)
	sidecar=$(life_of game sidecar)
	reloads=$(reloads game)
	pod_update game "$(tag_of sidecar v2.0)"
	pod_is_ready game
	expect_message game '*_* Game over!'
	expect_equal "$(life_of game app-2048)" "$before"
	[[ $(life_of game sidecar) != "$sidecar" ]]
	player_asks
	grep -qF "*_* Game over!" answer
	expect_equal "$(reloads game)" $((reloads + 1))
	within 5 eval '(($(nginx_reloads game) == reloads + 1))'
	expect_equal "$(status_in game sidecar '"\(.ready) \(.reload.state) \(.published.serial)"')" "true acknowledged 2"
}

@test "hot update: the old sidecar ends with status 0, and leaves the game its files" {
	container_stop game sidecar
	expect_equal "$(exit_status_of game sidecar)" 0
	expect_message game 'Game over!'
}

@test "hot update: back to version 1 is an update like any other" {
	pod_update game "$(tag_of sidecar v2.0)"
	pod_update game "$(tag_of sidecar v1.0)"
	pod_is_ready game
	expect_message game 'Game over!'
	expect_equal "$(reloads game)" 3
}

@test "hot update: a sidecar that only starts anew asks for nothing" {
	container_restart game sidecar
	pod_is_ready game
	expect_equal "$(requests game) $(reloads game)" "1 1"
	logged game-sidecar "unchanged"
}

@test "hot update: a version that the game does not acknowledge leaves the pod unready" {
	podman pause game-app-2048
	container_stop game sidecar
	change_pod game "$(tag_of sidecar v2.0)"
	container_create game sidecar
	podman start game-sidecar
	within 10 logged game-sidecar "published"
	expect_not_ready game sidecar
	podman unpause game-app-2048
	within 20 pod_is_ready game
	expect_message game '*_* Game over!'
}
