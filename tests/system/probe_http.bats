#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The sources `http` and `metrics`: a real web server, and every fault that an answer can have. None
# of them is ever "nobody is left".

load lib
load answers
load https

prepare() {
	limit=60s # generous: emulated programs take their time
}

# source_of MEMBERS: the probe file has that source; BASE stands for $base.
source_of() {
	cat >probe.json <<-END
		{"probe-source": [{"name": "asked", "every": "200ms", "timeout": "$limit", ${1/BASE/${base-}}}],
		 "probe-rules": [{"name": "drain", "rules": [
			{"if": {"source": "asked", "equals": 0}, "result": "done"},
			{"if": {"source": "asked", "min": 1}, "result": "draining", "pass": false},
			{"result": "serving", "pass": false}]}]}
	END
}

# asked MEMBERS WORD READING: the whole reading, or what its reason has.
asked() {
	source_of "$1"
	probe_says "$2"
	output=$(reading)
	if [[ $2 == unknown ]]; then expect_output "$3"; else expect_equal "$output" "$3"; fi
}

text='"http": "BASE/info"'
json='"http": "BASE/info", "json": "/players/online"'
status='"http": "BASE/info", "status": true'
one='"metrics": "BASE/metrics", "sample": "players{mode=\"ctf\"}"'
sum='"metrics": "BASE/metrics", "sample": "players", "sum": true'

# ---- what is well ----

@test "http: the body's text is the reading" {
	answer 200 $' 0 \n'
	asked "$text" "done" 0
	answer 200 12
	asked "$text" draining 12
	answer 204 ""
	asked "$text" unknown "it says nothing"
	answer 201 "-1"
	asked "$text" serving -1
	answer 200 "idle"
	asked "$text" unknown idle
	grep -q '^GET /info HTTP/1.1' peer.request
}

@test "http: a value of its JSON is the reading" {
	answer 200 '{"players":{"online":0,"max":20}}'
	asked "$json" "done" 0
	answer 200 '{"players":{"online":"3"}}'
	asked "$json" draining 3
	answer 200 '{"players":{"online":true}}'
	asked "$json" unknown true
	answer 200 '{"players":{"online":null}}'
	asked "$json" unknown "no text, number or flag is at /players/online"
	answer 200 '{"players":{"online":[]}}'
	asked "$json" unknown "no text, number or flag is at /players/online"
	answer 200 '{"players":0}'
	asked "$json" unknown "no text, number or flag is at /players/online"
	answer 200 '{"players":{"online":1e999}}'
	asked "$json" unknown "no text, number or flag is at /players/online"
	answer 200 '{"players":{"online":"null"}}'
	asked "$json" unknown null
	expect_equal "$output" null
}

@test "http: with status any status is the reading, whatever the body is" {
	local code

	for code in 200 204 302 404 503; do
		answer "$code" ""
		asked "$status" draining "$code"
	done
	printf 'HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\n\0\1\2' >answer
	asked "$status" draining 500
}

@test "metrics: one sample by its labels, and the sum of all" {
	answer 200 $'# TYPE players gauge\nplayers{mode="ctf",map="a"} 0 1395066363000\nplayers{mode="dm"} 2\n'
	asked "$one" "done" 0
	asked "$sum" draining 2
	answer 200 $'players{mode="ctf"} 0\nplayers{mode="dm"} 0 # {trace_id="x"} 1\n# EOF\n'
	asked "$sum" "done" 0
	grep -q '^GET /metrics HTTP/1.1' peer.request
}

@test "metrics: chunks have an end" {
	answer 200 $'16\r\nplayers{mode="ctf"} 0\n\r\n0\r\n\r\n' "Transfer-Encoding: chunked"
	asked "$one" "done" 0
}

# Our own page, served by a real server of the field.
@test "metrics: the page of a resident of our own" {
	echo 1 >src/file
	start run "$gs" run --source "$dir/src" --target "$dir/target" --probe-listen 127.0.0.1:0
	within 10 logged run "127.0.0.1:"
	base=http://127.0.0.1:$(sed -n 's/.*127\.0\.0\.1:\([0-9]*\).*/\1/p' run.log | head -n 1)
	within 20 asked '"metrics": "BASE/metrics", "sample": "gs_sidecar_ready"' draining 1
	asked '"metrics": "BASE/metrics", "sample": "gs_sidecar_sync_failures_total"' "done" 0
	asked '"metrics": "BASE/metrics", "sample": "gs_sidecar"' unknown "no sample fits"
}

# ---- faults ----

# Of the four ways to read a body; what MEMBERS ask for is unknown: faults REASON MEMBERS...
faults() {
	local reason=$1 members

	shift
	for members; do
		asked "$members" unknown "$reason"
	done
}

@test "http fault: nobody listens" {
	base=http://127.0.0.1:1
	faults connect "$text" "$json" "$status" "$one" "$sum"
}

@test "http fault: no answer, and one byte a second" {
	limit=1s
	ask_peer hang
	faults "no answer within 1s" "$status" "$sum"
	ask_peer slow
	faults "no answer within 1s" "$text"
}

@test "http fault: another status than 2xx says nothing of players" {
	local code

	for code in 302 404 500 503; do
		answer "$code" 0
		faults "it answered $code" "$text" "$json" "$sum"
	done
	answer 500 $'players 0\n'
	faults "it answered 500" "$sum"
}

@test "http fault: a page of HTML" {
	answer 200 $'<html>\n<body>0</body>\n</html>\n'
	faults "not valid JSON" "$json"
	faults "line 1 is malformed or cut" "$one" "$sum"
	source_of "$text"
	probe_says unknown
}

@test "http fault: an empty body, no such value, no such sample" {
	answer 200 ""
	faults "it says nothing" "$text"
	faults "not valid JSON" "$json"
	faults "no sample fits" "$one" "$sum"
	answer 200 '{}'
	faults "no text, number or flag is at" "$json"
	answer 200 $'players_max 0\n'
	faults "no sample fits" "$one" "$sum"
}

@test "http fault: what is no number, and what is not one" {
	answer 200 $'players{mode="ctf"} NaN\nplayers{mode="dm"} 0\n'
	faults "its value is not a number" "$one" "$sum"
	answer 200 $'players{mode="ctf",map="a"} 0\nplayers{mode="ctf",map="b"} 0\n'
	faults "2 samples fit, expected one" "$one"
	answer 200 $'players{mode="ctf"} -1\nplayers{mode="dm"} 1\n'
	asked "$one" serving -1
	faults "line 1 is negative: no sum" "$sum"
	answer 200 $'players{mode="ctf"} 0\nplayers{mode="dm} 1\n'
	faults "line 2 is malformed or cut" "$one" "$sum"
}

# "0" of "0.5", and a sum without its last lines.
@test "http fault: an answer that is cut" {
	answer 200 '{"players":{"online":0' "Content-Length: 40"
	faults "remaining to read" "$text" "$json" "$status" "$one" "$sum"
	answer 200 '{"players":{"online":0' "Connection: close"
	faults "not valid JSON" "$json"
	answer 200 $'players{mode="ctf"} 0\nplayers{mode="dm"} 1'
	faults "line 2 is malformed or cut" "$one" "$sum"
	answer 200 $'players{mode="ctf"} 0\n' "Content-Length: 44"
	faults "remaining to read" "$one" "$sum"
	answer 200 $'players{mode="ctf"} 0\n' "Connection: close"
	faults "the page says neither its length nor its end" "$one" "$sum"
	answer 200 $'16\r\nplayers{mode="ctf"} 0\n\r\n' "Transfer-Encoding: chunked"
	faults "" "$one" "$sum"
	# An interim answer's head is not the answer's.
	printf '%s\r\n' 'HTTP/1.1 103 Early' 'Content-Length: 22' '' 'HTTP/1.1 200 OK' '' >answer
	printf 'players{mode="ctf"} 0\n' >>answer
	faults "the page says neither its length nor its end" "$one" "$sum"
}

@test "http fault: compressed without being asked to" {
	answer 200 "" "Content-Encoding: gzip" "Content-Length: 21"
	printf 0 | gzip -n >>answer
	faults "the answer is not a text" "$text" "$json" "$sum"
	# Nothing in it is a zero byte.
	answer 200 $'\x0b\x01\x80\xff0' "Content-Encoding: br" "Content-Length: 5"
	faults "the answer is not a text" "$text" "$json"
	faults "line 1 is malformed" "$sum"
}

@test "http fault: a zero byte ends nothing" {
	answer 200 "" "Content-Length: 3"
	printf '0\0x' >>answer
	faults "the answer is not a text" "$text"
	answer 200 "" "Content-Length: 24"
	printf 'players{mode="ctf"} 0\n\0x' >>answer
	faults "the answer is not a text" "$one" "$sum"
}

@test "http fault: 100 MB are left where they are, in little memory" {
	answer 200 "" "Content-Length: 104857600"
	truncate -s 100M answer
	faults "larger than" "$text" "$json" "$status" "$sum"
	start run "$gs" run --source "$dir/src" --target "$dir/target" --config probe.json
	within 30 got_requests peer 20
	expect_peak "$run_pid" 12288
}

@test "http fault: endless headers, another protocol, a closed connection" {
	ask_peer endless-headers
	faults header "$text" "$status" "$sum"
	ask_peer garbage
	faults "" "$text" "$status" "$sum"
	ask_peer close
	faults reply "$text" "$status" "$sum"
}

# ---- who may ask ----

@test "http: by TLS, with a header and a token that is read anew for each look" {
	local members='"http": "BASE/info", "headers": ["X-Key: some value"], "token-file": "token"'

	start_https 'location /info {
		if ($http_authorization != "Bearer second-token") { return 401; }
		if ($http_x_key != "some value") { return 402; }
		return 200 "0";
	}'
	base=https://localhost:$port
	asked "$members, \"ca-file\": \"ca.pem\"" unknown "token-file 'token': No such file"
	echo first-token >token
	asked "$members, \"ca-file\": \"ca.pem\"" unknown "it answered 401"
	start run "$gs" run --source "$dir/src" --target "$dir/target" --config probe.json
	within 20 probe_says unknown --control "unix:$dir/target/.gs-sidecar/control.sock" --timeout 60s
	echo second-token >token
	within 20 probe_says "done" --control "unix:$dir/target/.gs-sidecar/control.sock" --timeout 60s
	asked "$members, \"ca-file\": \"ca.pem\"" "done" 0
	asked "$text, \"ca-file\": \"ca.pem\", \"token-file\": \"token\"" unknown "it answered 402"
	source_of "$members"
	probe_says unknown
	[[ $(reading) =~ Cert\ verify\ failed|SSL\ certificate\ problem ]]
}

@test "http: what is secret is in no word, log or page" {
	local members='"headers": ["X-Key: s3cret-header"], "token-file": "token"'

	echo s3cret-token >token
	answer 401 s3cret-body
	base="http://user:s3cret-password@127.0.0.1:$port"
	asked "\"http\": \"BASE/info?key=s3cret-query\", $members" unknown "it answered 401"
	grep -q "GET /info?key=s3cret-query HTTP" peer.request
	grep -q "Authorization: Bearer s3cret-token" peer.request
	grep -q "X-Key: s3cret-header" peer.request
	start run "$gs" run --source "$dir/src" --target "$dir/target" --config probe.json
	within 20 got_requests peer 8
	ask GET /probes >pages
	ask GET /status >>pages
	reading >>pages
	"$gs" check run --source "$dir/src" --target "$dir/target" --config probe.json >>pages
	expect_secret s3cret pages run.log out err
}
