#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Natively alone: five layers from five kinds of places, as a published operator lists its artifacts:
# the company's depot, S3, git, an HTTP server and a tester's share; later ones cover earlier ones.
bats_require_minimum_version 1.5.0
load lib
load fetch
load swift
load web

setup_file() {
	start_swift
}

teardown_file() {
	stop_swift
}

prepare() {
	use_swift
	s3_port=$port
	serve_web
	git_port=$(free_port)
	fill_depot
	fill_bucket
	fill_repository
	fill_patch
	fill_share
	configure
}

clean_up() {
	end_web
}

# A file with one line: line FILE TEXT
line() {
	mkdir -p "$(dirname "$1")"
	echo "$2" >"$1"
}

# The command takes over what has changed, as p4 sync does.
fill_depot() {
	line depot/maps/forest.map "forest of the depot"
	line depot/maps/desert.map "desert of the depot"
	line depot/scripts/ai.lua "ai of the depot"
	line depot/config/game.json "game of the depot"
	line depot/config/limits.json "limits of the depot"
}

fill_bucket() {
	local file

	line objects/maps/forest.map "forest of S3"
	line objects/maps/ocean.map "ocean of S3"
	line objects/config/db.yaml "db of S3"
	while read -r file; do
		put "project1/0.1.0/resources/$file" "objects/$file"
	done < <(cd objects && find . -type f -printf '%P\n')
	line another "another version"
	put project1/0.2.0/resources/maps/ocean.map another
}

fill_repository() {
	export GIT_CONFIG_GLOBAL=$dir/gitconfig GIT_CONFIG_NOSYSTEM=1
	git config --global user.name tester
	git config --global user.email tester@example.com
	git config --global init.defaultBranch main
	git init -q work
	line work/README.md "not wanted"
	line work/tools/config/game.json "not wanted"
	line work/config/game.json "game of git"
	line work/config/db.yaml "db of git"
	line work/config/zones/1.yaml "zone of git"
	git -C work add -A
	git -C work commit -q -m first
	git init -q --bare serve/config.git
	git -C work push -q "$dir/serve/config.git" HEAD:main
	start git_daemon /usr/lib/git-core/git-daemon --export-all --reuseaddr --listen=127.0.0.1 \
		--port="$git_port" --base-path="$dir/serve" "$dir/serve"
	within 10 git ls-remote "git://127.0.0.1:$git_port/config.git"
}

fill_patch() {
	line patch/scripts/ai.lua "ai of the patch"
	line patch/scripts/fix.lua "fix of the patch"
	line patch/config/game.json "game of the patch"
	tar czf www/patch-7.tar.gz -C patch .
}

fill_share() {
	line share/config/game.json "game of a tester"
	line share/notes.txt "notes of a tester"
}

configure() {
	cat >gs-sidecar.json <<-END
		{ "source": [
		    { "name": "depot", "command": ["rsync", "-a", "--delete", "$dir/depot/", "."], "keep": true },
		    { "name": "resources", "s3": "s3://$bucket/project1/0.1.0/resources/",
		      "endpoint": "http://127.0.0.1:$s3_port", "path-style": true, "retries": 0 },
		    { "name": "config", "git": "git://127.0.0.1:$git_port/config.git", "ref": "main",
		      "subpath": "config", "into": "config" },
		    { "name": "patch", "http": "$base/patch-7.tar.gz", "retries": 0 },
		    "$dir/share"
		  ],
		  "target": "$dir/target",
		  "fetch-program": "$gs_fetch" }
	END
}

sync_all() {
	run "$gs" sync --config gs-sidecar.json "$@"
}

# All files of the target and what they say, and nothing more.
expect_files() {
	diff - <(cd target && find . -path ./.gs-sidecar -prune -o -type f -printf '%P: ' -exec cat {} \; | sort)
}

# From top to bottom, each over those before, by cp.
expect_like_cp() {
	rm -rf by-cp
	mkdir -p by-cp/config
	cp -r depot/. by-cp
	cp -r objects/. by-cp
	cp -r work/config/. by-cp/config
	cp -r patch/. by-cp
	cp -r share/. by-cp
	diff -r --exclude .gs-sidecar by-cp target
}

@test "five layers: the whole tree, file by file" {
	sync_all
	expect_status 0
	expect_files <<-END
		config/db.yaml: db of git
		config/game.json: game of a tester
		config/limits.json: limits of the depot
		config/zones/1.yaml: zone of git
		maps/desert.map: desert of the depot
		maps/forest.map: forest of S3
		maps/ocean.map: ocean of S3
		notes.txt: notes of a tester
		scripts/ai.lua: ai of the patch
		scripts/fix.lua: fix of the patch
	END
	expect_like_cp
	remember_target=$(footprint)
	sync_all --json
	expect_status 0
	expect_equal "$(tail -n 1 <<<"$output" | gojq -c '[.fetched[].state]')" '["unchanged","unchanged","unchanged","unchanged"]'
	expect_equal "$(footprint)" "$remember_target"
}

@test "five layers: what each kind of place changes shows through, or stays covered" {
	sync_all
	expect_status 0
	rm share/config/game.json depot/maps/desert.map objects/maps/ocean.map
	swift -X DELETE "$store/$bucket/project1/0.1.0/resources/maps/ocean.map"
	line objects/ui/menu.json "menu of S3"
	put project1/0.1.0/resources/ui/menu.json objects/ui/menu.json
	line depot/maps/cave.map "cave of the depot"
	line work/config/game.json "newer game of git"
	line work/config/db.yaml "newer db of git"
	git -C work commit -q -a -m second
	git -C work push -q "$dir/serve/config.git" HEAD:main
	sync_all
	expect_status 0
	expect_like_cp
	expect_files <<-END
		config/db.yaml: newer db of git
		config/game.json: game of the patch
		config/limits.json: limits of the depot
		config/zones/1.yaml: zone of git
		maps/cave.map: cave of the depot
		maps/forest.map: forest of S3
		notes.txt: notes of a tester
		scripts/ai.lua: ai of the patch
		scripts/fix.lua: fix of the patch
		ui/menu.json: menu of S3
	END
	rm patch/config/game.json
	tar czf www/patch-7.tar.gz -C patch .
	sync_all
	expect_status 0
	expect_like_cp
	expect_equal "$(<target/config/game.json)" "newer game of git"
}

@test "five layers: it is explained which of them has a file, and who covers whom" {
	sync_all --explain config/game.json
	expect_status 0
	expect_output "config/game.json comes from source '$dir/share'
  source '$dir/share' (layer 5 of 5): a file
  source 'patch' (layer 4 of 5): a file, covered
  source 'config' (layer 3 of 5): a file, covered
  source 'depot' (layer 1 of 5): a file, covered"
	sync_all --explain maps/forest.map
	expect_status 0
	expect_output "maps/forest.map comes from source 'resources'
  source 'resources' (layer 2 of 5): a file
  source 'depot' (layer 1 of 5): a file, covered"
	sync_all --explain README.md
	expect_status 1
	expect_output "no source has README.md"
	# Nothing was synced by all that.
	expect_equal "$(ls -A target)" .gs-sidecar
}

@test "five layers: in another order another tree, and a directory is a layer among the others" {
	gojq '.source |= [.[4], .[2], .[3], .[1], .[0]]' gs-sidecar.json >turned.json
	run "$gs" sync --config turned.json
	expect_status 0
	expect_files <<-END
		config/db.yaml: db of S3
		config/game.json: game of the depot
		config/limits.json: limits of the depot
		config/zones/1.yaml: zone of git
		maps/desert.map: desert of the depot
		maps/forest.map: forest of the depot
		maps/ocean.map: ocean of S3
		notes.txt: notes of a tester
		scripts/ai.lua: ai of the depot
		scripts/fix.lua: fix of the patch
	END
}

@test "five layers: one that cannot be had keeps its place with its last good tree" {
	sync_all
	expect_status 0
	kill -KILL "$git_daemon_pid"
	wait "$git_daemon_pid" || true
	line depot/maps/cave.map "cave of the depot"
	line patch/scripts/fix.lua "another fix of the patch"
	tar czf www/patch-7.tar.gz -C patch .
	sync_all --json
	expect_status 0
	expect_equal "$(tail -n 1 <<<"$output" | gojq -c '[.fetched[] | [.name, .state]]')" \
		'[["depot","fetched"],["resources","unchanged"],["config","stale"],["patch","fetched"]]'
	expect_like_cp
	# One that never could be had leaves the target as it is: there is none without it.
	gojq '.source |= [.[0], {"name": "new", "http": "http://127.0.0.1:1/x", "retries": 0}, .[4]]' gs-sidecar.json >more.json
	line depot/maps/cave.map "another cave"
	run "$gs" sync --config more.json
	expect_status 5
	expect_output 'source "new": http://127.0.0.1:1/x: '
	expect_equal "$(<target/maps/cave.map)" "cave of the depot"
	[[ -e target/maps/ocean.map ]]
}
