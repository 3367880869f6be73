#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The last mile: OKG wants to delete the server, a player is still connected, and when he leaves it may.

load pod

# The published pod, with the label that OKG sets as a file in the sidecar.
prepare() {
	pod_create game "$examples/2048/gameserverset.yaml" '.spec.volumes += [{name: "gsinfo", downwardAPI: {}}] |
		(.spec.containers[] | select(.name == "sidecar")).volumeMounts += [{name: "gsinfo", mountPath: "/etc/gsinfo"}]'
	kubelet_writes game gsinfo state Ready
	pod_start game
	within 10 pod_is_ready game
}

# expect_word WORD: with the exit status it has, from the sidecar, of the game's connections.
expect_word() {
	local wanted=1 said=err

	[[ $1 != done ]] || wanted=0 said=out
	exec_in game sidecar /gs-sidecar probe drained --state-file /etc/gsinfo/state --tcp-port 80
	expect_equal "$status $(<"$said")" "$wanted $1"
}

@test "drain: serving, draining while the player is connected, done when he has left" {
	expect_word serving
	player_connects game
	expect_word serving
	kubelet_writes game gsinfo state PreDelete
	expect_word draining
	player_asks
	within 10 expect_word done
}

@test "drain: nobody is connected, so it is done at once, and not before OKG asks for it" {
	expect_word serving
	kubelet_writes game gsinfo state PreDelete
	expect_word done
}

@test "drain: through a hot update the player stays, and counts" {
	player_connects game
	kubelet_writes game gsinfo state PreDelete
	pod_update game '(.spec.containers[] | select(.name == "sidecar").image) |= sub("v1.0"; "v2.0")'
	expect_word draining
	player_asks
	within 10 expect_word done
}
