#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What `gs-fetch unpack` needs of memory.
#
# Natively alone: emulators and sanitizers have memory of their own.

load lib
load archives

@test "memory does not grow with the archive" {
	local size peak=0 before

	for size in 8 256; do
		rm -rf src out
		mkdir src
		head -c "${size}M" /dev/zero >src/large
		tar -C src -c . | zstd -q -3 >all.tar.zst
		before=$peak
		peak=$(python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' \
			"$fetch" unpack --most-ratio 1000000 all.tar.zst out)
		printf 'unpacking %s MiB: %s kB\n' "$size" "$peak"
	done
	((peak - before < 4096))
	((peak < 16384))
}

@test "an archive whose list would need too much memory is refused" { refused lists 2; }
