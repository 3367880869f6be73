#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The life of `run`: it starts, is PID 1, ends at once whatever it is doing, and is started again.

load lib

prepare() {
	echo 1 >src/file
}

# run_now FLAGS...: in the background
run_now() {
	start run "$gs" run --source src --target target "$@"
}

# It ends with status 0, at once: it is to be 100 ms, but a busy machine decides nothing here.
expect_ends_at_once() {
	local began took

	began=$(microseconds)
	kill -TERM "${2:-$run_pid}"
	ended run
	took=$(($(microseconds) - began))
	expect_status 0
	((took < 3000000)) || {
		printf 'it took %d us to end\n' "$took"
		return 1
	}
}

child_of() {
	pgrep -P "$1"
}

has_no_child() {
	! child_of "$1"
}

@test "without a reload it is ready as soon as the files are there" {
	run_now
	within 5 is_ready
	expect_like_rsync
	logged run "ready,"
	expect_equal "$(status_of .reload.trigger)" null
	expect_equal "$(status_of .published.serial)" 1
}

@test "SIGTERM while idle ends it at once" {
	run_now
	within 5 is_ready
	expect_ends_at_once
	logged run SIGTERM
}

@test "SIGINT ends it too" {
	run_now
	within 5 is_ready
	kill -INT "$run_pid"
	ended run
	expect_status 0
}

@test "SIGTERM while it waits for another sidecar ends it at once" {
	mkdir target/.gs-sidecar
	start other flock --no-fork target/.gs-sidecar/lock sleep infinity
	within 5 bash -c '! flock -n target/.gs-sidecar/lock true'
	run_now --control "unix:$dir/control"
	within 5 logged run "waiting until it is gone"
	within 5 ask GET /healthz "$dir/control"
	ask GET /status "$dir/control" | gojq -e '.ready == false and .sync.waiting_for_lock'
	expect_ends_at_once
	[[ ! -e target/file ]]
}

@test "SIGTERM during a sync ends it and the sync at once; the next start finishes" {
	local child

	truncate -s 3G src/big
	run_now
	within 5 child_of "$run_pid"
	child=$(child_of "$run_pid")
	within 5 test -s target/.gs-sidecar/stage/new/big
	expect_equal "$(status_of .ready) $(status_of .sync.running)" "false true"
	expect_ends_at_once
	within 2 is_gone "$child"
	[[ ! -e target/big && ! -e target/file ]]
	truncate -s 3k src/big
	run_now
	within 5 is_ready
	expect_like_rsync
	[[ ! -e target/.gs-sidecar/stage ]]
}

@test "SIGTERM while a reload is tried again and again ends it at once" {
	run_now --reload-url "http://127.0.0.1:$(free_port)/reload"
	within 5 logged run "not acknowledged yet"
	expect_ends_at_once
}

@test "SIGTERM while the game's endpoint hangs ends it at once" {
	local port

	port=$(free_port)
	start game "$programs/silent" tcp "$port"
	within 5 logged game silent
	run_now --reload-url "http://127.0.0.1:$port/reload"
	within 5 eval '[[ $(status_of .timeline_ms.reload_sent) == [0-9]* ]]'
	expect_ends_at_once
}

@test "SIGTERM while a reload command hangs ends it at once, and the command" {
	local child

	run_now --reload-command sleep --reload-command infinity
	within 5 eval '[[ $(ps -o comm= --ppid $run_pid) == *sleep* ]]'
	child=$(pgrep -P "$run_pid" -x sleep || child_of "$run_pid")
	expect_ends_at_once
	within 2 is_gone "$child"
}

@test "SIGTERM while name resolution hangs ends it at once" {
	echo "nameserver 127.0.0.1" >resolv.conf
	echo "hosts: dns" >nsswitch.conf
	cat >alone <<'END'
ip link set lo up
mount --bind resolv.conf /etc/resolv.conf
"$1" udp 53 &
echo $! >silent.pid
exec "$2" run --source src --target target --reload-url http://game.example/reload
END
	start run unshare --mount --net bash -eu alone "$programs/silent" "$gs"
	within 5 test -s silent.pid
	pids+=("$(<silent.pid)")
	within 5 eval '[[ $(status_of .timeline_ms.reload_sent) == [0-9]* ]]'
	expect_equal "$(status_of .ready)" false
	expect_ends_at_once
	[[ $(<run.log) != *acknowledged\ \(* ]]
}

@test "the pages answer while name resolution hangs" {
	echo "nameserver 127.0.0.1" >resolv.conf
	cat >alone <<'END'
ip link set lo up
mount --bind resolv.conf /etc/resolv.conf
"$1" udp 53 &
echo $! >silent.pid
exec "$2" run --source src --target target --reload-url http://game.example/reload
END
	start run unshare --mount --net bash -eu alone "$programs/silent" "$gs"
	within 5 test -s silent.pid
	pids+=("$(<silent.pid)")
	within 5 eval '[[ $(status_of .timeline_ms.reload_sent) == [0-9]* ]]'
	expect_equal "$(curl -sS --max-time 3 --unix-socket target/.gs-sidecar/control.sock http://localhost/healthz)" ok
}

# run_as_init FLAGS...: as PID 1 of a process namespace; its pid out here in $init.
run_as_init() {
	start run unshare --fork --pid --mount-proc --kill-child \
		"$gs" run --source src --target target "$@"
	within 5 child_of "$run_pid"
	init=$(child_of "$run_pid")
	within 5 is_ready
}

@test "as PID 1 it ends at once by SIGTERM" {
	run_as_init
	expect_equal "$(awk '/^NSpid:/ { print $NF }' "/proc/$init/status")" 1
	expect_ends_at_once run "$init"
}

# Who comes to the gate later finds it open, too.
all_have_gone() {
	: <>gate
	has_no_child "$init"
}

@test "as PID 1 it leaves no zombies" {
	local i

	run_as_init
	within 5 has_no_child "$init"
	mkfifo gate
	for ((i = 0; i < 20; i++)); do
		nsenter --target "$init" --pid --mount --wd="$dir" sh -c 'cat gate >/dev/null 2>&1 3>&- &' 3>&-
	done
	within 5 eval '(($(child_of $init | wc -l) == 20))'
	within 5 all_have_gone
	is_ready
}

@test "as PID 1 it outlives signals that nobody asked for" {
	local name

	run_as_init
	for name in HUP USR1 USR2 PIPE ALRM; do
		kill "-$name" "$init"
	done
	is_ready
	expect_ends_at_once run "$init"
}

@test "killed: the sync dies with it" {
	local child

	truncate -s 3G src/big
	run_now
	within 5 child_of "$run_pid"
	child=$(child_of "$run_pid")
	within 5 test -s target/.gs-sidecar/stage/new/big
	# For the moment between both deaths: the target stays locked.
	[[ $(readlink "/proc/$child/fd/"*) == *.gs-sidecar/lock* ]]
	kill -KILL "$run_pid"
	ended run || true
	within 2 is_gone "$child"
	truncate -s 3k src/big
	run_now
	within 5 is_ready
	expect_like_rsync
	[[ ! -e target/.gs-sidecar/stage ]]
}

@test "a sync that is killed alone is done again" {
	truncate -s 3G src/big
	run_now
	within 5 child_of "$run_pid"
	within 5 test -s target/.gs-sidecar/stage/new/big
	kill -KILL "$(child_of "$run_pid")"
	echo small >src/big # by no program of its own: before the next try
	within 10 is_ready
	logged run "killed by signal 9"
	expect_like_rsync
	expect_equal "$(status_of .sync.failures)" 1
}

reload_by_file() {
	run_now --reload-command sh --reload-command -c --reload-command "echo >>'$dir/reloads'"
	within 5 is_ready
}

reloads() {
	wc -l <reloads
}

@test "a restart without a change: same serial, no reload" {
	reload_by_file
	expect_equal "$(reloads)" 1
	expect_ends_at_once
	remember
	reload_by_file
	expect_equal "$(reloads) $(status_of .published.serial) $(status_of .sync.changed)" "1 1 false"
	logged run "no reload"
	expect_untouched
}

@test "a restart with a change: next serial, one reload" {
	reload_by_file
	expect_ends_at_once
	echo 2 >src/file
	reload_by_file
	expect_equal "$(reloads) $(status_of .published.serial)" "2 2"
	expect_equal "$(cat target/file)" 2
}

@test "a restart after the target was damaged: repaired, and one reload" {
	reload_by_file
	expect_ends_at_once
	echo evil >target/file
	reload_by_file
	expect_equal "$(reloads) $(cat target/file)" "2 1"
}

@test "a reload that was never acknowledged is owed by the next start" {
	run_now --reload-url "http://127.0.0.1:$(free_port)/reload"
	within 5 logged run "not acknowledged yet"
	expect_equal "$(status_of .ready)" false
	expect_ends_at_once
	reload_by_file
	expect_equal "$(reloads) $(status_of .published.serial) $(status_of .sync.changed)" "1 1 false"
}

@test "a version that comes back after another one whose reload failed is loaded again" {
	reload_by_file
	expect_ends_at_once
	echo 2 >src/file
	run_now --reload-url "http://127.0.0.1:$(free_port)/reload"
	within 5 logged run "not acknowledged yet"
	expect_ends_at_once
	echo 1 >src/file
	reload_by_file
	expect_equal "$(reloads) $(status_of .published.serial)" "2 3"
}

@test "a sync by hand while it runs waits, and is told why" {
	run_now
	within 5 is_ready
	run "$gs" sync --source src --target target --lock-wait 50ms
	expect_status 3
	expect_output "another sidecar"
}

@test "a mistake at the start ends it with a word on it" {
	run "$gs" run --source nothing --target target
	expect_status 4
	expect_output nothing
	run "$gs" run --source src --target src/inner
	expect_status 2
	run "$gs" run --source src
	expect_status 2
	expect_output target
}

@test "an idle resident does not wake up" {
	local before

	run_now
	within 5 is_ready
	within 10 is_asleep "$run_pid"
	before=$(wake_ups "$run_pid")
	# The one test that is about time going by without anything.
	read -rt 1 <> <(:) || true
	expect_equal "$(wake_ups "$run_pid")" "$before"
}

@test "a log that nobody reads keeps neither probes nor SIGTERM waiting" {
	mkfifo log
	exec 9<>log
	# Full: not a byte more fits.
	timeout 1 cat /dev/zero >log || true
	"$gs" run --source src --target target --control "unix:$dir/control" 2>log 3>&- 9<&- &
	run_pid=$!
	pids+=("$run_pid")
	within 5 eval '[[ $(ask GET /readyz "$dir/control") == ready ]]'
	kill -TERM "$run_pid"
	ended run
	expect_status 0
	exec 9<&-
}

@test "an image that holds nothing but the program is enough" {
	[[ $gs != */asan/* ]] || return 0 # that build is not static
	mkdir -p root/proc root/app/js root/app/scripts
	cp "$gs" root/gs-sidecar
	echo 1 >root/app/js/file
	start run unshare --mount --pid --fork bash -c 'mount -t proc proc root/proc &&
		exec chroot root /gs-sidecar run --source /app/js --target /app/scripts \
			--control unix:/app/scripts/control'
	within 5 eval '[[ $(ask GET /readyz "$dir/root/app/scripts/control") == ready ]]'
	expect_equal "$(cat root/app/scripts/file)" 1
	kill -TERM "$(pgrep -P "$run_pid")"
	ended run
	expect_status 0
}

@test "a sync that was killed is tried again, and status says what happened" {
	truncate -s 3G src/big
	start run "$gs" run --source src --target target
	within 5 pgrep -P "$run_pid"
	kill -KILL "$(pgrep -P "$run_pid")"
	within 5 logged run "the sync was killed by signal 9"
	status_of .sync.last_error | grep -F "killed by signal 9"
	status_of .synced | grep -x false
	: >src/big
	within 10 is_ready
	status_of .sync.last_error | grep -x null
	# The next try may have begun before, and have seen the file change.
	expect_equal "$(status_of .sync.failures)" "$(times_logged run "sync failed")"
}
