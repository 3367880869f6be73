#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The budgets of docs/design.md: sizes of the programs, memory of an idle `run` and of an archive that is
# unpacked, and that they are static.
#
#   tools/size.sh PROGRAM GS-FETCH
set -euo pipefail

program=$(realpath "$1")
fetch=$(realpath "$2")
most_bytes=$((512 * 1024))
most_fetch_bytes=$((1280 * 1024))
most_resident_kb=700
most_fetch_kb=4096
work=$(mktemp -d)
pid=

finish() {
	[[ -z $pid ]] || kill "$pid" 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT

fail() {
	printf 'size: %s\n' "$*" >&2
	exit 1
}

# check_size PROGRAM MOST
check_size() {
	local name=${1##*/} bytes

	bytes=$(stat -c %s "$1")
	printf 'size: %s %d bytes, budget %d\n' "$name" "$bytes" "$2"
	((bytes <= $2)) || fail "$name is over its budget"
	if readelf -lW "$1" | grep -q INTERP; then fail "$name wants a dynamic loader: not static"; fi
}

ready() {
	[[ $(curl -s --unix-socket "$work/control" http://localhost/readyz) == ready ]]
}

# A `run` that has everything switched on and has done its work.
start_idle_run() {
	local i

	mkdir "$work/source" "$work/target"
	touch "$work/source/file"
	"$program" run --source "$work/source" --target "$work/target" --log-level error \
		--control "unix:$work/control" --probe-listen 127.0.0.1:0 &
	pid=$!
	for ((i = 0; i < 500; i++)); do
		! ready || break
		sleep 0.01
	done
	ready || fail "an idle run did not become ready"
}

# Addresses, of which memory is a part: each of its processes has so many at most.
fetch_within() {
	head -c 64M /dev/zero >"$work/zeros"
	tar -C "$work" -czf "$work/all.tgz" zeros
	(
		ulimit -v "$1"
		"$fetch" fetch --cache "$work/cache" >"$work/answer" 2>&1 <<-END
			{"sources": [{"name": "it", "archive": "$work/all.tgz", "most-ratio": 10000}]}
		END
	)
	cmp -s "$work/zeros" "$work/cache/it/tree.1/zeros"
}

check_size "$program" "$most_bytes"
check_size "$fetch" "$most_fetch_bytes"
if [[ $(readelf -h "$program") == *X86-64* && $(uname -m) == x86_64 ]] ||
	[[ $(readelf -h "$program") == *AArch64* && $(uname -m) == aarch64 ]]; then
	start_idle_run
	kb=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
	printf 'size: idle run %d kB resident, budget %d\n' "$kb" "$most_resident_kb"
	((kb <= most_resident_kb)) || fail "an idle run is over its budget"
	fetch_within "$most_fetch_kb" ||
		fail "gs-fetch does not unpack 64 MiB within $most_fetch_kb kB: $(<"$work/answer")"
	printf 'size: gs-fetch unpacks 64 MiB within %d kB\n' "$most_fetch_kb"
fi
