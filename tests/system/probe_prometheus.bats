#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The source `prometheus`: a real Prometheus that scrapes a real endpoint, and every fault it and
# what stands before it can have. None of them is ever "nobody is left".
# Natively alone, see tests/run.

load lib
load answers

prepare() {
	echo PreDelete >state
	limit=60s # generous: emulated programs take their time
}

# The game's page, and the Prometheus that scrapes it, below /PREFIX: start_scraped [PREFIX]
start_scraped() {
	local endpoint_port

	endpoint_port=$(free_port) prometheus_port=$(free_port)
	write_players 3
	start_pages "$endpoint_port"
	scrape game "$endpoint_port"
	base=http://127.0.0.1:$prometheus_port/${1-}
	start_prometheus --web.route-prefix="/${1-}" --web.external-url="$base"
	source_of "sum(players)"
	within 20 probe_says draining
}

# write_players COUNT: what the game says of itself.
write_players() {
	mkdir -p page
	cat >page/metrics.new <<-END
		# TYPE players gauge
		players{mode="ctf"} $1
		players{mode="d m"} 0
		named{name="a+b&c#d%20 é"} 4
		nobody 0
		never NaN
		endless +Inf
		negative -1
	END
	mv page/metrics.new page/metrics
}

# source_of QUERY [MEMBERS]: the probe file has that source, of $base.
source_of() {
	gojq -n --arg base "$base" --arg query "$1" --arg limit "$limit" "{
		\"probe-source\": [{name: \"asked\", prometheus: \$base, query: \$query,
			every: \"200ms\", timeout: \$limit ${2:+, $2}}],
		\"probe-rules\": [{name: \"drain\", rules: [
			{if: {source: \"asked\", equals: 0}, result: \"done\"},
			{if: {source: \"asked\", min: 1}, result: \"draining\", pass: false},
			{result: \"serving\", pass: false}]}]}" >probe.json
}

# asked QUERY WORD READING [MEMBERS]
asked() {
	source_of "$1" ${4:+"$4"}
	probe_says "$2"
	output=$(reading)
	if [[ $2 == unknown ]]; then expect_output "$3"; else expect_equal "$output" "$3"; fi
}

# drained_says WORD: of the ready-made probe, in PreDelete.
drained_says() {
	local word

	word=$("$gs" probe drained --direct --timeout 120s --state-file state --prometheus "$base" \
		--query 'sum(players)' 2>&1) || true
	[[ $word == "$1" ]] || { printf 'it says %s, expected %s\n' "$word" "$1" && return 1; }
}

@test "prometheus: what a real one says of every kind of query" {
	start_scraped mon/itor
	expect_equal "$(reading)" 3
	asked 'players{mode="ctf"}' draining 3
	asked 'nobody' "done" 0
	asked 'scalar(nobody)' "done" 0
	asked '3 - 3' "done" 0
	asked '-1 * nobody' "done" 0
	asked '"a text"' unknown "a text"
	asked 'negative' serving -1
	asked 'sum(players) / 2' draining 1.5
	asked 'named{name="a+b&c#d%20 é"}' draining 4
	asked 'players' unknown "the query has 2 series, expected one"
	asked 'never' unknown "its value is 'NaN'"
	asked 'endless' unknown "its value is '+Inf'"
	asked 'nobody / 0' unknown "its value is 'NaN'"
	asked 'nothing_like_it' unknown "the query has no result"
	asked 'nothing_like_it' "done" 0 'empty: "zero"'
	asked 'nobody' "done" 0 'empty: "zero"'
	asked 'players[1m]' unknown "it has a result of type 'matrix'"
	asked 'sum(' unknown "bad_data: invalid parameter"
	asked 'label_replace(players, "mode", "x", "", "")' unknown "execution: "
	base+=/
	asked 'nobody' "done" 0
	base=http://127.0.0.1:$prometheus_port
	asked 'nobody' unknown "it answered 404"
}

resident_says() {
	probe_says "$1" --control "unix:$dir/target/.gs-sidecar/control.sock" --timeout 60s
}

@test "prometheus: stopped, going on and killed under a resident" {
	start_scraped
	limit=2s
	source_of nobody
	start run "$gs" run --source "$dir/src" --target "$dir/target" --config probe.json
	within 20 resident_says "done"
	kill -STOP "$prometheus_pid"
	within 20 resident_says unknown
	asked nobody unknown "no answer within 2s"
	kill -CONT "$prometheus_pid"
	within 20 resident_says "done"
	kill -KILL "$prometheus_pid"
	within 20 resident_says unknown
	asked nobody unknown connect
}

@test "prometheus: drained without configuration follows the players, until the game's page is gone" {
	start_scraped
	drained_says draining
	write_players 0
	within 20 drained_says "done"
	rm page/metrics
	within 30 drained_says unknown
	asked 'sum(players)' unknown "the query has no result"
}

# ---- faults: what a peer says byte for byte ----

vector() {
	printf '{"status":"success","data":{"resultType":"vector","result":[%s]}}' "$1"
}

series() {
	printf '{"metric":{},"value":[1700000000.123,"%s"]}' "$1"
}

# fault WORD READING [DRAINED]: what the probe and the ready-made one say of what the peer answers.
fault() {
	local word

	source_of "sum(players)"
	probe_says "$1"
	output=$(reading)
	expect_output "$2"
	word=$("$gs" probe drained --direct --timeout 5s --state-file state --prometheus "$base" \
		--query 'sum(players)' 2>&1) || true
	expect_equal "$word" "${3-unknown}"
}

@test "prometheus: the peer of these tests is believed when all is well" {
	answer 200 "$(vector "$(series 0)")"
	fault "done" 0 "done"
	answer 200 "$(vector "$(series 2)")"
	fault draining 2 draining
}

@test "prometheus fault: nobody listens" {
	base=http://127.0.0.1:1
	source_of "sum(players)"
	fault unknown connect
}

@test "prometheus fault: no answer, and one byte a second" {
	limit=1s
	ask_peer hang
	fault unknown "no answer within 1s"
	ask_peer slow
	fault unknown "no answer within 1s"
}

@test "prometheus fault: an error status, with a value and without" {
	answer 500 "$(vector "$(series 0)")"
	fault unknown "it answered 500"
	answer 503 "Service Unavailable"
	fault unknown "it answered 503"
	answer 503 '{"status":"error","errorType":"timeout","error":"query timed out"}'
	fault unknown "timeout: query timed out"
	answer 422 '{"status":"error","errorType":"execution","error":"many-to-many"}'
	fault unknown "execution: many-to-many"
	answer 401 Unauthorized
	fault unknown "it answered 401"
}

@test "prometheus fault: a redirection to who knows where" {
	ask_peer redirect
	fault unknown "it answered 302"
}

@test "prometheus fault: a page of HTML" {
	answer 200 $'<html><body>\n0\n</body></html>'
	fault unknown "the answer: not valid JSON"
}

@test "prometheus fault: nothing, another protocol, a closed connection" {
	answer 200 ""
	fault unknown "the answer: not valid JSON"
	ask_peer garbage
	fault unknown ""
	ask_peer close
	fault unknown reply
}

@test "prometheus fault: no series, NaN, a negative number, two series" {
	answer 200 "$(vector "")"
	fault unknown "the query has no result"
	answer 200 "$(vector "$(series NaN)")"
	fault unknown "its value is 'NaN'"
	answer 200 "$(vector "$(series 0),$(series 0)")"
	fault unknown "the query has 2 series, expected one"
	answer 200 "$(vector "$(series -1)")"
	fault serving -1
}

@test "prometheus fault: a part of the answer is missing, by its own word" {
	answer 200 '{"status":"success","warnings":["a store is away"],"data":{"resultType":"vector","result":[]}}'
	fault unknown "warning: a store is away"
	answer 200 '{"status":"success","isPartial":true,"data":{"resultType":"scalar","result":[1,"0"]}}'
	fault unknown "the answer is partial"
}

@test "prometheus fault: an answer that is cut, with and without a length" {
	local whole cut

	whole=$(vector "$(series 0)")
	cut=${whole%???}
	answer 200 "$cut" "Content-Length: ${#whole}"
	fault unknown "remaining to read"
	answer 200 "$cut" "Connection: close"
	fault unknown "the answer: not valid JSON"
	answer 200 "$cut"
	fault unknown "the answer: not valid JSON"
	answer 200 "$whole" "Content-Length: ${#cut}"
	fault unknown "the answer: not valid JSON"
	answer 200 "$whole" "Content-Length: 5000"
	fault unknown "remaining to read"
	answer 200 "$(printf '%x\r\n%s\r\n' ${#cut} "$cut")" "Transfer-Encoding: chunked"
	fault unknown ""
}

@test "prometheus fault: compressed without being asked to" {
	answer 200 "" "Content-Encoding: gzip"
	vector "$(series 0)" | gzip >>answer
	fault unknown "the answer"
}

@test "prometheus fault: 100 MB are left where they are, in little memory" {
	answer 200 "" "Content-Length: 104857600"
	truncate -s 100M answer
	fault unknown "larger than"
	start run "$gs" run --source "$dir/src" --target "$dir/target" --config probe.json
	within 30 got_requests peer 12
	expect_peak "$run_pid" 12288
}

@test "prometheus: what is secret is in no word, log or page" {
	echo s3cret-token >token
	answer 401 no
	base="http://user:s3cret-password@127.0.0.1:$port/"
	source_of up
	probe_says unknown
	expect_equal "$(reading)" "it answered 401"
	grep -q "Authorization: Basic " peer.request
	source_of up '"headers": ["X-Key: s3cret-header"], "token-file": "token"'
	probe_says unknown
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
