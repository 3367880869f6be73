#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What may be asked of gs-fetch, and what is wrong in each that may not; commands and archives, which
# need no server.
bats_require_minimum_version 1.5.0
load lib
load fetch

# A request that is wrong, and says why: wrong MEMBERS WORDS
wrong() {
	fetch "$1" "" 2
	expect_output "$2"
	[[ $(gojq -r .error answer.json) == *"$2"* ]]
	expect_equal "$(gojq -c keys answer.json)" '["error"]'
	[[ ! -e $dir/cache/it ]]
}

@test "request: mistakes name the source and the key" {
	wrong '"htpt": "http://example.com/x"' 'source "it": "htpt": a source has no such key; "http" is near'
	wrong '"http": "http://example.com/x", "sha265": "x"' '"sha256" is near'
	wrong '"http": "ftp://example.com/x"' '"http": expected a URL'
	wrong '"http": "http://example.com/"' 'the URL ends with no name for a file'
	wrong '"http": "http://example.com/x", "ref": "main"' '"ref" does nothing with "http"'
	wrong '"http": "http://example.com/x", "git": "https://example.com/x"' 'it cannot be both'
	wrong '"command": "true", "retries": 2' '"retries" does nothing with "command"'
	wrong '"timeout": "1s"' 'expected where it comes from'
	wrong '"archive": "a.tar", "timeout": "0s"' '"timeout": expected more than 0s'
	wrong '"archive": "a.tar", "into": "../up"' '"into": expected a relative path'
	wrong '"archive": "a.tar", "subpath": "/js"' '"subpath": expected a relative path'
	wrong '"archive": "a.tar", "sha256": "abc"' '"sha256": expected 64 hexadecimal digits'
	wrong '"archive": "a.tar", "signature": "a.sig"' 'only mean something together'
	wrong '"archive": "a.tar", "include": ["a//b"]' '"include"'
	wrong '"git": "file:///srv/it"' '"git": expected a URL by'
	wrong '"git": "ext::sh -c id"' '"git": expected a URL by'
	wrong '"git": "--upload-pack=id"' '"git": expected a URL by'
	wrong '"git": "https://me:word@example.com/it.git"' 'token-file'
	wrong '"git": "https://example.com/it.git", "ref": "-x"' '"ref": expected'
	wrong '"rsync": "-e sh"' '"rsync": expected'
	wrong '"rsync": "rsync://me:word@example.com/m/"' 'password-file'
	wrong '"s3": "https://example.com/x"' '"s3": expected s3://BUCKET/KEY'
	wrong '"s3": "s3://bucket/prefix/", "sha256": "'"$(printf '%064d' 1)"'"' 'for one object'
	wrong '"command": "true", "name": "it"' 'it is there twice'
}

@test "request: the whole of it" {
	ask_all() {
		status=0
		"$gs_fetch" fetch --cache cache >answer.json 2>fetch.log <<<"$1" || status=$?
		output=$(<fetch.log)
		expect_status 2
		expect_output "$2"
	}

	ask_all '{' "request: not valid JSON"
	ask_all '[]' 'request: expected {"sources": [...]}'
	ask_all '{}' 'request: expected {"sources": [...]}'
	ask_all '{"sources": [], "more": 1}' 'request: expected {"sources": [...]}'
	ask_all '{"sources": []}' "there is none"
	ask_all '{"sources": [{"command": "true"}]}' 'source 1: expected a "name"'
	ask_all '{"sources": [{"name": "a/b", "command": "true"}]}' 'expected a "name"'
	ask_all '{"sources": [{"name": "a", "command": "true"}, {"name": "a", "command": "true"}]}' 'source "a": the name is there twice'
	ask_all "{\"sources\": [$(for i in {1..33}; do printf '{"name": "n%d", "command": "true"},' "$i"; done | sed 's/,$//')]}" "more than 32 sources"
	ask_all "$(head -c 1100000 /dev/zero | tr '\0' ' ')" "larger than the limit of 1048576 bytes"
	run "$gs_fetch" fetch </dev/null
	expect_status 2
	expect_output "--cache"
}

@test "several: each has its folder, one that cannot be had leaves the others alone" {
	mkdir one
	echo 1 >one/file
	tar czf one.tgz -C one .
	printf '%s' '{"sources": [
		{"name": "first", "archive": "one.tgz"},
		{"name": "second", "archive": "none.tgz"},
		{"name": "third", "command": ["sh", "-c", "echo 3 >three"]}]}' >request.json
	status=0
	"$gs_fetch" fetch --cache cache <request.json >answer.json 2>fetch.log || status=$?
	expect_status 5
	expect_equal "$(gojq -c '[.sources[] | .name, .state]' answer.json)" \
		'["first","fetched","second","missing","third","fetched"]'
	expect_equal "$(cat cache/first/tree.1/file cache/third/tree.1/three | tr '\n' ' ')" "1 3 "
	[[ $(gojq -r '.sources[1].error' answer.json) == "open 'none.tgz': No such file or directory" ]]
}

@test "archive: fetched, unchanged without being read, another one of the same size and time, damaged" {
	local it='"archive": "it.tar.gz"'

	echo 1 >src/file
	touch -d 2026-01-01 src/file src
	tar czf it.tar.gz -C src .
	fetch "$it" fetched
	expect_same_tree src "$(tree)"
	expect_equal "$(answer .version)" "sha256:$(sha256sum it.tar.gz | cut -d ' ' -f 1)"
	run strace -f -e trace=openat,read -o strace.log "$gs_fetch" fetch --cache cache \
		<<<"{\"sources\": [{\"name\": \"it\", $it}]}"
	expect_output '"state":"unchanged"'
	touch it.tar.gz
	fetch "$it" unchanged
	tar cf a.tar --mtime=2026-01-01 -C src .
	echo 2 >src/file
	tar cf b.tar --mtime=2026-01-01 -C src .
	touch -d 2026-02-02 a.tar b.tar
	cp -a a.tar it.tar
	fetch '"archive": "it.tar"' fetched
	cp -a b.tar it.tar
	fetch '"archive": "it.tar"' fetched
	expect_equal "$(cat "$(tree)/file")" 2
	remember
	head -c 1000 b.tar >it.tar
	fetch '"archive": "it.tar"' stale
	expect_remembered
	expect_sound
	rm it.tar
	fetch '"archive": "it.tar"' stale
	expect_remembered
}

@test "archive: one that is written over while it is read is not what was checked" {
	mkdir large
	random_file large/first 1000
	random_file large/second 30000000
	touch -d 2026-01-01 large/* large
	tar czf it.tgz -C large first second
	fetch '"archive": "it.tgz"' fetched
	remember
	random_file large/first 1000
	tar czf it.tgz -C large first second
	start_fetch '"archive": "it.tgz"'
	within 10 test -e cache/it/new/second
	kill -STOP "$fetching_pid"
	# The very same bytes: that somebody writes there is enough.
	dd if=it.tgz of=it.tgz bs=1 count=1 conv=notrunc status=none
	kill -CONT "$fetching_pid"
	ended fetching
	expect_status 0
	logged fetching '"state":"stale"'
	logged fetching "'it.tgz': it was changed while it was read"
	expect_remembered
	expect_sound
	fetch '"archive": "it.tgz"' fetched
	cmp large/first "$(tree)/first"
}

@test "archive: a checksum and a signature, wrong and right" {
	local sum it

	echo 1 >src/file
	touch -d 2026-01-01 src/file src
	tar cf it.tar -C src .
	sum=$(sha256sum it.tar | cut -d ' ' -f 1)
	fetch "\"archive\": \"it.tar\", \"sha256\": \"${sum//[0-9]/0}\"" missing 5
	[[ $(answer .error) == "'it.tar': its SHA-256 is $sum and not the wanted one" ]]
	openssl genrsa -out private.pem 2048 2>/dev/null
	openssl rsa -in private.pem -pubout -out public.pem 2>/dev/null
	openssl dgst -sha256 -sign private.pem -out it.tar.sig it.tar
	it='"archive": "it.tar", "signature": "it.tar.sig", "public-key": "public.pem"'
	fetch "$it, \"sha256\": \"$sum\"" fetched
	expect_same_tree src "$(tree)"
	fetch "$it" fetched
	remember
	fetch "$it" unchanged
	openssl genrsa -out private.pem 2048 2>/dev/null
	openssl rsa -in private.pem -pubout -out public.pem 2>/dev/null
	fetch "$it" stale
	[[ $(answer .error) == "'it.tar': what is there, by the public key as it is now: the signature is not of this content by this key" ]]
	expect_remembered
	openssl dgst -sha256 -sign private.pem -out it.tar.sig it.tar
	fetch "$it" unchanged
	tar cf it.tar -C src file
	fetch "$it" stale
	expect_remembered
}

@test "command: its words, its directory, its end" {
	# shellcheck disable=SC2016
	fetch '"command": ["sh", "-c", "echo \"$1\" >\"$GS_FETCH_DIR/said\"; pwd >where", "-", "a b"]' fetched
	expect_equal "$(cat "$(tree)/said")" "a b"
	expect_equal "$(cat "$(tree)/where")" "$dir/cache/it/new"
	remember
	fetch '"command": ["sh", "-c", "echo half >half; echo why >&2; exit 7"]' stale
	[[ $(answer .error) == "sh: it ended with status 7: why" ]]
	expect_remembered
	fetch '"command": ["absent-program"]' stale
	[[ $(answer .error) == *"start 'absent-program': No such file"* ]]
	fetch '"command": ["sh", "-c", "mkfifo pipe"]' stale
	[[ $(answer .error) == *"'pipe' is neither a file nor a directory" ]]
	fetch '"command": ["sh", "-c", "echo 1 >a; echo 2 >b"], "most-files": 1' stale
	[[ $(answer .error) == *'more than 1 files, see "most-files"' ]]
	fetch '"command": ["sh", "-c", "head -c 2000 /dev/zero >a"], "most-bytes": 1999' stale
	[[ $(answer .error) == *'more than 1999 bytes, see "most-bytes"' ]]
	expect_remembered
}

@test "command: unchanged when it makes the same again, and only what changed is new" {
	local it='"command": ["sh", "-c", "cp '"$dir"'/src/* ."]' inode

	echo 1 >src/one
	echo 2 >src/two
	fetch "$it" fetched
	remember
	inode=$(stat -c '%i %y' "$(tree)/one")
	fetch "$it" unchanged
	expect_remembered
	echo 3 >src/two
	fetch "$it" fetched
	expect_equal "$(cat "$(tree)/two")" 3
	expect_equal "$(stat -c '%i %y' "$(tree)/one")" "$inode"
	rm src/one
	fetch "$it" fetched
	[[ ! -e $(tree)/one ]]
	chmod 4755 src/two
	fetch '"command": ["cp", "-p", "'"$dir"'/src/two", "."]' fetched
	expect_equal "$(stat -c %a "$(tree)/two")" 755
}

@test "command: with keep it finds what it left, and what it changes there changes no tree" {
	# shellcheck disable=SC2016
	local it='"command": ["sh", "-c", "echo more >>log; echo $(wc -l <log) >'"$dir"'/count"], "keep": true'

	fetch "$it" fetched
	remember
	expect_equal "$(cat count)" 1
	fetch "$it" fetched
	expect_equal "$(cat count)" 2
	expect_equal "$(wc -l <"$(tree)/log")" 2
	[[ ! -e $remembered ]]
}

@test "command: the deadline ends it and all that it started" {
	fetch '"command": ["sh", "-c", "sleep 3217.'$$' & sleep 3217.'$$'"], "timeout": "500ms"' missing 5
	[[ $(answer .error) == 'sh: not finished in time, see "timeout"' ]]
	within 5 eval '! pgrep -fx "sleep 3217.$$"'
	fetch '"command": ["sh", "-c", "echo 1 >it; sleep 3218.'$$' & exit 0"]' fetched
	within 5 eval '! pgrep -fx "sleep 3218.$$"'
}

@test "command: ended with us, at once, by TERM and by KILL" {
	local signal

	for signal in TERM KILL; do
		start_fetch '"command": ["sh", "-c", "echo half >half; exec sleep 3219.'$$'"]'
		within 5 test -e cache/it/new/half
		kill "-$signal" "$fetching_pid"
		within 2 is_gone "$fetching_pid"
		within 5 eval '! pgrep -fx "sleep 3219.$$"'
	done
	fetch '"command": ["sh", "-c", "echo whole >whole"]' fetched
	expect_equal "$(ls "$(tree)")" whole
	expect_sound
}

@test "cache: a state that is damaged is no reason to lose a tree" {
	fetch '"command": ["sh", "-c", "echo 1 >it"]' fetched
	remember
	for text in '' '{' '[]' '{"tree": "../../x"}' '{"tree": "tree.9"}' '{"tree": 7}'; do
		printf '%s' "$text" >cache/it/state.json
		fetch '"command": ["false"]' stale
		expect_remembered
	done
	mkdir cache/it/tree.9x cache/it/new
	touch cache/it/new/rest cache/it/tree.9x/rest
	fetch '"command": ["false"]' stale
	expect_remembered
	expect_sound
}

@test "cache: two runs, and the second gives up when it has waited for long enough" {
	start_fetch '"command": ["sh", "-c", "until test -e '"$dir"'/go; do sleep 0.05; done; echo 1 >it"]'
	within 5 test -e cache/it/new
	fetch '"command": ["true"], "timeout": "200ms"' "" 3
	expect_output "another gs-fetch holds its lock"
	touch go
	ended fetching
	expect_status 0
}

@test "cache: the disk is full, and the last good tree is as it was" {
	mkdir small
	mount -t tmpfs -o size=300k none small
	ln -s small cache
	fetch '"command": ["sh", "-c", "head -c 100000 /dev/zero >it"]' fetched
	remember
	fetch '"command": ["sh", "-c", "head -c 400000 /dev/zero >it"]' stale
	expect_remembered
	expect_sound
	umount small
}
