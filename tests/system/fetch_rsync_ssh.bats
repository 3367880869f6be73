#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Natively alone: rsync by ssh, in a network of its own, where port 22 is free.
bats_require_minimum_version 1.5.0
load lib
load fetch
load ssh

prepare() {
	mkdir -p "serve/a b/deep"
	random_file "serve/a b/a.js" 50000
	echo 1 >"serve/a b/deep/b.js"
	ln -s ../a.js "serve/a b/deep/link.js"
	find serve -exec touch -hd '2026-01-02 03:04:05' {} +
	start net unshare --net sleep infinity
	within 5 eval '[[ $(readlink "/proc/$net_pid/ns/net") != "$(readlink /proc/self/ns/net)" ]]'
	enter=(nsenter "--net=/proc/$net_pid/ns/net" --)
	"${enter[@]}" ip link set lo up
	make_ssh 22
	start_ssh "${enter[@]}"
	printf '#!/bin/sh\nexec %s %s "$@"\n' "${enter[*]}" "$gs_fetch" >gs-fetch-there
	chmod +x gs-fetch-there
	gs_fetch=$dir/gs-fetch-there
	url=$(id -un)@127.0.0.1:$dir/serve
	trusted="\"ssh-key-file\": \"$dir/our key\", \"known-hosts-file\": \"$dir/known hosts\""
	it="\"rsync\": \"$url\", \"subpath\": \"a b\", $trusted"
}

@test "rsync by ssh: a directory, unchanged, changed, the server down and up again" {
	local inode

	fetch "$it" fetched
	expect_same_tree "serve/a b" "$(tree)"
	expect_between 50000 "$(answer .wire_bytes)" 52000
	expect_sound
	remember
	inode=$(stat -c %i "$(tree)/a.js")

	fetch "$it" unchanged
	expect_between 50 "$(answer .wire_bytes)" 600
	expect_remembered

	echo 22 >"serve/a b/deep/b.js"
	touch -d '2026-01-02 03:04:05' "serve/a b/deep"
	fetch "$it" fetched
	expect_equal "$(cat "$(tree)/deep/b.js")" 22
	expect_between 50 "$(answer .wire_bytes)" 1000
	expect_equal "$(stat -c %i "$(tree)/a.js")" "$inode"
	remember

	stop_ssh
	fetch "$it" stale
	expect_remembered
	[[ $(answer .error) == *"Connection refused"* ]]
	expect_sound
	start_ssh "${enter[@]}"
	fetch "$it" unchanged
	expect_remembered
	rm "serve/a b/deep/b.js"
	fetch "$it" fetched
	[[ ! -e $(tree)/deep/b.js ]]
	expect_same_tree "serve/a b" "$(tree)"
}

@test "rsync by ssh: a host that nobody knows, a key that is not let in, and none" {
	fetch "\"rsync\": \"$url\", \"ssh-key-file\": \"$dir/our key\"" missing 5
	[[ $(answer .error) == *"Host key verification failed"* ]]
	fetch "\"rsync\": \"$url\", \"ssh-key-file\": \"$dir/stranger\", \"known-hosts-file\": \"$dir/known hosts\"" missing 5
	[[ $(answer .error) == *"Permission denied"* ]]
	fetch "\"rsync\": \"$url\", \"ssh-key-file\": \"$dir/absent\", \"known-hosts-file\": \"$dir/known hosts\"" missing 5
	[[ $(answer .error) == *absent* ]]
	fetch "$it" fetched
	remember
	# Another host key than the known one is another host.
	stop_ssh
	rm host-key host-key.pub
	ssh-keygen -q -t ed25519 -N '' -f host-key
	start_ssh "${enter[@]}"
	fetch "$it" stale
	[[ $(answer .error) == *"Host key verification failed"* ]]
	expect_remembered
}

@test "rsync by ssh: another port" {
	local port

	port=$(free_port)
	stop_ssh
	sed -i "s/^Port .*/Port $port/" sshd.conf
	ssh_port=$port
	printf '[127.0.0.1]:%s %s\n' "$port" "$(<host-key.pub)" >"known hosts"
	start_ssh "${enter[@]}"
	fetch "$it" missing 5
	[[ $(answer .error) == *"port 22: Connection refused"* ]]
	fetch "$it, \"ssh-port\": $port" fetched
	expect_same_tree "serve/a b" "$(tree)"
	fetch "$it, \"ssh-port\": $port" unchanged
	for port in 0 65536 -1; do
		fetch "$it, \"ssh-port\": $port" "" 2
	done
	expect_output '"ssh-port": expected'
	fetch "\"rsync\": \"rsync://127.0.0.1/it\", \"ssh-port\": 23" "" 2
	expect_output '"ssh-port" are for HOST:PATH'
}

@test "rsync by ssh: cut, killed, and changing while it is fetched" {
	local signal

	fetch "$it" fetched
	remember
	random_file "serve/a b/large" 150000000
	for signal in TERM KILL cut; do
		rm -rf cache/it/new
		start_fetch "$it"
		within 20 eval 'compgen -G "cache/it/new/.large.*"'
		if [[ $signal == cut ]]; then
			stop_ssh
			ended fetching
			expect_status 0
			logged fetching '"state":"stale"'
		else
			kill "-$signal" "$fetching_pid"
			within 5 is_gone "$fetching_pid"
		fi
		diff remembered <(listing "$remembered")
	done
	within 10 eval '! pgrep -f "$dir/cache/it"'
	start_ssh "${enter[@]}"
	start_fetch "$it"
	within 20 eval 'compgen -G "cache/it/new/.large.*"'
	echo new >"serve/a b/a.js.new"
	mv "serve/a b/a.js.new" "serve/a b/a.js"
	ended fetching
	expect_status 0
	fetch "$it"
	expect_same_tree "serve/a b" "$(tree)"
	expect_sound
}
