#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The budgets of docs/design.md: size of the program, memory of an idle `run`, and that it is static.
#
#   tools/size.sh PROGRAM
set -euo pipefail

program=$(realpath "$1")
most_bytes=$((512 * 1024))
most_resident_kb=700
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

bytes=$(stat -c %s "$program")
printf 'size: program %d bytes, budget %d\n' "$bytes" "$most_bytes"
((bytes <= most_bytes)) || fail "the program is over its budget"
if readelf -lW "$program" | grep -q INTERP; then fail "it wants a dynamic loader: not static"; fi
if [[ $(readelf -h "$program") == *X86-64* && $(uname -m) == x86_64 ]] ||
	[[ $(readelf -h "$program") == *AArch64* && $(uname -m) == aarch64 ]]; then
	start_idle_run
	kb=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
	printf 'size: idle run %d kB resident, budget %d\n' "$kb" "$most_resident_kb"
	((kb <= most_resident_kb)) || fail "an idle run is over its budget"
fi
