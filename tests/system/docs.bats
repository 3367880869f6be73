#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the documents say is so.
# Natively alone, see tests/run.

load lib

repository=$BATS_TEST_DIRNAME/../..

@test "the README's manifest is the example's" {
	diff <(awk '/^```yaml$/ && !n++ { on = 1; next } /^```$/ { on = 0 } on' "$repository/README.md") \
		"$repository/examples/2048/gameserverset.yaml"
}

@test "every metric is documented, and every documented metric is there" {
	start run "$gs" run --source src --target target --reload-command true \
		--probe-source '{ "name": "state", "file": "/dev/null" }' \
		--probe-rules '{ "name": "any", "rules": [ { "result": "{state}" } ] }'
	within 10 is_ready
	start reloader "$gs" reloader --listen "unix:$dir/reload.sock" -- true
	within 10 logged reloader "answering /reload"
	{ ask GET /metrics && ask GET /metrics "$dir/reload.sock"; } |
		sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' | sort >metrics
	(($(wc -l <metrics) > 5))
	# The page writes names that share a beginning as `..._files`, `_bytes`.
	while read -r metric; do
		grep -qF -- "$metric" "$repository/docs/operations.md" ||
			grep -qF -- "\`_${metric##*_}\`" "$repository/docs/operations.md" || {
			printf 'not documented: %s\n' "$metric"
			return 1
		}
	done <metrics
	while read -r metric; do
		grep -qx -- "$metric" metrics
	done < <(grep -o 'gs_sidecar_[a-z_]*' "$repository/docs/operations.md" | sort -u)
}

@test "every file that a document points to is there" {
	cd "$repository"
	for document in README.md docs/*.md images/README.md; do
		while read -r file; do
			[[ -e ${document%/*}/$file || -e $file ]] || {
				printf '%s points to %s\n' "$document" "$file"
				return 1
			}
		done < <(grep -oE '\]\([^)#]+' "$document" | sed 's/](//' | grep -v '^http')
	done
}

# One after the other, by one shell, as somebody would paste them.
@test "the commands on the page about syncing work, and say what it says" {
	mkdir bin empty
	ln -s "$gs" bin/gs-sidecar
	sed -n '/^```sh$/,/^```$/{/^```/d;p}' "$repository/docs/sync.md" >commands
	(($(wc -l <commands) > 25))
	cd empty
	PATH=$dir/bin:$PATH run bash -euxo pipefail ../commands
	expect_status 0
	expect_output "..data/js"
	expect_output "speed = 1"
	expect_output "held back: "
	expect_equal "$(cat target/js/game.js)" "speed = 3"
}

# What other programs than ours take is left out: --flag of whom.
foreign='--(exclude[i]|include[i]|format|timefmt|xml|fromfile|max-time|unix-socket|zone)'

@test "every setting that the pages about syncing and reloading name is there" {
	while read -r flag; do
		grep -qE -- "^### (reload-|watch-)?${flag#--}$" "$repository/docs/config.md" || {
			printf 'no setting %s\n' "$flag"
			return 1
		}
	done < <(grep -ohE -- '--[a-z]+(-[a-z]+)*' "$repository"/docs/{sync,reload}.md | sort -u |
		grep -vxE -- "$foreign")
}

@test "the commands on the page about reloading work" {
	mkdir bin empty
	ln -s "$gs" bin/gs-sidecar
	sed -n '/^```sh$/,/^```$/{/^```/d;p}' "$repository/docs/reload.md" >commands
	(($(wc -l <commands) > 20))
	cd empty
	# Jobs are counted from the first one in each block, as at a prompt.
	PATH=$dir/bin:$PATH run timeout 60 bash -euxo pipefail ../commands
	expect_status 0
	expect_output "reloaded by http http://127.0.0.1:3001/reload"
	expect_equal "$(paste -sd ' ' game.log | sed 's/loaded //g')" "one two"
}

@test "an upward include and a header in two places are found" {
	cp -r "$repository"/{base,sync,reloader,probe,sidecar,fetch} .
	mkdir tests
	cp "$repository/tests/layers.sh" tests/
	run tests/layers.sh
	expect_status 0
	printf '#include "sync/sync.h"\n' >>base/io.c
	run tests/layers.sh
	expect_status 1
	expect_output "base/io.c"
	cp "$repository/base/io.c" base/io.c
	printf '#include <curl/curl.h>\n' >>reloader/reload.c
	run tests/layers.sh
	expect_status 1
	expect_output "curl/curl.h"
}

@test "the demo shows the new version" {
	run "$repository/examples/2048/demo.sh" "$gs"
	expect_status 0
	expect_output "*_* Game over!"
	expect_output "demo: done"
}
