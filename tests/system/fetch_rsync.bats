#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Natively alone: an rsync daemon as the peer of gs-fetch.
bats_require_minimum_version 1.5.0
load lib
load fetch

prepare() {
	mkdir -p serve/js/deep
	random_file serve/js/a.js 50000
	echo 1 >serve/js/deep/b.js
	ln -s ../a.js serve/js/deep/link.js
	chmod 755 serve/js/deep/b.js
	find serve -exec touch -hd '2026-01-02 03:04:05' {} +
	port=$(free_port)
	url=rsync://127.0.0.1:$port/open/js
	printf 'me:a-secret-word\n' >secrets
	chmod 600 secrets
	cat >rsyncd.conf <<-END
		port = $port
		address = 127.0.0.1
		use chroot = no
		uid = root
		gid = root
		pid file = $dir/rsyncd.pid
		log file = $dir/rsyncd.log
		[open]
		path = $dir/serve
		[closed]
		path = $dir/serve
		auth users = me
		secrets file = $dir/secrets
	END
	start_daemon
}

start_daemon() {
	rm -f rsyncd.pid
	start daemon rsync --daemon --no-detach --config="$dir/rsyncd.conf" "$@"
	within 10 rsync "rsync://127.0.0.1:$port/"
}

stop_daemon() {
	local below

	mapfile -t below < <(pgrep -P "$daemon_pid")
	kill -KILL "$daemon_pid" "${below[@]}"
	wait "$daemon_pid" || true
}

# A fetch in the background that is in the middle of the large file.
begin_fetch() {
	rm -rf cache/it/new
	start_fetch "$1"
	within 20 eval 'compgen -G "cache/it/new/.large.*"'
}

@test "rsync: a directory, unchanged, changed, the server down and up again" {
	local inode

	fetch "\"rsync\": \"$url\"" fetched
	expect_same_tree serve/js "$(tree)"
	expect_between 50000 "$(answer .wire_bytes)" 52000
	expect_sound
	remember
	inode=$(stat -c %i "$(tree)/a.js")

	fetch "\"rsync\": \"$url\"" unchanged
	expect_between 50 "$(answer .wire_bytes)" 600
	expect_equal "$(answer .requests)" 1
	expect_remembered

	echo 22 >serve/js/deep/b.js
	touch -d '2026-01-02 03:04:06' serve/js/deep/b.js
	touch -d '2026-01-02 03:04:05' serve/js/deep
	fetch "\"rsync\": \"$url\"" fetched
	expect_equal "$(cat "$(tree)/deep/b.js")" 22
	expect_between 50 "$(answer .wire_bytes)" 1000
	expect_equal "$(stat -c %i "$(tree)/a.js")" "$inode"
	remember

	stop_daemon
	fetch "\"rsync\": \"$url\"" stale
	expect_remembered
	[[ $(answer .error) == "$url: rsync: it ended with status 10: "* ]]
	expect_sound
	start_daemon
	fetch "\"rsync\": \"$url\"" unchanged
	rm serve/js/deep/b.js
	fetch "\"rsync\": \"$url\"" fetched
	[[ ! -e $(tree)/deep/b.js ]]
}

# expect_changed COMMAND...: what it does at the server is fetched, and then there is nothing new.
expect_changed() {
	"$@"
	fetch "\"rsync\": \"$url\"" fetched
	expect_same_tree serve/js "$(tree)"
	expect_unchanged 1
}

# expect_unchanged REQUESTS
expect_unchanged() {
	fetch "\"rsync\": \"$url\"" unchanged
	expect_equal "$(answer .requests)" "$1"
}

@test "rsync: every kind of change is seen, and one question tells that there is none" {
	fetch "\"rsync\": \"$url\"" fetched
	touch serve/js serve/js/deep
	touch -h serve/js/deep/link.js
	expect_unchanged 1
	touch -d '2026-01-02 03:04:05' serve/js serve/js/deep
	touch -hd '2026-01-02 03:04:05' serve/js/deep/link.js
	expect_changed chmod 700 serve/js/deep/b.js
	expect_changed chmod 750 serve/js/deep
	expect_changed ln -sfn b.js serve/js/deep/link.js
	expect_changed mkdir serve/js/empty
	expect_changed rmdir serve/js/empty
	expect_changed mv serve/js/a.js serve/js/c.js
	expect_changed rm serve/js/deep/b.js
	expect_changed ln -s ../c.js serve/js/deep/b.js
	expect_changed random_file serve/js/d.js 10
	expect_changed random_file serve/js/d.js 11
	# Of these it has to look closer: a time alone is no change, and a pipe is left out.
	touch -d '2026-01-02 03:04:07' serve/js/c.js
	mkfifo serve/js/pipe
	expect_unchanged 2
	rm -r serve/js
	mkdir serve/js
	fetch "\"rsync\": \"$url\"" fetched
	expect_equal "$(ls -A "$(tree)")" ""
}

@test "rsync: more changes than what it says is kept of" {
	mkdir serve/js/many
	(cd serve/js/many && seq 3000 | xargs touch)
	fetch "\"rsync\": \"$url\"" fetched
	find serve/js/many -type f -exec chmod 600 {} +
	fetch "\"rsync\": \"$url\"" fetched
	expect_equal "$(answer .requests)" 2
	expect_between 20000 "$(answer .wire_bytes)" 200000
	expect_same_tree serve/js "$(tree)"
}

@test "rsync: only a part, elsewhere, and again for nothing" {
	local it

	it="\"rsync\": \"rsync://127.0.0.1:$port/open/\", \"subpath\": \"js\", \"into\": \"game/scripts\", \"exclude\": [\"*.map\"]"

	fetch "$it" fetched
	expect_same_tree serve/js "$(tree)/game/scripts"
	fetch "$it" unchanged
	expect_between 50 "$(answer .wire_bytes)" 600
	expect_equal "$(answer .requests)" 1
	echo 1 >serve/js/left-out.map
	fetch "$it" unchanged
	rm serve/js/left-out.map
	fetch "\"rsync\": \"rsync://127.0.0.1:$port/open\", \"subpath\": \"java\"" stale
	[[ $(answer .error) == *rsync* ]]
}

@test "rsync: a user and a password, wrong and right, that nobody sees" {
	local it="\"rsync\": \"rsync://me@127.0.0.1:$port/closed/js\", \"password-file\": \"password\""

	RSYNC_PASSWORD=a-secret-word fetch "\"rsync\": \"rsync://me@127.0.0.1:$port/closed/js\"" missing 5
	echo a-wrong-word >password
	chmod 644 password
	fetch "$it" missing 5
	[[ $(answer .error) == *"auth failed on module closed"* ]]
	expect_secret a-wrong-word
	echo a-secret-word >password
	fetch "$it" fetched
	expect_same_tree serve/js "$(tree)"
	random_file serve/js/large 3000000
	stop_daemon
	start_daemon --bwlimit=1000
	start_fetch "$it"
	expect_secret_while_fetching a-secret-word
	ended fetching
	expect_status 0
	expect_secret a-secret-word
	rm password
	fetch "$it" stale
	[[ $(answer .error) == *"password-file"*"No such file"* ]]
}

@test "rsync: what must not be in a tree" {
	fetch "\"rsync\": \"$url\"" fetched
	remember
	ln -s /etc/passwd serve/js/out
	fetch "\"rsync\": \"$url\"" stale
	[[ $(answer .error) == *"'out' is a link out of the tree, to '/etc/passwd'" ]]
	expect_remembered
	rm serve/js/out
	random_file serve/js/large 100000
	fetch "\"rsync\": \"$url\", \"most-bytes\": 100000" stale
	expect_remembered
	chmod 4755 serve/js/deep/b.js
	fetch "\"rsync\": \"$url\"" fetched
	expect_equal "$(stat -c %a "$(tree)/deep/b.js")" 755
}

@test "rsync: killed in the middle, cut in the middle, changing while it is fetched" {
	local signal

	fetch "\"rsync\": \"$url\"" fetched
	remember
	random_file serve/js/large 4000000
	stop_daemon
	start_daemon --bwlimit=1000
	for signal in TERM KILL; do
		begin_fetch "\"rsync\": \"$url\""
		kill "-$signal" "$fetching_pid"
		within 5 is_gone "$fetching_pid"
		diff remembered <(listing "$remembered")
	done
	begin_fetch "\"rsync\": \"$url\""
	stop_daemon
	ended fetching
	expect_status 0
	logged fetching '"state":"stale"' || { cat fetching.log; false; }
	diff remembered <(listing "$remembered")
	start_daemon --bwlimit=1000
	begin_fetch "\"rsync\": \"$url\""
	echo new >serve/js/added.new
	mv serve/js/added.new serve/js/a.js
	ended fetching
	expect_status 0
	stop_daemon
	start_daemon
	fetch "\"rsync\": \"$url\""
	expect_same_tree serve/js "$(tree)"
	expect_sound
}
