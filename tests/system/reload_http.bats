#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `reload --url`: asks until the game has reloaded, bears with every kind of answer, and keeps
# secrets to itself.

load lib
load https

clean_up() {
	end_descendants "${pids[@]}"
}

bad_modes=(hang refuse close status-500 status-404 status-199 redirect endless-body endless-headers
	slow garbage no-length-open)

# All bad servers at once, since each takes the whole deadline.
setup_file() {
	local mode where

	cd "$BATS_FILE_TMPDIR" || return 1
	for mode in "${bad_modes[@]}"; do
		watch_bad "$mode" &
	done
	wait
}

# Leaves MODE.status, MODE.said, MODE.took and MODE.peak (kB of memory).
watch_bad() {
	local mode=$1 port=1 server='' client began status=0 peak=0

	exec 3>&-
	if [[ $mode != refuse ]]; then
		"$programs/peer" "$mode" "$mode.request" >"$mode.peer" 2>&1 &
		server=$!
		until grep -q port "$mode.peer"; do read -rt 0.01 <> <(:) || true; done
		port=$(sed -n 's/^port //p' "$mode.peer")
	fi
	began=$(milliseconds)
	"$gs" reload --url "http://127.0.0.1:$port/reload" --deadline 3s >"$mode.said" 2>&1 &
	client=$!
	while kill -0 "$client" 2>/dev/null; do
		peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$client/status" 2>/dev/null || true)
		[[ -z $peak ]] || printf %s "$peak" >"$mode.peak"
		read -rt 0.02 <> <(:) || true
	done
	wait "$client" || status=$?
	printf %s "$(($(milliseconds) - began))" >"$mode.took"
	printf %s "$status" >"$mode.status"
	[[ -z $server ]] || kill "$server"
}

# expect_bad MODE TEXT: given up at the deadline, with one line that says why.
expect_bad() {
	cd "$BATS_FILE_TMPDIR" || return 1
	output=$(<"$1.said")
	expect_equal "$(<"$1.status")" 3
	expect_equal "$(grep -c '^gs-sidecar: not reloaded by http http://127.0.0.1:' "$1.said")" 1
	[[ $(grep '^gs-sidecar: ' "$1.said") == *"$2"* ]] || expect_output "$2"
	if (($(<"$1.took") > 10000)); then
		printf 'it took %s ms\n' "$(<"$1.took")"
		return 1
	fi
}

# Emulated programs carry the emulator's memory.
expect_little_memory() {
	local most=8192

	[[ $TEST_ARCH == "$(dpkg --print-architecture)" && $gs != */asan/* ]] || most=262144
	if (($(<"$BATS_FILE_TMPDIR/$1.peak") > most)); then
		printf 'it used %s kB\n' "$(<"$BATS_FILE_TMPDIR/$1.peak")"
		return 1
	fi
}

# expect_good MODE: acknowledged by one request.
expect_good() {
	start_peer game "$1"
	run "$gs" reload --url "http://127.0.0.1:$port/reload" --deadline 5s
	expect_status 0
	expect_output "reloaded by http http://127.0.0.1:$port/reload"
	expect_equal "$(requests_to game)" 1
}

@test "reload by HTTP: a server that never answers is given up at the deadline" {
	expect_bad hang "no whole answer within"
}

@test "reload by HTTP: a port where nobody listens is given up at the deadline" {
	expect_bad refuse "connect"
}

@test "reload by HTTP: a server that closes without an answer is given up at the deadline" {
	expect_bad close "reply"
}

@test "reload by HTTP: status 500 is no success" {
	expect_bad status-500 "it answered 500, expected 200-299"
}

@test "reload by HTTP: status 404 is no success" {
	expect_bad status-404 "it answered 404, expected 200-299"
}

@test "reload by HTTP: an answer that is only ever interim is no success" {
	expect_bad status-199 "not reloaded"
}

@test "reload by HTTP: a redirection is no success and is not followed" {
	expect_bad redirect "it answered 302"
	run grep -c "GET\|/ok" "$BATS_FILE_TMPDIR/redirect.peer"
	expect_equal "$output" 0
}

@test "reload by HTTP: an endless body is cut off, in little memory" {
	expect_bad endless-body "larger than"
	expect_little_memory endless-body
}

@test "reload by HTTP: endless headers are cut off, in little memory" {
	expect_bad endless-headers "header"
	expect_little_memory endless-headers
}

@test "reload by HTTP: one byte a second does not prolong the deadline" {
	expect_bad slow "no whole answer within"
}

@test "reload by HTTP: what is not HTTP is no success" {
	expect_bad garbage "HTTP"
}

@test "reload by HTTP: an answer without an end is no success" {
	expect_bad no-length-open "no whole answer within"
}

@test "reload by HTTP: 200 with a body is a success" {
	expect_good ok
}

@test "reload by HTTP: 200 without a body is a success" {
	expect_good empty
}

@test "reload by HTTP: 204 is a success" {
	expect_good nothing-to-say
}

@test "reload by HTTP: a chunked answer is a success" {
	expect_good chunked
}

@test "reload by HTTP: keep-alive without a length, then closed, is a success" {
	expect_good no-length
}

@test "reload by HTTP: HTTP/1.0 is a success" {
	expect_good old
}

@test "reload by HTTP: an interim answer before the real one is passed over" {
	expect_good interim
}

@test "reload by HTTP: an endpoint that appears later is reloaded soon after" {
	local url port began

	port=$(free_port)
	start reload "$gs" reload --url "http://127.0.0.1:$port/reload" --deadline 20s
	within 10 logged reload "trying on"
	start_peer game ok -p "$port"
	began=$(milliseconds)
	ended reload
	expect_fast "$began" 3000
	expect_equal "$status" 0
	expect_equal "$(requests_to game)" 1
}

@test "reload by HTTP: a refusal is asked again until it is a success" {
	echo status-503 >mode
	start_peer game @mode
	start reload "$gs" reload --url "http://127.0.0.1:$port/reload" --deadline 20s
	within 10 got_requests game 2
	echo ok >mode
	ended reload
	expect_equal "$status" 0
}

@test "reload by HTTP: a try that takes longer than --timeout is followed by another" {
	start_peer game hang
	run "$gs" reload --url "http://127.0.0.1:$port/reload" --timeout 200ms --deadline 1500ms
	expect_status 3
	expect_output "no whole answer within"
	within 10 got_requests game 2
}

@test "reload by HTTP: method, headers, body and expected status are the given ones" {
	start_peer game status-201
	run "$gs" reload --url "http://127.0.0.1:$port/a/b?c=d" --method PUT --header 'X-One: 1' \
		--header 'X-Two:  two words' --body '{"why":"update"}' --expect 201 --deadline 5s
	expect_status 0
	output=$(tr -d '\r' <game.request)
	expect_output 'PUT /a/b?c=d HTTP/1.1'
	expect_output 'X-One: 1'
	expect_output 'two words'
	[[ $output == *$'\n\n{"why":"update"}' ]]
	expect_output 'Content-Length: 16'
}

@test "reload by HTTP: POST without a body says that its length is 0" {
	start_peer game ok
	run "$gs" reload --url "http://127.0.0.1:$port/reload" --deadline 5s
	expect_status 0
	output=$(tr -d '\r' <game.request)
	expect_output 'POST /reload HTTP/1.1'
	expect_output 'Content-Length: 0'
}

@test "reload by HTTP: a success that was not expected is none" {
	start_peer game ok
	run "$gs" reload --url "http://127.0.0.1:$port/reload" --expect 202 --deadline 3s
	expect_status 3
	expect_output "it answered 200, expected 202"
}

@test "reload by HTTP: a range of expected statuses has both its ends" {
	local status_wanted

	for status_wanted in 300 404; do
		echo "status-$status_wanted" >mode
		start_peer "game$status_wanted" @mode
		run "$gs" reload --url "http://127.0.0.1:$port/" --expect 300-404 --deadline 5s
		expect_status 0
	done
	echo status-405 >mode
	run "$gs" reload --url "http://127.0.0.1:$port/" --expect 300-404 --deadline 300ms
	expect_status 3
}

@test "reload by HTTP: the proxy of the environment is not used for it" {
	start_peer game ok
	start_peer proxy ok
	http_proxy=http://127.0.0.1:$proxy_port ALL_PROXY=http://127.0.0.1:$proxy_port \
		run "$gs" reload --url "http://127.0.0.1:$game_port/reload" --deadline 5s
	expect_status 0
	expect_equal "$(requests_to game)" 1
	expect_equal "$(requests_to proxy)" 0
}

@test "reload by HTTP: a header without a colon is an error, not left out" {
	start_peer game ok
	run "$gs" reload --url "http://127.0.0.1:$port/reload" --header "Authorization token" --deadline 1s
	expect_status 2
	expect_output --header
	expect_equal "$(requests_to game)" 0
}

@test "reload by HTTP: credentials in the URL arrive but are never shown" {
	start_peer game ok
	"$gs" reload --url "http://joe:pa55word@127.0.0.1:$port/reload?key=s3cret" --deadline 5s \
		>said 2>&1
	output=$(<game.request)
	expect_output "Authorization: Basic $(printf 'joe:pa55word' | base64)"
	expect_output "key=s3cret"
	grep "reloaded by" said
	expect_secret pa55word said
	expect_secret s3cret said
}

@test "reload by HTTP: secrets are not shown when it fails" {
	local where

	start_peer game status-500
	for where in "127.0.0.1:$port" 127.0.0.1:1 no-such-host.invalid; do
		run "$gs" reload --url "http://joe:pa55word@$where/reload?key=s3cret" \
			--header 'X-Token: t0ken' --body 'b0dy' --deadline 1200ms
		expect_status 3
		printf '%s\n' "$output" >>said
	done
	grep "127.0.0.1:$port" said
	expect_secret pa55word said
	expect_secret s3cret said
	expect_secret t0ken said
	expect_secret b0dy said
}

@test "reload by HTTP: secrets are not shown by check" {
	GS_SIDECAR_RELOAD_HEADER='X-Token: t0ken' "$gs" check reload --reload-body b0dy \
		--reload-url 'http://joe:pa55word@127.0.0.1:3000/reload?key=s3cret#fr4g' >said
	GS_SIDECAR_RELOAD_HEADER='X-Token: t0ken' "$gs" check reload --reload-body b0dy --json \
		--reload-url 'http://joe:pa55word@127.0.0.1:3000/reload?key=s3cret#fr4g' >>said
	grep -F 'http://127.0.0.1:3000/reload' said
	for secret in t0ken b0dy pa55word s3cret fr4g; do
		expect_secret "$secret" said
	done
}

@test "reload by HTTP: a URL that is none is an error of usage" {
	local url

	for url in 127.0.0.1:3000/reload ftp://127.0.0.1/ http:// 'http:///reload' 'http://a b/' \
		'http://:80/' '' file:///etc/passwd; do
		run "$gs" reload --url "$url" --deadline 1s
		expect_status 2
		expect_output --url
		expect_equal "$(wc -l <<<"$output")" 1
	done
}

@test "reload by HTTP: a URL with a port or address that cannot be is an error of usage" {
	local url

	for url in http://127.0.0.1:99999/ http://127.0.0.1:http/ 'http://[::1/'; do
		run "$gs" reload --url "$url" --deadline 300ms
		expect_status 2
		expect_output --url
	done
}

@test "reload by HTTP: an IPv6 address works" {
	start_peer game ok -a ::1
	run "$gs" reload --url "http://[::1]:$port/reload" --deadline 5s
	expect_status 0
}

@test "reload by HTTP: localhost that listens on ::1 only works" {
	start_peer game ok -a ::1
	run "$gs" reload --url "http://localhost:$port/reload" --deadline 5s
	expect_status 0
}

@test "reload by HTTP: localhost that listens on 127.0.0.1 only works" {
	start_peer game ok
	run "$gs" reload --url "http://localhost:$port/reload" --deadline 5s
	expect_status 0
}

@test "reload by HTTP: a name server that never answers does not prolong the deadline" {
	local began

	# shellcheck disable=SC2016 # expanded by the inner shell
	began=$(milliseconds)
	run unshare --net --mount bash -c '
		ip link set lo up
		echo nameserver 127.0.0.1 >resolv.conf
		mount --bind resolv.conf /etc/resolv.conf
		perl -MSocket -e "socket(S, PF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(53, INADDR_LOOPBACK))
			or die; open(F, \">listening\"); close(F); sleep 60" &
		trap "kill $!" EXIT
		until [[ -e listening ]]; do read -rt 0.01 <> <(:); done
		"$1" reload --url http://game.example/reload --deadline 1s' - "$gs"
	expect_status 3
	expect_output "game.example"
	expect_fast "$began" 8000
}

@test "reload by HTTP: SIGTERM ends it at once" {
	local began

	start_peer game hang
	start reload "$gs" reload --url "http://127.0.0.1:$port/reload" --deadline 60s
	within 10 got_requests game 1
	began=$(milliseconds)
	kill -TERM "$reload_pid"
	ended reload
	expect_equal "$status" 143
	expect_fast "$began" 3000
}

# ---- https: nginx with a certificate of a private authority ----

@test "reload by HTTP: through a unix socket, whatever listens on the ports" {
	start reloader "$gs" reloader --listen "unix:$dir/game.sock" -- touch reloaded
	within 10 logged reloader "answering /reload"
	run "$gs" reload --url http://localhost/reload --socket "unix:$dir/game.sock" --deadline 10s
	expect_status 0
	expect_output "http http://localhost/reload through unix:$dir/game.sock"
	[[ -e reloaded ]]

	rm reloaded
	run "$gs" reload --deadline 10s --trigger \
		'{ "url": "http://localhost/reload", "socket": "unix:'"$dir"'/game.sock" }'
	expect_status 0
	[[ -e reloaded ]]
}

@test "reload by HTTP: a unix socket that is not there is waited for, and named" {
	run "$gs" reload --url http://localhost/reload --socket "unix:$dir/game.sock" --deadline 300ms
	expect_status 3
	expect_output "through unix:$dir/game.sock within 300ms"
	run "$gs" reload --socket "unix:$dir/game.sock"
	expect_status 2
	expect_output "reload-socket needs reload-url"
	run "$gs" reload --url http://localhost/reload --socket "$dir/game.sock"
	expect_status 2
	expect_output "game.sock"
}

reloads='location /reload { return 200 "reloaded"; }'

@test "reload by HTTPS: a private authority is trusted by --ca-file, and only by it" {
	start_https "$reloads"
	run "$gs" reload --url "https://localhost:$port/reload" --ca-file ca.pem --deadline 10s
	expect_status 0
	within 10 grep 'POST /reload' access.log

	run "$gs" reload --url "https://localhost:$port/reload" --deadline 3s
	expect_status 3
	[[ $output =~ Cert\ verify\ failed|SSL\ certificate\ problem ]]
	expect_equal "$(grep -c POST access.log)" 1
}

@test "reload by HTTPS: a certificate for another name is not trusted" {
	start_https "$reloads"
	run "$gs" reload --url "https://127.0.0.1:$port/reload" --ca-file ca.pem --deadline 3s
	expect_status 3
	[[ $output =~ Cert\ verify\ failed|does\ not\ match|target\ host\ name ]]
	expect_equal "$(grep -c POST access.log || true)" 0
}

@test "reload by HTTPS: a file of authorities that cannot be read is named" {
	start_https "$reloads"
	run "$gs" reload --url "https://localhost:$port/reload" --ca-file nothing.pem --deadline 3s
	((status != 0))
	expect_output nothing.pem
}
