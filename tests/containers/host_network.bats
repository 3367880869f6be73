#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Several game servers on the network of one node, as examples/host-network has them. The node's network
# is a namespace of the tests.

load pod

# Images of a game that only says which signals it gets, and of two versions of its scripts.
setup_file() {
	local version

	cd "$BATS_FILE_TMPDIR" || return 1
	mkdir js
	cp "$TEST_PROGRAMS/signals" duel
	build_image duel:v1.0 . <<<$'FROM scratch\nCOPY duel /game/duel'
	for version in v1.0 v2.0; do
		echo "$version" >js/rules.js
		build_image "duel-sidecar:$version" . <<<$'FROM localhost/gs-sidecar\nCOPY js /app/js'
	done
}

rules_of() {
	cat "$dir/$1/volumes/scripts/rules.js"
}

# How often the game of a pod was told to reload.
reloads_of() {
	times_logged "$1-duel" "got HUP"
}

has_reloads() {
	[[ $(reloads_of "$1") == "$2" ]]
}

start_duel() {
	pod_create "$1" "$examples/host-network/gameserverset.yaml"
	pod_start "$1"
	within 10 pod_is_ready "$1"
	within 10 has_reloads "$1" 1
}

@test "host network: two servers on one node, and a hot update of one is no matter of the other" {
	local net

	start_duel duel-0
	start_duel duel-1
	net=$(readlink "/proc/$(pid_in duel-0 sidecar)/ns/net")
	expect_equal "$(readlink "/proc/$(pid_in duel-1 sidecar)/ns/net")" "$net"
	expect_equal "$(ss -Hltn)" ""
	remember duel-0/volumes/scripts
	pod_update duel-1 '(.spec.containers[] | select(.name == "sidecar").image) |= sub("v1.0"; "v2.0")'
	within 10 pod_is_ready duel-1
	within 10 has_reloads duel-1 2
	expect_equal "$(rules_of duel-1)" v2.0
	expect_equal "$(status_in duel-1 sidecar .published.serial)" 2
	pod_is_ready duel-0
	has_reloads duel-0 1
	expect_equal "$(rules_of duel-0)" v1.0
	expect_untouched duel-0/volumes/scripts
}
