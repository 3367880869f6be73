#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a reload costs the players: which of their connections are gone after it. A real nginx, with
# connections that are held through a reload.

load lib

prepare() {
	echo v1 >src/file
	separate_mounts
	in_container=(nsenter --mount="/proc/$mounts_pid/ns/mnt" --wdns="$dir")
	players=()
}

# start_nginx [LINE]: plays.* is passed on to a game that holds it, like a websocket.
start_nginx() {
	start_peer game upgrade
	nginx_port=$(free_port)
	cat >nginx.conf <<-END
		daemon off;
		user root;
		pid $dir/nginx.pid;
		error_log stderr notice;
		worker_processes 1;
		${1-}
		events {}
		http {
		  access_log off;
		  server {
		    listen 127.0.0.1:$nginx_port;
		    location /play {
		      proxy_pass http://127.0.0.1:$port;
		      proxy_http_version 1.1;
		      proxy_set_header Upgrade \$http_upgrade;
		      proxy_set_header Connection upgrade;
		      proxy_read_timeout 1h;
		    }
		    location / { return 200 "hello"; }
		  }
		}
	END
	start nginx nginx -p "$dir" -c "$dir/nginx.conf"
	within 10 curl -s "http://127.0.0.1:$nginx_port/"
}

# Asks for PATH and keeps the connection.
hold() {
	local fd line

	exec {fd}<>"/dev/tcp/127.0.0.1/$nginx_port"
	printf 'GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: %s\r\n\r\n' \
		"$1" "$2" >&"$fd"
	read -rt 10 line <&"$fd"
	[[ $line == "HTTP/1.1 $3 "* ]]
	players+=("$fd")
}

run_now() {
	start run "${in_container[@]}" "$gs" run --source "$dir/src" --target "$dir/target" \
		--watch-source --watch-settle 50ms --game-tcp "$nginx_port" --game-loopback \
		--reload-command nginx --reload-command -p --reload-command "$dir" --reload-command -c \
		--reload-command "$dir/nginx.conf" --reload-command -s --reload-command reload \
		--prove-process 'argv:nginx: worker process' "$@"
	within 10 is_ready
}

cost() {
	status_of '.reload.cost | select(.) | "\(.cut) \(.before) \(.error)"'
}

# A change, whose reload costs that.
expect_cost() {
	echo "v$RANDOM$RANDOM" >src/file
	within 10 eval '[[ $(status_of .published.serial) == 2 ]]'
	within 20 eval "[[ \$(cost) == '$1' ]]"
}

@test "cost: a clean reload cuts nobody who plays" {
	start_nginx
	run_now --cut-within 1s
	within 10 eval '[[ $(cost) == "0 0 null" ]]'
	hold /play upgrade 101
	hold /play upgrade 101
	expect_cost "0 2 null"
	logged run "the reload cut 0 of 2 connections"
	is_ready
	ask GET /metrics | grep -x "gs_sidecar_reload_cut_connections_total 0"
	run inside "$gs" status
	expect_output "it cut 0 of 2 connections"
}

@test "cost: what the reload cuts is counted, after it, and can be too much" {
	start_nginx "worker_shutdown_timeout 1s;"
	run_now --cut-within 3s --cut-limit 1
	within 10 eval '[[ $(cost) == "0 0 null" ]]'
	hold /play upgrade 101
	hold /play upgrade 101
	expect_cost "2 2 null"
	within 10 eval '[[ $(status_of .ready) == false ]]'
	expect_equal "$(status_of .reason)" "its reload cut 2 connections, more than 1"
	logged run "is harmful: its reload cut 2 connections, more than 1"
	ask GET /metrics | grep -x "gs_sidecar_reload_cut_connections_total 2"
	# A restart knows it, and does not reload again.
	kill -KILL "$run_pid"
	ended run
	rm target/.gs-sidecar/control.sock
	start run "${in_container[@]}" "$gs" run --source "$dir/src" --target "$dir/target" \
		--watch-source --watch-settle 50ms --reload-command sh --reload-command -c \
		--reload-command "echo >>'$dir/reloads'"
	within 10 test -S target/.gs-sidecar/control.sock
	within 10 eval '[[ $(status_of .reload.state) == acknowledged ]]'
	expect_equal "$(status_of .reason)" "its reload cut 2 connections, more than 1"
	[[ ! -e reloads ]]
	# Another version is another matter.
	echo v3 >src/file
	within 10 is_ready
}

# nginx closes a connection that waits for a next request, which a client opens again: it is cut.
@test "cost: an idle keep-alive connection that nginx closes is counted as what it is" {
	start_nginx
	run_now --cut-within 1s
	within 10 eval '[[ $(cost) == "0 0 null" ]]'
	hold / keep-alive 200
	hold /play upgrade 101
	expect_cost "1 2 null"
}

@test "cost: where the kernel may not be asked by netlink, /proc is read" {
	start_nginx "worker_shutdown_timeout 1s;"
	in_container+=("$(native deny)" EPERM netlink)
	run_now --cut-within 3s
	within 10 eval '[[ $(cost) == "0 0 null" ]]'
	hold /play upgrade 101
	hold /play upgrade 101
	expect_cost "2 2 null"
}

@test "cost: loopback connections are not players unless it is said" {
	start_nginx
	hold /play upgrade 101
	start run "${in_container[@]}" "$gs" run --source "$dir/src" --target "$dir/target" \
		--game-tcp "$nginx_port" --reload-command true --cut-within 100ms
	within 10 eval '[[ $(cost) == "0 0 null" ]]'
}

# The refused version's connections are counted when the policy has gone back already.
@test "cost: what a version that was gone back from has cut is not held against the good one" {
	start_nginx
	run_now --cut-within 1s
	within 10 eval '[[ $(cost) == "0 0 null" ]]'
	kill "$run_pid"
	ended run
	rm target/.gs-sidecar/control.sock
	hold / keep-alive 200
	start run "${in_container[@]}" "$gs" run --source "$dir/src" --target "$dir/target" \
		--watch-source --watch-settle 50ms --game-tcp "$nginx_port" --game-loopback \
		--cut-within 60s --cut-limit 0 --reload-failed rollback --reload-deadline 1s \
		--reload-command sh --reload-command -c --reload-command \
		"! grep -q bad '$dir/target/file' || { nginx -p '$dir' -c '$dir/nginx.conf' -s reload; exit 1; }"
	within 10 is_ready
	echo bad >src/file
	within 10 logged run "going back to"
	within 10 logged run "is harmful: its reload cut 1 connections"
	within 10 eval '[[ $(status_of .reload.state) == acknowledged ]]'
	expect_equal "$(status_of .ready) $(<target/file)" "false v1"
	logged run "version $(status_of '.kept[] | select(.held) | .digest') is harmful"
}

@test "when idle: the reload waits until nobody is connected" {
	start_nginx
	# By a process of its own: what this shell holds is inherited by all that it starts.
	start player bash -c 'exec 5<>"/dev/tcp/127.0.0.1/$1" &&
		printf "GET /play HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n" >&5 &&
		read -r line <&5 && echo "held: $line" && exec sleep 1000' player "$nginx_port"
	within 10 logged player "held: HTTP/1.1 101"
	start run "${in_container[@]}" "$gs" run --source "$dir/src" --target "$dir/target" \
		--game-tcp "$nginx_port" --game-loopback --reload-when idle --reload-command touch \
		--reload-command "$dir/reloaded"
	within 10 logged run "the reload waits until nobody is connected, now 1"
	expect_equal "$(status_of .reload.waits)" "until nobody is connected, now 1"
	[[ ! -e reloaded ]]
	kill "$player_pid"
	within 20 is_ready
	[[ -e reloaded ]]
}

@test "when idle: after so long it reloads all the same" {
	start_nginx
	hold /play upgrade 101
	start run "${in_container[@]}" "$gs" run --source "$dir/src" --target "$dir/target" \
		--game-tcp "$nginx_port" --game-loopback --reload-when idle --reload-idle-or-after 1s \
		--reload-command true
	within 10 logged run "the reload waits until nobody is connected, now 1"
	within 20 is_ready
}
