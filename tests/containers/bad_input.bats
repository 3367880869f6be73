#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is wrong in an image, a manifest or a volume, and what the pod then says of itself: the table of
# docs/operations.md, row by row.

load pod

sidecar='(.spec.containers[] | select(.name == "sidecar"))'

# The published pod with something wrong in it: pod_with JQ-FILTER
pod_with() {
	pod_create game "$examples/2048/gameserverset.yaml" "$1"
}

# A directory of the test instead of what the image has at /app/js.
source_of_test() {
	mkdir -p source
	pod_with ".spec.volumes += [{name: \"source\", hostPath: {path: \"$PWD/source\"}}] |
		$sidecar.volumeMounts += [{name: \"source\", mountPath: \"/app/js\", readOnly: true}]"
}

# The sidecar does not come up, and nothing is changed: expect_refused TEXT
expect_refused() {
	container_start game app-2048
	container_create game sidecar
	podman start game-sidecar
	expect_exit game sidecar 4 "gs-sidecar: $1"
	expect_not_ready game sidecar
	expect_equal "$(ls -A game/volumes/shared-dir)" ""
}

# It is up and says what it lacks: expect_unready STATUS-LINE [TEXT IN STATUS...]
expect_unready() {
	local text

	expect_not_ready game sidecar || return 1
	expect_equal "$(curl -sS "http://$(address game):8077/readyz")" "$1" || return 1
	exec_in game sidecar /gs-sidecar status
	expect_equal "$status" 1 || return 1
	for text in "NOT READY  $@"; do
		grep -qF -- "$text" out || {
			printf 'status does not have: %s\n' "$text"
			return 1
		}
	done
}

# begin_sidecar: without its hook.
begin_sidecar() {
	container_create game sidecar
	podman start game-sidecar
}

# Version 2, and a hook that waits for a second: with_short_hook [FLAG...]
with_short_hook() {
	local flags

	flags=$(jq -cn '$ARGS.positional' --args -- --deadline 1s "$@")
	change_pod game "$sidecar |= (.image = \"2048-sidecar:v2.0\" | .lifecycle.postStart.exec.command += $flags)"
}

@test "bad input: the image lacks the source" {
	pod_with "$sidecar.image = \"gs-sidecar:latest\""
	expect_refused "source '/app/js': No such file or directory"
}

@test "bad input: the source is empty, and nothing was ever published" {
	source_of_test
	pod_start game
	within 10 pod_is_ready game
	logged game-sidecar "the source is empty: the game gets no file"
	exec_in game sidecar /gs-sidecar status
	expect_equal "$status" 0
	grep -q '^published .* 0 files, 0 B$' out
}

@test "bad input: the source has become empty" {
	source_of_test
	echo 1 >source/html_actuator.js
	pod_start game
	container_stop game sidecar
	rm source/html_actuator.js
	begin_sidecar
	within 10 logged game-sidecar "sync failed, trying again in 500ms: the source is empty, and 1 file is published: nothing was changed"
	expect_unready "the sync failed" "last failure: the source is empty"
	expect_equal "$(served game)" 1
}

@test "bad input: the volume is read-only" {
	pod_with "$sidecar.volumeMounts[0].readOnly = true"
	expect_refused "write to target '/app/scripts': Read-only file system"
}

@test "bad input: the volume is not mounted" {
	pod_with "$sidecar |= (.volumeMounts = [] | .securityContext = {})"
	expect_refused "make target '/app/scripts': Permission denied"
}

@test "bad input: the volume is not mounted, and the root filesystem read-only, even for root" {
	pod_with "$sidecar |= (.volumeMounts = [] | .securityContext = {runAsUser: 0, readOnlyRootFilesystem: true})"
	expect_refused "make target '/app/scripts': Read-only file system"
}

@test "bad input: the volume is not mounted, and root may write where it should be: a warning" {
	pod_with "$sidecar |= (.volumeMounts = [] | .securityContext = {runAsUser: 0})"
	pod_start game
	within 10 pod_is_ready game
	logged game-sidecar "target '/app/scripts' is not in a volume: other containers do not see it"
	expect_equal "$(ls -A game/volumes/shared-dir)" ""
}

@test "bad input: the volume belongs to another user" {
	pod_with .
	chown 1000 game/volumes/shared-dir
	chmod 0755 game/volumes/shared-dir
	expect_refused "write to target '/app/scripts': Permission denied"
}

@test "bad input: the volume is full, and the next try finds room" {
	pod_with '.spec.volumes[0].emptyDir = {medium: "Memory", sizeLimit: "64Ki"}'
	head -c 60k /dev/zero >game/volumes/shared-dir/of-the-game
	container_start game app-2048
	begin_sidecar
	within 10 logged game-sidecar "sync failed, trying again in 500ms: No space left on device: beside the target the new version needs"
	expect_unready "the sync failed" "published  nothing yet" "last failure: No space left on device"
	expect_equal "$(ls game/volumes/shared-dir)" of-the-game
	rm game/volumes/shared-dir/of-the-game
	within 20 pod_is_ready game
	expect_message game 'Game over!'
}

@test "bad input: the volume is full, and the old version stays" {
	pod_with '.spec.volumes[0].emptyDir = {medium: "Memory", sizeLimit: "128Ki"}'
	pod_start game
	container_stop game sidecar
	head -c 128k /dev/zero >game/volumes/shared-dir/of-the-game || true
	change_pod game "$sidecar.image = \"2048-sidecar:v2.0\""
	begin_sidecar
	within 10 logged game-sidecar "No space left on device"
	expect_unready "the sync failed" "serial 1, 5 files" "last failure: No space left on device"
	expect_message game 'Game over!'
}

@test "bad input: the game never comes up at the first start, and does not hold up the pod" {
	pod_with .
	container_start game sidecar
	logged game-sidecar "hook post-start: the files are there, the game is not up yet at this first start: letting the pod start go on"
	logged game-sidecar "not acknowledged yet (try 1), trying on for up to"
	logged game-sidecar ": Failed to connect to localhost port 3000"
	# Between two tries it is owed, during one it is sent.
	within 10 expect_unready "the reload is not acknowledged yet" "reload     owed" "last failure: Failed to connect"
	container_start game app-2048
	within 20 pod_is_ready game
}

# published_once: version 1, and then the game is gone.
published_once() {
	pod_with "$sidecar.args += [\"--reload-deadline\", \"1s\"]"
	pod_start game
	within 10 pod_is_ready game
	container_stop game sidecar
	container_stop game app-2048
}

@test "bad input: the game does not come up again, and the hook lets go at its deadline" {
	published_once
	with_short_hook
	container_start game sidecar
	logged game-sidecar "hook post-start: deadline of 1s passed"
	within 10 logged game-sidecar "staying unready; a new version, a restart or 'gs-sidecar reload' tries again"
	expect_unready "the game did not acknowledge the reload" "reload     refused" "last failure: Failed to connect"
	container_start game app-2048
	expect_not_ready game sidecar
	exec_in game sidecar /gs-sidecar reload
	expect_equal "$status" 0
	pod_is_ready game
}

@test "bad input: the game does not come up again, and the hook fails at its deadline" {
	published_once
	with_short_hook --on-deadline fail
	run container_start game sidecar
	expect_status 3
	grep -q "hook post-start: deadline of 1s passed .*: failing, kubelet restarts the container" postStart-game-sidecar.log
	logged game-sidecar "deadline of 1s passed"
	within 10 has_exited game sidecar
	expect_not_ready game sidecar
}

@test "bad input: a probe that nobody has described" {
	pod_with .
	pod_start game
	exec_in game sidecar /gs-sidecar probe nosuch
	expect_equal "$status $(<err) $(stat -c %s out)" "1 unknown 0"
	exec_in game sidecar /gs-sidecar probe nosuch --explain
	expect_equal "$status" 5
	grep -qF "nothing can be told of the probe 'nosuch': the resident has no such probe" err
	exec_in game sidecar /gs-sidecar hook pre-stop --probe nosuch --deadline 1s
	expect_equal "$status" 0
	logged game-sidecar "hook pre-stop: deadline of 1s passed, nosuch still said 'unknown', the resident has no such probe: letting go"
	expect_equal "$(curl -sS -o /dev/null -w '%{http_code}' "http://$(address game):8077/probe/nosuch")" 404
	pod_is_ready game
}
