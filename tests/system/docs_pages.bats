#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What docs/quickstart.md, docs/okg.md and docs/migrating.md say is so.
# Natively alone, see tests/run.

load lib

repository=$BATS_TEST_DIRNAME/../..
docs=$repository/docs
quickstart=$docs/quickstart.md
pages=("$quickstart" "$docs/okg.md" "$docs/migrating.md")
manifest=$repository/examples/2048/gameserverset.yaml

# The blocks of one language, one after the other: blocks LANGUAGE FILE...
blocks() {
	sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/{/^\`\`\`/d;p}" "${@:2}"
}

# What changes from one run to the next is made the same.
without_moments() {
	sed -E 's/[0-9a-f]{32}/DIGEST/g; s/[0-9-]{10}T[0-9:.]+Z/TIME/g; s/[0-9.]+m?s\>/SPAN/g
		s/:[0-9]{4,5}\//:PORT\//g; s/version [0-9.]+/version V/'
}

@test "a hot update on a laptop, as the quick start shows it" {
	local port

	port=$(free_port)
	blocks sh "$quickstart" | sed "s/127\.0\.0\.1:3000/127.0.0.1:$port/g
		s/gs-sidecar wrap/& --listen 127.0.0.1:$port/" >commands
	(($(wc -l <commands) > 20))
	mkdir bin empty
	ln -s "$gs" bin/gs-sidecar
	separate_mounts
	# Not by a pipe: whatever goes wrong, nothing that was started waits for a reader, or stays.
	status=0
	PATH=$dir/bin:$PATH inside timeout 60 bash -euo pipefail -c \
		'trap "jobs -p | xargs -r kill" EXIT; cd empty; . ../commands' >said 2>&1 || status=$?
	output=$(<said)
	expect_status 0
	expect_output "kept "
	expect_equal "$(grep -vE '^(20|READY|NOT READY|[a-z]+ |  |published )' <<<"$output" | paste -sd '/')" \
		"Game over!/*_* Game over!/Well played!/*_* Game over!"
	# Each line that it says status prints.
	without_moments <<<"$output" | sort -u >printed
	blocks text "$quickstart" | without_moments | sort -u >promised
	(($(wc -l <promised) > 6))
	expect_equal "$(comm -13 printed promised)" ""
}

# The commands behind the prompts, and in the lists of manifests: those of ours, one on a line.
our_commands() {
	{
		blocks console "$@" | sed -n 's/^\$ //p' | grep -oE '(^|/)gs-sidecar [a-z]+( .*|$)' || true
		grep -ohE '\["(/shared)?/gs-sidecar"[^]]*\]' "$@" | gojq -r '@sh' | tr -d "'" || true
		grep -ohE '`[^`]*gs-sidecar [a-z]+[^`]*`' "$@" | tr -d '`' | grep -oE 'gs-sidecar .*' || true
	} | sed 's/^[^ ]*gs-sidecar //'
}

# A flag as `check` takes it, which knows those of all commands: long_flag FLAG
long_flag() {
	local name

	for name in "$1" "probe-$1" "reload-$1"; do
		if grep -qx -- "### $name" "$docs/config.md"; then
			printf -- '--%s' "$name"
			return
		fi
	done
	printf 'no setting %s\n' "$1" >&2
	return 1
}

@test "the commands that need a cluster are accepted" {
	local line words word known program count=0

	while read -r line; do
		known=() program=()
		read -ra words <<<"${line//\'/}"
		"$gs" help "${words[0]}" >flags
		for word in "${words[@]:1}"; do
			if ((${#program[@]})) || [[ $word == -- ]]; then
				program+=("$word")
			elif [[ $word == --* ]]; then
				grep -qE -- "^  $word( |$)" flags
				known+=("$(long_flag "${word#--}")")
			else
				known+=("$word")
			fi
		done
		[[ ${words[0]} != run || $line == *--target* ]] || known+=(--source src --target target)
		[[ "${words[*]} " != "reload "* ]] || known+=(--reload-url http://127.0.0.1:3000/reload)
		run "$gs" check "${words[0]}" "${known[@]}" "${program[@]}"
		printf 'gs-sidecar %s\n' "$line"
		expect_status 0
		((++count))
	done < <(our_commands "${pages[@]}")
	((count > 8))
}

@test "the quick start's image and its update fit the example's manifest" {
	local image patch path what

	while read -r what; do
		if [[ $what == gs-sidecar.json ]]; then
			blocks json "$quickstart" >"$what"
		else
			"$repository/examples/2048/sidecar/build.sh" v1.0 .
		fi
		[[ -s $what/main.js || -f $what ]]
	done < <(blocks Dockerfile "$quickstart" | sed -n 's/^COPY \([^ ]*\) .*/\1/p')
	expect_equal "$(blocks Dockerfile "$quickstart" | grep -c .)" 3
	run "$gs" sync --config gs-sidecar.json --source js --target target
	expect_status 0
	expect_output v1.0
	# The path of its patch leads to the sidecar's image, and the names are those of the manifest.
	patch=$(blocks console "$quickstart" | sed -n "s/.* -p '\(.*\)'/\1/p")
	path=$(gojq -r '.[0].path' <<<"$patch")
	python3 -c 'import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)' \
		"$manifest" >manifest.json
	image=$(gojq -r "getpath(\"$path\"[1:] | split(\"/\") | map(tonumber? // .))" manifest.json)
	expect_equal "${image%:*}" "$(gojq -r '.[0].value | sub(":[^:]*$"; "")' <<<"$patch")"
	blocks console "$quickstart" | grep -qF "build -t $image image"
	expect_equal "$(gojq -r .metadata.name manifest.json)" gss-2048
	for what in $(blocks console "${pages[@]}" | grep -oE ' -c [a-z-]+' | sort -u | sed 's/ -c //'); do
		gojq -e --arg name "$what" '.spec.gameServerTemplate.spec.containers[] | select(.name == $name)' \
			manifest.json
	done
}

# Each is checked with what it does not say itself.
@test "every configuration on the pages is accepted" {
	local file count=0

	awk '/^```json$/ { name = "config" ++n ".json"; next } /^```$/ { name = "" } name { print > name }' \
		"${pages[@]}"
	for file in config*.json; do
		run "$gs" check --config "$file" --source src --target target
		expect_status 0
		[[ $output != *warning* ]]
		((++count))
	done
	((count > 2))
}

@test "probes that the pages' manifests ask for are in their configurations" {
	local name

	for name in $(grep -ohE '"probe", "[a-z]+"' "${pages[@]}" | sed 's/.* //' | tr -d '"' | sort -u); do
		[[ $name == drained ]] || grep -qF "{ \"name\": \"$name\", \"rules\"" "${pages[@]}"
	done
	python3 - "$docs/migrating.md" <<'END'
import json, re, sys, yaml

page = open(sys.argv[1]).read()
configs = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", page, re.M | re.S)]
words = {rule["result"] for config in configs for probe in config.get("probe-rules", [])
         for rule in probe["rules"]}
manifests = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", page, re.M | re.S)]
# An action waits for each word that a rule can say, and for no other.
waited = {action["result"] for manifest in manifests for quality in manifest["serviceQualities"]
          for action in quality["serviceQualityAction"]}
assert waited == words and len(words) == 3, (waited, words)
END
}

# What other programs than ours take is left out: --flag of whom.
foreign='--(all|delete|format|json|patch|for|previous|timefmt|type|watch|progress)'

@test "every setting, key, variable and metric that the pages name is there" {
	local name

	for name in $(grep -ohE -- '--[a-z]+(-[a-z0-9]+)*' "${pages[@]}" | sort -u | grep -vxE -- "$foreign"); do
		long_flag "${name#--}" >flag
	done
	for name in $(grep -ohE '`"[a-z-]+"' "${pages[@]}" | tr -d '`"' | sort -u); do
		grep -qE "^### $name\$" "$docs/config.md" || grep -qE "^\| \`$name\` \|" "$docs/probes.md" ||
			grep -qF "\"$name\": VALUE" "$docs/probes.md"
	done
	for name in $(grep -ohE 'GS_SIDECAR_[A-Z_]+' "${pages[@]}" | sort -u); do
		grep -qF "\`$name\`" "$docs/config.md"
	done
	for name in $(grep -ohE '\<gs_sidecar_[a-z_]+' "${pages[@]}" | sort -u); do
		grep -qF "\`$name" "$docs/operations.md"
	done
}

@test "what status says when it is not ready is what the quick start explains" {
	local reasons reason

	reasons=$(grep -oE '"[a-z][a-z ]{10,}"' "$repository/probe/readiness.c" | tr -d '"')
	(($(wc -l <<<"$reasons") > 5))
	while read -r reason; do
		grep -qF "| \`$reason\` |" "$quickstart"
	done <<<"$reasons"
}

@test "the states of a reload that the quick start names are there" {
	local state count=0

	for state in $(grep '^| `reload` |' "$quickstart" | grep -oE '`[a-z]+`' | tr -d '`' | tail -n +2); do
		grep -qF -- "\"$state\"" "$repository"/reloader/*.[ch]
		((++count))
	done
	((count == 5))
}

@test "the exit statuses that the quick start names are those" {
	grep -qF 'CrashLoopBackOff, exit status 2 | the settings are wrong' "$quickstart"
	run "$gs" run --source src --target target --relaod-url http://127.0.0.1:3000/reload
	expect_status 2
	expect_output --relaod-url
	grep -qF 'CrashLoopBackOff, exit status 4 | the source is missing' "$quickstart"
	run "$gs" run --source missing --target target
	expect_status 4
	expect_output missing
	grep -qF 'that no `run` answers, exit status 5' "$quickstart"
	run "$gs" status --control unix:nobody
	expect_status 5
}

# The defaults that the pages put in brackets behind a setting.
@test "the defaults that the pages name are the defaults" {
	local flag value count=0

	while read -r flag value; do
		flag=$(long_flag "${flag#--}")
		expect_equal "$flag $(awk -v heading="### ${flag#--}" '$0 == heading { on = 1 }
			on && /^\| `--/ { split($0, cell, "|"); gsub(/[` ]/, "", cell[5]); print cell[5]; exit }' \
			"$docs/config.md")" "$flag $value"
		((++count))
	done < <(grep -ohE -- '`--[a-z-]+` \([0-9a-z-]+\)' "${pages[@]}" | tr -d '`()')
	((count > 3))
}

# The anchor of a heading, as the usual renderers make it.
anchors_of() {
	sed -n 's/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | sed "s/[^a-z0-9 _-]//g; s/ /-/g"
}

@test "every part of a page that a page points to is there" {
	local page link file count=0

	for page in "${pages[@]}"; do
		while read -r link; do
			file=${link%%#*}
			anchors_of "${file:+$docs/}${file:-$page}" >anchors
			grep -qx -- "${link#*#}" anchors || {
				printf '%s points to %s\n' "$page" "$link"
				return 1
			}
			((++count))
		done < <(grep -oE '\]\([^)]*#[^)]*\)' "$page" | sed 's/^](//; s/)$//')
	done
	((count > 30))
}
