#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Dependencies point down only, and each third-party header is seen by exactly one file of a program:
# gs-sidecar, or gs-fetch, which is fetch/.
set -euo pipefail
cd "$(dirname "$0")/.."

# What a folder may include besides itself.
declare -A below=(
	[base]=""
	[sync]="base"
	[reloader]="base"
	[probe]="base"
	[sidecar]="base sync reloader probe"
	[fetch]="base"
)
third_party='curl/|microhttpd|cjson/|xxhash|mbedtls/|psa/|inotifytools/|archive|zlib|zstd'
most_lines=500
failures=0

complain() {
	printf 'layers: %s\n' "$*" >&2
	failures=$((failures + 1))
}

check_includes() {
	local folder=$1 file line included

	while IFS=: read -r file line included; do
		[[ " $folder ${below[$folder]} " == *" $included "* ]] ||
			complain "$file:$line includes from $included/, which is not below $folder/"
	done < <(grep -noE '^#include "[a-z]+/' "$folder"/*.[ch] | sed 's/#include "//; s#/$##')
	if grep -nE '^#include "[^/]*"' "$folder"/*.[ch]; then
		complain "an include in $folder/ does not name its folder"
	fi
}

check_third_party() {
	local header files of_one count

	while read -r header; do
		files=$(grep -lF "#include <$header>" ./*/*.[ch] tests/*/*.[ch] 2>/dev/null || true)
		# What is compiled for some CPUs alone counts as a part of the file it is named after.
		files=$(sort -u <<<"${files//_avx2.c/.c}")
		for of_one in "$(grep '^./fetch/' <<<"$files")" "$(grep -v '^./fetch/' <<<"$files")"; do
			count=$(wc -w <<<"$of_one")
			((count <= 1)) || complain "<$header> is seen by $count files: ${of_one//$'\n'/ }"
			[[ $of_one != *.h ]] || complain "<$header> is seen by a header: $of_one"
		done
	done < <(grep -hoE "^#include <($third_party)[^>]*>" ./*/*.[ch] | sed 's/.*<//; s/>//' | sort -u)
}

check_length() {
	local lines file

	while read -r lines file; do
		[[ $file == total ]] || ((lines <= most_lines)) ||
			complain "$file has $lines lines, more than $most_lines"
	done < <(wc -l ./*/*.[ch])
}

for folder in "${!below[@]}"; do
	check_includes "$folder"
done
check_third_party
check_length
((failures == 0)) || exit 1
printf 'layers: %d files, every include points down, no third-party header in two places\n' \
	"$(find base sync reloader probe sidecar fetch -name '*.[ch]' | wc -l)"
