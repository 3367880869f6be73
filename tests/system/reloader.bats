#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `reloader`: /reload in the game's container runs a command or sends a signal, one at a time.

load lib

clean_up() {
	end_descendants "${pids[@]}"
}

has_no_children() {
	! pgrep -P "$reloader_pid"
}

has_no_zombies() {
	! ps -o stat= --ppid "$1" | grep -q Z
}

@test "reloader: GET and POST run the command once each" {
	start_reloader -- sh -c 'echo x >>runs'
	fetch /reload
	expect_equal "$code" 200
	expect_equal "$(wc -l <runs)" 1
	fetch /reload -X POST
	expect_equal "$code" 200
	expect_equal "$(wc -l <runs)" 2
	fetch /reload -d 'any body'
	expect_equal "$code" 200
	expect_equal "$(wc -l <runs)" 3
}

@test "reloader: success has an empty body, or JSON for who accepts it" {
	start_reloader -- sh -c 'echo said'
	fetch /reload
	expect_equal "$code" 200
	expect_equal "$(stat -c %s body)" 0

	fetch /reload -H 'Accept: application/json'
	expect_equal "$code" 200
	expect_equal "$(gojq -r .reloaded body)" true
	expect_equal "$(gojq -r .error body)" null
	[[ $(gojq -r .output body) == said* ]]
	(($(gojq -r .took_ms body) >= 0))
}

@test "reloader: a failure is 500 with the reason and the last lines of what the command said" {
	start_reloader -- sh -c 'seq 1000; echo "bad level" >&2; exit 3'
	fetch /reload
	expect_equal "$code" 500
	expect_equal "$(gojq -r .reloaded body)" false
	expect_equal "$(gojq -r .error body)" "'sh' ended with status 3"
	output=$(gojq -r .output body)
	expect_output 1000
	expect_output "bad level"
	((${#output} <= 9000))
	logged reloader "bad level"
}

@test "reloader: output in JSON has real lines" {
	start_reloader -- sh -c 'echo one; echo two; exit 1'
	fetch /reload
	expect_equal "$(gojq -r .output body | head -n 2)" $'one\ntwo'
}

@test "reloader: output that is not text still makes valid JSON" {
	start_reloader -- sh -c 'printf "\377\376\001\"\\\\ \303\244"; exit 1'
	fetch /reload
	expect_equal "$code" 500
	gojq -e .output body
}

@test "reloader: the published request.sh ends at once" {
	start_reloader -- true
	cat >request.sh <<-END
		#!/bin/bash
		while true; do
		  response=\$(curl -s -w "%{http_code}" http://localhost:$port/reload)
		  if [[ \$response -eq 200 ]]; then
		    echo "Server reloaded successfully!"
		    break
		  else
		    echo "Server reload failed, response code: \$response"
		  fi
		  sleep 1
		done
	END
	run timeout 10 bash request.sh
	expect_status 0
	expect_equal "$output" "Server reloaded successfully!"
}

@test "reloader: the published request.sh goes on while the command fails" {
	start_reloader -- test -e healed
	cat >request.sh <<-END
		while true; do
		  response=\$(curl -s -w "%{http_code}" http://localhost:$port/reload)
		  if [[ \$response -eq 200 ]]; then
		    echo reloaded
		    break
		  else
		    echo "failed: \$response"
		  fi
		  sleep 0.1
		done
	END
	start request timeout 20 bash request.sh
	within 10 logged request failed
	touch healed
	ended request
	expect_equal "$status" 0
	logged request reloaded
}

@test "reloader: twenty requests at once are at most two runs, and all are answered" {
	local i

	mkfifo gate
	start_reloader -- sh -c 'echo x >>runs; read line <gate || true'
	for i in {1..20}; do
		start "client$i" curl -sS --max-time 30 -o /dev/null -w '%{http_code}' "$url/reload"
	done
	within 10 test -s runs
	# All are connected, none is answered: only then the first run may end.
	within 10 accepted 20
	exec {gate}<>gate
	echo go >&"$gate"
	echo go >&"$gate"
	for i in {1..20}; do
		ended "client$i"
		expect_equal "$status" 0
		expect_equal "$(<"client$i.log")" 200
	done
	expect_equal "$(wc -l <runs)" 2
	exec {gate}>&-
}

ran() {
	(($(wc -l <runs) == $1))
}

# So many requests have come, and the program has taken every one out of its socket.
accepted() {
	ss -Htni state established "( sport = :$port )" | awk -v wanted="$1" '
		/^[0-9]/ { connected++; left += $1 }
		/bytes_received:[1-9]/ { asked++ }
		END { exit !(connected == wanted && asked == wanted && left == 0) }'
}

@test "reloader: a request during a run is served by the next run, not by that one" {
	mkfifo gate
	start_reloader -- sh -c 'echo x >>runs; read line <gate || true'
	start first curl -sS --max-time 30 -w '%{http_code}' "$url/reload"
	within 10 test -s runs
	start second curl -sS --max-time 30 -w '%{http_code}' "$url/reload"
	exec {gate}<>gate
	within 10 accepted 2
	echo go >&"$gate"
	ended first
	expect_equal "$(<first.log)" 200
	within 10 ran 2
	expect_equal "$(<second.log)" ""
	echo go >&"$gate"
	ended second
	expect_equal "$(<second.log)" 200
	exec {gate}>&-
}

@test "reloader: a client that goes away while the command runs does no harm" {
	start_reloader -- sh -c 'echo x >>runs; until [ -e go ]; do sleep 0.02; done'
	start client curl -sS "$url/reload"
	within 10 test -s runs
	kill -KILL "$client_pid"
	ended client
	touch go
	fetch /reload
	expect_equal "$code" 200
	kill -0 "$reloader_pid"
}

@test "reloader: a command over its time is killed with its whole group, and the answer is 504" {
	start_reloader --timeout 2s -- sh -c 'trap "" TERM; sleep 300 & echo $! >child; echo begun; wait'
	fetch /reload
	expect_equal "$code" 504
	[[ $(gojq -r .error body) == *"killed after 2s"* ]]
	[[ $(gojq -r .output body) == begun* ]]
	within 5 is_gone "$(<child)"
	fetch /reload
	expect_equal "$code" 504
	within 5 is_gone "$(<child)"
}

@test "reloader: a flood of output neither stops the command nor fills memory" {
	start_reloader -- sh -c 'yes flood | head -c 60000000; echo the end; exit 1'
	fetch /reload
	expect_equal "$code" 500
	output=$(gojq -r .output body)
	expect_output "the end"
	peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$reloader_pid/status")
	if [[ $TEST_ARCH == "$(dpkg --print-architecture)" && $gs != */asan/* ]]; then
		((peak < 8192))
	fi
}

@test "reloader: a flood does not keep other requests waiting" {
	local began

	start_reloader --timeout 20s -- sh -c 'touch begun; exec yes'
	start client curl -sS --max-time 30 "$url/reload"
	within 10 test -e begun
	began=$(milliseconds)
	fetch /healthz
	expect_equal "$code" 200
	expect_fast "$began" 5000
}

@test "reloader: a child left behind that holds the output open delays nothing and lives on" {
	local began

	start_reloader -- sh -c 'sleep 300 & echo $! >child'
	began=$(milliseconds)
	fetch /reload
	expect_equal "$code" 200
	expect_fast "$began" 3000
	kill -0 "$(<child)"
	kill -KILL "$(<child)"
	within 5 has_no_zombies "$reloader_pid"
	fetch /reload
	expect_equal "$code" 200
	kill -KILL "$(<child)"
}

@test "reloader: what a child left behind says later does not end it" {
	start_reloader -- sh -c \
		'{ until [ -e go ]; do sleep 0.02; done; yes | head -c 300000; echo $? >after; } & true'
	fetch /reload
	expect_equal "$code" 200
	touch go
	within 10 test -s after
	expect_equal "$(<after)" 0
}

@test "reloader: a command that is not there is 500 with a message" {
	start_reloader -- ./no-such-command
	fetch /reload
	expect_equal "$code" 500
	[[ $(gojq -r .error body) == *"./no-such-command"*"No such file"* ]]
	fetch /healthz
	expect_equal "$code" 200
}

@test "reloader: a command that a signal ends is 500" {
	start_reloader -- sh -c 'kill -SEGV $$'
	fetch /reload
	expect_equal "$code" 500
	[[ $(gojq -r .error body) == *139* ]]
}

@test "reloader: the command starts clean: no signal blocked, no descriptor of ours, no input" {
	start inherited bash -c 'ls /proc/$$/fd >inherited'
	ended inherited
	start_reloader -- bash -c 'grep ^SigBlk: /proc/self/status >blocked; ls /proc/$$/fd >descriptors
		cat >input'
	fetch /reload
	expect_equal "$code" 200
	expect_equal "$(tr -d 'SigBlk:\t0' <blocked)" ""
	expect_equal "$(sort -n descriptors | xargs)" "$(sort -n inherited | xargs)"
	expect_equal "$(stat -c %s input)" 0
}

@test "reloader: an address beyond loopback is refused" {
	local address

	for address in 0.0.0.0:0 '[::]:0' 10.1.2.3:3000 localhost.example:3000 127.0.0.1 :3000; do
		run timeout 5 "$gs" reloader --listen "$address" -- true
		expect_status 2
		expect_output listen
	done
}

@test "reloader: a port in use is told and ends it" {
	start_reloader -- true
	run timeout 5 "$gs" reloader --listen "127.0.0.1:$port" -- true
	expect_status 4
	expect_output "127.0.0.1:$port"
	expect_output "in use"
}

@test "reloader: the port of one that has just ended can be used again" {
	start_reloader -- true
	fetch /reload
	kill -TERM "$reloader_pid"
	ended reloader
	start again "$gs" reloader --listen "127.0.0.1:$port" -- true
	within 10 logged again "answering /reload on 127.0.0.1:$port"
}

@test "reloader: another path is 404, another method 405" {
	start_reloader -- sh -c 'echo x >>runs'
	fetch /
	expect_equal "$code" 404
	fetch /reload/
	expect_equal "$code" 404
	fetch /reload2
	expect_equal "$code" 404
	fetch /reload -X PUT
	expect_equal "$code" 405
	fetch /reload -X DELETE
	expect_equal "$code" 405
	fetch /reload -X OPTIONS
	expect_equal "$code" 405
	[[ ! -e runs ]]
}

@test "reloader: a query does not matter" {
	start_reloader -- true
	fetch '/reload?why=update'
	expect_equal "$code" 200
}

@test "reloader: a browser is refused, by its Origin" {
	start_reloader -- sh -c 'echo x >>runs'
	fetch /reload -H 'Origin: http://evil.example'
	expect_equal "$code" 403
	fetch /reload -X POST -H 'Origin: null'
	expect_equal "$code" 403
	[[ ! -e runs ]]
}

@test "reloader: a browser is refused, by a name that was rebound to us" {
	local host

	start_reloader -- sh -c 'echo x >>runs'
	for host in evil.example "evil.example:$port" localhost.evil.example 127.0.0.1.evil.example \
		127.evil.example localhosted '[::1].evil.example'; do
		fetch /reload -H "Host: $host"
		expect_equal "$host $code" "$host 403"
	done
	[[ ! -e runs ]]
	for host in localhost LOCALHOST "localhost:$port" "127.0.0.1:$port" '[::1]:3000' 127.1.2.3; do
		fetch /reload -H "Host: $host"
		expect_equal "$host $code" "$host 200"
	done
}

@test "reloader: a request that never ends does not keep others waiting" {
	local i fd open=()

	start_reloader -- true
	for i in {1..30}; do
		exec {fd}<>"/dev/tcp/127.0.0.1/$port"
		printf 'GET /reload HTTP/1.1\r\nHost: loc' >&"$fd"
		open+=("$fd")
	done
	fetch /reload
	expect_equal "$code" 200
	for fd in "${open[@]}"; do exec {fd}>&-; done
}

@test "reloader: nonsense, huge headers and huge bodies do not end it" {
	start_reloader -- true
	head -c 200000 /dev/urandom | timeout 5 curl -s --max-time 5 "telnet://127.0.0.1:$port" >/dev/null || true
	fetch /reload -H "X-Big: $(head -c 100000 /dev/zero | tr '\0' x)" || true
	((code >= 400))
	fetch /reload --data-binary "$(head -c 100000 /dev/zero | tr '\0' x)" || true
	expect_equal "$code" 413
	fetch /reload
	expect_equal "$code" 200
}

@test "reloader: SIGTERM and SIGINT end it at once with status 0, also in the middle of a reload" {
	local signal began

	for signal in TERM INT; do
		rm -f child
		start_reloader -- sh -c 'sleep 300 & echo $! >child; wait'
		start client curl -sS --max-time 30 -o /dev/null -w '%{http_code}' "$url/reload"
		within 10 test -s child
		began=$(milliseconds)
		kill "-$signal" "$reloader_pid"
		ended reloader
		expect_equal "$status" 0
		expect_fast "$began" 3000
		logged reloader "SIG$signal: ending"
		within 5 is_gone "$(<child)"
		ended client
		expect_equal "$(<client.log)" 503
	done
}

@test "reloader: no zombies stay, however many the commands leave behind" {
	start_reloader -- bash -c 'for i in {1..50}; do (sleep 0.01 &); done'
	fetch /reload
	fetch /reload
	fetch /reload
	expect_equal "$code" 200
	within 10 has_no_children
}

@test "reloader: idle, it does nothing at all" {
	local before

	start_reloader -- true
	fetch /reload
	within 10 is_asleep "$reloader_pid"
	before=$(wake_ups "$reloader_pid")
	read -rt 1 <> <(:) || true
	expect_equal "$(wake_ups "$reloader_pid")" "$before"
}

@test "reloader: a unix socket serves, only its owner may use it" {
	start reloader "$gs" reloader --listen "unix:$dir/reload.sock" -- sh -c 'echo x >>runs'
	within 10 logged reloader "answering /reload on unix:"
	expect_equal "$(stat -c %a reload.sock)" 600
	run curl -sS --max-time 5 -w '%{http_code}' --unix-socket reload.sock http://localhost/reload
	expect_equal "$output" 200
	expect_equal "$(wc -l <runs)" 1
}

@test "reloader: a unix socket that a killed one left is replaced" {
	start reloader "$gs" reloader --listen "unix:$dir/reload.sock" -- true
	within 10 test -S reload.sock
	kill -KILL "$reloader_pid"
	ended reloader
	rm reloader.log
	start reloader "$gs" reloader --listen "unix:$dir/reload.sock" -- true
	within 10 logged reloader "answering /reload on unix:"
	run curl -sS --max-time 5 -w '%{http_code}' --unix-socket reload.sock http://localhost/reload
	expect_equal "$output" 200
}

@test "reloader: IPv6 loopback serves" {
	start reloader "$gs" reloader --listen '[::1]:0' -- true
	within 10 logged reloader "answering /reload on [::1]:"
	url="http://[::1]:$(port_of reloader)"
	fetch /reload
	expect_equal "$code" 200
}

@test "reloader: without a way to reload it is an error of usage" {
	run timeout 5 "$gs" reloader
	expect_status 2
	expect_output "a command after --"
	run timeout 5 "$gs" reloader --signal HUP
	expect_status 2
	run timeout 5 "$gs" reloader --signal HUP --process x -- true
	expect_status 2
}

@test "reloader: reload and reloader work together, and a failing command is retried" {
	start_reloader -- sh -c 'echo x >>runs; [ "$(wc -l <runs)" -ge 3 ]'
	run "$gs" reload --url "$url/reload" --deadline 20s
	expect_status 0
	expect_output "try 3"
	expect_equal "$(wc -l <runs)" 3
}

# ---- nginx ----

write_nginx_conf() {
	nginx_port=$(free_port)
	cat >nginx.conf <<-END
		daemon off;
		pid $dir/nginx.pid;
		error_log $dir/error.log notice;
		worker_processes 2;
		user root;
		events {}
		http {
		  access_log off;
		  server { listen 127.0.0.1:$nginx_port; return 200 "version 1"; }
		}
	END
}

start_nginx() {
	write_nginx_conf
	start nginx nginx -p "$dir" -c "$dir/nginx.conf"
	within 10 serves "version 1"
	workers=$(pgrep -P "$nginx_pid" | sort | xargs)
}

serves() {
	[[ $(curl -s "http://127.0.0.1:$nginx_port/") == "$1" ]]
}

has_new_workers() {
	local now old

	now=$(pgrep -P "$nginx_pid" | sort | xargs)
	for old in $workers; do [[ " $now " != *" $old "* ]] || return 1; done
	[[ -n $now ]]
}

expect_nginx_reloaded() {
	within 10 serves "version 2"
	within 10 has_new_workers
	kill -0 "$nginx_pid"
	expect_equal "$(<nginx.pid)" "$nginx_pid"
}

@test "reloader: nginx is reloaded by its own command, its master stays" {
	start_nginx
	start_reloader -- nginx -p "$dir" -c "$dir/nginx.conf" -s reload
	sed -i 's/version 1/version 2/' nginx.conf
	fetch /reload
	expect_equal "$code" 200
	expect_nginx_reloaded
}

@test "reloader: nginx is reloaded by a signal to its pid file" {
	start_nginx
	start_reloader --signal HUP --process "pidfile:$dir/nginx.pid"
	sed -i 's/version 1/version 2/' nginx.conf
	fetch /reload
	expect_equal "$code" 200
	expect_nginx_reloaded
}

@test "reloader: nginx is reloaded by a signal to its name: the master is meant" {
	write_nginx_conf
	# The machine may have other ones: in a process namespace of its own only this one is seen.
	start space unshare --fork --pid --mount-proc --kill-child bash -c '
		nginx -p "$1" -c "$1/nginx.conf" &
		echo $! >master
		exec "$2" reloader --listen 127.0.0.1:0 --signal HUP --process nginx' - "$dir" "$gs"
	within 10 logged space "answering /reload"
	within 10 serves "version 1"
	url=http://127.0.0.1:$(port_of space)
	sed -i 's/version 1/version 2/' nginx.conf
	fetch /reload
	expect_equal "$output" ""
	expect_equal "$code" 200
	within 10 serves "version 2"
	expect_equal "$(<nginx.pid)" "$(<master)"
}

@test "reloader: nginx with a broken configuration is 500 and tells why" {
	start_nginx
	start_reloader -- nginx -p "$dir" -c "$dir/nginx.conf" -s reload
	echo 'nonsense here;' >>nginx.conf
	fetch /reload
	expect_equal "$code" 500
	output=$(gojq -r .output body)
	expect_output "unknown directive"
	serves "version 1"
}
