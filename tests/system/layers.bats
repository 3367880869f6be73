#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# More than one source: what of which of them arrives, and what is said about it.

load lib

prepare() {
	mkdir base patch
}

# One sync of base and, on top of it, patch; it has to succeed. Further FLAGS may add sources.
sync_layers() {
	run "$gs" sync --source base --source patch --target target "$@"
	expect_status 0
}

# The target on one line: "js/ js/app.js=2 link>js"
shown() {
	local path

	(
		cd target || exit 1
		find . -mindepth 1 -path ./.gs-sidecar -prune -o -mindepth 1 -printf '%P\n' | sort |
			while read -r path; do
				if [[ -L $path ]]; then
					printf '%s>%s ' "$path" "$(readlink "$path")"
				elif [[ -d $path ]]; then
					printf '%s/ ' "$path"
				else
					printf '%s=%s ' "$path" "$(tr '\n' ' ' <"$path" | tr -d ' ')"
				fi
			done
	)
}

# expect_target TEXT: as shown() says it
expect_target() {
	expect_equal "$(shown)" "${1:+$1 }"
}

# make TYPE PATH CONTENT
make() {
	case $1 in
	file) echo "$3" >"$2" ;;
	directory) mkdir "$2" && echo "$3" >"$2/in" && echo "$3" >"$2/in-$3" ;;
	link) ln -s "to-$3" "$2" ;;
	esac
}

# What expect_target() says of such an x, with names of what is below it that are merged in.
shown_type() {
	case $1 in
	file) printf 'x=%s' "$2" ;;
	directory) printf 'x/ x/in=%s x/in-%s=%s' "$2" "$2" "$2" ;;
	link) printf 'x>to-%s' "$2" ;;
	esac
}

explain() {
	run "$gs" sync --source base --source patch "$@"
}

@test "what a later source has covers what an earlier one has" {
	mkdir -p base/js patch/js
	echo 1 >base/js/app.js
	echo 1 >base/js/base.js
	echo 1 >base/only
	echo 2 >patch/js/app.js
	echo 2 >patch/js/patch.js
	chmod 0750 patch/js
	touch -d 2001-01-01 patch/js
	sync_layers
	expect_target "js/ js/app.js=2 js/base.js=1 js/patch.js=2 only=1"
	expect_equal "$(stat -c '%a %Y' target/js)" "$(stat -c '%a %Y' patch/js)"
	# Once more with a third one on top, and then without it again.
	mkdir top
	echo 3 >top/only
	sync_layers --source top
	expect_target "js/ js/app.js=2 js/base.js=1 js/patch.js=2 only=3"
	sync_layers
	expect_target "js/ js/app.js=2 js/base.js=1 js/patch.js=2 only=1"
	expect_equal "$(serial)" 3
	remember
	sync_layers
	expect_untouched
	expect_equal "$(serial)" 3
}

@test "the order of the sources decides, not their names or times" {
	echo 1 >base/file
	echo 2 >patch/file
	touch -d 2001-01-01 patch/file
	sync_layers
	expect_target file=2
	run "$gs" sync --source patch --source base --target target
	expect_status 0
	expect_target file=1
}

@test "a change in a lower source arrives where no other covers it" {
	echo 1 >base/free
	echo 1 >base/covered
	echo 2 >patch/covered
	sync_layers
	echo 3 >base/covered
	sync_layers
	expect_equal "$(serial)" 1
	echo 3 >base/free
	sync_layers
	expect_target "covered=2 free=3"
	rm patch/covered
	sync_layers
	expect_target "covered=3 free=3"
}

@test "a file, a directory and a link cover each other at the first sync" {
	local from to count=0

	for from in file directory link; do
		for to in file directory link; do
			[[ $from != "$to" ]] || continue
			rm -rf base/* patch/* target
			make "$from" base/x 1
			make "$to" patch/x 2
			sync_layers
			expect_target "$(shown_type "$to" 2)"
			expect_equal "$(serial)" 1
			count=$((count + 1))
		done
	done
	expect_equal "$count" 6
}

@test "a later version covers with another type, and uncovers again" {
	local from to

	for from in file directory link; do
		for to in file directory link; do
			[[ $from != "$to" ]] || continue
			rm -rf base/* patch/* target
			make "$from" base/x 1
			sync_layers
			expect_target "$(shown_type "$from" 1)"
			make "$to" patch/x 2
			sync_layers
			expect_target "$(shown_type "$to" 2)"
			rm -r patch/x
			sync_layers
			expect_target "$(shown_type "$from" 1)"
		done
	done
}

@test "directories of the same path become one" {
	make directory base/x 1
	make directory patch/x 2
	sync_layers
	expect_target "x/ x/in=2 x/in-1=1 x/in-2=2"
	rm -r patch/x
	sync_layers
	expect_target "x/ x/in=1 x/in-1=1"
}

@test "names in between that a file covers do not come back with a directory on top" {
	mkdir top
	make directory base/x 1
	make file patch/x 2
	make directory top/x 3
	sync_layers --source top
	expect_target "x/ x/in=3 x/in-3=3"
}

@test "a marker removes a file and a directory of the sources below, and is not synced" {
	mkdir -p base/js/lib/deep patch/js
	echo 1 >base/js/app.js
	echo 1 >base/js/old.js
	echo 1 >base/js/lib/deep/x
	ln -s app.js base/js/link
	sync_layers
	touch patch/js/.gs-remove.{old.js,lib,link,never-there}
	sync_layers
	expect_target "js/ js/app.js=1"
	rm patch/js/.gs-remove.lib
	sync_layers
	expect_target "js/ js/app.js=1 js/lib/ js/lib/deep/ js/lib/deep/x=1"
	# It is for what is below it only.
	run "$gs" sync --source patch --source base --target target
	expect_status 0
	expect_target "js/ js/app.js=1 js/lib/ js/lib/deep/ js/lib/deep/x=1 js/link>app.js js/old.js=1"
}

@test "a marker beside a directory of that name replaces the directory" {
	make directory base/x 1
	make directory patch/x 2
	touch patch/.gs-remove.x
	sync_layers
	expect_target "x/ x/in=2 x/in-2=2"
	rm patch/.gs-remove.x
	sync_layers
	expect_target "x/ x/in=2 x/in-1=1 x/in-2=2"
}

@test "a marker in a source alone is not synced either" {
	echo 1 >src/x
	touch src/.gs-remove.x src/.gs-remove.y
	sync_now
	expect_target x=1
}

@test "a marker that makes no sense is refused by name, and the old tree stays" {
	echo 1 >base/x
	sync_layers
	remember
	echo 2 >patch/x
	mkdir -p patch/d/.gs-remove.x
	run "$gs" sync --source base --source patch --target target
	expect_status 2
	expect_output "source 'patch': 'd/.gs-remove.x' is a directory"
	expect_untouched
	rmdir patch/d/.gs-remove.x
	touch patch/d/.gs-remove.
	run "$gs" sync --source base --source patch --target target
	expect_status 2
	expect_output "'d/.gs-remove.' has no name of something to remove"
	expect_untouched
}

@test "filters go by the merged tree" {
	mkdir -p base/{js,maps,empty} patch/maps
	echo 1 | tee base/js/app.js base/js/app.map base/maps/a.bin >/dev/null
	echo 2 | tee patch/maps/b.bin patch/app.js >/dev/null
	touch patch/.gs-remove.empty
	sync_layers --exclude '*.map' --exclude /maps/a.bin
	expect_target "app.js=2 js/ js/app.js=1 maps/ maps/b.bin=2"
	sync_layers --include '*.js'
	expect_target "app.js=2 js/ js/app.js=1"
	sync_layers --include maps --include empty --exclude b.bin
	expect_target "maps/ maps/a.bin=1"
	sync_layers
	expect_target "app.js=2 js/ js/app.js=1 js/app.map=1 maps/ maps/a.bin=1 maps/b.bin=2"
}

@test "a directory in a source is a source" {
	mkdir -p src/game/{v1,v2} src/src:v3
	echo 1 >src/game/v1/x
	echo 2 >src/game/v2/x
	sync_it() {
		run "$gs" sync --target target "$@"
		expect_status 0
	}
	sync_it --source src:game/v1
	expect_target x=1
	sync_it --source src:game/v1 --source src:game/v2
	expect_target x=2
	# The name of a directory as a whole is that directory.
	mkdir src:game src/game/game
	echo whole >src:game/x
	sync_it --source src:game
	expect_target x=whole
	run "$gs" sync --source src:game/none --target target
	expect_status 4
	expect_output "source 'src:game/none': No such file or directory"
	run "$gs" sync --source src:../src --target target
	expect_status 2
	expect_output "has a part '.' or '..'"
	expect_target x=whole
}

@test "a directory of a ConfigMap is that of its current version" {
	mkdir -p src/..v1/conf src/..v2/conf
	echo 1 >src/..v1/conf/x
	echo 2 >src/..v2/conf/x
	ln -s ..v1 src/..data
	ln -s ..data/conf src/conf
	run "$gs" sync --source src:conf --target target
	expect_status 0
	expect_target x=1
	ln -s ..v2 src/..data_tmp
	mv -T src/..data_tmp src/..data
	rm -r src/..v1
	run "$gs" sync --source src:conf --target target
	expect_status 0
	expect_target x=2
}

@test "hard links within a source stay, across sources they are none" {
	echo 1 >base/a
	ln base/a base/b
	ln base/a base/c
	ln base/a patch/d
	echo 2 >patch/a
	ln patch/a patch/e
	sync_layers
	expect_target "a=2 b=1 c=1 d=1 e=2"
	expect_equal "$(stat -c %i target/b)" "$(stat -c %i target/c)"
	expect_equal "$(stat -c %i target/a)" "$(stat -c %i target/e)"
	expect_equal "$(stat -c %h target/a target/b target/d | tr '\n' ' ')" "2 2 1 "
	# What they were linked to is covered now, and then not.
	echo 2 >patch/b
	sync_layers
	expect_target "a=2 b=2 c=1 d=1 e=2"
	expect_equal "$(stat -c %h target/b target/c | tr '\n' ' ')" "1 1 "
	rm patch/*
	sync_layers
	expect_target "a=1 b=1 c=1"
	expect_equal "$(stat -c %h target/a)" 3
}

@test "a source may be sealed and another not" {
	mkdir -p base/js patch/js
	echo 1 >base/js/app.js
	echo 1 >base/js/old.js
	echo 2 >patch/js/new.js
	touch patch/js/.gs-remove.old.js
	"$gs" seal --label v1 base
	sync_layers
	expect_target "js/ js/app.js=1 js/new.js=2"
	expect_equal "$(gojq -r .label target/.gs-sidecar/published.json)" v1
	"$gs" seal --label v2 patch
	rm base/..gs-sidecar-seal
	echo 3 >base/js/app.js
	sync_layers
	expect_target "js/ js/app.js=3 js/new.js=2"
	expect_equal "$(gojq -r .label target/.gs-sidecar/published.json)" v2
	remember
	echo 4 >patch/js/more.js
	run "$gs" sync --source base --source patch --target target
	expect_status 4
	expect_output "source 'patch': its seal does not match: 'js/more.js' is there too"
	expect_untouched
}

@test "whether sources are sealed makes no difference to the version" {
	local digest

	mkdir -p base/js patch/js
	echo 1 | tee base/js/{a,b,c} base/top >/dev/null
	echo 2 >patch/js/b
	touch patch/js/.gs-remove.c
	sync_layers
	digest=$(gojq -r .digest target/.gs-sidecar/published.json)
	"$gs" seal patch
	sync_layers
	"$gs" seal base
	for how in none stat full; do
		sync_layers --verify "$how"
		expect_equal "$(gojq -r .digest target/.gs-sidecar/published.json)" "$digest"
	done
	expect_equal "$(serial)" 1
}

@test "a seal counts its markers out" {
	echo 1 >base/x
	touch base/.gs-remove.y
	run "$gs" seal --json base
	expect_status 0
	expect_equal "$(gojq -c '[.files, .removals]' <<<"$output")" "[2,1]"
	local digest
	digest=$(gojq -r .digest <<<"$output")
	run "$gs" sync --source base --target target --verify none
	expect_status 0
	expect_target x=1
	expect_equal "$(gojq -r .digest target/.gs-sidecar/published.json)" "$digest"
	run "$gs" sync --source base --target target --verify none
	expect_status 0
	expect_equal "$(serial)" 1
}

@test "a reserved name in any source is refused by name, and the old tree stays" {
	mkdir patch/d
	echo 1 >base/x
	sync_layers
	remember
	echo 2 >base/x
	echo 2 >patch/d/..x
	run "$gs" sync --source base --source patch --target target
	expect_status 2
	expect_output "source 'patch': 'd/..x' has a reserved name (begins with '..'): rename or exclude it"
	expect_untouched
	expect_target "d/ x=1"
	sync_layers --exclude 'd/..x'
	expect_target "d/ x=2"
}

@test "it is explained where a name comes from" {
	mkdir -p base/js patch/js
	echo 1 | tee base/js/{app.js,base.js,old.js} >/dev/null
	echo 2 >patch/js/app.js
	touch patch/js/.gs-remove.old.js
	ln -s js patch/current
	explain --explain js/base.js
	expect_status 0
	expect_equal "$output" "js/base.js comes from source 'base'
  source 'base' (layer 1 of 2): a file"
	explain --explain /js/app.js
	expect_status 0
	expect_equal "$output" "js/app.js comes from source 'patch'
  source 'patch' (layer 2 of 2): a file
  source 'base' (layer 1 of 2): a file, covered"
	explain --explain js/
	expect_status 0
	expect_equal "$output" "js has its mode, owner and time from source 'patch'
  source 'patch' (layer 2 of 2): a directory
  source 'base' (layer 1 of 2): a directory, merged"
	explain --explain js/old.js
	expect_status 1
	expect_equal "$output" "js/old.js is not there
  source 'patch' (layer 2 of 2): js/.gs-remove.old.js removes js/old.js of the layers below
  source 'base' (layer 1 of 2): a file, removed"
	explain --exclude '*.js' --explain js/base.js
	expect_status 1
	expect_equal "$output" "js/base.js is left out: exclude '*.js' fits it
  source 'base' (layer 1 of 2): a file"
	explain --explain js/none.js
	expect_status 1
	expect_equal "$output" "no source has js/none.js"
	explain --explain current/app.js
	expect_status 1
	expect_equal "$output" "no source has current/app.js
  source 'patch' (layer 2 of 2): current is a link to 'js', which is not followed"
	explain --explain js/.gs-remove.old.js
	expect_status 1
	expect_output "js/.gs-remove.old.js is not synced itself"
	# Nothing of all that syncs, or needs a target.
	expect_equal "$(ls -A target)" ""
}

@test "what is explained is what a sync does" {
	local path

	mkdir -p base/{a,b,c} patch/{b,c}
	echo 1 | tee base/{a,b,c}/{x,y} base/top >/dev/null
	echo 2 >patch/a
	echo 2 | tee patch/b/x patch/c/z >/dev/null
	touch patch/{b/.gs-remove.y,.gs-remove.c,.gs-remove.top}
	sync_layers --exclude 'z'
	(cd base && find . -mindepth 1 -printf '%P\n') >names
	(cd patch && find . -mindepth 1 -printf '%P\n') >>names
	while read -r path; do
		explain --exclude z --explain "$path"
		if [[ -e target/$path ]]; then expect_status 0; else expect_status 1; fi
	done <names
}

@test "more sources than can be merged are refused, explained or not" {
	local flags=() i

	for ((i = 0; i < 65; i++)); do flags+=(--source base); done
	run "$gs" sync "${flags[@]}" --target target
	expect_status 2
	expect_output "65 sources: no more than 64 can be merged"
	run "$gs" sync "${flags[@]}" --explain x
	expect_status 2
	expect_output "65 sources: no more than 64 can be merged"
	# Exactly as many are fine.
	echo 1 >base/x
	run "$gs" sync "${flags[@]:2}" --target target
	expect_status 0
	expect_target x=1
}

@test "a source that is given twice changes nothing" {
	make directory base/x 1
	run "$gs" sync --source base --source base --target target
	expect_status 0
	expect_target "x/ x/in=1 x/in-1=1"
}

# Names to remove are asked for in a third source, the only one in which nothing else is.
make_markers() {
	local path

	rm -rf top
	mkdir top
	while IFS= read -rd '' path; do
		[[ $path != */* ]] || mkdir -p "top/${path%/*}"
		touch "top/${path%"${path##*/}"}.gs-remove.${path##*/}"
	done < <(find base patch -mindepth 1 -printf '%P\0' | shuf -zn 3 --random-source=<(yes "$1"))
}

# The same by rsync, which lays one over the other too, and removes nothing by itself.
merge_by_rsync() {
	local layer marker name place

	rm -rf by-rsync
	for layer in base patch top; do
		while IFS= read -rd '' marker; do
			name=${marker##*/}
			place=by-rsync/${marker%"$name"}
			# What is there by a link on the way is not below the name.
			[[ $(realpath -- "$place" 2>/dev/null) != "$(realpath -s -- "$place")" ]] ||
				rm -rf -- "$place${name#.gs-remove.}"
		done < <(find "$layer" -name '.gs-remove.*' -printf '%P\0')
		rsync -aHI --force --modify-window=-1 --exclude='..*' --exclude='.gs-remove.*' "$layer/" by-rsync/
	done
}

# As sync_differential.bats: GS_SEED=... repeats it.
@test "whatever is in three sources, the target is what rsync makes of them" {
	local round seed=${GS_SEED:-$((RANDOM * 32768 + RANDOM))}

	for ((round = 1; round <= ${GS_ROUNDS:-200} / 8; round++)); do
		"$programs/random_tree" base $((seed + round)) $((round % 7 + 1 + (round == 1) * 60))
		"$programs/random_tree" patch $((seed - round)) $((round % 5 + 1 + (round == 1) * 40))
		make_markers $((seed + round))
		merge_by_rsync
		((round % 3)) || "$gs" seal base >/dev/null
		run "$gs" sync --source base --source patch --source top --target target --force
		if [[ $status != 0 ]] || ! expect_same_tree by-rsync target; then
			printf 'seed %d, round %d: %s\n' "$seed" "$round" "$output"
			return 1
		fi
		rm -f base/..gs-sidecar-seal
	done
}
