#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Formatting and static analysis with zero findings; `make lint` passes the C sources.
set -euo pipefail
cd "$(dirname "$0")/.."

sources=("$@")
mapfile -t headers < <(git ls-files --cached --others --exclude-standard '*.h')
# What the compiler is told, so that the tools see the same program.
define=(-D_GNU_SOURCE '-DVERSION="0"' -I.)

shell_scripts() {
	local file first

	git ls-files --cached --others --exclude-standard | while read -r file; do
		[[ -f $file ]] || continue
		IFS= read -r first <"$file" 2>/dev/null || continue
		[[ $first != '#!'*sh || $file == *.bats ]] || printf '%s\n' "$file"
	done
}

format() {
	clang-format --dry-run --Werror "${sources[@]}" "${headers[@]}"
}

check_c() {
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --language=c -j "$(nproc)" \
		--enable=warning,performance,portability --suppress=missingIncludeSystem \
		"${define[@]}" "${sources[@]}"
}

# It counts what it suppressed on stderr; findings are on stdout.
tidy() {
	printf '%s\0' "${sources[@]}" |
		xargs -0 -P "$(nproc)" -n 8 sh -c "clang-tidy --quiet --warnings-as-errors='*' \"\$@\" -- -std=gnu11 ${define[*]@Q} 2>/dev/null" -
}

check_shell() {
	shell_scripts | xargs shellcheck -x
}

for step in format check_c tidy check_shell; do
	printf 'lint: %s\n' "$step"
	"$step"
done
printf 'lint: no findings in %d C files, %d headers and the shell scripts\n' \
	"${#sources[@]}" "${#headers[@]}"
