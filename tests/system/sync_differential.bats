#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Random trees and churn, compared with what rsync makes of them. A failure prints the seed that
# repeats it: GS_SEED=... ; GS_ROUNDS=... makes it longer.
# Not under qemu, see tests/run.

load lib

# What is kept of older versions is the subject of rollback.bats.
export GS_SIDECAR_KEEP=0

: "${GS_ROUNDS:=200}" "${GS_SEED:=$((RANDOM * 32768 + RANDOM))}"

# compared ROUND [FLAG...]: one sync and the comparison; round and seed are told only when it fails.
compared() {
	if ! "$gs" sync --source src --target target --force "${@:2}" >sync.log 2>&1; then
		printf 'seed %d, round %d: the sync failed: ' "$GS_SEED" "$1"
		cat sync.log
		return 1
	fi
	if ! expect_like_rsync; then
		printf 'seed %d, round %d: differs from rsync\n' "$GS_SEED" "$1"
		return 1
	fi
}

@test "whatever a developer does, the target is what rsync would have made of it" {
	local round

	for ((round = 1; round <= GS_ROUNDS; round++)); do
		"$programs/random_tree" src $((GS_SEED + round)) $((round % 7 + 1 + (round == 1) * 60))
		compared "$round"
	done
}

@test "whatever happens to the target, the next sync repairs it" {
	local round

	for ((round = 1; round <= GS_ROUNDS / 4; round++)); do
		"$programs/random_tree" src $((GS_SEED + round)) $((round % 4 + 1 + (round == 1) * 60))
		compared "$round"
		"$programs/random_tree" target $((GS_SEED - round)) 5 damage
		compared "$round" --verify full
	done
}

@test "whatever happens, a second sync has nothing to do" {
	local round

	for ((round = 1; round <= GS_ROUNDS / 4; round++)); do
		"$programs/random_tree" src $((GS_SEED + round)) 15
		compared "$round"
		remember
		"$gs" sync --source src --target target --force >sync.log 2>&1
		if ! expect_untouched || ! grep -q '^unchanged' sync.log; then
			printf 'seed %d, round %d\n' "$GS_SEED" "$round"
			cat sync.log
			return 1
		fi
	done
}

@test "whatever is killed whenever, the next sync of any version is whole" {
	local round pid

	for ((round = 1; round <= GS_ROUNDS / 4; round++)); do
		"$programs/random_tree" src $((GS_SEED + round)) 15
		"$gs" sync --source src --target target --force >sync.log 2>&1 3>&- &
		pid=$!
		read -rt "0.00$((RANDOM % 8))" <> <(:) || true
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" || true
		((round % 3)) || compared "$round"
	done
	compared "$round"
	expect_equal "$(state_names target/.gs-sidecar)" "lock manifests published.json "
}
