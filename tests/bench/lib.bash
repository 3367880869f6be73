# SPDX-License-Identifier: Apache-2.0
# Shared by the parts of `make bench`: medians of runs that take turns, memory, and rows of a table.
# shellcheck shell=bash

# until_true COMMAND...: within ten seconds.
until_true() {
	local i

	for ((i = 0; i < 500; i++)); do
		if "$@" >/dev/null 2>&1; then return; fi
		sleep 0.02
	done
	printf 'bench: not within ten seconds: %s\n' "$*" >&2
	exit 1
}

# Of each process of COMMAND, as often as they can be asked, and then the sum.
peak_of_all() {
	local leader pid kb sum=0
	declare -A peaks

	setsid "$@" >/dev/null &
	leader=$!
	while kill -0 "$leader" 2>/dev/null; do
		for pid in $(pgrep -s "$leader"); do
			kb=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) || continue
			if [[ $kb ]]; then peaks[$pid]=$kb; fi
		done
	done
	wait "$leader"
	for kb in "${peaks[@]}"; do
		sum=$((sum + kb))
	done
	printf '%s\n' "$sum"
}

# Of the last take_turns, in milliseconds.
declare -A median

# to_ms BEGIN END: two values of EPOCHREALTIME.
to_ms() {
	local microseconds=$((${2/[.,]/} - ${1/[.,]/}))

	printf '%d.%03d\n' $((microseconds / 1000)) $((microseconds % 1000))
}

middle_of() {
	sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}

# take_turns ROUNDS WAY...: in each round every way is run once, by before WAY ROUND, way_WAY (this is
# timed) and after WAY ROUND. One round more, first, is not counted.
take_turns() {
	local rounds=$1 round way began ended
	declare -A times

	shift
	for ((round = 0; round <= rounds; round++)); do
		for way; do
			before "$way" "$round"
			began=$EPOCHREALTIME
			"way_$way" >/dev/null
			ended=$EPOCHREALTIME
			after "$way" "$round"
			if ((round)); then times[$way]+=$(to_ms "$began" "$ended")$'\n'; fi
		done
	done
	for way; do
		median[$way]=$(middle_of <<<"${times[$way]%$'\n'}")
	done
}

# beside FORMAT VALUE PEER: the value and its ratio to the peer's.
beside() {
	awk -v format="$1" -v a="$2" -v b="$3" 'BEGIN {
		ratio = a / b
		printf format, a
		printf ratio < 0.1 ? "  %.3f" : "  %.2f ", ratio
	}'
}

# sync_row NAME WAY...: a median and its ratio to rsync's; "-" for no such way.
sync_row() {
	local way

	printf '%-26s' "$1"
	shift
	for way; do
		if [[ $way == - ]]; then
			printf '%18s' -
		elif [[ $way == rsync ]]; then
			awk -v ms="${median[rsync]}" 'BEGIN { printf "%9.1f ms", ms }'
		else
			printf '%18s' "$(beside '%.1f ms' "${median[$way]}" "${median[rsync]}")"
		fi
	done
	printf '\n'
}
