#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What docs/probes.md says is so, and complete.

load lib

repository=$BATS_TEST_DIRNAME/../..
page=$repository/docs/probes.md

@test "the commands on the page about probes work, and say what it says" {
	mkdir bin empty
	ln -s "$gs" bin/gs-sidecar
	sed -n '/^```sh$/,/^```$/{/^```/d;p}' "$page" >commands
	(($(wc -l <commands) > 6))
	cd empty
	PATH=$dir/bin:$PATH run timeout 60 bash -euo pipefail ../commands
	expect_status 0
	expect_equal "$(grep -vE '^(  |sources|drained )' <<<"$output" | paste -sd ' ')" "serving done unknown"
	expect_output "drained  done, pass"
}

# The rows of a table: the names in the first column of the section HEADING.
rows_of() {
	sed -n "/^### $1\$/,/^##/p" "$page" | grep -oE '^\| `[a-z0-9-]+`' | tr -d '|` '
}

@test "every setting of a source is documented, and every documented one is there" {
	sed -n '/rows\[\] = {/,/^};/p' "$repository/probe/source_settings.c" |
		grep -oE 'ROW\(\w+, \w+|\.name = "[^"]+"' | sed -E 's/.*[, ]//' | tr -d '"' | sort >settings
	(($(wc -l <settings) > 25))
	{ rows_of "What every source has" && rows_of "The sources"; } | sort >documented
	diff settings documented
}

# The last column of a kind's row is what its file says that it takes.
@test "what goes with a kind of source is documented" {
	local file kind takes said count=0

	for file in "$repository"/probe/source_*.c; do
		while read -r kind takes; do
			said=$(grep -E "^\| \`$kind\` \|" <(sed -n '/^### The sources/,/^##/p' "$page") |
				sed 's/ |$//; s/.*| *//' | tr -d '`,')
			expect_equal "$kind: $said" "$kind: $takes"
			((++count))
		done < <(sed -nE 's/^\t\.name = ("\w+"),/\1/p; s/^\t\.takes = (".*"),/\1/p
			s/.* = KIND\(("\w+"), (".*")\);/\1\n\2/p' "$file" | paste -d ' ' - - | tr -d '"')
	done
	((count > 11))
}

@test "every part of a condition and of a rule is documented" {
	local word

	for word in $(sed -n '/^static const char \*const \(forms\|tests\|extras\)/p' \
		"$repository/probe/condition_read.c" | grep -oE '"[a-z]+"'); do
		sed -n '/^### What a condition has/,/^##/p' "$page" | grep -qF -- "$word"
	done
	expect_equal "$(rows_of "What a rule has" | sort | paste -sd ' ')" \
		"$(sed -nE 's/.*check_members\(j, "(if .*)", e.*/\1/p' "$repository/probe/rules.c" |
			xargs -n 1 | sort | paste -sd ' ')"
}

@test "every configuration on the page is accepted, without a warning that it does not explain" {
	local file

	awk '/^```json$/ { name = "config" ++n ".json"; next } /^```$/ { name = "" } name { print > name }' \
		"$page"
	[[ -e config5.json ]]
	for file in config?.json; do
		"$gs" check --source src --target target --config "$file" >said 2>warnings
		[[ ! -s warnings ]] || grep -q '"free"' "$file"
		((! $(grep -vc 'more than one probe' warnings)))
	done
}

@test "the hook on the page is accepted" {
	mapfile -t words < <(sed -n '/preStop:/,/^```/p' "$page" | tr -d '\n' | grep -oE '\[.*\]' | gojq -r '.[1:][]')
	expect_equal "${words[*]:0:2}" "hook pre-stop"
	run "$gs" check "${words[@]}"
	expect_status 0
}

@test "the flags that the page names are there" {
	local flag

	for flag in $(grep -oE -- '--[a-z]+(-[a-z]+)*' "$page" | sort -u); do
		grep -qE -- "^### (probe-)?${flag#--}$" "$repository/docs/config.md" || {
			printf 'no setting %s\n' "$flag"
			return 1
		}
	done
}
