#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Things that become other things, and things that are not ours: what of them stays.

load lib

# make TYPE PATH: with something inside that is easy to recognise
make() {
	case $1 in
	file) echo content >"$2" ;;
	directory) mkdir -p "$2/sub/empty" && echo inner >"$2/sub/file" && ln -s x "$2/link" ;;
	link) ln -s ../somewhere "$2" ;;
	esac
}

# becomes FROM TO: at the top, in a directory, and with a name beside it that sorts next to it
becomes() {
	mkdir src/deep
	make "$1" src/x
	make "$1" src/deep/x
	: >src/x-
	: >src/x.z
	sync_now
	expect_like_rsync
	rm -r src/x src/deep/x
	make "$2" src/x
	make "$2" src/deep/x
	sync_now
	expect_like_rsync
	expect_equal "$(serial)" 2
}

@test "a file becomes a directory" {
	becomes file directory
}

@test "a file becomes a link" {
	becomes file link
}

@test "a directory becomes a file" {
	becomes directory file
}

@test "a directory becomes a link" {
	becomes directory link
}

@test "a link becomes a file" {
	becomes link file
}

@test "a link becomes a directory" {
	becomes link directory
}

@test "a directory that becomes a link to its own new place is followed by neither" {
	mkdir src/old
	echo 1 >src/old/file
	sync_now
	mv src/old src/new
	ln -s new src/old
	sync_now
	expect_like_rsync
	expect_equal "$(cat target/new/file)" 1
	rm src/old
	mv src/new src/old
	ln -s old src/new
	sync_now
	expect_like_rsync
}

@test "types change at several depths at once" {
	mkdir -p src/a/b/c src/d
	echo 1 >src/a/b/c/file
	ln -s a src/d/link
	echo 1 >src/e
	sync_now
	rm -r src/a src/d src/e
	echo 2 >src/a
	echo 2 >src/d
	mkdir -p src/e/a/b src/e/link
	echo 2 >src/e/a/b/c
	sync_now
	expect_like_rsync
	rm -r src/a src/e
	mkdir -p src/a/b
	ln -s ../../e src/a/b/c
	ln -s a/b src/e
	sync_now
	expect_like_rsync
}

@test "two names that are swapped are both right" {
	mkdir src/a
	echo 1 >src/a/x
	echo 2 >src/b
	sync_now
	mv src/a src/tmp
	mv src/b src/a
	mv src/tmp src/b
	sync_now
	expect_like_rsync
}

@test "foreign files beside ours stay, also when all of ours goes" {
	mkdir -p src/ours/inner
	echo 1 >src/ours/inner/file
	echo 1 >src/ours/other
	sync_now
	echo save >target/world.dat
	echo save >target/ours/inner/save.dat
	mkdir -p target/theirs/empty
	ln -s x target/ours/link
	echo 2 >src/ours/inner/file
	sync_now
	expect_equal "$(cat target/world.dat target/ours/inner/save.dat)" $'save\nsave'
	rm -r src/ours
	sync_now --force
	expect_equal "$(cd target && find . -path ./.gs-sidecar -prune -o -print | sort)" \
		$'.\n./ours\n./ours/inner\n./ours/inner/save.dat\n./ours/link\n./theirs\n./theirs/empty\n./world.dat'
}

@test "what was there before the first sync stays" {
	mkdir target/dir
	echo save >target/dir/save
	chmod 0750 target/dir
	mkdir src/dir
	echo 1 >src/dir/file
	sync_now
	expect_equal "$(cat target/dir/save target/dir/file)" $'save\n1'
	rm -r src/dir
	sync_now --force
	expect_equal "$(ls target/dir)" save
}

@test "a foreign file in our way is replaced and reported" {
	echo theirs >target/file
	echo ours >src/file
	sync_now
	expect_equal "$(cat target/file)" ours
	expect_output "not ours"
	expect_output "'file'"
}

@test "a foreign file that is already what we would put there is no reason for a word" {
	echo same >target/file
	echo same >src/file
	sync_now
	[[ $output != *"not ours"* ]]
	rm src/file
	sync_now --force
	[[ ! -e target/file ]]
}

@test "a foreign link in our way is replaced; where it leads nothing is touched" {
	mkdir outside src/dir
	echo theirs >outside/file
	ln -s ../outside/file target/file
	ln -s ../outside target/dir
	echo ours >src/file
	echo ours >src/dir/file
	sync_now
	expect_output "not ours"
	expect_equal "$(cat outside/file)" theirs
	expect_equal "$(ls -A outside)" file
	expect_like_rsync
}

@test "a link planted over a directory of ours leads no write and no delete outside" {
	mkdir -p outside/inner src/dir/inner
	echo 1 >src/dir/file
	echo 1 >src/dir/inner/file
	sync_now
	echo theirs >outside/file
	echo theirs >outside/inner/file
	rm -r target/dir
	ln -s ../outside target/dir
	echo 2 >src/dir/file
	sync_now
	expect_equal "$(cat outside/file outside/inner/file)" $'theirs\ntheirs'
	expect_like_rsync
	rm -r target/dir src/dir
	ln -s ../outside target/dir
	sync_now --force
	expect_equal "$(cat outside/file outside/inner/file)" $'theirs\ntheirs'
	expect_equal "$(readlink target/dir)" ../outside
}

@test "on a kernel without openat2 no planted link leads outside either" {
	local deny

	deny=$(native deny)
	mkdir -p outside/inner src/dir/inner
	echo theirs >outside/file
	echo theirs >outside/inner/file
	mkdir target/dir
	ln -s ../../outside/inner target/dir/inner
	echo 1 >src/dir/file
	echo 1 >src/dir/inner/file
	run "$deny" ENOSYS openat2 "$gs" sync --source src --target target
	expect_status 0
	expect_like_rsync
	rm -r target/dir
	ln -s ../outside target/dir
	echo 2 >src/dir/inner/file
	run "$deny" ENOSYS openat2 "$gs" sync --source src --target target
	expect_status 0
	expect_like_rsync
	rm -r target/dir src/dir
	ln -s ../outside target/dir
	run "$deny" ENOSYS openat2 "$gs" sync --force --source src --target target
	expect_status 0
	expect_equal "$(cat outside/file outside/inner/file)" $'theirs\ntheirs'
}

@test "a link planted over our state directory is refused" {
	mkdir outside
	ln -s ../outside target/.gs-sidecar
	echo 1 >src/file
	run "$gs" sync --source src --target target
	expect_status 4
	expect_output .gs-sidecar
	expect_equal "$(ls -A outside)" ""
	[[ ! -e target/file ]]
}

@test "links planted inside our state directory lead nowhere" {
	echo 1 >src/file
	sync_now
	mkdir outside
	echo precious >outside/precious
	chmod 0600 outside/precious
	cp -p outside/precious before
	ln -s ../../outside target/.gs-sidecar/stage
	ln -s ../../outside/precious target/.gs-sidecar/publishing.json.new
	rm target/.gs-sidecar/lock
	ln -s ../../outside/precious target/.gs-sidecar/lock
	echo 2 >src/file
	run "$gs" sync --source src --target target
	expect_status 4
	rm target/.gs-sidecar/lock
	run "$gs" sync --source src --target target
	cmp before outside/precious
	expect_equal "$(ls -A outside)" precious
}

@test "a foreign file in a directory that has to become a file is named, and nothing changes" {
	local type

	mkdir -p src/x/inner
	echo 1 >src/x/inner/ours
	echo 1 >src/a
	sync_now
	echo save >target/x/inner/save.dat
	remember
	rm -r src/x
	echo 2 >src/a
	for type in file link; do
		make "$type" src/x
		run "$gs" sync --source src --target target
		expect_status 4
		expect_output x/inner/save.dat
		expect_untouched
		expect_equal "$(serial)" 1
		rm src/x
	done
	rm target/x/inner/save.dat
	make file src/x
	sync_now
	expect_like_rsync
}

@test "a foreign directory with files where a new file has to be is named, and nothing changes" {
	mkdir -p target/x/y
	echo save >target/x/y/save.dat
	echo 1 >src/x
	echo 1 >src/a
	remember
	run "$gs" sync --source src --target target
	expect_status 4
	expect_output x/y
	expect_untouched
}

@test "foreign things that took the place of ours are not deleted with it" {
	mkdir src/dir
	echo 1 >src/file
	echo 1 >src/dir/inner
	ln -s x src/link
	sync_now
	rm -r target/file target/dir target/link
	mkdir target/file
	echo save >target/file/save
	echo save >target/dir
	echo save >target/link
	rm -r src/file src/dir src/link
	sync_now --force
	expect_equal "$(cat target/file/save target/dir target/link)" $'save\nsave\nsave'
}

@test "without a record of what was ours nothing is removed, and that is said" {
	echo 1 >src/old
	sync_now
	rm target/.gs-sidecar/manifests/*
	mv src/old src/new
	sync_now
	expect_output "they stay"
	expect_equal "$(ls target)" $'new\nold'
}

# cut_off SOURCE: what a sync of it leaves that was killed before it placed anything
cut_off() {
	"$gs" sync --source "$1" --target other >/dev/null
	cp other/.gs-sidecar/manifests/* target/.gs-sidecar/manifests/
	cp other/.gs-sidecar/published.json target/.gs-sidecar/publishing.json
}

@test "a file of the game that has a name of a version that never came is not deleted" {
	mkdir -p never/dir never/other
	echo 1 >src/file
	sync_now
	echo never >never/new
	echo never >never/dir/new
	echo placed >never/other/placed
	ln -s x never/link
	cut_off never
	echo save >target/new
	mkdir target/dir target/other
	echo save >target/dir/new
	echo placed >target/other/placed
	ln -s y target/link
	sync_now
	expect_equal "$(cat target/new target/dir/new)" $'save\nsave'
	expect_equal "$(readlink target/link)" y
	# This one was as the version has it: it came from there.
	[[ ! -e target/other ]]
	expect_equal "$(ls -A target/.gs-sidecar | tr '\n' ' ')" "lock manifests published.json "
}

@test "a damaged record of what was ours removes nothing" {
	local manifest

	echo 1 >src/a
	echo 1 >src/old
	sync_now
	manifest=$(echo target/.gs-sidecar/manifests/*)
	truncate -s -3 "$manifest"
	rm src/old
	sync_now
	expect_output "they stay"
	expect_equal "$(ls target)" $'a\nold'
}

@test "a record that leads out of the target is not believed" {
	mkdir src/dir
	echo 1 >src/dir/old
	sync_now
	echo precious >precious
	sed -i 's|dir/old|../precious|' target/.gs-sidecar/manifests/*
	rm -r src/dir
	sync_now
	expect_equal "$(cat precious)" precious
}

@test "what the game deletes or renames of ours is no trouble" {
	mkdir -p src/dir/sub
	echo 1 >src/dir/sub/file
	echo 1 >src/file
	sync_now
	mv target/dir target/backup
	rm target/file src/file
	rm -r src/dir
	sync_now --force
	expect_equal "$(ls -A target)" $'.gs-sidecar\nbackup'
}

@test "a file of ours that the game has replaced or changed since is not deleted" {
	echo 1 >src/replaced
	echo 1 >src/changed
	echo 1 >src/ours
	ln -s a src/link
	touch src/stays
	sync_now
	echo mine >mine && mv mine target/replaced
	echo 2 >>target/changed
	ln -sfn b target/link
	rm src/replaced src/changed src/ours src/link
	sync_now
	expect_output "kept 3 of the older version's files"
	expect_equal "$(ls target)" $'changed\nlink\nreplaced\nstays'
	expect_equal "$(cat target/replaced)" mine
}

# Whoever can write to the target may do this at any moment; strace makes the moment long enough. An
# emulated program cannot be traced: there the link is only planted in time.
@test "a link that is put in a name's place while it is synced is not followed" {
	echo 1 >src/file
	sync_now
	chmod 600 src/file
	touch -r target/file src/file
	chmod 755 src/file
	echo secret >outside
	chmod 600 outside
	if [[ $TEST_ARCH == "$(dpkg --print-architecture)" ]]; then
		start sync strace -qqq -f -o trace -e trace=fchownat,fchmodat,?fchmodat2,?chmod \
			-e inject=fchownat,fchmodat,?fchmodat2,?chmod:delay_enter=1000000 \
			"$gs" sync --source src --target target
		within 5 test -s trace
	fi
	ln -sfn "$dir/outside" target/file
	if [[ -n ${sync_pid-} ]]; then ended sync; else sync_now; fi
	expect_equal "$(stat -c %a outside)" 600
	sync_now
	expect_equal "$(stat -c '%F %a' target/file)" "regular file 755"
}
