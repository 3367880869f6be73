#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What docs/sources.md says is so, with python3, git and openssl as the peers.
# Natively alone, see tests/run.

load lib

repository=$BATS_TEST_DIRNAME/../..
page=$repository/docs/sources.md
gs_fetch=${GS_FETCH:-${GS_SIDECAR%/*}/gs-fetch}

# The blocks of one language, one after the other: blocks LANGUAGE
blocks() {
	sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/{/^\`\`\`/d;p}" "$page"
}

@test "the commands on the page about sources work, and say what it says" {
	local web daemon

	web=$(free_port)
	daemon=$(free_port)
	mkdir bin empty
	ln -s "$gs" bin/gs-sidecar
	ln -s "$gs_fetch" bin/gs-fetch
	blocks sh | sed "s/\<8282\>/$web/g; s/\<9419\>/$daemon/g" >commands
	(($(wc -l <commands) > 50))
	status=0
	PATH=$dir/bin:$PATH timeout 60 bash -euo pipefail -c \
		'trap "jobs -p | xargs -r kill 2>/dev/null || true" EXIT; cd empty; . ../commands' >said 2>&1 || status=$?
	output=$(<said)
	expect_status 0
	expect_equal "$(grep -vE '^(20|Serving|published|unchanged|[0-9a-f]{40}\>|127)' said | paste -sd /)" \
		"speed = 1/\"state\":\"stale\"/speed = 1/Verified OK/$(grep '^signed: ' said)/$(grep '^unpacked: ' said)/speed = 1/speed = 3/           label v1.0-hotfix1/$(grep 'by an update' said)/update     published/speed = 1/speed = 2/speed = 9"
	# Only what was promised of the repository is there.
	expect_equal "$(cd empty/target && find . -type f ! -path './.gs-sidecar/*' | sort | paste -sd ' ')" \
		"./conf/game.js ./game.js"
	grep 'If-Modified-Since\| 304 ' said empty/access.log
}

# KEY|WITH|DEFAULT of each of the program's own rows.
keys_of_program() {
	python3 - "$repository"/fetch <<'END'
import glob, re, sys

folder = sys.argv[1]
request = open(f"{folder}/request.c").read()
everybody = "".join(re.findall(r'"([^"]*)"', re.search(r"#define ANY_KIND (.*)", request)[1])).split()
takes = {}
for path in glob.glob(f"{folder}/source_*.c"):
    kind = re.search(r'const struct source_kind kind_\w+ = \{(.*?)\};', open(path).read(), re.S)[1]
    words = re.search(r'\.takes = ((?:\s*"[^"]*")+)', kind)[1]
    takes[re.search(r'\.name = "(\w+)"', kind)[1]] = "".join(re.findall(r'"([^"]*)"', words)).split()
rows = re.search(r"static const struct setting rows\[\] = \{(.*?)^\};", request, re.S | re.M)[1]
for key, kind, rest in ((m[2], m[1], m[3]) for m in re.finditer(r'\{ ROW\((\w+), "([^"]+)".*?\)(.*)\}', rows)):
    standard = re.search(r'\.standard = "([^"]*)"', rest)
    with_ = "" if key in takes else "all" if key in everybody else \
        "".join(sorted(k for k in takes if key in takes[k]))
    default = standard[1] if standard else "false" if kind == "FLAG" else ""
    print(f"{key}|{with_}|{default}")
END
}

# KEY|WITH|DEFAULT of each row of the page: | `a`, `b` | with | default | text |
keys_of_page() {
	sed -n '/^| key | with/,/^$/s/^| `\([^|]*\)` |\([^|]*\)|\([^|]*\)|.*/\1|\2|\3/p' "$page" | tr -d '` ' >rows
	while IFS='|' read -r keys with default; do
		printf '%s\n' "${keys//,/$'\n'}" | sed "s/\$/|$with|$default/"
	done <rows
}

@test "the page's keys are the program's, with what takes them and their defaults" {
	keys_of_program | sort >program
	keys_of_page | sort >page
	(($(wc -l <program) > 30))
	diff program page
}

# A key that the page gives to no such kind is refused for that, and no other one is: by the program.
@test "a key with a source that the page does not give it is refused" {
	local places key with kind count=0

	places=$(gojq -n '{ archive: "it.tar", http: "http://127.0.0.1:1/it.tar", s3: "s3://bucket/it.tar",
		git: "http://127.0.0.1:1/it.git", rsync: "rsync://127.0.0.1:1/it/", command: ["false"] }')
	while IFS='|' read -r key with _; do
		[[ $with != all && -n $with ]] || continue
		for kind in $(gojq -r 'keys[]' <<<"$places"); do
			gojq -n --argjson places "$places" --arg kind "$kind" --arg key "$key" '{ name: "it", ($kind): $places[$kind] } +
				{ ($key): ({ unpack: true, "path-style": true, keep: true, retries: 0, "most-ratio": 5, "ssh-port": 22,
				endpoint: "http://127.0.0.1:1", sha256: ("0" * 64) }[$key] // "word") } |
				if has("signature") then .["public-key"] = "word" elif has("public-key") then .signature = "word" else . end |
				{ sources: [. + { timeout: "1ms" }] }' >request
			run timeout 20 "$gs_fetch" fetch --cache cache <request
			if [[ $with == *"$kind"* ]]; then
				[[ $output != *"does nothing with"* ]]
			else
				expect_status 2
				expect_output "does nothing with \"$kind\""
			fi
			((++count))
		done
	done < <(keys_of_page)
	((count > 80))
}

# The first cells of a table, in order: cells HEADING
cells() {
	# shellcheck disable=SC2016 # backquotes of Markdown
	sed -n "/^| $1/,/^\$/"'s/^| `\([a-z0-9]*\)` .*/\1/p' "$page" | sort | paste -sd ' '
}

@test "every source and state that the page has a row for is there, and no other" {
	expect_equal "$(cells 'source | what')" \
		"$(sed -n 's/^.*\.name = "\([a-z0-9]*\)",$/\1/p' "$repository"/fetch/source_*.c | sort | paste -sd ' ')"
	expect_equal "$(cells 'state | means')" \
		"$(sed -n 's/^\t\[SOURCE_[A-Z]*\] = "\([a-z]*\)",$/\1/p' "$repository/fetch/result.c" | sort | paste -sd ' ')"
}

@test "the settings that the page names are there, with their defaults" {
	local name default count=0

	"$gs" help settings >settings
	while read -r name default; do
		sed -n "/^### $name\$/,/^###/p" settings >row
		[[ -s row ]]
		[[ -z $default ]] || grep -F "| \`$default\` |" row
		((++count))
	done < <(grep -oE '`(fetch|watch)-[a-z]+`( \([0-9]+[a-z]+\))?' "$page" | sort -u | tr -d '`()')
	((count > 2))
}

# Of the page's JSON blocks: whole configurations, sources, and a file of keys.
@test "every JSON block is what it says" {
	local file whole=0 sources=0

	awk '/^```json$/ { name = "block" ++n ".json"; next } /^```$/ { name = "" } name { print > name }' "$page"
	for file in block*.json; do
		if gojq -e 'has("target")' "$file"; then
			run "$gs" check run --config "$file" --fetch-program "$gs_fetch"
			expect_status 0
			((++whole))
		elif gojq -e 'has("name")' "$file"; then
			gojq '{ source: [.] }' "$file" >"config-$file"
			run "$gs" check sync --config "config-$file" --target target --fetch-program "$gs_fetch"
			expect_status 0
			((++sources))
		else
			gojq -e 'keys == ["AccessKeyId", "SecretAccessKey", "SessionToken"]' "$file"
		fi
	done
	((whole == 1 && sources == 2))
	# Each source by the program that has the last word: it has no complaint but that nobody is there.
	gojq -s '{ sources: [.[] | if has("name") then . else (.source[]?, empty) end | select(type == "object") |
		.timeout = "1ms"] | unique_by(.name) }' block*.json >request
	run "$gs_fetch" fetch --cache cache <request
	expect_status 5
}

@test "the README's sources are taken, and its table has each of them" {
	awk '/^```json$/ { on = 1; next } /^```$/ { on = 0 } on' "$repository/README.md" >config.json
	run "$gs" check run --config config.json --target target --fetch-program "$gs_fetch"
	expect_status 0
	gojq '{ sources: (.source | map(.timeout = "1ms")) }' config.json >request
	run "$gs_fetch" fetch --cache cache <request
	expect_status 5
	# shellcheck disable=SC2016 # backquotes of Markdown
	expect_equal "$(sed -n '/^| source | of the image/,/^$/p' "$repository/README.md" | cut -d '|' -f 2 |
		grep -oE '`(archive|http|s3|git|rsync|command)`' | tr -d '`' | sort | paste -sd ' ')" "$(cells 'source | what')"
}

@test "the published list's translation is the example's configuration" {
	awk '/^```json$/ { name = "block" ++n ".json"; next } /^```$/ { name = "" } name { print > name }' "$page"
	gojq 'select(has("target"))' block*.json >shown
	gojq . "$repository/examples/artifacts/gs-sidecar.json" | diff - shown
}

# The script for Perforce, with a p4 that only writes down what it is asked.
@test "the script for p4 makes a workspace in the directory, and forces the first sync alone" {
	blocks bash >fetch-depot
	chmod +x fetch-depot
	mkdir bin
	cat >bin/p4 <<-'END'
		#!/bin/sh
		echo "$P4CLIENT: $*" >>"$P4LOG"
		case "$*" in
		"client -o"*) printf 'Client:\t%s\n\nRoot:\t/home/somebody\n\nView:\n\t//depot/... //%s/...\n' "$P4CLIENT" "$P4CLIENT" ;;
		"client -i") cat >>"$P4LOG" ;;
		sync*) echo data >file ;;
		esac
	END
	chmod +x bin/p4
	gojq -n --arg script "$dir/fetch-depot" '{ sources: [{ name: "depot", command: [$script], keep: true }] }' >request
	for state in fetched unchanged; do
		P4LOG=$dir/asked PATH=$dir/bin:$PATH run "$gs_fetch" fetch --cache cache <request
		expect_status 0
		expect_output "\"state\":\"$state\""
	done
	expect_equal "$(grep -c '^Root: /.*/cache/depot/work\.' asked)" 2
	expect_equal "$(sed -n 's/.*: sync/sync/p' asked | paste -sd /)" \
		"sync -q -f //depot/project1/0.1.0/.../sync -q //depot/project1/0.1.0/..."
}
