#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# /reload for many: named requests, merged runs, tokens, pages to look at, and peers that mean harm.

load lib

clean_up() {
	end_descendants "${pids[@]}"
}

# start_reloader [FLAG...] -- COMMAND...
start_reloader() {
	rm -f reloader.log
	start reloader "$gs" reloader --listen 127.0.0.1:0 "$@"
	within 10 logged reloader "answering /reload"
	port=$(port_of reloader)
	url=http://127.0.0.1:$port
}

# Status in $code, body in $output, headers in the file headers: fetch PATH [CURL OPTION...]
fetch() {
	local path=$1

	shift
	code=$(curl -sS --max-time 20 -o body -D headers -w '%{http_code}' "$@" "$url$path")
	output=$(<body)
}

# reload CODE [KEY [DIGEST]]: - is none
reload() {
	local headers=()

	[[ ${2--} == - ]] || headers+=(-H "Idempotency-Key: $2")
	[[ ${3--} == - ]] || headers+=(-H "X-GS-Digest: $3")
	fetch /reload -X POST "${headers[@]}"
	expect_equal "$code" "$1"
}

# start_client NAME [CURL OPTION...]: its status comes in NAME.log
start_client() {
	local name=$1

	shift
	start "$name" curl -sS --max-time 60 -o "$name.body" -w '%{http_code}' "$@" "$url/reload"
}

expect_client() {
	ended "$1"
	expect_equal "$(<"$1.log")" "$2"
}

# The number of runs so far. The command that `gated` makes notes when each began.
runs() {
	if [[ -e runs ]]; then wc -l <runs; else echo 0; fi
}

ran() {
	(($(runs) == $1))
}

# A command that notes its begin and ends with STATUS when `let_go` has let it: gated [STATUS]
gated() {
	mkfifo gate
	exec {gate}<>gate
	command=(bash -c "date +%s%N >>runs; read -r _ <gate; exit ${1-0}")
}

let_go() {
	echo go >&"$gate"
}

field() {
	curl -sS --max-time 20 "$url/status" | jq -r "$1"
}

# As many requests are served and wait as that: holds SERVED WAITING
holds() {
	[[ $(field '"\(.served) \(.waiting)"') == "$1 $2" ]]
}

resident_kib() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$reloader_pid/status"
}

# Figures of memory are the release program's own, on the machine it was built for.
is_measurable() {
	[[ $TEST_ARCH == "$(dpkg --print-architecture)" && $gs != */asan/* ]]
}

# expect_flat SINCE MOST: resident memory has grown by at most so many KiB.
expect_flat() {
	local now

	now=$(resident_kib)
	echo "resident: $1 KiB before, $now KiB after"
	! is_measurable || ((now - $1 <= $2))
}

# ---- names ----

@test "endpoint: a key that was reloaded is not run again, another one is" {
	start_reloader -- sh -c 'echo x >>runs'
	reload 200 a-1
	reload 200 a-1
	expect_equal "$output" ""
	expect_equal "$(runs)" 1
	reload 200 a-2
	expect_equal "$(runs)" 2
	fetch /reload -H 'Idempotency-Key: a-1' -H 'Accept: application/json'
	expect_equal "$code $(jq .reloaded body)" "200 true"
	expect_equal "$(runs)" 2
}

@test "endpoint: 64 keys are remembered, the oldest is forgotten first" {
	local i

	start_reloader -- sh -c 'echo x >>runs'
	for i in {1..65}; do reload 200 "key-$i"; done
	expect_equal "$(runs)" 65
	reload 200 key-2
	reload 200 key-65
	expect_equal "$(runs)" 65
	reload 200 key-1
	expect_equal "$(runs)" 66
}

@test "endpoint: a key of 256 bytes is taken, a longer one or a longer digest is 400" {
	local long

	printf -v long '%256s' ''
	long=${long// /k}
	start_reloader -- sh -c 'echo x >>runs'
	reload 200 "$long" "$long"
	reload 200 "$long" "$long"
	expect_equal "$(runs)" 1
	reload 400 "${long}k"
	expect_equal "$(jq .reloaded body)" false
	reload 400 - "${long}k"
	expect_equal "$(runs)" 1
}

@test "endpoint: a key whose reload failed is run again" {
	start_reloader -- sh -c 'echo x >>runs; test -e healed'
	reload 500 a-1 a
	reload 500 a-1 a
	touch healed
	reload 200 a-1 a
	expect_equal "$(runs)" 3
	reload 200 a-1 a
	expect_equal "$(runs)" 3
}

@test "endpoint: a digest alone is known while it is what was reloaded last" {
	start_reloader -- sh -c 'echo "${RELOAD_DIGEST-none}" >>runs'
	reload 200 - A
	reload 200 - A
	expect_equal "$(xargs <runs)" "A"
	reload 200 - B
	reload 200 - A
	expect_equal "$(xargs <runs)" "A B A"
	# Nobody knows what an unnamed one was for.
	reload 200
	reload 200 - A
	expect_equal "$(xargs <runs)" "A B A none A"
}

@test "endpoint: a digest is not known after a failed reload of another: half of that may be loaded" {
	start_reloader -- sh -c 'echo x >>runs; [ "$RELOAD_DIGEST" = A ]'
	reload 200 - A
	reload 500 - B
	reload 200 - A
	expect_equal "$(runs)" 3
}

@test "endpoint: a key with another digest is 409, during its run, while it waits and afterwards" {
	gated
	start_reloader -- "${command[@]}"
	start_client first -H 'Idempotency-Key: one' -H 'X-GS-Digest: A'
	within 10 ran 1
	reload 409 one B
	expect_output "another X-GS-Digest"
	start_client second -H 'Idempotency-Key: two' -H 'X-GS-Digest: A'
	within 10 holds 1 1
	reload 409 two B
	let_go
	let_go
	expect_client first 200
	expect_client second 200
	reload 409 one B
	reload 200 one A
	reload 200 one
	expect_equal "$(runs)" 2
}

@test "endpoint: a key or digest that is being reloaded joins that run" {
	gated
	start_reloader -- "${command[@]}"
	start_client first -H 'Idempotency-Key: one' -H 'X-GS-Digest: A'
	within 10 ran 1
	start_client again -H 'Idempotency-Key: one' -H 'X-GS-Digest: A'
	start_client content -H 'X-GS-Digest: A'
	within 10 holds 3 0
	let_go
	expect_client first 200
	expect_client again 200
	expect_client content 200
	expect_equal "$(runs)" 1
}

@test "endpoint: content that comes back during a run is loaded again" {
	gated
	start_reloader -- "${command[@]}"
	start_client first -H 'X-GS-Digest: A'
	within 10 ran 1
	start_client other -H 'X-GS-Digest: B'
	within 10 holds 1 1
	start_client back -H 'X-GS-Digest: A'
	within 10 holds 1 2
	let_go
	let_go
	expect_client first 200
	expect_client other 200
	expect_client back 200
	expect_equal "$(runs)" 2
	reload 200 - A
	expect_equal "$(runs)" 2
}

@test "endpoint: a resent key gets the failure of the run that it joined" {
	gated 7
	start_reloader -- "${command[@]}"
	start_client first -H 'Idempotency-Key: one'
	within 10 ran 1
	start_client again -H 'Idempotency-Key: one'
	within 10 holds 2 0
	let_go
	expect_client first 500
	expect_client again 500
	expect_equal "$(jq .run first.body again.body | xargs)" "1 1"
}

@test "endpoint: only a plain digest gets into the command's environment" {
	local digest

	export RELOAD_DIGEST=ours
	start_reloader -- sh -c 'echo "${RELOAD_DIGEST-none}" >>digests'
	printf -v digest '%0129d' 0
	reload 200 - 'sha256.0-aZ_9'
	reload 200 - "${digest#0}"
	reload 200 - "$digest"
	# shellcheck disable=SC2016
	reload 200 - '$(touch x)'
	reload 200
	expect_equal "$(xargs <digests)" "sha256.0-aZ_9 ${digest#0} none none none"
}

@test "endpoint: 'run' sends names that it knows: a resent reload is not run again" {
	start_reloader -- sh -c 'echo "$RELOAD_DIGEST" >>runs'
	echo 1 >src/file
	start run "$gs" run --source src --target target --reload-url "$url/reload"
	within 20 logged run "acknowledged"
	expect_equal "$(<runs)" "$(jq -r .digest target/.gs-sidecar/published.json)"
	reload 200 "$(jq -r '"\(.digest)-\(.serial)"' target/.gs-sidecar/published.json)"
	expect_equal "$(runs)" 1
}

# ---- not waiting ----

@test "endpoint: who prefers not to wait gets 202, and finds the outcome in the status" {
	gated 5
	start_reloader -- "${command[@]}"
	fetch /reload -X POST -H 'Prefer: handling=lenient, Respond-Async; x=1'
	expect_equal "$code" 202
	expect_equal "$(jq -c . body)" '{"reloaded":false,"run":1}'
	grep -qi '^preference-applied: respond-async' headers
	within 10 ran 1
	expect_equal "$(field .running)" true
	expect_equal "$(field .last)" null
	fetch /reload -H 'Prefer: respond-async'
	expect_equal "$code $(jq .run body)" "202 2"
	let_go
	within 10 ran 2
	expect_equal "$(field '"\(.last.run) \(.last.reloaded) \(.last.error)"')" \
		"1 false 'bash' ended with status 5"
	let_go
	within 10 holds 0 0
	expect_equal "$(field '"\(.last.run) \(.runs) \(.failures)"')" "2 2 2"
}

@test "endpoint: a key that was asked for without waiting is known like any other" {
	start_reloader -- sh -c 'echo x >>runs'
	fetch /reload -H 'Prefer: respond-async' -H 'Idempotency-Key: one' -H 'X-GS-Digest: A'
	expect_equal "$code" 202
	within 10 holds 0 0
	fetch /reload -H 'Prefer: respond-async' -H 'Idempotency-Key: one'
	expect_equal "$code" 200
	reload 409 one B
	expect_equal "$(runs)" 1
}

@test "endpoint: another preference waits" {
	local prefer

	start_reloader -- sh -c 'echo x >>runs'
	for prefer in respond-asynchronously wait=10 x-respond-async 'a="b", wait=1' ,; do
		fetch /reload -H "Prefer: $prefer"
		expect_equal "$code" 200
	done
	expect_equal "$(runs)" 5
}

