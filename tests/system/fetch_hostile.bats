#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Natively alone: what servers, archives and programs could do to gs-fetch besides being wrong.
bats_require_minimum_version 1.5.0
load lib
load fetch

# hostile.py in the background, its URL in $base: start_server [PEM]
start_server() {
	local port

	port=$(free_port)
	base=http${1+s}://localhost:$port
	start server python3 "$BATS_TEST_DIRNAME/hostile.py" "$port" "$@"
	within 10 curl -sk "$base/file"
}

# One run with two sources, "it" that MEMBERS say and one that is fine: beside_another MEMBERS STATE
beside_another() {
	status=0
	[[ -e fine.tar ]] || tar cf fine.tar -C src .
	printf '{"sources": [{"name": "it", %s}, {"name": "fine", "archive": "fine.tar"}]}' "$1" |
		"$gs_fetch" fetch --cache cache >answer.json 2>fetch.log || status=$?
	output=$(<fetch.log)
	expect_equal "$(answer .state)" "$2"
	[[ $(gojq -r '.sources[1].state' answer.json) =~ ^(fetched|unchanged)$ ]]
}

# A repository whose only file is so many directories deep: deep_repository DEPTH
deep_repository() {
	local object i

	git init -q -b main serve/it
	object=$(git -C serve/it hash-object -w --stdin <<<it)
	object=$(printf '100644 blob %s\tit\n' "$object" | git -C serve/it mktree)
	for ((i = 0; i < $1; i++)); do
		object=$(printf '040000 tree %s\td\n' "$object" | git -C serve/it mktree)
	done
	commit_tree "$object"
}

# The commit of a tree becomes main of serve/it.
commit_tree() {
	object=$(git -C serve/it -c user.name=it -c user.email=it@example.com commit-tree -m it "$1")
	git -C serve/it update-ref refs/heads/main "$object"
}

start_git() {
	local port

	port=$(free_port)
	url=git://127.0.0.1:$port/it
	start daemon /usr/lib/git-core/git-daemon --reuseaddr --export-all --listen=127.0.0.1 \
		--port="$port" --base-path="$dir/serve" "$dir/serve"
	within 10 git ls-remote "$url"
}

@test "hostile: a length that says nothing does not count for most-ratio" {
	mkdir -p src
	random_file src/first 8000000
	head -c 100000000 /dev/zero >src/second
	tar -czf coded.tar.gz -C src first second
	start_server
	fetch "\"http\": \"$base/coded.tar.gz\", \"most-ratio\": 2" missing 5
	[[ $(answer .error) == *"the archive unpacks to more than 2 times its size" ]]
	fetch "\"http\": \"$base/coded.tar.gz\"" fetched
	diff -r src "$(tree)"
}

@test "hostile: what breaks the process that fetches it is one source's trouble" {
	# As a library would that fails, and the kernel when memory is short.
	for signal in ABRT KILL; do
		beside_another "\"command\": [\"sh\", \"-c\", \"echo 1 >it; kill -$signal \$PPID\"]" missing
		expect_status 5
		[[ $(answer .error) == "signal "*" has ended what fetched it: "* ]]
		[[ ! -e cache/it/new ]]
	done
	beside_another '"command": ["sh", "-c", "echo 1 >it"]' fetched
	remember
	beside_another '"command": ["sh", "-c", "echo 2 >it; kill -ABRT $PPID"]' stale
	expect_status 0
	expect_remembered
	expect_sound
}

@test "hostile: a folder that cannot be used is one source's trouble" {
	mkdir cache
	ln -s /etc cache/it
	beside_another '"command": "true"' missing
	expect_status 5
	expect_output "open 'cache/it': "
}

@test "hostile: no source has the name of a file of the cache" {
	printf '{"sources": [{"name": "lock", "command": "true"}, {"name": "download", "command": "true"}]}' |
		"$gs_fetch" fetch --cache cache >answer.json
	expect_equal "$(gojq -r '[.sources[].state] | join(" ")' answer.json)" "fetched fetched"
}

@test "hostile: a tree deeper than there are descriptors is refused, and gone" {
	deep_repository 600
	start_git
	ulimit -n 400
	for _ in 1 2; do
		beside_another "\"git\": \"$url\"" missing
		[[ $(answer .error) == "'d/d/"*"/d/d': more than 256 directories deep" ]]
		[[ ! -e cache/it/new ]]
	done
}

@test "hostile: parts that are shorter than what was asked for are not taken for the rest" {
	start_server
	fetch "\"http\": \"$base/file\"" fetched
	fetch "\"http\": \"$base/parts\", \"file\": \"file\"" fetched
	curl -s "$base/file" | cmp - "$(tree)/file"
	# The first one, and parts of the other half.
	expect_equal "$(answer .requests)" 7
	for path in part-unasked whole-unasked; do
		fetch "\"http\": \"$base/$path\", \"retries\": 0" stale
		[[ $(answer .error) == *"the server sent another part than the wanted one" ]]
	done
	expect_sound
}

@test "hostile: an encoding that does nothing does not say where a file ends" {
	start_server
	fetch "\"http\": \"$base/identity\"" missing 5
	[[ $(answer .error) == *"does not say where the file ends"* ]]
}

@test "hostile: what a server says of a file is short, and shown as text" {
	start_server
	fetch "\"http\": \"$base/long-etag\"" fetched
	expect_between 100 "$(stat -c %s answer.json)" 1000
	[[ $(answer .version) == sha256:* ]]
	fetch "\"http\": \"$base/control-etag\"" fetched
	! LC_ALL=C grep -q '[^[:print:]]' fetch.log answer.json
	expect_output '"a\x1b[31m\x07"'
}

@test "hostile: a repository of a few objects that would be ten billion files" {
	local object level

	git init -q -b main serve/it
	object=$(git -C serve/it hash-object -w --stdin <<<it)
	object=$(for name in {0..9}; do printf '100644 blob %s\t%s\n' "$object" "$name"; done | git -C serve/it mktree)
	for level in {1..9}; do
		object=$(for name in {0..9}; do printf '040000 tree %s\t%s\n' "$object" "$name"; done | git -C serve/it mktree)
	done
	commit_tree "$object"
	start_git
	fetch "\"git\": \"$url\", \"most-files\": 100000" missing 5
	[[ $(answer .error) == *'more than 100000 files, see "most-files"' ]]
	expect_equal "$(ls cache/it)" ""
}

@test "hostile: a repository whose files are too large is not written out" {
	head -c 3M /dev/zero >zeros
	git init -q -b main serve/it
	commit_tree "$(printf '100644 blob %s\tit\n' "$(git -C serve/it hash-object -w "$dir/zeros")" | git -C serve/it mktree)"
	start_git
	fetch "\"git\": \"$url\", \"most-bytes\": 3145727" missing 5
	[[ $(answer .error) == *'more than 3145727 bytes, see "most-bytes"' ]]
	fetch "\"git\": \"$url\", \"most-bytes\": 3145728" fetched
	cmp zeros "$(tree)/it"
}

@test "hostile: git is not sent from https to http" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost -keyout key.pem -out ca.pem 2>/dev/null
	cat key.pem >>ca.pem
	start_server ca.pem
	fetch "\"git\": \"$base/to-http\", \"ca-file\": \"$dir/ca.pem\"" missing 5
	[[ $(answer .error) == *'Protocol "http" '*disabled* ]]
}

@test "hostile: programs get no secret of our environment, but those that are to have all" {
	mkdir bin
	printf '#!/bin/sh\nenv >%s/environment\nexit 7\n' "$dir" >bin/git
	chmod +x bin/git
	cp bin/git bin/rsync
	export PATH=$dir/bin:$PATH AWS_SECRET_ACCESS_KEY=a-secret-word https_proxy=http://127.0.0.1:1
	for source in '"git": "https://localhost/it"' '"rsync": "rsync://localhost/it"'; do
		fetch "$source" missing 5
		grep -q '^https_proxy=http://127.0.0.1:1$' environment
		! grep a-secret-word environment
		rm environment
	done
	fetch '"command": ["sh", "-c", "env >it"]' fetched
	grep -q '^AWS_SECRET_ACCESS_KEY=a-secret-word$' "$(tree)/it"
	rm -r cache
}

@test "hostile: what a program has started ends with it, wherever it has gone" {
	fetch '"command": ["sh", "-c", "echo 1 >it; setsid sh -c \"trap : TERM; sleep 3227.'$$'; echo 2 >it\" >&- 2>&- & until pgrep -fx \"sleep 3227.'$$'\"; do sleep 0.05; done"]' fetched
	! pgrep -fx "sleep 3227.$$"
	expect_equal "$(cat "$(tree)/it")" 1
}

@test "hostile: a program that makes more than it may is ended while it runs" {
	fetch '"command": ["sh", "-c", "while head -c 100000 /dev/zero >>it; do sleep 0.01; done"], "most-bytes": 3000000' missing 5
	[[ $(answer .error) == *'more than 3000000 bytes, see "most-bytes"' ]]
	fetch '"command": ["sh", "-c", "while :; do i=$((i + 1)); mkdir $i; sleep 0.01; done"], "most-files": 20, "keep": true' missing 5
	[[ $(answer .error) == *'more than 20 files, see "most-files"' ]]
}

@test "hostile: hosts that would be options, and tokens that would be seen" {
	for source in '"rsync": "me@-oProxyCommand=id:path"' '"rsync": "rsync://me@-x/it"'; do
		fetch "$source" "" 2
		expect_output '"rsync": expected'
	done
	for user in a-token me:word; do
		fetch "\"git\": \"https://$user@example.com/it\"" "" 2
		expect_output '"token-file" keeps it'
	done
	fetch "\"git\": \"ssh://me:word@example.com/it\"" "" 2
	expect_output '"token-file" keeps it'
}

# Paths are relative: what is above may be closed to others.
fetch_as_other() {
	printf '{"sources": [{"name": "it", %s}]}' "$1" |
		setpriv --reuid 65534 --clear-groups --inh-caps=-all --bounding-set=-all \
			"$gs_fetch" fetch --cache open/cache >answer.json
}

@test "hostile: a link that leads out of the part of an archive that is wanted" {
	mkdir -p src/a/b
	echo 1 >src/a/file
	ln -s ../file src/a/b/link
	tar cf it.tar -C src .
	fetch "\"archive\": \"$PWD/it.tar\"" fetched
	fetch "\"archive\": \"$PWD/it.tar\", \"subpath\": \"a\"" fetched
	fetch "\"archive\": \"$PWD/it.tar\", \"subpath\": \"a/b\"" stale
	[[ $(answer .error) == *"'link' is a link out of the tree, to '../file'" ]]
}

@test "hostile: directories that their owner may not write to can be taken apart" {
	mkdir -p src/a/b/c
	echo 1 >src/a/b/1
	echo 2 >src/a/b/c/2
	chmod 555 src/a/b/c src/a/b src/a
	tar cf it.tar -C src .
	chmod -R u+w src
	mkdir -m 777 open
	fetch_as_other '"archive": "it.tar", "subpath": "a/b", "into": "x/y", "exclude": ["2"]'
	expect_equal "$(cd "$(tree)" && find . ! -name . | sort | xargs)" "./x ./x/y ./x/y/1"
	expect_equal "$(stat -c %a "$(tree)/x/y")" 555
	fetch_as_other '"command": "true"'
	expect_equal "$(ls open/cache/it | xargs)" "state.json tree.2"
}
