#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The published 2048 hot update with real parts on this machine: a real nginx serves the game,
# `gs-sidecar reloader` stands beside it in the "main container", and the sidecar is replaced the way
# an in-place update does it: the old one is stopped, the new one starts on the same volume.
#
#   examples/2048/demo.sh PROGRAM        needs nginx and curl; no root, no cluster, free ports
set -euo pipefail

program=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
work=$(mktemp -d)
shared=$work/shared # the pod's emptyDir
pids=()

say() {
	printf '%s\n' "$*"
}

fail() {
	printf 'demo: FAILED: %s\n' "$*" >&2
	tail -n 20 "$work"/*.log >&2 || true
	exit 1
}

clean_up() {
	local pid

	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	wait
	rm -rf "$work"
}
trap clean_up EXIT

# until_true COMMAND...: within ten seconds.
until_true() {
	local i

	for ((i = 0; i < 1000; i++)); do
		if "$@" >/dev/null 2>&1; then return; fi
		sleep 0.01
	done
	fail "not within ten seconds: $*"
}

free_port() {
	local port

	while :; do
		port=$((20000 + RANDOM % 12000))
		if ! (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
	done
	printf %s "$port"
}

now_ms() {
	printf %s "$((${EPOCHREALTIME/[.,]/} / 1000))"
}

# ---- the pod: a volume, the main container, and two versions of a sidecar image ----

write_nginx_conf() {
	cat >"$work/nginx.conf" <<-END
		worker_processes 2;
		daemon off;
		pid $work/nginx.pid;
		error_log $work/nginx.log notice;
		events { worker_connections 64; }
		http {
			types { text/html html; text/css css; text/javascript js; }
			access_log off;
			client_body_temp_path $work/tmp; proxy_temp_path $work/tmp;
			fastcgi_temp_path $work/tmp; uwsgi_temp_path $work/tmp; scgi_temp_path $work/tmp;
			server {
				listen 127.0.0.1:$web_port;
				root $here/game;
				add_header Cache-Control no-cache;
				location /js/ { alias $shared/; }
				location /match { alias $work/match; limit_rate 4k; }
			}
		}
	END
}

start_main_container() {
	mkdir "$shared" "$work/tmp"
	chmod 755 "$work"
	# A match that goes on for minutes: what a player's connection is.
	head -c 1000000 /dev/zero >"$work/match"
	write_nginx_conf
	# Debian's nginx opens its compiled-in error log before it reads the file.
	nginx -e "$work/nginx.log" -c "$work/nginx.conf" &
	pids+=($!)
	"$program" reloader --listen "127.0.0.1:$reload_port" -- \
		nginx -e "$work/nginx.log" -c "$work/nginx.conf" -s reload 2>"$work/reloader.log" &
	pids+=($!)
	until_true curl -fsS "http://127.0.0.1:$web_port/"
	until_true curl -fsS "http://127.0.0.1:$reload_port/healthz"
	nginx_pid=$(<"$work/nginx.pid")
}

start_sidecar() {
	local version=$1

	started_ms=$(now_ms)
	"$program" run --source "$work/$version/js" --target "$shared" \
		--reload-url "http://127.0.0.1:$reload_port/reload" 2>"$work/sidecar-$version.log" &
	sidecar_pid=$!
	pids+=("$sidecar_pid")
	until_true curl -fsS --unix-socket "$shared/.gs-sidecar/control.sock" http://localhost/readyz
}

stop_sidecar() {
	local began

	began=$(now_ms)
	kill -TERM "$sidecar_pid"
	wait "$sidecar_pid" || fail "the old sidecar ended with status $?"
	gone_after=$(($(now_ms) - began))
}

# A number of the resident's own time line, milliseconds after its start.
moment() {
	"$program" status --json --control "unix:$shared/.gs-sidecar/control.sock" |
		sed -n "/timeline_ms/,/}/s/.*\"$1\":[[:space:]]*\([0-9]*\).*/\1/p"
}

print_timeline() {
	printf '  start -> published     %4d ms\n' "$(moment published)"
	printf '  start -> reload sent   %4d ms\n' "$(moment reload_sent)"
	printf '  start -> acknowledged  %4d ms\n' "$(moment acknowledged)"
}

served() {
	curl -fsS "http://127.0.0.1:$web_port/js/html_actuator.js"
}

# The message is one quoted text, so version 1's is not a part of version 2's.
expect_message() {
	local script

	script=$(served)
	[[ $script == *"END_MESSAGE = '$1'"* ]] || fail "the game served does not say '$1'"
	say "  the game served says:  $1"
}

workers() {
	pgrep -P "$nginx_pid" | tr '\n' ' '
}

bytes_of_match() {
	stat -c %s "$work/match-received"
}

more_of_match_than() {
	(($(bytes_of_match) > $1))
}

web_port=$(free_port)
reload_port=$(free_port)
for version in v1.0 v2.0; do
	mkdir "$work/$version"
	"$here/sidecar/build.sh" "$version" "$work/$version"
done

say "Main container: nginx and 'gs-sidecar reloader'"
start_main_container
say "  nginx master process $nginx_pid, workers $(workers)"

say "Sidecar version 1"
start_sidecar v1.0
print_timeline
expect_message 'Game over!'

say "A player connects, and stays"
curl -sS -o "$work/match-received" "http://127.0.0.1:$web_port/match" &
player_pid=$!
pids+=("$player_pid")
until_true test -s "$work/match-received"

say "In-place update: the sidecar's image becomes version 2"
workers_before=$(workers)
stop_sidecar
printf '  SIGTERM -> gone        %4d ms\n' "$gone_after"
start_sidecar v2.0
print_timeline
expect_message '*_* Game over!'

[[ $(<"$work/nginx.pid") == "$nginx_pid" && -e /proc/$nginx_pid ]] || fail "nginx was restarted"
say "  nginx master process   $nginx_pid as before"
[[ $(workers) != "$workers_before" ]] || fail "nginx has not reloaded"
say "  nginx workers          $workers_before-> $(workers)"
kill -0 "$player_pid" 2>/dev/null || fail "the player's connection was cut"
until_true more_of_match_than "$(bytes_of_match)"
say "  the player's connection is still open, $(bytes_of_match) bytes so far"
say ""
say "What the new sidecar said:"
sed 's/^/  /' "$work/sidecar-v2.0.log"
say "demo: done, in $(($(now_ms) - started_ms)) ms after the new sidecar's start"
