#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Natively alone: `run` with sources that are fetched from nginx: starts without the server, polls,
# reloads, and what is killed in the middle.
bats_require_minimum_version 1.5.0
load lib
load fetch
load web

prepare() {
	serve_web
	it="{\"name\": \"it\", \"http\": \"$base/it.tar.gz\", \"retries\": 0}"
	pack 1
}

clean_up() {
	end_web
}

# The archive of a version: three files, in which each line says which one.
pack() {
	local file

	mkdir -p it/deep
	for file in it/one it/two it/deep/three; do echo "version $1" >"$file"; done
	random_file it/random "$((1000 * $1))"
	tar czf it.new -C it .
	mv it.new www/it.tar.gz
}

# begin FLAGS...: `run` with the source that $it says
begin() {
	gojq -n --argjson it "$it" --arg program "$gs_fetch" --arg target "$dir/target" \
		'{source: [$it], target: $target, "fetch-program": $program}' >gs-sidecar.json
	start run "$gs" run --config gs-sidecar.json "$@"
	within 10 test -S target/.gs-sidecar/control.sock
}

end_run() {
	kill -TERM "$run_pid"
	ended run
	expect_status 0
}

# What it says of its source: source_of .state
source_of() {
	status_of ".fetched[0]$1"
}

has_source() {
	[[ $(source_of .state) == "$1" ]]
}

has_serial() {
	[[ $(status_of .published.serial) == "$1" ]]
}

# How often the archive was asked for.
polls() {
	asked /it.tar.gz
}

polled_since() {
	(($(polls) >= $1 + 2))
}

expect_version() {
	diff -r --exclude .gs-sidecar it target
	expect_equal "$(<target/deep/three)" "version $1"
}

@test "run: the server is down when it starts again, and the last good tree is there, stale" {
	begin
	within 10 is_ready
	has_source fetched
	expect_version 1
	end_run
	stop_nginx
	# Even when the volume of the target is a new one.
	mv target/.gs-sidecar/sources kept
	rm -r target
	mkdir target
	begin --fetch-cache kept --fetch-every 300ms
	within 10 is_ready
	expect_version 1
	has_source stale
	[[ $(source_of .error) == "$base/it.tar.gz: "*onnect* ]]
	within 5 logged run 'source "it": '
	logged run "the last good one stays"
	run "$gs" status --control "unix:$dir/target/.gs-sidecar/control.sock"
	expect_status 0
	[[ ${lines[0]} == READY* ]]
	expect_output "it: stale, "
	expect_output "$base/it.tar.gz: "
	pack 2
	start_nginx
	within 10 has_source fetched
	within 10 has_serial 2
	within 10 is_ready
	expect_version 2
	expect_equal "$(source_of .error)" null
}

@test "run: the server is down at the very first start: no tree, not an empty one, until it is up" {
	stop_nginx
	begin
	within 10 eval '(( $(status_of .sync.failures) >= 2 ))'
	expect_equal "$(status_of '.ready, .synced, .published.serial' | xargs)" "false false 0"
	has_source missing
	expect_equal "$(ls -A target)" .gs-sidecar
	[[ $(status_of .sync.last_error) == 'source "it": '"$base/it.tar.gz: "* ]]
	logged run "there never was a good one"
	run "$gs" status --control "unix:$dir/target/.gs-sidecar/control.sock"
	expect_status 1
	expect_output "NOT READY"
	expect_output "it: missing"
	start_nginx
	within 30 is_ready
	has_source fetched
	expect_version 1
}

@test "run: what another image published stays while the server was never up" {
	echo older >src/file
	run "$gs" sync --source src --target target
	expect_status 0
	stop_nginx
	begin
	within 10 eval '(( $(status_of .sync.failures) >= 1 ))'
	expect_equal "$(status_of '.ready, .published.serial' | xargs)" "false 1"
	expect_equal "$(<target/file)" older
	start_nginx
	within 30 is_ready
	expect_version 1
	[[ ! -e target/file ]]
}

@test "run: a poll finds a change, and a reload follows; nothing new is no reload" {
	local before web=$port

	start_peer game ok
	port=$web
	begin --fetch-every 300ms --reload-url "http://127.0.0.1:$game_port/reload"
	within 10 is_ready
	expect_equal "$(requests_to game)" 1
	before=$(polls)
	within 10 polled_since "$before"
	expect_equal "$(status_of '.published.serial, .ready' | xargs) $(requests_to game)" "1 true 1"
	expect_equal "$(grep -c ' 200 "GET /it.tar.gz' access.log)" 1
	expect_equal "$(times_logged run "published ")" 1
	pack 2
	within 10 has_serial 2
	within 10 is_ready
	expect_version 2
	expect_equal "$(requests_to game)" 2
	# The server is down for a while: still ready, and nothing happens but polls.
	stop_nginx
	within 10 has_source stale
	expect_equal "$(status_of '.published.serial, .ready' | xargs) $(requests_to game)" "2 true 2"
	start_nginx
	within 10 has_source unchanged
	expect_equal "$(status_of '.published.serial, .ready' | xargs) $(requests_to game)" "2 true 2"
	pack 3
	within 10 has_serial 3
	within 10 is_ready
	expect_version 3
	expect_equal "$(requests_to game)" 3
}

@test "run: gs-fetch, the sync or run itself killed in the middle: the next one finishes" {
	local who tree sync_pid fetch_pid

	begin
	within 10 is_ready
	end_run
	random_file it/large 3000000
	pack 2
	stop_nginx
	rate=500k write_config
	start_nginx
	for who in gs-fetch sync run; do
		begin --fetch-every 300ms
		within 20 eval '(( $(stat -c %s target/.gs-sidecar/sources/it/download) > 100000 ))'
		sync_pid=$(pgrep -P "$run_pid")
		fetch_pid=$(pgrep -P "$sync_pid")
		case $who in
		gs-fetch) kill -KILL "$fetch_pid" ;;
		sync) kill -KILL "$sync_pid" ;;
		run) kill -KILL "$run_pid" ;;
		esac
		# Nobody is left behind.
		within 5 is_gone "$fetch_pid"
		within 5 is_gone "$sync_pid"
		tree=$(gojq -r .tree target/.gs-sidecar/sources/it/state.json)
		expect_equal "$tree" tree.1
		expect_equal "$(cat target/.gs-sidecar/sources/it/tree.1/one target/one | uniq)" "version 1"
		if [[ $who != run ]]; then
			within 10 logged run "sync failed, trying again in"
			# Meanwhile what was published is as good as it was.
			expect_equal "$(<target/one)" "version 1"
			kill -KILL "$run_pid"
			wait "$run_pid" || true
			within 5 eval '! pgrep -f "$dir/target/.gs-sidecar/sources"'
		fi
	done
	stop_nginx
	rate=0 write_config
	start_nginx
	begin
	within 10 is_ready
	expect_version 2
	expect_equal "$(ls target/.gs-sidecar/sources/it | xargs)" "state.json tree.2"
	[[ $(last_asked) == *" 206 "* ]]
}

@test "run: credentials are in no log, status, page, metric, report or list of processes" {
	local probe_port looks=0

	mkdir www/basic www/private
	printf 'me:%s\n' "$(openssl passwd -apr1 a-secret-word)" >users
	echo 'X-Key: right-secret-header' >headers
	cp www/it.tar.gz www/basic/
	stop_nginx
	rate=1k write_config
	start_nginx
	random_file it/large 5000
	tar czf www/basic/it.tar.gz -C it .
	probe_port=$(free_port)
	it="{\"name\": \"it\", \"http\": \"http://me:a-secret-word@127.0.0.1:$port/basic/it.tar.gz?token=a-secret-token\",
		\"headers-file\": \"$dir/headers\", \"retries\": 0}"
	begin --fetch-every 300ms --probe-listen "127.0.0.1:$probe_port"
	while [[ $(status_of .ready) != true ]]; do
		ps axww -o args= >processes
		run grep -E 'a-secret-(word|token)|right-secret' processes
		expect_status 1
		looks=$((looks + $(grep -c "gs-fetch fetch" processes || true)))
	done
	((looks > 0))
	stop_nginx
	within 10 has_source stale
	output=$(source_of .error)
	expect_output "http://127.0.0.1:$port/basic/it.tar.gz?...: "
	ask GET /status >status.json
	ask GET / >page.html
	curl -sS "http://127.0.0.1:$probe_port/metrics" >metrics.txt
	curl -sS "http://127.0.0.1:$probe_port/" >probe.html || true
	"$gs" status --control "unix:$dir/target/.gs-sidecar/control.sock" >status.txt
	kill -KILL "$run_pid"
	wait "$run_pid" || true
	"$gs" sync --config gs-sidecar.json --json >report.json 2>report.log
	"$gs" sync --config gs-sidecar.json --explain one >explain.txt 2>explain.log
	[[ -s status.json && -s status.txt && -s metrics.txt && -s report.json && -s explain.txt ]]
	run grep -rE 'a-secret-(word|token)|right-secret' run.log status.json page.html metrics.txt probe.html \
		status.txt report.json report.log explain.txt explain.log target
	expect_status 1
}
