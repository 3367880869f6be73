#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a sync makes of a tree: all that rsync -a keeps, and nothing written that is there already.

load lib

# odd_names FOLDER: every name that has broken somebody's script.
odd_names() {
	local long name

	printf -v long '%0255d' 7
	for name in $'new\nline' "it's" 'say "so"' 'back\slash' $'not utf-8 \xff\xfe' '-rf' '--' "$long" \
		' leading blank' 'trailing blank ' $'\ttab' $'bell\a\e[31m' '*' '?[a]' '$HOME' '`id`' 'ü€😀' \
		'a:b' '#' '%s%n' '.hidden'; do
		printf '%s' "of $name" >"$1/$name"
	done
	mkdir "$1/"$'folder\n"\xff'
	: >"$1/"$'folder\n"\xff/-inner'
	ln -s $'to\n"\xff' "$1/"$'link\n"\xff'
}

@test "modes are kept, special bits and closed directories too" {
	local mode

	for mode in 0755 0644 0400 0444 0000 0666 4755 2755 6711 1644; do
		echo "$mode" >"src/file-$mode"
		mkdir "src/dir-$mode"
		echo inner >"src/dir-$mode/inner"
		chmod "$mode" "src/file-$mode" "src/dir-$mode"
	done
	chmod 0555 src/dir-0755
	sync_now
	expect_like_rsync
}

@test "an unusual umask changes no mode" {
	mkdir src/dir
	echo 1 >src/dir/file
	chmod 0777 src/dir
	chmod 0666 src/dir/file
	umask 077
	sync_now
	expect_like_rsync
}

@test "times are kept to the nanosecond, before 1970 and beyond 2038" {
	local time

	mkdir src/dir
	for time in @0 @0.000000001 @-1.5 '2038-01-20 00:00:00.999999999Z' '2106-02-08Z' @2147483648; do
		echo "$time" >"src/file $time"
		mkdir "src/dir $time"
		echo inner >"src/dir $time/inner"
		ln -s nowhere "src/link $time"
		touch -hd "$time" "src/file $time" "src/link $time" "src/dir $time"
	done
	sync_now
	expect_like_rsync
	expect_equal "$(stat -c %Y 'target/link @-1.5')" -2
}

@test "links are copied as links wherever they lead" {
	mkdir src/dir
	ln -s nowhere src/dangling
	ln -s /etc/hostname src/absolute
	ln -s ../../../../etc src/outside
	ln -s . src/dir/self
	ln -s dir src/to-dir
	ln -s loop src/loop
	ln -s '' src/empty 2>/dev/null || true
	ln -s "$(printf '%04000d' 0)" src/long
	sync_now
	expect_like_rsync
	expect_equal "$(readlink target/absolute)" /etc/hostname
}

@test "a link that leads elsewhere now is replaced" {
	ln -s one src/link
	sync_now
	ln -sfn two src/link
	sync_now
	expect_like_rsync
	expect_equal "$(serial)" 2
}

@test "hidden files and empty directories arrive, at the top too" {
	mkdir -p src/empty/emptier src/.hidden/empty
	echo 1 >src/.env
	echo 2 >src/.hidden/.file
	sync_now
	expect_like_rsync
	[[ -d target/empty/emptier && -s target/.env ]]
}

@test "an empty source empties what was ours, when that is meant" {
	mkdir -p src/a/b
	echo 1 >src/a/b/c
	sync_now
	rm -r src/a
	run "$gs" sync --source src --target target
	expect_status 4
	expect_output "the source is empty, and 1 file is published"
	[[ -s target/a/b/c ]]
	sync_now --force
	expect_equal "$(footprint)" ""
}

@test "files of all sizes arrive whole" {
	local size

	for size in 0 1 4095 4096 131071 131072 131073 1000000; do
		head -c "$size" /dev/urandom >"src/$size"
	done
	truncate -s 3M src/hole
	sync_now --json
	expect_like_rsync
	expect_equal "$(gojq .files <<<"$output") $(gojq .bytes <<<"$output")" "9 $((3 * 1048576 + 1401408))"
}

@test "hard links within the tree stay one file" {
	mkdir src/dir
	echo 1 >src/a
	ln src/a src/b
	ln src/a src/dir/c
	echo 1 >src/another
	sync_now
	expect_like_rsync
	expect_equal "$(stat -c %h target/dir/c)" 3
	remember
	sync_now
	expect_untouched
}

@test "hard links can be broken apart and joined again" {
	echo 1 >src/a
	ln src/a src/b
	ln src/a src/c
	sync_now
	cp -p src/b src/new
	mv src/new src/b
	sync_now
	expect_like_rsync
	echo 2 >src/b
	sync_now
	expect_like_rsync
	expect_equal "$(cat target/a target/b target/c)" $'1\n2\n1'
	ln -f src/b src/a
	ln -f src/b src/c
	sync_now
	expect_like_rsync
	rm src/a
	sync_now
	expect_like_rsync
	expect_equal "$(stat -c %h target/b)" 2
}

@test "a hard link that was broken behind our back is made again" {
	echo 1 >src/a
	ln src/a src/b
	sync_now
	cp -p target/b target/copy
	mv target/copy target/b
	sync_now
	expect_like_rsync
}

@test "a file of the source that has links outside of it is a file like others" {
	echo 1 >src/a
	ln src/a elsewhere
	sync_now
	expect_equal "$(stat -c %h target/a)" 1
	[[ ! target/a -ef src/a ]]
}

@test "root keeps owners, by number" {
	mkdir src/dir
	echo 1 >src/file
	ln -s x src/link
	! has_other_users || chown -h 12345:54321 src/file src/dir src/link
	chmod 4755 src/file
	sync_now
	expect_like_rsync
	[[ $output != *"owners are not kept"* ]]
}

@test "a changed owner is no new version, but is set" {
	local owner=0:0

	! has_other_users || owner=777:888
	echo 1 >src/file
	chmod 6755 src/file
	sync_now
	chown "$owner" src/file
	chmod 6755 src/file
	sync_now
	expect_like_rsync
	expect_equal "$(serial)" 1
}

@test "root that may not give files away says so, and syncs" {
	echo 1 >src/file
	mkdir src/dir
	! has_other_users || chown 12345 src/file src/dir
	run setpriv --bounding-set -chown "$gs" sync --source src --target target
	expect_status 0
	if has_other_users; then
		expect_output "owners are not kept"
		expect_equal "$(stat -c %u target/file)" 0
	fi
	remember
	run setpriv --bounding-set -chown "$gs" sync --source src --target target
	expect_status 0
	expect_output unchanged
	expect_equal "$(cat target/file)" 1
}

@test "files of an ordinary user belong to it and keep their modes" {
	mkdir src/dir src/dir/closed
	echo 1 >src/dir/closed/file
	echo 2 >src/run
	ln -s nowhere src/link
	chmod 0555 src/dir/closed
	chmod 4755 src/run
	give_to_ordinary target
	run as_ordinary "$gs" sync --source src --target target
	expect_status 0
	mkdir by-ordinary
	give_to_ordinary by-ordinary
	as_ordinary rsync -rlptH --modify-window=-1 src/ by-ordinary/
	expect_same_tree by-ordinary target
}

@test "an ordinary user can update and remove directories that nobody may write" {
	mkdir -p src/closed/inner src/gone/inner
	echo 1 >src/closed/inner/file
	echo 1 >src/closed/inner/other
	echo 1 >src/gone/inner/file
	chmod 0555 src/closed/inner src/closed src/gone/inner src/gone
	give_to_ordinary target
	run as_ordinary "$gs" sync --source src --target target
	expect_status 0
	chmod -R u+w src
	echo 2 >src/closed/inner/file
	rm -r src/gone src/closed/inner/other
	echo 3 >src/closed/new
	chmod 0500 src/closed/inner
	chmod 0555 src/closed
	give_to_ordinary src
	run as_ordinary "$gs" sync --source src --target target
	expect_status 0
	expect_same_tree src target
	rm -r src/closed
	echo 4 >src/closed
	run as_ordinary "$gs" sync --source src --target target
	expect_status 0
	expect_equal "$(cat target/closed)" 4
	expect_equal "$(ls -A target)" $'.gs-sidecar\nclosed'
}

@test "a file that only others may read is not published again and again" {
	echo 1 >src/file
	chmod 0004 src/file
	has_other_users || chmod 0404 src/file
	give_to_ordinary target
	run as_ordinary "$gs" sync --source src --target target
	expect_status 0
	before=$(stat -c "%i %a %Y" target/file)
	run as_ordinary "$gs" sync --source src --target target
	expect_status 0
	expect_output unchanged
	expect_equal "$(stat -c "%i %a %Y" target/file)" "$before"
}

@test "equal size and equal time but other content is copied" {
	echo one >src/file
	touch -d 2024-01-01Z src/file
	sync_now
	echo two >src/file
	touch -d 2024-01-01Z src/file
	sync_now
	expect_equal "$(cat target/file)" two
	expect_equal "$(serial)" 2
}

@test "a sync without a change writes nothing" {
	mkdir src/dir
	echo 1 >src/dir/a
	ln src/dir/a src/b
	ln -s x src/link
	chmod 0555 src/dir
	sync_now
	remember
	cp -p target/.gs-sidecar/published.json before.json
	sync_now
	expect_output unchanged
	expect_untouched
	cmp before.json target/.gs-sidecar/published.json
}

@test "times alone are no new version, but are set" {
	mkdir src/dir
	echo 1 >src/dir/a
	ln -s x src/link
	sync_now
	touch -hd 1999-01-01Z src/dir/a src/dir src/link
	sync_now
	expect_output unchanged
	expect_like_rsync
	expect_equal "$(serial)" 1
}

@test "a changed mode is a new version, and the file is not copied for it" {
	local inode

	echo 1 >src/a
	sync_now
	inode=$(stat -c %i target/a)
	chmod 0711 src/a
	sync_now
	expect_like_rsync
	expect_equal "$(serial) $(stat -c %i target/a)" "2 $inode"
}

@test "only what changed is written" {
	mkdir src/dir
	echo 1 >src/dir/a
	echo 1 >src/dir/b
	echo 1 >src/c
	sync_now
	footprint | grep -v 'dir' >before
	echo 2 >src/dir/b
	sync_now --json
	expect_equal "$(gojq -c '[.placed,.placed_bytes,.removed]' <<<"$output")" '[1,2,0]'
	diff before <(footprint | grep -v 'dir')
}

@test "what was changed behind our back is repaired, as a new publication" {
	mkdir src/dir
	echo good >src/dir/edited
	echo good >src/deleted
	echo good >src/mode
	echo good >src/truncated
	ln -s right src/link
	sync_now
	echo evil >target/dir/edited
	sync_now
	expect_like_rsync
	expect_equal "$(serial)" 2
	echo evil >target/dir/edited
	touch -r src/dir/edited target/dir/edited
	sync_now --verify full
	expect_like_rsync
	rm target/deleted
	chmod 0777 target/mode
	: >target/truncated
	ln -sfn wrong target/link
	sync_now
	expect_like_rsync
	expect_equal "$(serial)" 4
	rm -r target/dir
	sync_now
	expect_like_rsync
}

@test "the same tree has the same digest, wherever and whenever it was made" {
	local first

	odd_names src
	echo 1 >src/a
	sync_now --json
	first=$(gojq -r .digest <<<"$output")
	mkdir other
	cp -R src/. other/
	run "$gs" sync --source other --target elsewhere --json
	expect_equal "$(gojq -r .digest <<<"$output")" "$first"
}

@test "odd names arrive as they are, and come and go like others" {
	odd_names src
	mkdir src/sub
	odd_names src/sub
	sync_now --json
	gojq -e .done <<<"$output"
	expect_like_rsync
	rm -r src/sub
	echo changed >src/$'new\nline'
	sync_now --json
	gojq -e .done <<<"$output"
	expect_like_rsync
}

@test "a name that begins with two dots is refused by name, unless it is excluded" {
	local name

	echo 1 >src/file
	sync_now
	echo 2 >src/file
	mkdir src/dir
	for name in ..folder dir/..file ...fine; do
		mkdir "src/$name"
		run "$gs" sync --source src --target target
		expect_status 2
		expect_output "'$name' has a reserved name (begins with '..'): rename or exclude it"
		expect_equal "$(cat target/file)" 1
		expect_equal "$(serial)" 1
		rmdir "src/$name"
	done
	mkdir src/..folder src/dir/..folder
	sync_now --exclude '..*'
	expect_like_rsync
}

@test "odd names in warnings and errors keep to one line and to text" {
	mkfifo src/$'x..\n"\xff\e[31m'
	sync_now
	expect_output "left out"
	expect_equal "$(grep -c 'left out' <<<"$output")" 1
	grep -F 'left out' <<<"$output" | grep -F 'x..'
	[[ $output != *$'\e'* ]]
	iconv -f utf-8 -t utf-8 <<<"$output" >/dev/null
	mkdir target/clash
	: >target/clash/$'y\n"\xff\e[31m'
	: >src/clash
	run "$gs" sync --source src --target target --json 2>/dev/null
	expect_status 4
	output=$(tail -n 1 <<<"$output")
	gojq -e '.error | contains("clash")' <<<"$output"
	[[ $output != *$'\e'* ]]
	iconv -f utf-8 -t utf-8 <<<"$output" >/dev/null
}

@test "one log line is one JSON object, whatever a name holds" {
	echo one >src/file
	mkfifo src/$'x..\n"\xff\e[31m'
	sync_now --log-format json
	head -n -1 <<<"$output" | gojq -es 'length == 1'
}

@test "a path of nearly PATH_MAX arrives and goes" {
	local i

	(
		cd src
		for ((i = 0; i < 40; i++)); do
			mkdir "$(printf '%0100d' "$i")"
			cd "$(printf '%0100d' "$i")"
		done
		echo deep >"$(printf '%049d' 0)"
	)
	expect_equal "$(find src -type f -printf %P | wc -c)" 4089
	sync_now
	expect_same_tree src target
	rm -r src/0*
	sync_now --force
	expect_equal "$(ls -A target)" .gs-sidecar
}

@test "a path that is too long is refused and nothing changes" {
	local i

	echo 1 >src/a
	sync_now
	remember
	(
		cd src
		for ((i = 0; i < 42; i++)); do
			mkdir "$(printf '%0100d' "$i")"
			cd "$(printf '%0100d' "$i")"
		done
	)
	echo 2 >src/a
	run "$gs" sync --source src --target target
	expect_status 4
	expect_output "longer than"
	expect_untouched
}

@test "what is neither file, directory nor link is left out, with a warning that names it" {
	mkfifo src/a-pipe
	start listener "$programs/silent" unix src/socket
	within 5 test -S src/socket
	echo 1 >src/file
	sync_now
	expect_output "'a-pipe'"
	expect_output "'socket'"
	expect_equal "$(ls -A target)" $'.gs-sidecar\nfile'
}

@test "a pipe that takes the place of a file takes it away" {
	echo 1 >src/a
	sync_now
	rm src/a
	mkfifo src/a
	sync_now --force
	[[ ! -e target/a ]]
}

@test "the target's own mode, owner and time are left alone" {
	echo 1 >src/a
	sync_now
	chmod 2770 target
	touch -d 2001-01-01Z target
	sync_now
	expect_equal "$(stat -c '%a %Y' target)" "2770 978307200"
	echo 2 >src/b
	sync_now
	expect_equal "$(stat -c %a target)" 2770
}

@test "the state is nobody else's to read" {
	sync_now
	expect_equal "$(stat -c %a target/.gs-sidecar)" 700
}
