#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a resident answers, to whom, and what it does not mind.

load lib

prepare() {
	echo 1 >src/file
}

# run_now FLAGS...: with a probe listener on $port
run_now() {
	port=$(free_port)
	start run "$gs" run --source src --target target --probe-listen "127.0.0.1:$port" "$@"
	within 5 is_ready
}

# The HTTP status of a request to the probe listener: code METHOD PATH [FLAGS]
code() {
	curl -s -o /dev/null --max-time 5 -w '%{http_code}' -X "$1" "${@:3}" "http://127.0.0.1:$port$2"
}

# The same at the control socket.
control_code() {
	curl -s -o /dev/null --max-time 5 -w '%{http_code}' -X "$1" "${@:3}" \
		--unix-socket target/.gs-sidecar/control.sock "http://localhost$2"
}

@test "health, readiness, status and metrics are on both listeners" {
	local page

	run_now
	for page in /healthz /readyz /status /metrics; do
		expect_equal "$page $(code GET "$page") $(control_code GET "$page")" "$page 200 200"
		expect_equal "$page $(curl -sI --max-time 5 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port$page")" "$page 200"
	done
	expect_equal "$(curl -sS "http://127.0.0.1:$port/healthz")" ok
	expect_equal "$(curl -sS "http://127.0.0.1:$port/readyz")" ready
	curl -sS "http://127.0.0.1:$port/status" | gojq -e '.ready and .published.files == 1'
	curl -sSD - -o /dev/null "http://127.0.0.1:$port/status" | grep -i '^content-type: application/json'
}

@test "the probe listener changes nothing, and unknown pages are unknown" {
	run_now
	expect_equal "$(code POST /v1/reload)" 404
	expect_equal "$(code POST /v1/hook -d '{}')" 404
	expect_equal "$(code POST /healthz)" 405
	expect_equal "$(code DELETE /status)" 405
	expect_equal "$(code PUT /metrics -d x)" 405
	expect_equal "$(code GET /)" 404
	expect_equal "$(code GET /healthz/)" 404
	expect_equal "$(code GET /../../etc/passwd --path-as-is)" 404
	expect_equal "$(control_code GET /v1/reload)" 405
}

@test "not ready is 503 with the reason, and healthy all the same" {
	port=$(free_port)
	start run "$gs" run --source src --target target --probe-listen "127.0.0.1:$port" \
		--reload-url "http://127.0.0.1:$(free_port)/reload"
	within 5 eval '[[ $(status_of .synced) == true ]]'
	expect_equal "$(code GET /readyz) $(code GET /healthz)" "503 200"
	expect_equal "$(curl -sS "http://127.0.0.1:$port/readyz")" "the reload is not acknowledged yet"
	expect_equal "$(curl -sS "http://127.0.0.1:$port/metrics" | grep -E '^gs_sidecar_(ready|reload_owed) ' | sort)" \
		$'gs_sidecar_ready 0\ngs_sidecar_reload_owed 1'
}

@test "metrics are what Prometheus expects" {
	run_now
	curl -sS "http://127.0.0.1:$port/metrics" >metrics
	promtool check metrics <metrics
	grep -qx 'gs_sidecar_ready 1' metrics
	grep -qx 'gs_sidecar_published_files 1' metrics
	grep -qx 'gs_sidecar_published_bytes 2' metrics
	grep -qx 'gs_sidecar_published_serial 1' metrics
	grep -qx 'gs_sidecar_syncs_total 1' metrics
	grep -qx 'gs_sidecar_sync_failures_total 0' metrics
	grep -q '^gs_sidecar_info{version="' metrics
	curl -sSD - -o /dev/null "http://127.0.0.1:$port/metrics" | grep -i '^content-type: text/plain'
}

@test "odd names keep the status valid JSON and the log to lines" {
	mkdir src/$'d\n"\xff\e' target/x
	echo 1 >src/$'d\n"\xff\e/f'
	echo 1 >src/x
	echo save >target/x/$'y\n"\xff\e[31m'
	start run "$gs" run --source src --target target
	within 5 eval '[[ $(status_of .sync.last_error) == *"not ours"* ]]'
	ask GET /status | iconv -f utf-8 -t utf-8 | gojq -e '.ready == false'
	[[ $(<run.log) != *$'\e'* ]]
	cp run.log now.log
	expect_equal "$(grep -c 'not ours' now.log)" "$(times_logged now 'sync failed')"
	rm -r target/x
	within 10 is_ready
	expect_equal "$(status_of .sync.last_error)" null
}

@test "a source and target of odd names are shown in the status" {
	mkdir $'s\n"\xff' $'t\n"\xff'
	start run "$gs" run --source $'s\n"\xff' --target $'t\n"\xff' --control "unix:$dir/control"
	within 5 eval 'ask GET /status "$dir/control" | gojq -e .ready'
	ask GET /status "$dir/control" | iconv -f utf-8 -t utf-8 | gojq -e '.sources[0] | length > 3'
}

@test "another user is turned away from the control socket" {
	local name

	mkdir open
	start run "$gs" run --source src --target target --control "unix:$dir/open/control"
	within 5 ask GET /healthz "$dir/open/control"
	give_to_ordinary open
	chmod 0777 open open/control
	expect_equal "$(ask GET /healthz "$dir/open/control")" ok
	if has_other_users; then
		run as_ordinary curl -sS --max-time 5 --unix-socket "$dir/open/control" http://localhost/healthz
		((status != 0))
		[[ $output != ok ]]
		within 5 logged run "of user 65534"
		# The meeting point has no permissions at all, only this check.
		name=$(ss -xlH | awk -v "inode=$(stat -Lc %i /proc/self/ns/mnt)" 'index($5, inode) { print substr($5, 2) }')
		[[ -n $name ]]
		run as_ordinary curl -sS --max-time 5 --abstract-unix-socket "$name" http://localhost/healthz
		((status != 0))
		[[ $output != ok ]]
	fi
	expect_equal "$(ask GET /healthz "$dir/open/control")" ok
}

@test "the control socket is made so that nobody else gets at it" {
	umask 000
	start run "$gs" run --source src --target target --control "unix:$dir/control"
	within 5 test -S control
	expect_equal "$(stat -c %a control | cut -c2-)" 00
}

@test "control by TCP: browsers and foreign names are turned away" {
	local host

	port=$(free_port)
	start run "$gs" run --source src --target target --control "127.0.0.1:$port"
	within 5 eval '[[ $(code GET /readyz) == 200 ]]'
	expect_equal "$(code GET /status -H 'Origin: http://game.example')" 403
	expect_equal "$(code POST /v1/reload -H 'Origin: null')" 403
	for host in evil.example evil.example:80 localhost.evil.example 127.evil.example \
		127.0.0.1.evil.example localhost@evil.example '[::1].evil.example'; do
		expect_equal "$host: $(code POST /v1/reload -H "Host: $host")" "$host: 403"
	done
	for host in localhost "localhost:$port" 127.0.0.1 "127.0.0.1:$port" '[::1]' "[::1]:$port"; do
		expect_equal "$host: $(code GET /status -H "Host: $host")" "$host: 200"
	done
}

@test "control beyond loopback is refused at the start" {
	local address

	for address in 0.0.0.0:8077 '[::]:8077' 10.0.0.1:8077; do
		run "$gs" run --source src --target target --control "$address"
		expect_status 2
		expect_output control
		expect_output loopback
	done
	[[ ! -e target/.gs-sidecar ]]
}

@test "a probe listener on a port in use is refused at the start, naming the address" {
	port=$(free_port)
	start other "$programs/silent" tcp "$port"
	within 5 logged other silent
	run "$gs" run --source src --target target --probe-listen "127.0.0.1:$port"
	expect_status 4
	expect_output "127.0.0.1:$port"
	[[ ! -e target/file ]]
}

@test "a probe listener on all addresses answers on all" {
	port=$(free_port)
	start run "$gs" run --source src --target target --probe-listen "0.0.0.0:$port"
	within 5 eval '[[ $(code GET /readyz) == 200 ]]'
	expect_equal "$(code GET /healthz -H 'Host: 10.1.2.3')" 200
}

# What memory may grow by, in kilobytes; a sanitizer keeps what was freed for a while.
growth() {
	if [[ $gs == */asan/* ]]; then printf 60000; else printf 1500; fi
}

# Kilobytes of memory.
memory() {
	awk '/^VmRSS/ { print $2 }' "/proc/$run_pid/status"
}

@test "huge headers and bodies are refused and cost no memory" {
	local before i

	run_now
	before=$(memory)
	head -c 100000 /dev/zero | tr '\0' x >header
	head -c 20000000 /dev/zero >body
	for ((i = 0; i < 5; i++)); do
		[[ $(code GET /healthz -H "X: $(<header)") != 200 ]]
		[[ $(code GET "/$(head -c 20000 header)") != 200 ]]
		expect_equal "$(control_code POST /v1/hook -H Expect: --data-binary @body)" 413
	done
	expect_equal "$(code GET /healthz)" 200
	(($(memory) < before + $(growth)))
}

@test "rubbish on a listener is no trouble" {
	local rubbish

	run_now
	for rubbish in $'\x16\x03\x01\x02' 'GET' $'\r\n\r\n\r\n' $'GET / HTTP/9.9\r\n\r\n' \
		$'POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n' \
		$'GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n'; do
		printf %s "$rubbish" >"/dev/tcp/127.0.0.1/$port"
	done
	head -c 100000 /dev/urandom >"/dev/tcp/127.0.0.1/$port" 2>/dev/null || true
	expect_equal "$(code GET /healthz)" 200
	is_ready
}

@test "slow clients cost no memory and keep nobody waiting at the control socket" {
	local before i fds=() fd

	run_now
	before=$(memory)
	for ((i = 0; i < 60; i++)); do
		exec {fd}<>"/dev/tcp/127.0.0.1/$port"
		fds+=("$fd")
		printf 'GET /healthz HTTP/1.1\r\nHost: a\r\nX: ' >&"$fd"
	done
	expect_equal "$(control_code GET /healthz)" 200
	(($(memory) < before + $(growth)))
	for fd in "${fds[@]}"; do
		exec {fd}>&-
	done
	within 5 eval '[[ $(code GET /healthz) == 200 ]]'
}

@test "slow clients keep no probe waiting" {
	local i fds=() fd result

	run_now
	for ((i = 0; i < 60; i++)); do
		exec {fd}<>"/dev/tcp/127.0.0.1/$port"
		fds+=("$fd")
		printf 'GET /healthz HTTP/1.1\r\nHost: a\r\nX: ' >&"$fd"
	done
	result=$(code GET /healthz) || true
	for fd in "${fds[@]}"; do
		exec {fd}>&-
	done
	expect_equal "$result" 200
}

@test "two hundred requests on one connection and on many" {
	local i urls=()

	run_now
	for ((i = 0; i < 200; i++)); do
		urls+=("http://127.0.0.1:$port/readyz" -o /dev/null)
	done
	expect_equal "$(curl -sS --max-time 20 -w '%{http_code}\n' "${urls[@]}" | sort | uniq -c | xargs)" "200 200"
	expect_equal "$(curl -sS --max-time 20 -Z --parallel-max 50 -w '%{http_code}\n' -H 'Connection: close' "${urls[@]}" |
		sort | uniq -c | xargs)" "200 200"
}

@test "the timeline says how long everything took" {
	run_now --reload-command true
	ask GET /status | gojq -e '.timeline_ms | .published >= 0 and .reload_sent >= .published and .acknowledged >= .reload_sent'
	ask GET /status | gojq -e '.reload.acknowledged.serial == .published.serial'
}
