#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# POST /v1/update: what somebody brings in the place of what is configured, or on top of it.

load lib

# What a container is to the resident is a mount namespace of its own.
prepare() {
	separate_mounts
	in_container=(nsenter --mount="/proc/$mounts_pid/ns/mnt" --wdns="$dir")
	port=$(free_port)
	mkdir www
	cat >nginx.conf <<-END
		daemon off;
		user root;
		worker_processes 1;
		pid $dir/nginx.pid;
		error_log $dir/nginx-error.log;
		events { worker_connections 64; }
		http {
			access_log $dir/access.log;
			client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
			uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
			server { listen 127.0.0.1:$port; root $dir/www; }
		}
	END
	start nginx nginx -p "$dir" -c "$dir/nginx.conf"
	within 10 curl -s "http://127.0.0.1:$port/"
	base=http://127.0.0.1:$port
	pack first.tar game.js 1
	pack second.tar game.js 2
	echo image >src/readme
	: >reloads
}

clean_up() {
	[[ -z ${nginx_pid-} ]] || kill -QUIT "$nginx_pid" 2>/dev/null || true
}

# An archive on the server with one file: pack ARCHIVE FILE CONTENT
pack() {
	rm -rf packed
	mkdir packed
	echo "$3" >"packed/$2"
	tar -C packed -cf "www/$1" .
}

sha256() {
	sha256sum "www/$1" | cut -d' ' -f1
}

# What the short form says: short VERSION ARCHIVE
short() {
	printf '{"version": "%s", "url": "%s/%s", "sha256": "%s"}' "$1" "$base" "$2" "$(sha256 "$2")"
}

# The configured source "patch" is first.tar, in the folder js.
configure() {
	cat >config.json <<-END
		{"source": ["$dir/src", {"name": "patch", "http": "$base/${1:-first.tar}", "into": "js"}],
		 "target": "$dir/target", "fetch-program": "${gs%/*}/gs-fetch", "fetch-every": "0s",
		 "update-sources": ["patch", "update"], "update-hosts": ["$base"],
		 "control": "unix:$dir/control", "shrink-limit": 30,
		 "reload-command": ["sh", "-c", "test ! -e '$dir/target/bad' && echo >>'$dir/reloads'"]}
	END
}

run_now() {
	start run "${in_container[@]}" "$gs" run --config config.json "$@"
	within 20 ready
}

ready() {
	[[ $(ask GET /readyz "$dir/control") == ready ]]
}

stop() {
	kill -TERM "$run_pid"
	ended run
	expect_status 0
}

# Pushes BODY and expects CODE and STATE: push BODY CODE STATE [CURL OPTION...]
push() {
	local body=$1 code=$2 state=$3

	shift 3
	status=$(curl -sS --max-time 60 -o answer.json -w '%{http_code}' --data-binary "$body" \
		--unix-socket "$dir/control" "$@" http://localhost/v1/update)
	output=$(<answer.json)
	expect_status "$code"
	expect_equal "$(gojq -r .state answer.json)" "$state"
}

# The reason that was given has TEXT.
expect_reason() {
	output=$(gojq -r .error answer.json)
	expect_output "$1"
}

# What the target holds: "game.js=2 js/game.js=1 readme=image"
shown() {
	(cd target && find . -path ./.gs-sidecar -prune -o -type f -printf '%P\n' | sort |
		while read -r file; do printf '%s=%s ' "$file" "$(<"$file")"; done)
}

expect_target() {
	expect_equal "$(shown)" "$1 "
}

control_status() {
	ask GET /status "$dir/control" | gojq -r "$1"
}

@test "update: url and sha256, published, reloaded and answered; a restart keeps it" {
	configure
	run_now
	expect_target "js/game.js=1 readme=image"
	push "$(short v2 second.tar)" 200 acknowledged
	expect_target "game.js=2 js/game.js=1 readme=image"
	expect_equal "$(gojq -r '[.label, .serial, .error]|tostring' answer.json)" '["v2",2,null]'
	expect_equal "$(gojq -r .published answer.json)" "$(control_status .published.digest)"
	expect_equal "$(wc -l <reloads)" 2
	expect_equal "$(control_status .update.state)" acknowledged
	run inside "$gs" status --control "unix:$dir/control"
	expect_status 0
	expect_output "label v2"
	expect_output "update (by an update): fetched"
	stop
	run_now
	expect_target "game.js=2 js/game.js=1 readme=image"
	expect_equal "$(control_status .published.label)" v2
	expect_equal "$(wc -l <reloads)" 2
	stop
}

@test "update: twice the same is unchanged, without a reload" {
	configure
	run_now
	push "$(short v2 second.tar)" 200 acknowledged
	push "$(short v2 second.tar)" 200 unchanged
	expect_equal "$(wc -l <reloads)" 2
	expect_equal "$(control_status .published.serial)" 2
	stop
}

@test "update: of a configured source only what is pushed is another" {
	configure
	run_now
	push "{\"version\": \"v2\", \"sources\": [{\"name\": \"patch\", \"http\": \"$base/second.tar\"}]}" \
		200 acknowledged
	expect_target "js/game.js=2 readme=image"
	stop
}

@test "update: the server away at the next start is stale, and what was pushed stays" {
	configure
	run_now
	push "$(short v2 second.tar)" 200 acknowledged
	stop
	kill -QUIT "$nginx_pid"
	within 10 is_gone "$nginx_pid"
	unset nginx_pid
	run_now
	expect_target "game.js=2 js/game.js=1 readme=image"
	ask GET /metrics "$dir/control" | grep -E '^gs_sidecar_sources_stale [12]$'
	stop
}

@test "update: what may not be, or is wrong, is rejected with the reason, and nothing changes" {
	local name='{"version": "v2", "sources": [{"name": "patch"'

	configure
	run_now
	push "no json" 400 rejected
	push '' 400 rejected
	push '[]' 400 rejected
	expect_reason "expected a JSON object"
	push '{"url": "x", "sha256": "y"}' 400 rejected
	expect_reason '"version"'
	push '{"version": "v2"}' 400 rejected
	expect_reason 'either "sources", or "url" and "sha256"'
	push '{"version": "v2", "version": "v3", "url": "x", "sha256": "y"}' 400 rejected
	expect_reason "there twice"
	push '{"version": "v2", "sources": []}' 400 rejected
	expect_reason "at least one"
	push '{"version": "a\nb", "sources": [{"name": "patch"}]}' 400 rejected
	expect_reason "one line"
	push "{\"version\": \"v2\", \"sources\": [{\"name\": \"other\", \"http\": \"$base/second.tar\"}]}" 400 rejected
	expect_reason '"other" is not among update-sources'
	push "$name, \"http\": \"http://127.0.0.2:$port/second.tar\"}]}" 400 rejected
	expect_reason "update-hosts"
	push "$name, \"http\": \"http://127.0.0.1:$port@127.0.0.2/second.tar\"}]}" 400 rejected
	expect_reason "expected a URL without a user"
	push "$name, \"archive\": \"/etc/passwd\"}]}" 400 rejected
	expect_reason '"archive" cannot be pushed'
	push "$name, \"command\": [\"sh\"]}]}" 400 rejected
	push "$name, \"headers-file\": \"/etc/shadow\"}]}" 400 rejected
	push "$name, \"git\": \"$base/x.git\"}]}" 400 rejected
	expect_reason "cannot be both"
	push "$name, \"sha256\": \"$(printf '0%.0s' {1..64})\"}]}" 502 rejected
	push "$(short v2 second.tar | sed 's/second/missing/')" 502 rejected
	expect_reason 404
	push "$(head -c 20000 /dev/zero | tr '\0' x)" 413 null || expect_status 413
	expect_target "js/game.js=1 readme=image"
	expect_equal "$(control_status '[.published.serial, .sync.last_error, .ready]|tostring')" '[1,null,true]'
	expect_equal "$(wc -l <reloads)" 1
	test ! -e target/.gs-sidecar/update.json
	stop
}

@test "update: one that may not be published is rejected, and the one before stays" {
	local i

	mkdir many
	for ((i = 0; i < 40; i++)); do echo "$i" >"many/$i"; done
	tar -C many -cf www/many.tar .
	configure
	run_now
	push "$(short v2 many.tar)" 200 acknowledged
	push "$(short v3 second.tar)" 500 rejected
	expect_reason shrink-limit
	expect_equal "$(control_status '[.published.label, .published.serial, .ready]|tostring')" '["v2",2,true]'
	expect_equal "$(gojq -r .update.version target/.gs-sidecar/update.json)" v2
	stop
	run_now
	expect_equal "$(cat target/39) $(control_status .published.serial)" "39 2"
	stop
}

@test "update: given up when the image brings other files" {
	configure
	run_now
	push "$(short v2 second.tar)" 200 acknowledged
	stop
	echo newer >src/readme
	run_now
	logged run "update v2 is given up: the image or the configuration brings something else"
	expect_target "js/game.js=1 readme=newer"
	test ! -e target/.gs-sidecar/update.json
	expect_equal "$(find target/.gs-sidecar/sources -name 'update.*')" ""
	stop
}

@test "update: given up when the configuration has another source, or no longer allows it" {
	configure
	run_now
	push "$(short v2 second.tar)" 200 acknowledged
	stop
	configure second.tar
	run_now
	logged run "given up"
	expect_target "js/game.js=2 readme=image"
	push "$(short v3 first.tar)" 200 acknowledged
	expect_target "game.js=1 js/game.js=2 readme=image"
	stop
	sed -i 's/"patch", "update"/"patch"/' config.json
	run_now
	expect_target "js/game.js=2 readme=image"
	stop
}

@test "update: with nothing else to fetch; gone when it is given up" {
	configure
	sed -i "s/, {\"name\".*}],/],/" config.json
	run_now
	push "$(short v2 second.tar)" 200 acknowledged
	expect_target "game.js=2 readme=image"
	stop
	echo newer >src/readme
	run_now
	expect_target "readme=newer"
	expect_equal "$(find target/.gs-sidecar/sources -name 'update.*')" ""
	stop
}

@test "update: going back to an older version gives it up" {
	configure
	run_now
	push "$(short v2 second.tar)" 200 acknowledged
	run inside "$gs" rollback --control "unix:$dir/control"
	expect_status 0
	expect_target "js/game.js=1 readme=image"
	within 10 ready
	test ! -e target/.gs-sidecar/update.json
	stop
	run_now
	expect_target "js/game.js=1 readme=image"
	stop
}

@test "update: a reload that fails is told; with rollback the target goes back and is ready again" {
	pack bad.tar bad 1
	configure
	run_now --reload-deadline 1s
	push "$(short v2 bad.tar)" 502 published
	expect_reason "ended with status 1"
	! ready
	# The same again is no news, but not reloaded either.
	push "$(short v2 bad.tar)" 502 published
	expect_reason "ended with status 1"
	! ready
	push "$(short v3 second.tar)" 200 acknowledged
	stop
	run_now --reload-deadline 1s --reload-failed rollback
	push "$(short v4 bad.tar)" 502 published
	within 10 ready
	expect_target "game.js=2 js/game.js=1 readme=image"
	expect_equal "$(gojq -r .update.version target/.gs-sidecar/update.json)" v3
	stop
	run_now
	expect_target "game.js=2 js/game.js=1 readme=image"
	expect_equal "$(control_status .published.label)" v3
	stop
}

@test "update: back to an older version than the one before it is held against it" {
	configure
	run_now
	push "$(short v2 second.tar)" 200 acknowledged
	pack third.tar game.js 3
	push "$(short v3 third.tar)" 200 acknowledged
	run inside "$gs" rollback --control "unix:$dir/control" \
		"$(control_status '.kept[] | select(.serial == 1) | .digest')"
	expect_status 0
	within 10 ready
	stop
	run_now
	expect_target "js/game.js=1 readme=image"
	push "$(short v4 second.tar)" 200 acknowledged
	expect_target "game.js=2 js/game.js=1 readme=image"
	stop
}

@test "update: who does not want to wait reads in the status what came of it" {
	configure
	run_now
	push "$(short v2 second.tar)" 202 accepted -H 'Prefer: respond-async'
	within 10 eval '[[ $(control_status .update.state) == acknowledged ]]'
	expect_target "game.js=2 js/game.js=1 readme=image"
	push "$(short v3 missing.tar 2>/dev/null)" 202 accepted -H 'Prefer: respond-async'
	within 10 eval '[[ $(control_status .update.state) == rejected ]]'
	expect_equal "$(control_status .ready)" true
	stop
}

@test "update: over the network only with the token, which is read again each time" {
	local control=127.0.0.1:$(free_port) over

	over=(--unix-socket '' --connect-to "localhost:80:$control")
	configure
	sed -i "s#unix:$dir/control#$control#" config.json
	ready() {
		[[ $(curl -sS "http://$control/readyz") == ready ]]
	}
	send() {
		curl -sS -o answer.json -w '%{http_code}' --data-binary "$(short v2 second.tar)" "$@" \
			"http://$control/v1/update"
	}
	run_now
	expect_equal "$(send)" 403
	expect_reason "update-token-file is not set"
	stop
	run_now --update-token-file "$dir/token"
	expect_equal "$(send -H 'Authorization: Bearer right')" 503
	echo right >token
	expect_equal "$(send)" 401
	expect_equal "$(send -H 'Authorization: Bearer wrong')" 401
	expect_target "js/game.js=1 readme=image"
	expect_equal "$(send -H 'Authorization: Bearer right')" 200
	expect_target "game.js=2 js/game.js=1 readme=image"
	! grep -F right run.log
	run inside "$gs" update --control "$control" --update-token-file token <<<"$(short v2 second.tar)"
	expect_status 0
	expect_output unchanged
	run inside "$gs" update --control "$control" <<<"$(short v2 second.tar)"
	expect_status 5
	run inside "$gs" rollback --control "$control"
	expect_status 2
	expect_output "Authorization"
	run inside "$gs" rollback --control "$control" --update-token-file token
	expect_status 0
	expect_target "js/game.js=1 readme=image"
	stop
}

@test "update: without update-sources none is taken" {
	configure
	sed -i '/update-sources/d' config.json
	run_now
	push "$(short v2 second.tar)" 403 rejected
	expect_reason "update-sources is not set"
	stop
}

@test "update: the command brings what stdin says to this container's run" {
	configure
	sed -i '/"control"/s/"control": "[^"]*", //' config.json
	ready() {
		[[ $(ask GET /readyz) == ready ]]
	}
	run_now
	run inside "$gs" update <<<"$(short v2 second.tar)"
	expect_status 0
	expect_output "acknowledged; published is "
	expect_target "game.js=2 js/game.js=1 readme=image"
	run inside "$gs" update <<<'{}'
	expect_status 5
	expect_output 'rejected: update: expected a "version"'
	run inside "$gs" update --json <<<"$(short v2 second.tar)"
	expect_status 0
	expect_equal "$(gojq -r .state <<<"$output")" unchanged
	stop
	run inside "$gs" update <<<'{}'
	expect_status 5
	expect_output "no 'gs-sidecar run' answers"
}

@test "update: who only looks gives nothing up" {
	configure
	run_now
	push "$(short v2 second.tar)" 200 acknowledged
	run "$gs" sync --config config.json --dry-run --label other
	expect_status 0
	expect_output "to change"
	run "$gs" sync --source src --target target --explain readme
	expect_status 0
	test -e target/.gs-sidecar/update.json
	expect_equal "$(find target/.gs-sidecar/sources -name 'update.*' | wc -l)" 1
	stop
	run_now
	expect_target "game.js=2 js/game.js=1 readme=image"
	stop
}

# The content is looked at for as long as the file "slow" is there.
configure_slow() {
	configure
	sed -i "s#\"shrink-limit\"#\"validate\": [\"sh\", \"-c\", \"while test -e '$dir/slow'; do sleep 0.05; done\"], &#" config.json
}

# Pushes v2 in the background, and waits until it is validated.
push_slowly() {
	: >slow
	start pushing curl -sS -o answer.json -w '%{http_code}' --data-binary "$(short v2 second.tar)" \
		--unix-socket "$dir/control" http://localhost/v1/update
	within 10 test -e target/.gs-sidecar/update.json
}

@test "update: killed before it is published it is rejected, and does not come back" {
	local child

	configure_slow
	run_now
	push_slowly
	child=$(pgrep -P "$run_pid" | head -n 1)
	kill -KILL "$child"
	ended pushing
	expect_equal "$(<pushing.log)" 500
	rm slow
	expect_equal "$(gojq -r .state answer.json)" rejected
	within 10 eval '[[ ! -e target/.gs-sidecar/update.json ]]'
	expect_target "js/game.js=1 readme=image"
	test ! -e target/.gs-sidecar/update.json
	push_slowly
	kill -TERM "$run_pid"
	ended run
	rm slow
	ended pushing
	run_now
	logged run "cut off before it was published"
	expect_target "js/game.js=1 readme=image"
	push "$(short v2 second.tar)" 200 acknowledged
	stop
}

@test "update: a rollback does not wait for one that hangs" {
	configure_slow
	run_now
	push "$(short v2 second.tar)" 200 acknowledged
	: >slow
	start pushing curl -sS -o answer.json -w '%{http_code}' --data-binary "$(short v3 first.tar)" \
		--unix-socket "$dir/control" http://localhost/v1/update
	within 10 grep -q '"tried":true' target/.gs-sidecar/update.json
	run inside "$gs" rollback --control "unix:$dir/control"
	expect_status 5
	expect_output "an update was being tried, and is stopped: ask again"
	rm slow
	ended pushing
	expect_equal "$(<pushing.log) $(gojq -r .state answer.json)" "500 rejected"
	run inside "$gs" rollback --control "unix:$dir/control"
	expect_status 0
	expect_target "js/game.js=1 readme=image"
	stop
}

@test "update: one at a time, and who goes away while it is tried changes nothing" {
	configure_slow
	run_now
	push_slowly
	push "$(short v3 second.tar)" 409 rejected
	kill -KILL "$pushing_pid"
	rm slow
	within 10 eval '[[ $(control_status .update.state) == acknowledged ]]'
	expect_target "game.js=2 js/game.js=1 readme=image"
	stop
}

@test "update: while a reload is tried the next one is taken" {
	configure
	sed -i "s#test ! -e '$dir/target/bad'#test -e '$dir/target/good'#" config.json
	pack good.tar good 1
	start run "${in_container[@]}" "$gs" run --config config.json
	within 20 test -e target/readme
	start pushing curl -sS -o first.json -w '%{http_code}' --data-binary "$(short v2 second.tar)" \
		--unix-socket "$dir/control" http://localhost/v1/update
	within 10 test -e target/game.js
	push "$(short v3 good.tar)" 200 acknowledged
	ended pushing
	expect_equal "$(<pushing.log) $(gojq -r .error first.json)" \
		"502 another update came before its reload was done"
	expect_target "good=1 js/game.js=1 readme=image"
	stop
}

@test "update: what was gone back from stays away, whatever else changes" {
	configure
	sed -i 's/"fetch-every": "0s"/"fetch-every": "100ms"/' config.json
	run_now
	push "$(short v2 second.tar)" 200 acknowledged
	pack third.tar game.js 3
	push "$(short v3 third.tar)" 200 acknowledged
	run inside "$gs" rollback --control "unix:$dir/control" \
		"$(control_status '.kept[] | select(.serial == 1) | .digest')"
	expect_status 0
	pack first.tar game.js 11
	touch -d '2026-01-02 03:04:05' www/first.tar
	within 10 eval '[[ $(<target/js/game.js) == 11 ]]'
	expect_target "js/game.js=11 readme=image"
	expect_equal "$(control_status .published.label)" null
	stop
}

@test "update: gone back from, the one before it counts again though its server has it no more" {
	configure
	sed -i 's/"fetch-every": "0s"/"fetch-every": "100ms"/' config.json
	run_now
	push "$(short v2 second.tar)" 200 acknowledged
	pack third.tar game.js 3
	push "$(short v3 third.tar)" 200 acknowledged
	within 10 eval "(($(control_status .sync.ended) + 2 <= \$(control_status .sync.ended)))"
	rm www/second.tar
	run inside "$gs" rollback --control "unix:$dir/control"
	expect_status 0
	within 10 ready
	stop
	run_now
	expect_target "game.js=2 js/game.js=1 readme=image"
	expect_equal "$(control_status .published.label)" v2
	stop
}

@test "update: a record that is damaged, or of another kind, is given up" {
	local record

	configure
	for record in '{}' '[]' 5 null garbage '{"brought": "x"}' '{"tried": true, "over": 7}' '{"update": 3}'; do
		mkdir -p target/.gs-sidecar
		printf %s "$record" >target/.gs-sidecar/update.json
		run_now
		expect_target "js/game.js=1 readme=image"
		push "$(short v2 second.tar)" 200 acknowledged
		expect_target "game.js=2 js/game.js=1 readme=image"
		stop
		rm -rf target
		mkdir target
	done
}

@test "update: redirects lead to no other server, and credentials go to none" {
	local elsewhere

	elsewhere=$(free_port)
	configure
	sed -i "s#\"into\": \"js\"#\"into\": \"js\", \"headers-file\": \"$dir/headers\"#
		s#\"update-hosts\": \[#&\"http://127.0.0.2:$elsewhere\", #" config.json
	echo "X-Secret: told" >headers
	kill -QUIT "$nginx_pid"
	within 10 is_gone "$nginx_pid"
	sed -i -e "s#access_log .*#log_format asked '\$server_port \$uri \$http_x_secret'; access_log $dir/access.log asked;#" \
		-e "s#server {#server { listen 127.0.0.2:$elsewhere; listen 127.0.0.3:$elsewhere; root $dir/www; AWAY } &#" \
		-e "s#AWAY#location /away { return 302 http://127.0.0.3:$elsewhere/second.tar; }#" nginx.conf
	start nginx nginx -p "$dir" -c "$dir/nginx.conf"
	within 10 curl -s "$base/"
	run_now
	grep "^$port /first.tar told" access.log
	push "{\"version\": \"v2\", \"sources\": [{\"name\": \"patch\",
		\"http\": \"http://127.0.0.2:$elsewhere/second.tar\"}]}" 200 acknowledged
	grep "^$elsewhere /second.tar -" access.log
	! grep "^$elsewhere .*told" access.log
	push "{\"version\": \"v3\", \"sources\": [{\"name\": \"update\",
		\"http\": \"http://127.0.0.2:$elsewhere/away\", \"file\": \"x\"}]}" 502 rejected
	expect_reason "sends to another one"
	stop
}

@test "update: in every mode of publication, and with state and cache elsewhere" {
	local mode

	for mode in data exchange in-place; do
		mkdir -p state
		configure
		run_now --publish "$mode" --state "$dir/state" --fetch-cache "$dir/cache"
		push "$(short v2 second.tar)" 200 acknowledged
		expect_equal "$(cat target/game.js)" 2
		stop
		run_now --publish "$mode" --state "$dir/state" --fetch-cache "$dir/cache"
		expect_equal "$(cat target/game.js) $(control_status .published.label)" "2 v2"
		stop
		rm -rf target state cache
		mkdir target
	done
}

@test "check: hosts and names that no update can have" {
	local wrong

	configure
	for wrong in 'http://127.0.0.1:8000/' 'a b' 'http://me@host' '' 'host/path'; do
		gojq --arg host "$wrong" '."update-hosts" = [$host]' config.json >wrong.json
		run "$gs" check --config wrong.json
		expect_status 2
		expect_output "update-hosts"
	done
	gojq '."update-sources" = ["Nope!"]' config.json >wrong.json
	run "$gs" check --config wrong.json
	expect_status 2
	expect_output "update-sources"
}

@test "check: sources are shown by name alone, and a wrong one is told by gs-fetch" {
	configure
	sed -i 's#"http": "http://#"http": "http://me:secret@#' config.json
	run "$gs" check --config config.json
	expect_status 0
	expect_output "$dir/src, patch "
	[[ $output != *secret* ]]
	run "$gs" check --config config.json --json
	expect_equal "$(gojq -r .source.value <<<"$output")" "$dir/src, patch"
	[[ $output != *secret* ]]
	sed -i 's#"into"#"onto"#' config.json
	for command in check run; do
		run "$gs" "$command" --config config.json
		expect_status 2
		expect_output '"onto": a source has no such key; "into" is near'
		[[ $output != *secret* ]]
	done
	sed -i 's#"fetch-program": "[^"]*"#"fetch-program": "/nowhere/gs-fetch"#' config.json
	run "$gs" check --config config.json
	expect_status 0
	expect_output "warning: a source has to be fetched, but '/nowhere/gs-fetch' is not there"
	run "$gs" run --config config.json
	expect_status 2
	expect_output "'/nowhere/gs-fetch' is not there"
}

@test "update: explain and dry-run go by it, and call sources by their names" {
	configure
	run_now
	push "$(short v2 second.tar)" 200 acknowledged
	run "$gs" sync --config config.json --explain game.js
	expect_status 0
	expect_output "game.js comes from source 'update'"
	expect_output "  source 'update' (layer 3 of 3): a file"
	run "$gs" sync --config config.json --dry-run --diff
	expect_status 0
	expect_output "0 to add, 0 to change, 0 to remove"
	run "$gs" sync --config config.json --dry-run --diff --target other --fetch-cache cache
	expect_status 0
	expect_output "patch:
  + js
  + js/game.js
"
	test ! -e other
	stop
}
