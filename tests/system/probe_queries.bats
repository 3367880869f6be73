#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Players by the game's own query protocol, and that nothing but a whole answer is a count.
#
# quake3: a real OpenArena server, of Debian. minecraft: a server and players by minecraft-protocol,
# of npm. a2s: neither has a server that answers it, so that is tests/programs/game.py, which also
# does what no real server does.
# Natively alone, see tests/run.

load lib

game=$BATS_TEST_DIRNAME/../programs/game.py
minecraft=$BATS_TEST_DIRNAME/../npm/minecraft.js

# start_game MODE [PLAYERS MOST BOTS]: game.py; its address in $address
start_game() {
	start game python3 "$game" "$@"
	within 20 logged game "port "
	address=127.0.0.1:$(sed -n 's/^port //p' game.log)
}

# start_minecraft [HOW]
start_minecraft() {
	start minecraft node "$minecraft" server "$@"
	within 60 logged minecraft "port "
	address=127.0.0.1:$(sed -n 's/^port //p' minecraft.log)
}

# A server without players or bots, with the password "pw" for rcon.
start_openarena() {
	local port

	port=$(free_port)
	address=127.0.0.1:$port
	HOME=$dir start openarena /usr/games/openarena-server +set dedicated 1 +set net_ip 127.0.0.1 \
		+set net_port "$port" +set sv_maxclients 8 +set rconpassword pw +set bot_enable 1 \
		+map oa_minia
	within 60 counts quake3 0
}

# tell_openarena COMMAND: as an administrator does
tell_openarena() {
	printf '\xff\xff\xff\xffrcon pw %s' "$1" >"/dev/udp/${address/://}"
}

# ask_game KIND [TIMEOUT [BOTS]]: the verdict about $address in $status and $output. Whatever fails here
# takes no time, so the timeout is for machines that are slow.
ask_game() {
	local kind=$1 timeout=${2:-20s} bots=${3:+, \"bots\": \"$3\"}

	cat >config.json <<-EOT
		{ "probe-source": [ { "name": "players", "$kind": "$address", "every": "60s",
		    "timeout": "$timeout"$bots } ],
		  "probe-rules": [ { "name": "game", "rules": [
		    { "if": { "source": "players", "equals": 0 }, "result": "empty" },
		    { "if": { "source": "players", "min": 1 }, "result": "has-{players}",
		      "pass": false } ] } ] }
	EOT
	run "$gs" probe game --direct --config config.json --timeout 30s
}

# counts KIND NUMBER [BOTS]: whether it has so many players
counts() {
	ask_game "$1" 20s ${3:+"$3"}
	if [[ $2 == 0 ]]; then
		[[ $status == 0 && $output == empty ]]
	else
		[[ $status == 1 && $output == "has-$2" ]]
	fi
}

expect_count() {
	counts "$@" || {
		printf 'expected %s of %s, got %s (status %s)\n' "$2" "$1" "$output" "$status"
		return 1
	}
}

# expect_unknown KIND WHY [TIMEOUT [BOTS]]
expect_unknown() {
	ask_game "$1" "${@:3}"
	expect_status 1
	expect_equal "$output" unknown
	run "$gs" probe game --direct --config config.json --timeout 30s --explain
	expect_output "unknown: $2"
}

# Each in turn: expect_unknown_of KIND WHY MODE [PLAYERS MOST BOTS]
expect_unknown_of() {
	start_game "${@:3}"
	expect_unknown "$1" "$2"
	kill "$game_pid"
	ended game
}

@test "quake3: a real server, its bots, stopped, going on and gone" {
	start_openarena
	tell_openarena "addbot sarge 1"
	within 30 counts quake3 1
	tell_openarena "addbot grunt 1"
	within 30 counts quake3 2
	within 30 counts quake3 0 without
	kill -STOP "$openarena_pid"
	expect_unknown quake3 "no answer within 500ms" 500ms
	kill -CONT "$openarena_pid"
	within 30 counts quake3 2
	kill -KILL "$openarena_pid"
	ended openarena
	expect_unknown quake3 "nothing listens on $address"
}

@test "quake3: players are told from bots, in long lists too" {
	start_game quake3 5 8 2
	expect_count quake3 5
	expect_count quake3 3 without
	kill "$game_pid"
	start_game quake3 2000 8 1999
	expect_count quake3 2000
	expect_count quake3 1 without
}

@test "quake3: what is no whole list is unknown" {
	expect_unknown_of quake3 "the list of players is not whole" quake3-cut 3 8 0
	expect_unknown_of quake3 "the answer is no statusResponse" garbage
	expect_unknown_of quake3 "the answer is no statusResponse" empty
	expect_unknown_of quake3 "the answer is no statusResponse" other-type
}

@test "minecraft: a real server, players that come and go, stopped and gone" {
	start_minecraft
	expect_count minecraft 0
	start alice node "$minecraft" player "${address#*:}" alice
	within 60 counts minecraft 1
	start bob node "$minecraft" player "${address#*:}" bob
	within 60 counts minecraft 2
	kill "$alice_pid" "$bob_pid"
	within 60 counts minecraft 0
	kill -STOP "$minecraft_pid"
	expect_unknown minecraft "no answer within 500ms" 500ms
	kill -CONT "$minecraft_pid"
	within 30 counts minecraft 0
	kill -KILL "$minecraft_pid"
	ended minecraft
	expect_unknown minecraft "nothing listens on $address"
}

@test "minecraft: a long list of players is a count, a hidden one is not" {
	local how why

	start_minecraft crowded
	expect_count minecraft 2000
	for how in hidden:"the status has no count" starting:"it takes no players" \
		endless:"the answer is no status of Minecraft"; do
		why=${how#*:}
		kill "$minecraft_pid"
		start_minecraft "${how%%:*}"
		expect_unknown minecraft "$why"
	done
}

@test "minecraft: what is no status is unknown, however long it takes to come" {
	start_game drip
	expect_unknown minecraft "no answer within 500ms" 500ms
	kill "$game_pid"
	expect_unknown_of minecraft "the answer is no status of Minecraft" flood
	expect_unknown_of minecraft "the answer is no status of Minecraft" http
	expect_unknown_of minecraft "the answer is not whole" hang-up
	expect_unknown_of minecraft "the answer is not whole" half
	expect_unknown_of minecraft "the answer is not whole" legacy
}

@test "a2s: players, with bots and without" {
	start_game a2s 5 20 2
	expect_count a2s 5
	expect_count a2s 5 with
	expect_count a2s 3 without
	kill "$game_pid"
	start_game a2s 2 20 2
	expect_count a2s 2
	expect_count a2s 0 without
	kill "$game_pid"
	start_game a2s
	expect_count a2s 0
}

@test "a2s: GoldSource has no bots among its players, so none are taken away" {
	local mode

	for mode in goldsource obsolete; do
		start_game "$mode" 2 20 2
		expect_count a2s 2
		expect_count a2s 2 without
		kill "$game_pid"
	done
}

@test "a2s: challenges are answered, and what gets lost is asked again" {
	start_game challenge 3 20 0
	expect_count a2s 3
	expect_equal "$(times_logged game request)" 2
	kill "$game_pid"
	start_game two-challenges 3 20 0
	expect_count a2s 3
	kill "$game_pid"
	start_game lossy 3 20 0
	ask_game a2s 6s
	expect_equal "$output" has-3
}

@test "a2s: what is no whole answer, or no count, is unknown" {
	expect_unknown_of a2s "it asks for another challenge each time" changing
	expect_unknown_of a2s "the answer comes in parts" parts
	expect_unknown_of a2s "the answer is not a whole A2S_INFO" cut
	expect_unknown_of a2s "the answer is not A2S" other-type
	expect_unknown_of a2s "the answer is not A2S" garbage
	expect_unknown_of a2s "the answer is not A2S" empty
	expect_unknown_of a2s "it takes no players" a2s 0 0 0
	start_game a2s 2 20 3
	expect_unknown a2s "more bots than players" 20s without
	expect_count a2s 2
}

@test "a2s: a silent server, a stopped one and none at all are unknown" {
	address=127.0.0.1:$(free_port)
	start silent "$programs/silent" udp "${address#*:}"
	within 10 logged silent silent
	expect_unknown a2s "no answer within 500ms" 500ms
	start_game a2s
	expect_count a2s 0
	kill -STOP "$game_pid"
	expect_unknown a2s "no answer within 500ms" 500ms
	kill -KILL "$game_pid"
	ended game
	expect_unknown a2s "nothing listens on $address"
}

@test "an address is HOST:PORT, and names are not looked up" {
	local wrong

	for wrong in game.example:27015 127.0.0.1 127.0.0.1:0 unix:/run/game; do
		address=$wrong
		ask_game a2s
		expect_status 2
		expect_output "names are not looked up"
	done
}
