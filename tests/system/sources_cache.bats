#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Natively alone: the cache of fetched sources as others see it: who may read it, several programs
# with one cache, and what is in it when a program is killed at any moment.
bats_require_minimum_version 1.5.0
load lib
load fetch

# A depot of 20 directories, in each of which each file says its version: make_depot VERSION
make_depot() {
	local i

	rm -rf depot.new
	for i in {1..20}; do
		mkdir -p "depot.new/$i"
		echo "version $1" | tee "depot.new/$i"/{a,b,c,d,e,f,g,h} >/dev/null
	done
	rm -rf depot.old
	[[ ! -e depot ]] || mv depot depot.old
	mv depot.new depot
}

# sync_to TARGET [FLAG...]: of the archive www.tar
sync_to() {
	local target=$1

	shift
	"$gs" sync --source "{\"name\": \"it\", \"archive\": \"$dir/www.tar\"}" --target "$dir/$target" \
		--fetch-program "$gs_fetch" --fetch-cache "$dir/cache" "$@"
}

pack() {
	make_depot "$1"
	tar cf www.new -C depot .
	mv www.new www.tar
}

# All files of the target are of one version, and none is missing: expect_whole TARGET [VERSION]
expect_whole() {
	expect_equal "$(find "$1" -path '*/.gs-sidecar' -prune -o -type f -print | wc -l)" 160
	expect_equal "$(find "$1" -path '*/.gs-sidecar' -prune -o -type f -exec cat {} + | sort -u | wc -l)" 1
	[[ -z ${2-} ]] || expect_equal "$(cat "$1/20/h")" "version $2"
}

@test "cache: its folders are for nobody else, and its trees look the same whoever starts it" {
	local mask

	mkdir it
	echo 1 >it/file
	chmod 640 it/file
	tar cf it.tar -C it file
	for mask in 022 077 000; do
		(umask "$mask" && fetch '"archive": "it.tar", "into": "deep/in"' fetched)
		expect_equal "$(stat -c %a cache/it cache/it/state.json cache/.lock | xargs)" "700 600 600"
		expect_equal "$(cd cache/it/tree.1 && stat -c %a . deep deep/in deep/in/file | xargs)" "755 755 755 640"
		(umask "$mask" && fetch '"command": ["sh", "-c", "mkdir it; echo 1 >it/file"]' fetched)
		expect_equal "$(cd cache/it/tree.2 && stat -c %a . it it/file | xargs)" "755 755 644"
		rm -rf cache
	done
}

@test "cache: two programs with one cache, while it changes: both targets get each version" {
	local i target

	pack 1
	mkdir one two
	cat >loop <<-'END'
		until [ -e stop ]; do sync_to "$1" || true; done
	END
	export -f sync_to
	export gs gs_fetch dir
	for target in one two; do start "$target" bash loop "$target"; done
	for i in {2..6}; do
		pack "$i"
		for target in one two; do within 20 grep -qx "version $i" "$target/20/h"; done
	done
	touch stop
	ended one
	ended two
	# Whoever lost the tree that it was reading has said so.
	if grep -vE "^published|^unchanged|fetch: source|No such file or directory" one.log two.log; then false; fi
	for target in one two; do
		sync_to "$target"
		expect_whole "$target" 6
	done
	expect_equal "$(ls cache/it | xargs)" "state.json tree.6"
}

@test "cache: the tree that a sync is reading goes: it fails and changes nothing, the next one is fine" {
	pack 1
	sync_to target
	pack 2
	start slow strace -o "$dir/slow.trace" -e trace=getdents64 -e inject=getdents64:delay_enter=40000 \
		"$gs" sync --source "{\"name\": \"it\", \"archive\": \"$dir/www.tar\"}" --target target \
		--fetch-program "$gs_fetch" --fetch-cache cache
	within 10 eval '[[ -e cache/it/tree.2 ]] && (( $(wc -l <slow.trace) > 10 ))'
	pack 3
	fetch "\"archive\": \"$dir/www.tar\"" fetched
	ended slow
	expect_status 4
	logged slow "source 'it': "
	logged slow ": No such file or directory"
	expect_whole target 1
	sync_to target
	expect_whole target 3
}

@test "cache: a look at a layer while run has the target and the cache" {
	local i

	pack 1
	start run "$gs" run --source "{\"name\": \"it\", \"archive\": \"$dir/www.tar\"}" --target target \
		--fetch-program "$gs_fetch" --fetch-every 200ms
	within 10 is_ready
	for i in {2..4}; do
		pack "$i"
		"$gs" sync --source "{\"name\": \"it\", \"archive\": \"$dir/www.tar\"}" --target target \
			--fetch-program "$gs_fetch" --explain 20/h >explained 2>explain.log || cat explain.log
		grep -q "^20/h comes from source 'it'" explained
		[[ -e target/.gs-sidecar/sources/it/tree.$i ]]
		within 20 grep -qx "version $i" target/20/h
		within 20 is_ready
		expect_whole target "$i"
	done
}

@test "cache: killed at any moment, again and again, it is sound and the target whole" {
	local i tree

	pack 1
	sync_to target
	for i in {2..9}; do
		pack "$i"
		start sync bash -c 'exec "$@"' - "$gs" sync --source "{\"name\": \"it\", \"archive\": \"$dir/www.tar\"}" \
			--target target --fetch-program "$gs_fetch" --fetch-cache cache
		# Another moment each time.
		read -rt "0.0$((RANDOM % 90 + 10))" <> <(:) || true
		kill -KILL "$sync_pid" 2>/dev/null || true
		wait "$sync_pid" || true
		within 5 eval '! pgrep -f "$gs_fetch fetch --cache cache"'
		# What has the name of a tree is all there, whatever was killed.
		tree=cache/it/$(gojq -r .tree cache/it/state.json)
		expect_whole "$tree"
		if ((i % 4 == 0)); then
			sync_to target
			expect_whole target "$i"
			expect_equal "$(find cache/it -mindepth 1 -maxdepth 1 | wc -l)" 2
		fi
	done
}
