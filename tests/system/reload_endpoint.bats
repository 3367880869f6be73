#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# /reload for many: named requests, merged runs, tokens, pages to look at, and peers that mean harm.

load lib

clean_up() {
	end_descendants "${pids[@]}"
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
	curl -sS --max-time 20 "$url/status" | gojq -r "$1"
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
	expect_equal "$code $(gojq .reloaded body)" "200 true"
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
	expect_equal "$(gojq .reloaded body)" false
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
	expect_equal "$(gojq .run first.body again.body | xargs)" "1 1"
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
	expect_equal "$(<runs)" "$(gojq -r .digest target/.gs-sidecar/published.json)"
	reload 200 "$(gojq -r '"\(.digest)-\(.serial)"' target/.gs-sidecar/published.json)"
	expect_equal "$(runs)" 1
}

# ---- not waiting ----

@test "endpoint: who prefers not to wait gets 202, and finds the outcome in the status" {
	gated 5
	start_reloader -- "${command[@]}"
	fetch /reload -X POST -H 'Prefer: handling=lenient, Respond-Async; x=1'
	expect_equal "$code" 202
	expect_equal "$(gojq -c . body)" '{"reloaded":false,"run":1}'
	grep -qi '^preference-applied: respond-async' headers
	within 10 ran 1
	expect_equal "$(field .running)" true
	expect_equal "$(field .last)" null
	fetch /reload -H 'Prefer: respond-async'
	expect_equal "$code $(gojq .run body)" "202 2"
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


# ---- many at once ----

# Answers of 1,000 clients in flood.log: STATUS RUN TIME. flood KEYS
flood() {
	start flood "$programs/flood" "$port" 1000 "$1"
}

statuses() {
	awk '{ n[$1]++ } END { for (s in n) print s, n[s] }' flood.log
}

# Nobody was told of a run that had begun before it asked.
expect_true_answers() {
	awk 'FNR == NR { began[FNR] = $1; next }
		!($2 in began) || began[$2] + 0 < $3 + 0 { print "asked at " $3 ", served by run " $2; bad = 1 }
		END { exit bad }' runs flood.log
}

@test "endpoint: 1,000 requests at once are two runs, and all get a later one" {
	gated
	start_reloader -- "${command[@]}"
	flood none
	within 30 holds 1 999
	let_go
	let_go
	ended flood
	expect_equal "$(statuses)" "200 1000"
	expect_equal "$(runs)" 2
	expect_equal "$(awk '{ print $2 }' flood.log | sort | uniq -c | xargs)" "1 1 999 2"
	expect_true_answers
}

@test "endpoint: 1,000 requests while the command runs as it likes: each is served by a later run" {
	start_reloader -- bash -c 'date +%s%N >>runs'
	flood none
	ended flood
	expect_equal "$(statuses)" "200 1000"
	expect_true_answers
	echo "$(runs) runs"
	(($(runs) <= 50))
}

@test "endpoint: 1,000 requests with one key are one run" {
	gated
	start_reloader -- "${command[@]}"
	flood same
	within 30 holds 1000 0
	let_go
	ended flood
	expect_equal "$(statuses)" "200 1000"
	expect_equal "$(runs)" 1
	reload 200 one
	expect_equal "$(runs)" 1
}

@test "endpoint: 1,000 requests with a key each are two runs" {
	gated
	start_reloader -- "${command[@]}"
	flood each
	within 30 holds 1 999
	let_go
	let_go
	ended flood
	expect_equal "$(statuses)" "200 1000"
	expect_equal "$(runs)" 2
	expect_true_answers
}

@test "endpoint: 1,000 requests for a command that fails are all 500" {
	gated 1
	start_reloader -- "${command[@]}"
	flood none
	within 30 holds 1 999
	let_go
	let_go
	ended flood
	expect_equal "$(statuses)" "500 1000"
	expect_equal "$(field '"\(.runs) \(.failures)"')" "2 2"
}

@test "endpoint: 1,000 requests for a command that hangs are all 504, and its group is dead" {
	local pid

	start_reloader --timeout 3s -- bash -c 'date +%s%N >>runs
		trap "" TERM; sleep 300 & echo $! >>children; echo $$ >>children; wait'
	flood none
	within 30 holds 1 999
	ended flood
	expect_equal "$(statuses)" "504 1000"
	expect_true_answers
	expect_equal "$(runs) $(wc -l <children)" "2 4"
	while read -r pid; do within 5 is_gone "$pid"; done <children
}

@test "endpoint: more than may wait are 503 at once, and one can still look" {
	gated
	start_reloader -- "${command[@]}"
	flood each
	within 30 holds 1 999
	start more "$programs/flood" "$port" 60 each
	# 1,088 connections, of which one in 16 is kept for who looks.
	within 30 waits_for_all 1020
	fetch /healthz
	expect_equal "$code" 200
	reload 503
	expect_output "too many requests wait"
	let_go
	let_go
	ended flood
	ended more
	expect_equal "$(statuses)" "200 1000"
	expect_equal "$(awk '{ n[$1]++ } END { print n[200], n[503] }' more.log)" "20 40"
	reload 200 key-999
}

waits_for_all() {
	fetch /metrics
	grep -qx "gs_sidecar_reloader_waiting $1" body
}

@test "endpoint: where few files may be open there are few connections, and commands still start" {
	start reloader bash -c 'ulimit -n 256; exec "$@"' - "$gs" reloader --listen 127.0.0.1:0 \
		-- bash -c 'date +%s%N >>runs'
	within 10 logged reloader "answering /reload"
	port=$(port_of reloader)
	flood none
	ended flood
	# Who was connected and had said nothing yet made room for others.
	expect_equal "$(awk '!/^(200|503|end) /' flood.log)" ""
	expect_equal "$(times_logged reloader 'many open files')" 0
	awk '$1 == 200' flood.log >answered
	mv answered flood.log
	(($(wc -l <flood.log) >= 150))
	expect_true_answers
}

# ---- a token ----

start_with_token() {
	printf '%s\r\nsecond line\n' "sesame 1" >token
	start_reloader --token-file token "$@" -- sh -c 'echo x >>runs'
}

with_token() {
	fetch "$1" -H "Authorization: Bearer $2"
}

@test "endpoint: with a token file a request needs the token, on loopback too" {
	local word

	start_with_token
	for word in wrong "sesame 2" "sesame 11" "sesame " sesame "sesame 1 " second\ line ''; do
		with_token /reload "$word"
		# Blanks at a header's end are no part of it.
		[[ $word == *"1 " ]] || expect_equal "$word: $code" "$word: 401"
	done
	rm -f runs
	fetch /reload
	expect_equal "$code $(gojq .reloaded body)" "401 false"
	grep -qi '^www-authenticate: bearer' headers
	fetch /reload -H 'Authorization: Basic sesame 1'
	expect_equal "$code" 401
	fetch /reload -H 'Authorization: sesame 1'
	expect_equal "$code" 401
	[[ ! -e runs ]]
	with_token /reload "sesame 1"
	expect_equal "$code" 200
	fetch /reload -H 'authorization: bEARER  sesame 1'
	expect_equal "$code" 200
	expect_equal "$(runs)" 2
}

@test "endpoint: with a token file pages need the token, /healthz does not" {
	start_with_token
	fetch /status
	expect_equal "$code" 401
	fetch /metrics
	expect_equal "$code" 401
	fetch /healthz
	expect_equal "$code" 200
	with_token /status "sesame 1"
	expect_equal "$code $(gojq .runs body)" "200 0"
	with_token /metrics "sesame 1"
	expect_equal "$code" 200
}

@test "endpoint: a rotated token works at once, one that cannot be read lets nobody in" {
	local bad

	start_with_token
	echo "sesame 2" >token.new
	mv token.new token
	with_token /reload "sesame 1"
	expect_equal "$code" 401
	with_token /reload "sesame 2"
	expect_equal "$code" 200
	for bad in missing empty line large directory pipe; do
		rm -rf token
		case $bad in
		empty) : >token ;;
		line) printf '\nsesame 2\n' >token ;;
		large) head -c 5000 /dev/zero | tr '\0' x >token ;;
		directory) mkdir token ;;
		pipe) mkfifo token ;;
		esac
		with_token /reload "sesame 2"
		expect_equal "$bad $code" "$bad 503"
		with_token /reload ""
		expect_equal "$bad $code" "$bad 503"
	done
	rm token
	expect_equal "$(times_logged reloader "nobody is let in")" 1
	logged reloader "token-file 'token'"
	ln -s token.secret token
	echo "sesame 3" >token.secret
	with_token /reload "sesame 3"
	expect_equal "$code" 200
	expect_equal "$(runs)" 2
	rm token
	fetch /reload
	expect_equal "$code $(times_logged reloader "nobody is let in")" "503 2"
	expect_secret sesame reloader.log
}

@test "endpoint: a token that is not there at the start is told" {
	start_reloader --token-file nowhere -- true
	logged reloader "nobody is let in until there is a token: token-file 'nowhere'"
	fetch /reload
	expect_equal "$code" 503
	echo here >nowhere
	with_token /reload here
	expect_equal "$code" 200
}

@test "endpoint: beyond this machine only with a token; browsers are refused there too" {
	run timeout 5 "$gs" reloader --listen 0.0.0.0:0 -- true
	expect_status 2
	expect_output "--token-file"
	echo sesame >token
	start reloader "$gs" reloader --listen 0.0.0.0:0 --token-file token -- sh -c 'echo x >>runs'
	within 10 logged reloader "answering /reload on 0.0.0.0:"
	url=http://127.0.0.1:$(port_of reloader)
	fetch /reload -H 'Host: pod-7.example'
	expect_equal "$code" 401
	fetch /reload -H 'Host: pod-7.example' -H 'Authorization: Bearer sesame' -H 'Origin: http://pod-7.example'
	expect_equal "$code" 403
	[[ ! -e runs ]]
	fetch /reload -H 'Host: pod-7.example' -H 'Authorization: Bearer sesame'
	expect_equal "$code" 200
	expect_equal "$(runs)" 1
}

@test "endpoint: a token file does not open loopback to a rebound name" {
	start_with_token
	fetch /reload -H 'Host: evil.example' -H 'Authorization: Bearer sesame 1'
	expect_equal "$code" 403
	[[ ! -e runs ]]
}

@test "endpoint: a unix socket asks for no token" {
	echo sesame >token
	start reloader "$gs" reloader --listen "unix:$dir/reload.sock" --token-file token -- true
	within 10 logged reloader "answering /reload on unix:"
	url=http://localhost
	fetch /reload --unix-socket reload.sock
	expect_equal "$code" 200
}

@test "endpoint: 'reload' brings the token in a header that is never shown" {
	start_with_token
	run env "GS_SIDECAR_RELOAD_HEADER=Authorization: Bearer sesame 1" \
		"$gs" reload --url "$url/reload" --deadline 20s
	expect_status 0
	[[ $output != *sesame* ]]
	run "$gs" reload --url "$url/reload" --deadline 300ms
	expect_status 3
	expect_output "answered 401"
	expect_equal "$(runs)" 1
}

@test "endpoint: wrap takes a token as well" {
	echo sesame >token
	start wrap "$gs" wrap --listen 0.0.0.0:0 --token-file token --signal HUP -- "$programs/signals"
	within 10 logged wrap listening
	within 10 logged wrap "answering /reload"
	url=http://127.0.0.1:$(port_of wrap)
	fetch /reload
	expect_equal "$code" 401
	with_token /reload sesame
	expect_equal "$code" 200
	within 5 logged wrap "got HUP"
	expect_equal "$(times_logged wrap "got HUP")" 1
}

# ---- looking ----

@test "endpoint: the status says what was run and how it ended" {
	start_reloader -- sh -c 'echo one; printf "two\033[2J\n"; test -e healed'
	expect_equal "$(field '"\(.trigger) \(.runs) \(.failures) \(.running) \(.served) \(.waiting) \(.last)"')" \
		"command 'sh' 0 0 false 0 0 null"
	reload 500
	expect_equal "$(field '"\(.runs) \(.failures) \(.last.run) \(.last.reloaded) \(.last.error)"')" \
		"1 1 1 false 'sh' ended with status 1"
	expect_equal "$(field .last.output)" $'one\ntwo\e[2J'
	[[ $(field .last.at) == 20??-??-??T??:??:??.???Z ]]
	(($(field .last.took_ms) >= 0))
	touch healed
	reload 200
	expect_equal "$(field '"\(.runs) \(.failures) \(.last.reloaded) \(.last.error)"')" "2 1 true null"
	# However many lines it says, the log has one.
	expect_equal "$(times_logged reloader 'one\ntwo\x1b[2J\n')" 1
}

@test "endpoint: metrics count runs, failures and requests" {
	start_reloader -- test -e healed
	reload 500
	touch healed
	reload 200 key
	reload 200 key
	fetch /metrics
	expect_equal "$code" 200
	grep -qi '^content-type: text/plain; version=0.0.4' headers
	for line in 'runs_total 2' 'failed_runs_total 1' 'requests_total 3' 'waiting 0'; do
		grep -qx "gs_sidecar_reloader_$line" body
	done
	grep -q '^gs_sidecar_reloader_last_run_seconds [0-9]' body
}

@test "endpoint: looking never reloads" {
	local path

	start_reloader -- sh -c 'echo x >>runs'
	for path in /status /metrics /healthz; do
		fetch "$path"
		expect_equal "$code" 200
		fetch "$path" -I
		expect_equal "$code" 200
		fetch "$path" -X POST
		expect_equal "$code" 405
	done
	fetch /reload -I
	expect_equal "$code" 405
	[[ ! -e runs ]]
}

# ---- peers that mean harm ----

# So that what a first burst needs is there: one connection's memory is kept for the next one.
warm_up() {
	flood none
	ended flood
	fetch /reload
	expect_equal "$code" 200
}

# An honest client that all others must not keep waiting.
expect_served() {
	local began

	began=$(milliseconds)
	fetch /reload
	expect_equal "$code" 200
	expect_fast "$began" 10000
}

@test "endpoint: 2,000 clients that never end their request keep nobody waiting, and memory flat" {
	local before i

	start_reloader -- true
	warm_up
	before=$(resident_kib)
	start slow "$programs/flood" "$port" 2000 hold
	within 30 logged slow holding
	for i in {1..20}; do expect_served; done
	# While they are connected each has its bounded place.
	expect_flat "$before" 12288
	kill -KILL "$slow_pid"
	ended slow
	within 20 connections_are 0
	expect_served
	expect_flat "$before" 1024
}

connections_are() {
	(($(ss -Htn state established "( sport = :$port )" | wc -l) == $1))
}

@test "endpoint: connections that say nothing keep nobody waiting, and are closed" {
	local i fd open=()

	start_reloader -- true
	for i in {1..200}; do
		exec {fd}<>"/dev/tcp/127.0.0.1/$port"
		open+=("$fd")
	done
	expect_served
	within 30 connections_are 0
	for fd in "${open[@]}"; do exec {fd}>&-; done
	expect_served
}

# Bytes as they are, up to the end that the other side makes: sends TEXT FILE
sends() {
	{ printf "$1" && cat "$2"; } 2>/dev/null >"/dev/tcp/127.0.0.1/$port" || true
}

@test "endpoint: headers and bodies of 10 MB are refused, and memory stays flat" {
	local before i

	start_reloader -- true
	expect_served
	before=$(resident_kib)
	head -c 10000000 /dev/zero | tr '\0' x >large
	yes $'Host: localhost\r' | head -c 10000000 >many
	for i in {1..5}; do
		fetch /reload --data-binary @large || true
		expect_equal "$code" 413
		fetch /reload -H 'Transfer-Encoding: chunked' --data-binary @large || true
		expect_equal "$code" 413
		sends "GET /reload HTTP/1.1\r\nHost: localhost\r\nX-Big: " large
		sends "GET /" large
		# Many small ones are as large as a big one.
		sends "GET /reload HTTP/1.1\r\n" many
		expect_served
	done
	expect_equal "$(field .runs)" 6
	expect_flat "$before" 512
}

@test "endpoint: 50 large bodies at once, and an honest client beside them" {
	local before i

	start_reloader -- true
	expect_served
	before=$(resident_kib)
	head -c 10000000 /dev/zero >large
	start large bash -c 'for i in {1..50}; do
			curl -s --limit-rate 1M --max-time 20 --data-binary @large "$1" & done; wait' - "$url/reload"
	for i in {1..20}; do expect_served; done
	kill -KILL "$large_pid"
	expect_flat "$before" 12288
}
