#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `wrap`: the game's init: signals go in, the exit status comes out, orphans are reaped, and /reload
# is a signal.

load lib

clean_up() {
	end_descendants "${pids[@]}"
}

# start_wrap PROGRAM [ARG...]
start_wrap() {
	start wrap "$gs" wrap --listen 127.0.0.1:0 --signal HUP -- "$@"
	within 10 logged wrap "answering /reload"
	port=$(port_of wrap)
	url=http://127.0.0.1:$port
}

wrap() {
	status=0
	output=$(timeout -k 1 20 "$gs" wrap --listen 127.0.0.1:0 --signal HUP -- "$@" 2>&1) || status=$?
}

has_no_zombies() {
	! ps -o stat= --ppid "$1" | grep -q Z
}

game_pid() {
	pgrep -P "$wrap_pid"
}

@test "wrap: the program's exit status is kept" {
	local number

	for number in 0 1 3 126 127 255; do
		wrap sh -c "exit $number"
		expect_status "$number"
	done
}

@test "wrap: a program that a signal ended gives 128 and the signal's number" {
	local number

	for number in 1 2 6 9 11 13 15; do
		wrap sh -c "ulimit -c 0; kill -$number \$\$"
		expect_status "$((128 + number))"
	done
	expect_output "ended by SIGTERM"
}

@test "wrap: signals reach the program, each once" {
	local name

	start_wrap "$programs/signals"
	within 10 logged wrap listening
	for name in HUP INT QUIT USR1 USR2 WINCH CONT; do
		kill "-$name" "$wrap_pid"
		within 5 logged wrap "got $name"
	done
	kill -TERM "$wrap_pid"
	ended wrap
	expect_equal "$status" 7
	for name in HUP INT QUIT USR1 USR2 WINCH CONT TERM; do
		expect_equal "$name $(times_logged wrap "got $name")" "$name 1"
	done
}

# Prints the number of each signal that it gets: its handlers are perl's, for all that can have one.
prints_signals=(perl -MConfig -e '
	my @names = split / /, $Config{sig_name};
	my @numbers = split / /, $Config{sig_num};
	for my $i (0 .. $#names) {
		my $number = $numbers[$i];
		$SIG{$names[$i]} = sub { syswrite STDOUT, "got $number.\n" }
			if $number && $number != 9 && $number != 19 && $number != 17;
	}
	syswrite STDOUT, "listening\n";
	sleep 1 while 1')

@test "wrap: every signal is passed on that can be" {
	local number

	start_wrap "${prints_signals[@]}"
	within 10 logged wrap listening
	for number in {1..64}; do
		case $number in
		9 | 19) continue ;;                     # KILL and STOP reach nobody but wrap
		4 | 5 | 6 | 7 | 8 | 11 | 31) continue ;; # a fault is of the one who has it
		17 | 21 | 22) continue ;;               # of wrap's own children and terminal
		32 | 33) continue ;;                    # of the C library's own threads
		esac
		kill "-$number" "$wrap_pid"
		within 5 logged wrap "got $number."
		expect_equal "$number: $(times_logged wrap "got $number.")" "$number: 1"
	done
	kill -0 "$wrap_pid"
}

@test "wrap: the program ends with wrap, whoever is PID 1" {
	local game

	start_wrap "$programs/signals" stay
	within 10 logged wrap listening
	game=$(game_pid)
	kill -KILL "$wrap_pid"
	within 5 is_gone "$game"
}

@test "wrap: as PID 1, killed at the end of the grace period, it takes a deaf program along" {
	local init game

	start wrap unshare --fork --pid --mount-proc --kill-child "$gs" wrap --listen 127.0.0.1:0 \
		--signal HUP -- "$programs/signals" stay
	within 10 logged wrap listening
	init=$(pgrep -P "$wrap_pid")
	game=$(pgrep -P "$init")
	kill -TERM "$init"
	within 5 logged wrap "got TERM"
	kill -KILL "$init"
	within 5 is_gone "$game"
	ended wrap
}

@test "wrap: nobody is told that a program that has died was reloaded" {
	local i pid

	for i in {1..10}; do
		rm -f wrap.log
		start_wrap "$programs/signals" stay
		within 10 logged wrap listening
		pid=$wrap_pid
		kill -STOP "$pid"
		kill -KILL "$(game_pid)"
		start client curl -sS --max-time 20 -o /dev/null -w '%{http_code}' "$url/reload"
		within 10 has_request
		kill -CONT "$pid"
		ended client
		expect_equal "$(grep -c '^200' client.log)" 0
		ended wrap
		expect_equal "$status" 137
	done
}

@test "wrap: nobody is told so either when the request came before the program died" {
	local i pid

	for i in {1..5}; do
		rm -f wrap.log
		start_wrap "$programs/signals" stay
		within 10 logged wrap listening
		pid=$wrap_pid
		kill -STOP "$pid"
		start client curl -sS --max-time 20 -o /dev/null -w '%{http_code}' "$url/reload"
		within 10 has_request
		kill -KILL "$(game_pid)"
		within 10 is_gone "$(game_pid)"
		kill -CONT "$pid"
		ended client
		expect_equal "$(grep -c '^200' client.log)" 0
		ended wrap
	done
}

# A whole request lies in a socket that wrap has not read.
has_request() {
	ss -Htn state established "( sport = :$port )" | awk '$1 > 0' | grep -q .
}

got_term_twice() {
	(($(times_logged wrap "got TERM") == 2))
}

@test "wrap: a program that ignores SIGTERM stays, and is not killed by us" {
	start_wrap "$programs/signals" stay
	within 10 logged wrap listening
	kill -TERM "$wrap_pid"
	within 5 logged wrap "got TERM"
	kill -TERM "$wrap_pid"
	within 5 got_term_twice
	kill -0 "$wrap_pid"
	kill -KILL "$(game_pid)"
	ended wrap
	expect_equal "$status" 137
}

@test "wrap: 10,000 orphans leave no zombie" {
	start_wrap "$programs/orphans" 10000
	within 60 logged wrap "left 10000"
	within 20 only_the_game_is_left
	fetch /healthz
	expect_equal "$code" 200
	kill -TERM "$wrap_pid"
	ended wrap
	expect_equal "$status" 143
}

only_the_game_is_left() {
	(($(pgrep -c -P "$wrap_pid") == 1)) && has_no_zombies "$wrap_pid"
}

@test "wrap: orphans that end first do not end it, and do not change the status" {
	wrap bash -c '(sh -c "exit 9" &); (sh -c "exit 8" &); read -rt 0.2 <> <(:); exit 5'
	expect_status 5
}

@test "wrap: input and output are the program's" {
	run bash -c 'printf "one\ntwo\n" | "$1" wrap --listen 127.0.0.1:0 --signal HUP -- cat 2>log' - "$gs"
	expect_status 0
	expect_equal "$output" $'one\ntwo'
	run bash -c '"$1" wrap --listen 127.0.0.1:0 --signal HUP --log-level error -- sh -c "echo no >&2"' - "$gs"
	expect_equal "$output" no
}

@test "wrap: the program's own flags and odd words are left alone" {
	wrap sh -c 'printf "<%s>" "$@"' - --help -- --listen x '' 'a b' -h
	expect_status 0
	expect_output '<--help><--><--listen><x><><a b><-h>'
}

@test "wrap: the program starts clean: no signal blocked or ignored by us, no descriptor of ours" {
	start inherited bash -c 'ls /proc/$$/fd >inherited; grep ^SigIgn: /proc/self/status >ignored'
	ended inherited
	start_wrap bash -c 'ls /proc/$$/fd >descriptors; grep ^SigIgn: /proc/self/status >ignores
		grep ^SigBlk: /proc/self/status >blocked'
	ended wrap
	expect_equal "$status" 0
	expect_equal "$(sort -n descriptors | xargs)" "$(sort -n inherited | xargs)"
	# An emulator has handlers of its own for what it was told to ignore.
	[[ $TEST_ARCH != "$(dpkg --print-architecture)" ]] || expect_equal "$(<ignores)" "$(<ignored)"
	expect_equal "$(tr -d 'SigBlk:\t0' <blocked)" ""
}

@test "wrap: /reload signals the program" {
	start_wrap "$programs/signals"
	within 10 logged wrap listening
	fetch /reload
	expect_equal "$code" 200
	expect_equal "$output" ""
	within 5 logged wrap "got HUP"
	expect_equal "$(times_logged wrap "got HUP")" 1
}

@test "wrap: /reload before the program has a handler is 500, the program lives and is reloaded later" {
	start_wrap perl -e 'syswrite STDOUT, "deaf\n"; until (-e "go") { select undef, undef, undef, 0.01 }
		$SIG{HUP} = sub { syswrite STDOUT, "got HUP\n" }; syswrite STDOUT, "listening\n";
		sleep 1 while 1'
	within 10 logged wrap deaf
	fetch /reload
	expect_equal "$code" 500
	expect_output "no handler for SIGHUP"
	kill -0 "$(game_pid)"
	touch go
	within 10 logged wrap listening
	fetch /reload
	expect_equal "$code" 200
	within 5 logged wrap "got HUP"
}

@test "wrap: 'reload' against it waits for the handler" {
	start_wrap perl -e 'until (-e "go") { select undef, undef, undef, 0.01 }
		$SIG{HUP} = sub { syswrite STDOUT, "got HUP\n" }; sleep 1 while 1'
	start reload "$gs" reload --url "$url/reload" --deadline 20s
	within 10 logged reload "answered 500"
	touch go
	ended reload
	expect_equal "$status" 0
	within 5 logged wrap "got HUP"
}

@test "wrap: a program that is not there is 127, one that cannot be run is 126" {
	wrap ./no-such-program
	expect_status 127
	expect_output "./no-such-program"
	wrap no-such-program-in-the-path
	expect_status 127
	echo text >file
	chmod 644 file
	wrap ./file
	expect_status 126
	expect_output "./file"
	wrap "$dir"
	expect_status 126
}

@test "wrap: with its port in use it ends with 4 and does not start the program" {
	start_peer taken ok
	run timeout 5 "$gs" wrap --listen "127.0.0.1:$port" --signal HUP -- touch started
	expect_status 4
	expect_output "127.0.0.1:$port"
	[[ ! -e started ]]
}

@test "wrap: an address beyond loopback is refused and the program not started" {
	run timeout 5 "$gs" wrap --listen 0.0.0.0:0 --signal HUP -- touch started
	expect_status 2
	[[ ! -e started ]]
}

@test "wrap: without program or signal it is an error of usage" {
	run timeout 5 "$gs" wrap --signal HUP
	expect_status 2
	expect_output "a program after --"
	run timeout 5 "$gs" wrap -- touch started
	expect_status 2
	expect_output "--signal"
	[[ ! -e started ]]
}

@test "wrap: as PID 1 it reaps, passes signals on and keeps the status" {
	start wrap unshare --fork --pid --mount-proc --kill-child "$gs" wrap --listen 127.0.0.1:0 \
		--signal HUP -- bash -c '
			for i in {1..100}; do (sleep 0.01 &); done
			trap "echo got TERM; exit 6" TERM
			echo listening
			while :; do read -rt 0.02 <> <(:); done'
	within 20 logged wrap listening
	init=$(pgrep -P "$wrap_pid")
	within 10 has_no_zombies "$init"
	expect_equal "$(grep NSpid "/proc/$init/status" | awk '{print $NF}')" 1
	kill -TERM "$init"
	ended wrap
	logged wrap "got TERM"
	expect_equal "$status" 6
}

@test "wrap: as PID 1 it reloads the program" {
	start wrap unshare --fork --pid --mount-proc --kill-child "$gs" wrap --listen 127.0.0.1:0 \
		--signal HUP -- "$programs/signals"
	within 10 logged wrap listening
	within 10 logged wrap "answering /reload"
	url=http://127.0.0.1:$(port_of wrap)
	fetch /reload
	expect_equal "$code" 200
	within 5 logged wrap "got HUP"
}

# start_on_a_terminal PROGRAM...: keys go to descriptor $keys.
start_on_a_terminal() {
	mkfifo keyboard
	exec {keys}<>keyboard
	printf -v command '%q ' "$gs" wrap --listen 127.0.0.1:0 --signal HUP -- "$@"
	# bash gives what it runs in the background no input: it has to be opened in there.
	SHELL=/bin/sh start terminal bash -c 'exec script -qefc "exec $1" /dev/null <keyboard' - "$command"
}

@test "wrap: on a terminal Ctrl-C reaches the program exactly once" {
	start_on_a_terminal "$programs/signals"
	within 10 logged terminal listening
	printf '\003' >&"$keys"
	within 5 logged terminal "got INT"
	printf '\034' >&"$keys"
	within 5 logged terminal "got QUIT"
	kill -TERM "$(pgrep -P "$terminal_pid")"
	ended terminal
	logged terminal "got TERM"
	expect_equal "$status" 7
	expect_equal "$(times_logged terminal "got INT")" 1
	expect_equal "$(times_logged terminal "got QUIT")" 1
	exec {keys}>&-
}

@test "wrap: on a terminal the program may read what is typed" {
	start_on_a_terminal bash -c 'echo listening; read -r line; echo "read $line"'
	within 10 logged terminal listening
	echo hello >&"$keys"
	within 5 logged terminal "read hello"
	ended terminal
	expect_equal "$status" 0
	exec {keys}>&-
}

# ---- nginx ----

serves() {
	[[ $(curl -s "http://127.0.0.1:$nginx_port/") == "$1" ]]
}

@test "wrap: nginx runs under it, is reloaded, and ends gracefully" {
	nginx_port=$(free_port)
	cat >nginx.conf <<-END
		pid $dir/nginx.pid;
		error_log stderr;
		worker_processes 2;
		user root;
		events {}
		http {
		  access_log off;
		  server { listen 127.0.0.1:$nginx_port; return 200 "version 1"; }
		}
	END
	start_wrap nginx -p "$dir" -c "$dir/nginx.conf" -g 'daemon off;'
	within 10 serves "version 1"
	sed -i 's/version 1/version 2/' nginx.conf
	fetch /reload
	expect_equal "$code" 200
	within 10 serves "version 2"
	expect_equal "$(<nginx.pid)" "$(game_pid)"
	kill -QUIT "$wrap_pid"
	ended wrap
	expect_equal "$status" 0
	! serves "version 2" || return 1
}

@test "wrap: the program lives on when nobody holds our stderr any more" {
	mkfifo log
	exec 9<>log
	port=$(free_port)
	"$gs" wrap --listen "127.0.0.1:$port" --signal HUP -- \
		"$programs/signals" 2>log >out 3>&- 9<&- &
	wrap_pid=$!
	pids+=("$wrap_pid")
	within 10 curl -fsS "http://127.0.0.1:$port/healthz"
	exec 9<&-
	within 10 curl -fsS -X POST "http://127.0.0.1:$port/reload"
	curl -fsS -X POST "http://127.0.0.1:$port/reload"
	within 10 grep -q "got HUP" out
	! grep "got PIPE" out
	! is_gone "$wrap_pid"
	[[ -n $(game_pid) ]]
}
