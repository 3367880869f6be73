#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The postStart hook of the published example as kubelet runs it: beside the container's program, in no
# order, at least once, or never, if kubelet dies. Whatever happens: one reload, and then ready.

load pod

# The game is up, and the sidecar not started yet.
prepare() {
	pod_create game "$examples/2048/gameserverset.yaml"
	container_start game app-2048
	container_create game sidecar
	mapfile -t hook < <(of_container game sidecar '.lifecycle.postStart.exec.command[]')
}

# hook_begins NAME: in the background.
hook_begins() {
	start "$1" podman exec game-sidecar "${hook[@]}"
}

# hook_ends NAME: with status 0.
hook_ends() {
	ended "$1"
	expect_equal "$status" 0
}

# The game answers no reload for a while, and who does not wait for it is found out.
the_game_takes_its_time() {
	podman pause game-app-2048
}

# No hook is over before the reload: expect_waiting NAME...
expect_waiting() {
	local name pid

	within 10 logged game-sidecar "published"
	within 10 eval '[[ $(status_in game sidecar .timeline_ms.reload_sent) == [0-9]* ]]'
	for name; do
		pid=${name}_pid
		kill -0 "${!pid}"
	done
	podman unpause game-app-2048
}

expect_one_reload() {
	expect_message game 'Game over!'
	expect_equal "$(requests game) $(reloads game)" "1 1"
}

# A hook runs in the container whose first process is this one: hook_of PID
hook_of() {
	local pid

	for pid in $(pgrep -f 'gs-sidecar hook post-start'); do
		[[ $(</proc/$pid/comm) != gs-sidecar || ! /proc/$pid/ns/mnt -ef /proc/$1/ns/mnt ]] || return 0
	done
	return 1
}

@test "postStart: the program first, and the hook when all is done" {
	podman start game-sidecar
	within 10 container_is_ready game sidecar
	hook_begins late
	hook_ends late
	expect_one_reload
}

@test "postStart: the hook first, and it waits for the program" {
	local id

	# podman only enters containers that run, runc also those that are about to.
	podman init game-sidecar
	id=$(podman inspect --format '{{.Id}}' game-sidecar)
	start early runc exec "$id" "${hook[@]}"
	within 10 hook_of "$(pid_in game sidecar)"
	expect_equal "$(podman inspect --format '{{.State.Status}}' game-sidecar)" initialized
	the_game_takes_its_time
	podman start game-sidecar
	expect_waiting early
	hook_ends early
	container_is_ready game sidecar
	expect_one_reload
}

@test "postStart: the hook twice at once, and a third time later" {
	the_game_takes_its_time
	podman start game-sidecar
	hook_begins one
	hook_begins two
	expect_waiting one two
	hook_ends one
	hook_ends two
	container_is_ready game sidecar
	hook_begins three
	hook_ends three
	expect_one_reload
}

@test "postStart: no hook at all" {
	podman start game-sidecar
	within 10 container_is_ready game sidecar
	expect_one_reload
}

@test "postStart: the program dies under the hook, and the next one makes do" {
	podman pause game-app-2048
	podman start game-sidecar
	within 10 logged game-sidecar "published"
	hook_begins orphan
	within 10 hook_of "$(pid_in game sidecar)"
	podman kill game-sidecar
	ended orphan
	((status != 0))
	podman unpause game-app-2048
	container_start game sidecar
	container_is_ready game sidecar
	expect_message game 'Game over!'
}
