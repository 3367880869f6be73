# SPDX-License-Identifier: Apache-2.0

# run_bats NAME RESULTS FILE...: runs them, and says at the end once more what failed, where one looks
# first. A skipped test counts as failed: what cannot be tested here is not known to work.
run_bats() {
	local name=$1 results=$2 ended=0 passed skipped broken

	shift 2
	bats --timing --tap "$@" </dev/null | tee "$results" || ended=1
	passed=$(grep -c '^ok ' "$results" || true)
	skipped=$(grep -c '^ok .*# skip' "$results" || true)
	broken=$(grep -c '^not ok ' "$results" || true)
	passed=$((passed - skipped))
	awk '/^(not )?ok /{ failing = /^not/ || /# skip/ } failing' "$results"
	printf '%s: %d passed, %d failed, %d skipped\n' "$name" "$passed" "$broken" "$skipped"
	((ended == 0 && skipped == 0 && broken == 0 && passed > 0))
}
