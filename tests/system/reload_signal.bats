#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `reload --signal --process`: exactly the process that is meant is signalled, or none.

load lib

clean_up() {
	end_descendants "${pids[@]}"
}

# Games are copies of perl: native, with a name of their own, and with a handler or without.
catching='$SIG{HUP} = sub { syswrite STDOUT, "got HUP\n" }; syswrite STDOUT, "listening\n";
	sleep 1 while 1;'
deaf='syswrite STDOUT, "listening\n"; sleep 1 while 1;'

prepare() {
	name=g$RANDOM # other tests of this machine have games as well
	cp "$(type -P perl)" "$name"
}

# start_game LOG PROGRAM CODE [ARG...]
start_game() {
	local log=$1 program=$2 code=$3

	shift 3
	start "$log" "$program" -e "$code" "$@"
	within 10 logged "$log" listening
}

reload() {
	run "$gs" reload --signal HUP --deadline 400ms --process "$@"
}

got() {
	times_logged "$1" "got HUP"
}

@test "reload by signal: a name is the whole name, never a part of one" {
	cp "$name" "my$name"
	cp "$name" "${name}2"
	start_game game "./$name" "$catching"
	start_game mygame "./my$name" "$catching"
	start_game game2 "./${name}2" "$catching"
	mkfifo fifo
	start shell sh -c "trap 'echo got HUP' HUP; echo listening; read x <fifo; : ./$name"
	within 10 logged shell listening
	reload "$name"
	expect_status 0
	expect_output "reloaded by SIGHUP to $name"
	within 5 logged game "got HUP"
	expect_equal "$(got game)" 1
	expect_equal "$(got mygame)" 0
	expect_equal "$(got game2)" 0
	expect_equal "$(got shell)" 0
}

@test "reload by signal: a shell that runs the game is not the game" {
	start shell sh -c "./$name -e '$catching'; true"
	within 10 logged shell listening
	reload "$name"
	expect_status 0
	within 5 logged shell "got HUP"
	kill -0 "$shell_pid"
	pkill -KILL -P "$shell_pid"
}

@test "reload by signal: of several that match none is signalled, and all are named" {
	start_game one "./$name" "$catching"
	start_game two "./$name" "$catching"
	reload "$name"
	expect_status 3
	expect_output "2 processes match '$name'"
	expect_output "$one_pid"
	expect_output "$two_pid"
	expect_equal "$(got one)" 0
	expect_equal "$(got two)" 0
}

all_children_listen() {
	(($(times_logged game "child listening") == 3))
}

@test "reload by signal: of a parent and its children the parent is meant" {
	start game "./$name" -e '
		for (1 .. 3) {
			if (fork == 0) {
				$SIG{HUP} = sub { syswrite STDOUT, "child got it\n" };
				syswrite STDOUT, "child listening\n";
				sleep 1 while getppid() != 1;
				exit;
			}
		}
		$SIG{HUP} = sub { syswrite STDOUT, "got HUP\n" };
		$SIG{TERM} = sub { kill KILL => 0 };
		syswrite STDOUT, "listening\n";
		sleep 1 while 1;'
	within 10 grep -x listening game.log
	within 10 all_children_listen
	reload "$name"
	expect_status 0
	within 5 logged game "got HUP"
	expect_equal "$(times_logged game 'child got it')" 0
	pkill -KILL -P "$game_pid"
}

@test "reload by signal: an executable's name may be longer than the kernel's 15 letters" {
	cp "$name" "${name}-long-named-game-server"
	cp "$name" "${name}-long-named-other-server"
	start_game game "./${name}-long-named-game-server" "$catching"
	start_game other "./${name}-long-named-other-server" "$catching"
	reload "${name}-long-named-game-server"
	expect_status 0
	within 5 logged game "got HUP"
	expect_equal "$(got other)" 0
}

@test "reload by signal: a script is found by the 15 letters that the kernel keeps of its name" {
	local script=${name}-long-named-script

	printf '#!%s\n%s\n' "$dir/$name" "$catching" >"$script"
	chmod 755 "$script"
	start game "./$script"
	within 10 logged game listening
	reload "${script:0:15}"
	expect_status 0
	within 5 logged game "got HUP"
}

@test "reload by signal: a script is found by its whole name, too" {
	local script=${name}-long-named-script

	printf '#!%s\n%s\n' "$dir/$name" "$catching" >"$script"
	chmod 755 "$script"
	start game "./$script"
	within 10 logged game listening
	reload "$script"
	expect_status 0
	within 5 logged game "got HUP"
}

@test "reload by signal: a path is the executable's" {
	mkdir other
	cp "$name" "other/$name"
	start_game game "./$name" "$catching"
	start_game other "other/$name" "$catching"
	reload "$dir/$name"
	expect_status 0
	within 5 logged game "got HUP"
	expect_equal "$(got other)" 0
}

@test "reload by signal: a game whose executable was replaced is still found by its path" {
	start_game game "./$name" "$catching"
	cp "$name" new
	mv new "$name"
	reload "$dir/$name"
	expect_status 0
	within 5 logged game "got HUP"
}

@test "reload by signal: argv: matches the whole command line" {
	start_game one "./$name" "$catching" -- --zone=1
	start_game eleven "./$name" "$catching" -- --zone=11
	reload "argv:*$name *--zone=1"
	expect_status 0
	within 5 logged one "got HUP"
	expect_equal "$(got eleven)" 0

	reload "argv:*$name"
	expect_status 3
	expect_output "no process matches"
}

@test "reload by signal: pidfile: names the process" {
	start_game one "./$name" "$catching"
	start_game two "./$name" "$catching"
	printf '%s\n' "$two_pid" >game.pid
	reload "pidfile:$dir/game.pid"
	expect_status 0
	within 5 logged two "got HUP"
	expect_equal "$(got one)" 0
}

@test "reload by signal: a pid file that is missing, empty or names nobody is told" {
	local gone

	reload "pidfile:$dir/game.pid"
	expect_status 3
	expect_output "game.pid"
	expect_output "No such file"

	: >game.pid
	reload "pidfile:$dir/game.pid"
	expect_status 3
	expect_output "game.pid' is empty"

	true &
	gone=$!
	wait "$gone"
	echo "$gone" >game.pid
	reload "pidfile:$dir/game.pid"
	expect_status 3
	expect_output "says $gone, but process $gone is not there"
	expect_output shareProcessNamespace
	run "$(native deny)" EPERM pidfd_open "$gs" reload --signal HUP --deadline 300ms \
		--process "pidfile:$dir/game.pid"
	expect_status 3
	expect_output "process $gone is not there"
}

@test "reload by signal: a pid file with something else in it is told" {
	local text

	for text in game 12x 0x10 +5 $'\x01\x02' "$(printf '%070d' 1)"; do
		printf '%s\n' "$text" >game.pid
		reload "pidfile:$dir/game.pid"
		expect_status 3
		expect_output "game.pid"
	done
	reload "pidfile:$dir"
	expect_status 3
	expect_output "Is a directory"
}

@test "reload by signal: a pid file that may not be read is told" {
	start_game game "./$name" "$catching"
	echo "$game_pid" >game.pid
	chmod 600 game.pid
	chmod 755 "$dir"
	run setpriv --reuid 12345 --clear-groups "$gs" reload --signal HUP --deadline 300ms \
		--process "pidfile:$dir/game.pid"
	expect_status 3
	expect_output "game.pid"
	expect_output "Permission denied"
	expect_equal "$(got game)" 0
}

@test "reload by signal: a pid file with our own number is of another process namespace" {
	run sh -c 'echo $$ >game.pid; exec "$@"' sh "$gs" reload --signal HUP --deadline 300ms \
		--process "pidfile:$dir/game.pid"
	expect_status 3
	expect_output "has our own number"
	expect_output shareProcessNamespace
}

@test "reload by signal: a process that has ended but was not reaped is not there" {
	start parent "./$name" -e 'if (fork == 0) { exit } sleep 1 while 1;'
	ended_child_of_parent() {
		gone=$(pgrep -P "$parent_pid") && [[ $(ps -o stat= -p "$gone") == Z* ]]
	}
	within 10 ended_child_of_parent
	echo "$gone" >pid
	reload "pidfile:$dir/pid"
	expect_status 3
	expect_output "process $gone is not there"
}

@test "reload by signal: alone in the process namespace, it says that it is not shared" {
	run unshare --pid --fork --mount-proc "$gs" reload --signal HUP --process "$name" \
		--deadline 300ms
	expect_status 3
	expect_output "no process matches '$name', and only this container's can be seen"
	expect_output shareProcessNamespace
}

@test "reload by signal: with its own container's processes alone, it says the same" {
	run unshare --pid --fork --mount-proc sh -c 'sleep 60 & "$@"; status=$?; kill $!; exit $status' \
		sh "$gs" reload --signal HUP --process "$name" --deadline 300ms
	expect_status 3
	expect_output "no process matches '$name', and only this container's can be seen"
	expect_output shareProcessNamespace
}

@test "reload by signal: a process that ignores the signal is told of and left alone" {
	start game sh -c "trap '' HUP; exec ./$name -e '$deaf'"
	within 10 logged game listening
	reload "$name"
	expect_status 3
	expect_output "process $game_pid ('$name') ignores SIGHUP"
	expect_output nohup
	kill -0 "$game_pid"
}

@test "reload by signal: PID 1 of a process namespace without a handler is told of" {
	start game unshare --pid --fork --kill-child "./$name" -e "$deaf"
	within 10 logged game listening
	reload "$name"
	expect_status 3
	expect_output "has no handler for SIGHUP (yet), and as PID 1 of its process namespace"
	kill -0 "$(pgrep -P "$game_pid")"
}

@test "reload by signal: PID 1 of a process namespace with a handler is signalled" {
	start game unshare --pid --fork --kill-child "./$name" -e "$catching"
	within 10 logged game listening
	reload "$name"
	expect_status 0
	within 5 logged game "got HUP"
}

@test "reload by signal: an executable that may not be read is told, with what to use instead" {
	start_game game "./$name" "$catching"
	chmod 755 "$dir"
	run setpriv --reuid 12345 --clear-groups "$gs" reload --signal HUP --deadline 300ms \
		--process "$dir/$name"
	expect_status 3
	expect_output "no process matches '$dir/$name': process $game_pid could be it"
	expect_output "use the name '$name', argv: or pidfile:"
	expect_output SYS_PTRACE
	expect_equal "$(got game)" 0

	# PID 1 is another container's.
	echo "0::/../pause" >group
	run unshare --mount sh -ec 'mount --bind group /proc/1/cgroup
		exec "$@"' sh setpriv --reuid 12345 --clear-groups \
		"$gs" reload --signal HUP --deadline 300ms --process "$dir/other"
	expect_status 3
	expect_output "no process matches '$dir/other'"
	expect_output "whose executable may not be read"
}

@test "reload by signal: a /proc that hides processes is told of" {
	chmod 755 "$dir"
	run unshare --mount --pid --fork sh -ec 'mount -t proc -o hidepid=2 proc /proc
		"./$1" -e "$2" >game.log & shift 2
		until grep -q listening game.log; do sleep 0.01; done
		setpriv --reuid 12345 --regid 12345 --clear-groups "$@"' sh "$name" "$catching" \
		"$gs" reload --signal HUP --process "$name" --deadline 300ms
	expect_status 3
	expect_output "no process matches '$name'"
	expect_output hidepid
	expect_output runAsUser
	expect_equal "$(got game)" 0
}

@test "reload by signal: a profile that forbids signals is told of" {
	start_game game "./$name" "$catching"
	run "$(native deny)" EPERM kill,pidfd_send_signal "$gs" reload --signal HUP \
		--process "$name" --deadline 300ms
	expect_status 3
	expect_output "user $(id -u) as we are"
	expect_output "seccomp"
	expect_equal "$(got game)" 0
}

@test "reload by signal: a pid file never makes it signal a group or everybody" {
	local number

	for number in 0 -1 "-$$" 4294967297; do
		echo "$number" >game.pid
		reload "pidfile:$dir/game.pid"
		expect_status 3
		expect_output "expected a number"
	done
}

@test "reload by signal: a process without a handler is told of and lives on" {
	start_game game "./$name" "$deaf"
	reload "$name"
	expect_status 3
	expect_output "has no handler for SIGHUP"
	expect_output "$game_pid"
	kill -0 "$game_pid"
}

@test "reload by signal: a handler that comes later is waited for" {
	start game "./$name" -e 'syswrite STDOUT, "deaf\n";
		until (-e "go") { select undef, undef, undef, 0.01 }'"$catching"
	within 10 logged game deaf
	start reload "$gs" reload --signal HUP --process "$name" --deadline 20s
	within 10 logged reload "no handler"
	touch go
	ended reload
	expect_equal "$status" 0
	within 5 logged game "got HUP"
}

@test "reload by signal: a process that appears later is signalled then, and once" {
	start reload "$gs" reload --signal HUP --process "$name" --deadline 20s
	within 10 logged reload "no process matches '$name'"
	start_game game "./$name" "$catching"
	ended reload
	expect_equal "$status" 0
	within 5 logged game "got HUP"
	expect_equal "$(got game)" 1
}

@test "reload by signal: a name that nothing has is told" {
	reload "no-$name"
	expect_status 3
	expect_output "no process matches 'no-$name'"
}

@test "reload by signal: the process that asks is never the one that is signalled" {
	cp "$gs" "me$name"
	run "./me$name" reload --signal HUP --process "me$name" --deadline 300ms
	expect_status 3
	expect_output "no process matches"
}

@test "reload by signal: another user's process is refused with a clear message" {
	start_game game "./$name" "$catching"
	chmod 755 "$dir"
	run setpriv --reuid 12345 --clear-groups "$gs" reload --signal HUP --process "$name" \
		--deadline 300ms
	expect_status 3
	expect_output "SIGHUP to process $game_pid"
	expect_output "user $(id -u) while we are user 12345"
	expect_output "runAsUser, or add the KILL capability"
	expect_output "Operation not permitted"
	expect_equal "$(got game)" 0
}

@test "reload by signal: works without pidfd_open (Linux before 5.3)" {
	start_game game "./$name" "$catching"
	run "$(native deny)" ENOSYS pidfd_open,pidfd_send_signal "$gs" reload --signal HUP \
		--process "$name" --deadline 1s
	expect_status 0
	within 5 logged game "got HUP"
}

@test "reload by signal: works where a profile forbids pidfd_open" {
	start_game game "./$name" "$catching"
	run "$(native deny)" EPERM pidfd_open,pidfd_send_signal "$gs" reload --signal HUP \
		--process "$name" --deadline 1s
	expect_status 0
	within 5 logged game "got HUP"
}

@test "reload by signal: works where a profile forbids pidfd_send_signal only" {
	start_game game "./$name" "$catching"
	run "$(native deny)" EPERM pidfd_send_signal "$gs" reload --signal HUP --process "$name" \
		--deadline 1s
	expect_status 0
	within 5 logged game "got HUP"
}

@test "reload by signal: half of what it needs, or two ways at once, is an error of usage" {
	run "$gs" reload --signal HUP
	expect_status 2
	expect_output "reload-process"
	run "$gs" reload --process "$name"
	expect_status 2
	expect_output "reload-signal"
	run "$gs" reload --signal HUP --process "$name" --url http://127.0.0.1:1/
	expect_status 2
	expect_output "more than one way"
	run "$gs" reload --signal NOSUCH --process "$name"
	expect_status 2
	expect_output "expected a signal"
}
