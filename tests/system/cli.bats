#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The command line: help, settings and their mistakes.

load lib

clean_up() {
	end_descendants "${pids[@]}"
}

commands=(run sync reload hook probe reloader wrap status update rollback verify seal check install version help)

# expect_mistake TEXT...: exit 2, one line with each text, and nothing was done.
expect_mistake() {
	local text

	expect_status 2
	expect_equal "$(wc -l <<<"$output")" 1
	[[ $output == "gs-sidecar: "* ]]
	for text; do expect_output "$text"; done
	expect_equal "$(find target)" target
}

sync() {
	run timeout 10 "$gs" sync --source src --target target "$@"
}

# ---- version and help ----

@test "version is printed" {
	run "$gs" version
	expect_status 0
	[[ $output =~ ^gs-sidecar\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	run "$gs" --version
	expect_status 0
	[[ $output =~ ^gs-sidecar\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "help names every command and explains each" {
	local command

	run "$gs" help
	expect_status 0
	for command in "${commands[@]}"; do
		expect_output "
  $command "
		"$gs" "$command" --help >"$command.help"
		"$gs" help "$command" | diff "$command.help" -
		"$gs" "$command" -h | diff "$command.help" -
		grep -q "^Usage: gs-sidecar $command" "$command.help"
	done
	[[ $("$gs" --help) == "$output" ]]
}

@test "help names no command that there is not, and leaves none out" {
	run bash -c '"$1" help | sed -n "s/^  \([a-z][a-z-]*\) .*/\1/p"' - "$gs"
	expect_equal "$(xargs <<<"$output")" "${commands[*]}"
}

@test "help has no line over 80 columns" {
	local command

	for command in "${commands[@]}"; do
		run bash -c '"$1" "$2" --help | awk "length > 80"' - "$gs" "$command"
		expect_equal "$output" ""
	done
	run bash -c '"$1" help | awk "length > 80"' - "$gs"
	expect_equal "$output" ""
}

@test "help of a command mentions each flag that it takes, and each works" {
	local command flag

	for command in run sync reload hook reloader wrap status; do
		for flag in $("$gs" help settings | awk -v c="\`$command\`" '
			/^\| `--/ && (index($0, c) || / all \|$/) { sub(/^\| `--/, ""); sub(/[ `].*/, ""); print }'); do
			"$gs" "$command" --help | grep -qE "^  --(${flag}|${flag#reload-})( |\$)" || {
				echo "$command: --$flag is missing"
				return 1
			}
		done
	done
}

@test "help of a command mentions no flag of others" {
	run bash -c '"$1" status --help | grep -- --source' - "$gs"
	expect_status 1
	run "$gs" status --source src
	expect_status 2
	expect_output "--source"
}

@test "help of what there is not is an error" {
	run "$gs" help nothing
	expect_status 2
	expect_output "'nothing'"
	run "$gs" nothing
	expect_status 2
	expect_output "'nothing' is not a command"
	run "$gs"
	expect_status 2
	expect_output "Usage:"
}

@test "docs/config.md is what 'help settings' prints" {
	diff <("$gs" help settings) "$BATS_TEST_DIRNAME/../../docs/config.md"
}

@test "help settings has flag, variable, key and default of every setting" {
	"$gs" help settings >settings
	grep -F '| `--reload-url URL` | `GS_SIDECAR_RELOAD_URL` | `"reload-url"` | not set |' settings
	expect_equal "$(grep -c '^### ' settings)" "$(grep -c '^| `--' settings)"
	expect_equal "$(grep '^### ' settings | sort | uniq -d)" ""
}

@test "help that cannot be written is an error" {
	run bash -c '"$1" help >/dev/full' - "$gs"
	((status != 0))
}

# ---- mistakes: exit 2, one line, nothing done ----

@test "an unknown flag is an error that names it" {
	sync --taget target
	expect_mistake "--taget" "help sync"
	sync -x
	expect_mistake "-x"
	sync --source=src --nothing=1
	expect_mistake "--nothing"
}

@test "a flag without its value is an error that names it" {
	run "$gs" sync --target target --source
	expect_mistake "--source" "expected a value"
	run "$gs" sync --target target --source ''
	expect_mistake "--source" "expected a value"
	run "$gs" sync --target target --source=
	expect_mistake "--source" "expected a value"
}

@test "a word where flags are expected is an error that names it" {
	sync extra
	expect_mistake "'extra'"
}

@test "an unknown variable GS_SIDECAR_* is an error that names it" {
	GS_SIDECAR_TAGET=x sync
	expect_mistake GS_SIDECAR_TAGET "no setting has this name"
	GS_SIDECAR_=x sync
	expect_mistake GS_SIDECAR_
	GS_SIDECAR_source=x sync
	expect_mistake GS_SIDECAR_source
}

@test "an internal setting cannot be set from outside by variable or key" {
	GS_SIDECAR_INHERITED_LOCK=3 sync
	expect_mistake GS_SIDECAR_INHERITED_LOCK
	echo '{"inherited-lock": 3}' >c.json
	sync --config c.json
	expect_mistake inherited-lock
}

@test "a wrong value in a variable is an error that names it and what was expected" {
	GS_SIDECAR_LOCK_WAIT=soon sync
	expect_mistake GS_SIDECAR_LOCK_WAIT "expected a duration" "'soon'"
	GS_SIDECAR_SOURCE='' sync
	expect_mistake GS_SIDECAR_SOURCE "expected a value"
}

@test "a wrong value is an error also where a flag overrides it" {
	GS_SIDECAR_LOCK_WAIT=soon sync --lock-wait 1s
	expect_mistake GS_SIDECAR_LOCK_WAIT "'soon'"
	echo '{"lock-wait": "soon"}' >c.json
	sync --config c.json --lock-wait 1s
	expect_mistake c.json lock-wait "'soon'"
}

@test "variables that kubelet makes for a Service called gs-sidecar are no mistake" {
	GS_SIDECAR_SERVICE_HOST=10.0.0.1 GS_SIDECAR_SERVICE_PORT=80 GS_SIDECAR_SERVICE_PORT_HTTP=80 \
		GS_SIDECAR_PORT=tcp://10.0.0.1:80 GS_SIDECAR_PORT_80_TCP=tcp://10.0.0.1:80 \
		GS_SIDECAR_PORT_80_TCP_PROTO=tcp GS_SIDECAR_PORT_80_TCP_ADDR=10.0.0.1 \
		GS_SIDECAR_GAME_SERVICE_HOST=10.0.0.1 GS_SIDECAR_GAME_PORT=tcp://10.0.0.1:80 sync
	expect_status 0
}

@test "an unknown key is an error that names file and key" {
	echo '{"taget": "x"}' >c.json
	sync --config c.json
	expect_mistake c.json '"taget"' "no setting has this name"
	echo '{"Source": "x"}' >c.json
	sync --config c.json
	expect_mistake '"Source"'
	echo '{"config": "other.json"}' >c.json
	sync --config c.json
	expect_mistake '"config"'
}

@test "a key that is there twice is an error" {
	echo '{"lock-wait": "1s", "lock-wait": "2s"}' >c.json
	sync --config c.json
	expect_mistake c.json '"lock-wait"' twice
}

@test "a value of the wrong type is an error that names file, key and what was expected" {
	local value

	for value in '{}' '["1s"]' null true '"1"' 1.5 '"-1s"' '""'; do
		echo "{\"lock-wait\": $value}" >c.json
		sync --config c.json
		expect_mistake c.json '"lock-wait"' expected
	done
	echo '{"reload-command": ["a", 1]}' >c.json
	sync --config c.json
	expect_mistake c.json '"reload-command"' expected
	echo '{"reload-command": []}' >c.json
	sync --config c.json
	((status == 0)) || expect_mistake '"reload-command"'
}

@test "a configuration that is not JSON, or no object, is an error that names the file" {
	local text

	for text in '' '{' '[]' '"x"' '{"lock-wait": "1s"} more' '{"lock-wait": "1s",}' '// no' \
		"{'lock-wait': '1s'}"; do
		printf %s "$text" >c.json
		sync --config c.json
		expect_mistake c.json
	done
}

@test "a configuration file that was named but is not there is an error" {
	sync --config nothing.json
	expect_mistake nothing.json "No such file"
	sync --config src
	expect_mistake src
	GS_SIDECAR_CONFIG=nothing.json sync
	expect_mistake nothing.json
}

@test "a duration that is none is an error" {
	local value

	for value in 1 s -1s 1x 1s1 '1 s' 1e3s 0x1s inf 597h 99999999999999999999s 1..5s .5s ''; do
		sync --lock-wait "$value"
		expect_mistake --lock-wait expected
	done
}

@test "a duration may have a fraction, and 0 needs no unit" {
	local value

	for value in 0 0s 1.5s 250ms 2m 1h 596h; do
		run "$gs" check sync --source src --target target --lock-wait "$value"
		expect_status 0
	done
	run "$gs" check sync --source src --target target --lock-wait 1.5s
	expect_output 1500ms
}

@test "a choice that is none is an error that names the choices" {
	sync --publish atomically
	expect_mistake --publish "in-place" "'atomically'"
	sync --log-level loud
	expect_mistake --log-level info warn error "'loud'"
	sync --log-format yaml
	expect_mistake --log-format text json
}

@test "an address that is none is an error" {
	local value

	for value in 127.0.0.1 127.0.0.1: 127.0.0.1:65536 127.0.0.1:x :80 unix: example.com:80 \
		'::1:80' '[127.0.0.1]:80' 256.0.0.1:80 ''; do
		run timeout 5 "$gs" run --source src --target target --probe-listen "$value"
		expect_mistake --probe-listen expected
	done
}

@test "a control address beyond loopback is an error that names where it came from" {
	GS_SIDECAR_CONTROL=0.0.0.0:8077 run timeout 5 "$gs" run --source src --target target
	expect_mistake GS_SIDECAR_CONTROL "loopback"
}

@test "a status that is none is an error" {
	local value

	for value in 20 2000 abc 200- -200 299-200 099 600 200-299x 200-299-300 2xx ''; do
		run timeout 5 "$gs" reload --url http://127.0.0.1:1/ --expect "$value"
		expect_mistake --expect expected
	done
}

@test "a signal that is none is an error" {
	local value

	for value in HUPP SIG 0 65 -1 1x ''; do
		run timeout 5 "$gs" reload --process x --signal "$value"
		expect_mistake --signal expected
	done
}

@test "what is needed but not set is an error that names it" {
	run "$gs" sync --target target
	expect_mistake source --source
	run "$gs" sync --source src
	expect_mistake target --target
	run "$gs" run --source src
	expect_mistake target
	run "$gs" install
	expect_mistake DIR
}

@test "run starts nothing when its way to reload is half or twice there" {
	run timeout 5 "$gs" run --source src --target target --reload-signal HUP
	expect_mistake reload-process
	run timeout 5 "$gs" run --source src --target target --reload-url http://127.0.0.1:1/ \
		--reload-command true
	expect_mistake "more than one way"
	run timeout 5 "$gs" run --source src --target target --reload-url 127.0.0.1:1
	expect_mistake --reload-url
}

@test "an error with odd characters in it stays one line" {
	sync --lock-wait $'1\n2\x1b[31m'
	expect_mistake '1\n2\x1b[31m'
}

# ---- where a value comes from ----

@test "a flag wins over the environment, that over the file, that over the default" {
	value() {
		"$gs" check sync --source src --target target "$@" | awk '/^lock-wait / {print $2, $3, $4}'
	}
	echo '{"lock-wait": "3s"}' >c.json
	expect_equal "$(value)" "30s default "
	expect_equal "$(value --config c.json)" '3s c.json: "lock-wait"'
	expect_equal "$(GS_SIDECAR_CONFIG=c.json value)" '3s c.json: "lock-wait"'
	expect_equal "$(GS_SIDECAR_LOCK_WAIT=2s value --config c.json)" '2s GS_SIDECAR_LOCK_WAIT '
	expect_equal "$(GS_SIDECAR_LOCK_WAIT=2s value --config c.json --lock-wait=1s)" '1s --lock-wait '
}

@test "the file in the image is read without being named" {
	echo '{"lock-wait": "3s", "source": "src", "target": "target"}' >c.json
	run unshare --mount bash -c 'mount -t tmpfs none /etc && cp c.json /etc/gs-sidecar.json &&
		"$1" check sync' - "$gs"
	expect_status 0
	expect_output '/etc/gs-sidecar.json: "lock-wait"'
}

@test "a list from a stronger source replaces the weaker one" {
	echo '{"reload-command": ["a", "b c"]}' >c.json
	list() {
		"$gs" check reload --json "$@" | gojq -r '."reload-command" | .value + "|" + .from'
	}
	expect_equal "$(list --config c.json)" $'a\nb c|c.json: "reload-command"'
	expect_equal "$(GS_SIDECAR_RELOAD_COMMAND=$'x\ny' list --config c.json)" \
		$'x\ny|GS_SIDECAR_RELOAD_COMMAND'
	expect_equal "$(list --config c.json --reload-command z)" 'z|--reload-command'
}

@test "check prints every setting of a command with value and origin, without doing anything" {
	run "$gs" check --source src --target target --reload-url http://127.0.0.1:1/r
	expect_status 0
	expect_output "source "
	expect_output "--target"
	expect_output "http://127.0.0.1:1/r"
	[[ $output =~ reload-deadline\ +300s\ +default ]]
	expect_equal "$(find target)" target
	while read -r setting; do
		[[ $output == *$setting\ * ]] || { echo "$setting is missing"; return 1; }
	done < <("$gs" help settings | awk '/^### / {s = $2} /^\| `--/ && /`run`| all \|/ {print s}')
}

@test "check takes the flags of the command it is about as that does" {
	run "$gs" check probe drained --state-file /etc/gsinfo/state --tcp-port 5000
	expect_status 0
	run "$gs" check reload --url http://127.0.0.1:1/r
	expect_status 0
	[[ $output =~ reload-url\ +http://127.0.0.1:1/r ]]
	run "$gs" check wrap --signal HUP game --url x -g
	expect_status 0
	run "$gs" check --url http://127.0.0.1:1/r reload
	expect_status 2
	expect_output "--url: no such flag of 'check'"
}

@test "check --json is valid and has value and origin" {
	"$gs" check --source src --target target --json >c
	gojq -e '.source.value == "src" and .source.from == "--source" and
		."reload-timeout".value == "30s" and ."reload-timeout".from == "default" and
		."reload-url".value == null' c
}

@test "check finds what the command itself would refuse" {
	run "$gs" check --source src
	expect_mistake target
	run "$gs" check wrap
	expect_mistake program
	run "$gs" check hook
	expect_mistake post-start
	run "$gs" check hook post-start
	expect_status 0
	run "$gs" check nothing
	expect_mistake "'nothing'"
	run "$gs" check --source src --target target --reload-signal HUP
	expect_mistake reload-process
}

# ---- install ----

@test "install makes an executable that works" {
	mkdir bin
	"$gs" install bin
	expect_equal "$(ls -A bin)" gs-sidecar
	expect_equal "$(stat -c %a bin/gs-sidecar)" 755
	cmp bin/gs-sidecar "$gs"
	run bin/gs-sidecar version
	expect_status 0
}

@test "install has its mode whatever the umask is" {
	mkdir bin
	(umask 077 && "$gs" install bin)
	expect_equal "$(stat -c %a bin/gs-sidecar)" 755
}

@test "install replaces a copy that is running" {
	mkdir bin
	"$gs" install bin
	start old bin/gs-sidecar reloader --listen 127.0.0.1:0 -- true
	within 10 logged old "answering /reload"
	"$gs" install bin
	kill -0 "$old_pid"
	run bin/gs-sidecar version
	expect_status 0
	expect_equal "$(ls -A bin)" gs-sidecar
}

@test "install over itself works" {
	mkdir bin
	"$gs" install bin
	bin/gs-sidecar install bin
	cmp bin/gs-sidecar "$gs"
}

@test "install that cannot be done is told and leaves nothing behind" {
	run "$gs" install nowhere
	expect_status 4
	expect_output nowhere
	expect_output "No such file"
	mkdir bin
	run unshare --mount bash -c 'mount -t tmpfs -o size=64k none bin && "$1" install bin
		status=$?; ls -A bin; exit $status' - "$gs"
	expect_status 4
	expect_output "No space left"
	[[ $output != *gs-sidecar.new ]]
	run "$gs" install bin bin
	expect_status 2
}

# ---- log ----

@test "JSON log lines are valid, also with odd names of files" {
	local name

	for name in $'new\nline' 'quote"back\slash' $'bell\a' $'\xff\xfe' $'\xe2\x80\xa8' ä; do
		mkdir -p "src-$name"
		echo x >"src-$name/$name"
		rm -f run.log
		start run unshare --mount "$gs" run --source "src-$name" --target "target-$name" \
			--log-format json --log-level info
		within 10 logged run '"message":"ready,'
		kill -TERM "$run_pid"
		ended run
		expect_equal "$status" 0
		gojq -es 'length > 2 and all(.[]; (.time | test("^2[0-9-]*T[0-9:.]*Z$")) and
			.command == "run" and (.level | IN("info", "warn", "error")) and
			(.message | length) > 0)' run.log
		iconv -f UTF-8 -t UTF-8 run.log >/dev/null
	done
}

@test "the least level of the log is kept" {
	start run unshare --mount "$gs" run --source src --target target --log-level error
	within 10 is_ready
	kill -TERM "$run_pid"
	ended run
	expect_equal "$(<run.log)" ""
}

# ---- older kernels and stricter profiles ----

fill_source() {
	local i

	mkdir -p src/a/b
	for i in {1..20}; do echo "$i" >"src/a/b/$i"; done
	ln -s b/1 src/a/link
	chmod 700 src/a
}

@test "sync works without openat2 (Linux before 5.6), and where a profile forbids it" {
	local error

	fill_source
	for error in ENOSYS EPERM; do
		rm -rf target
		run "$(native deny)" "$error" openat2 "$gs" sync --source src --target target
		expect_status 0
		expect_same_tree src target
	done
}

@test "sync works without any newer system call" {
	local error

	fill_source
	for error in ENOSYS EPERM; do
		rm -rf target
		run "$(native deny)" "$error" openat2,close_range,pidfd_open,pidfd_send_signal,renameat2,copy_file_range,statx,faccessat2,epoll_pwait2 \
			"$gs" sync --source src --target target
		expect_status 0
		expect_same_tree src target
	done
}

@test "run and reload work without any newer system call" {
	fill_source
	start_peer game ok
	start run unshare --mount "$(native deny)" ENOSYS \
		openat2,close_range,pidfd_open,pidfd_send_signal,renameat2,copy_file_range,statx,getrandom,faccessat2,epoll_pwait2 \
		"$gs" run --source "$dir/src" --target "$dir/target" \
		--reload-url "http://127.0.0.1:$port/reload"
	within 10 logged run "ready,"
	expect_same_tree src target
	kill -TERM "$run_pid"
	ended run
	expect_equal "$status" 0
}

@test "reloader and wrap work without any newer system call" {
	start reloader "$(native deny)" ENOSYS \
		openat2,close_range,pidfd_open,pidfd_send_signal,getrandom,epoll_pwait2,statx \
		"$gs" reloader --listen 127.0.0.1:0 -- true
	within 10 logged reloader "answering /reload"
	run curl -sS -w '%{http_code}' "http://127.0.0.1:$(port_of reloader)/reload"
	expect_equal "$output" 200
	run "$(native deny)" ENOSYS close_range,pidfd_open,getrandom,epoll_pwait2,statx \
		"$gs" wrap --listen 127.0.0.1:0 --signal HUP -- sh -c 'exit 3'
	expect_status 3
}

@test "a wrong URL is not repeated: it may hold a password" {
	GS_SIDECAR_RELOAD_URL='http://joe:pa55word@game:99999/?key=s3cret' run "$gs" check \
		--source src --target target
	expect_status 2
	expect_output GS_SIDECAR_RELOAD_URL
	[[ $output != *pa55word* && $output != *s3cret* ]]
}

@test "closed standard descriptors do not become ours" {
	echo 1 >src/file
	start run bash -c 'exec "$1" run --source src --target target --control "unix:$2/control" \
		<&- >&- 2>&-' - "$gs" "$dir"
	within 5 eval '[[ $(ask GET /readyz "$dir/control") == ready ]]'
	for number in 0 1 2; do
		expect_equal "$(readlink "/proc/$run_pid/fd/$number")" /dev/null
	done
}
