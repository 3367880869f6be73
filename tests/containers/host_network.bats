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
	printf 'FROM scratch\nCOPY duel /game/duel\n' >duel.containerfile
	printf 'FROM localhost/gs-sidecar\nCOPY js /app/js\n' >sidecar.containerfile
	buildah bud --quiet --pull=never --file duel.containerfile --tag localhost/duel:v1.0 .
	for version in v1.0 v2.0; do
		echo "$version" >js/rules.js
		buildah bud --quiet --pull=never --file sidecar.containerfile --tag "localhost/duel-sidecar:$version" .
	done
}

teardown_file() {
	podman rmi --force localhost/duel:v1.0 localhost/duel-sidecar:v1.0 localhost/duel-sidecar:v2.0 >/dev/null
}

rules_of() {
	cat "$dir/$1/volumes/scripts/rules.js"
}

# What the watch of a pod's game has seen, and what it made of that: watch_of POD JQ-FILTER
watch_of() {
	curl -fsS --unix-socket "$dir/$1/volumes/gs/reload.sock" http://localhost/status | jq -r ".watch | $2"
}

has_settled() {
	[[ $(watch_of "$1" '.files > 0 and .changes == .reloads') == true ]]
}

@test "host network: two servers on one node, and a hot update of one is no matter of the other" {
	local pod before=()

	for pod in duel-0 duel-1; do
		pod_create "$pod" "$examples/host-network/gameserverset.yaml"
		pod_start "$pod"
		within 10 pod_is_ready "$pod"
		expect_equal "$(rules_of "$pod")" v1.0
		within 10 has_settled "$pod"
		before+=("$(times_logged "$pod-duel" "got HUP")")
	done
	expect_equal "$(readlink "/proc/$(pid_in duel-0 sidecar)/ns/net")" "$(readlink "/proc/$(pid_in duel-1 sidecar)/ns/net")"
	expect_equal "$(ss -Hltn)" ""
	remember duel-0/volumes/scripts
	pod_update duel-1 '(.spec.containers[] | select(.name == "sidecar").image) |= sub("v1.0"; "v2.0")'
	within 10 pod_is_ready duel-1
	expect_equal "$(rules_of duel-1)" v2.0
	within 10 eval '(($(times_logged duel-1-duel "got HUP") == before[1] + 1))'
	expect_equal "$(rules_of duel-0)" v1.0
	expect_untouched duel-0/volumes/scripts
	pod_is_ready duel-0
	expect_equal "$(times_logged duel-0-duel "got HUP")" "${before[0]}"
	expect_equal "$(status_in duel-0 sidecar .published.serial)" 1
	expect_equal "$(status_in duel-1 sidecar .published.serial)" 2
}
