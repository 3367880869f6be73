#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Sources of probes that ask nobody: files, connections, UDP flows, processes, commands. Whatever
# is in doubt is unknown, and never a number.

load lib

# A network of our own, in which 10.9.0.2 is not who 10.9.0.1 is.
prepare() {
	local user=()

	((EUID == 0)) || user=(--user --map-root-user)
	start network unshare --net "${user[@]}" sleep infinity
	within 5 eval '[[ $(</proc/$network_pid/comm) == sleep && $(readlink /proc/$network_pid/ns/net) != "$(readlink /proc/self/ns/net)" ]]'
	user=()
	((EUID == 0)) || user=(--user --preserve-credentials)
	in_network=(nsenter "--target=$network_pid" --net "${user[@]}")
	"${in_network[@]}" ip link set lo up
	add_addresses 10.9.0.1/32 10.9.0.2/32
}

add_addresses() {
	local address

	for address; do
		"${in_network[@]}" ip address add "$address" dev lo
	done
}

# reading SOURCE [COMMAND...]: what a source says, "unknown: WHY" if it does not know.
reading() {
	local source=$1

	shift
	[[ $source == *'"timeout"'* ]] || source+=',"timeout":"90s"'
	"${in_network[@]}" "$@" "$gs" probe look --direct --explain --json --timeout 100s \
		--source "{\"name\":\"it\",$source}" \
		--rules '{"name":"look","rules":[{"if":{"source":"it","equals":"never"},"result":"never"}]}' |
		gojq -r '.sources[0] | .reading // "unknown: \(.unknown)"'
}

# expect_reading SOURCE TEXT [COMMAND...]: a part of it for one that begins with "unknown: ".
expect_reading() {
	local said wanted=$2

	said=$(reading "$1" "${@:3}")
	if [[ $wanted != unknown:* ]]; then
		expect_equal "$said" "$wanted"
	elif [[ $said != unknown:*"${wanted#unknown: }"* ]]; then
		printf 'expected: %s\n     got: %s\n' "$wanted" "$said"
		return 1
	fi
}

# reads SOURCE TEXT: as a condition to wait for
reads() {
	[[ $(reading "$1") == "$2" ]]
}

# play NAME [FLAG...] FROM TO PORT: tests/programs/players.c
play() {
	local name=$1

	start "$@"
	within 30 logged "$name" ready
}

start_players() {
	local name=$1

	shift
	play "$name" "${in_network[@]}" "$programs/players" "$@"
}

stop() {
	local name=${1}_pid

	kill "${!name}"
	wait "${!name}" || true
}

# ---- file ----

@test "file: what it says, without what editors put around it" {
	local file='"file":"'$dir'/state"'

	expect_reading "$file" "unknown: No such file or directory"
	: >state
	expect_reading "$file" "unknown: it says nothing"
	printf '\r\n' >state
	expect_reading "$file" "unknown: it says nothing"
	printf 'PreDelete' >state
	expect_reading "$file" PreDelete
	printf ' PreDelete\r\n' >state
	expect_reading "$file" PreDelete
	rm state
	mkdir state
	expect_reading "$file" "unknown: it is not a regular file"
	rmdir state
	mkfifo state
	expect_reading "$file" "unknown: it is not a regular file"
	rm state
	truncate -s 100M state
	expect_reading "$file" "unknown: larger than the limit"
}

@test "file: one that may not be read is unknown" {
	echo PreDelete >state
	chmod 0 state
	give_to_ordinary .
	if has_other_users; then chown 1:1 state; fi
	run as_ordinary "$gs" probe look --direct --explain --timeout 60s \
		--source '{"name":"it","file":"'"$dir"'/state"}' \
		--rules '{"name":"look","rules":[{"if":{"source":"it","equals":"PreDelete"},"result":"done"}]}'
	expect_status 1
	expect_output "it cannot be read: Permission denied"
}

# As kubelet does: a new folder, a new ..data renamed over the old one, the old folder removed.
switch_volume() {
	local number=0 old=..0 new text

	while :; do
		number=$((number + 1)) new=..$((number % 1000 + 1)) text=None
		((number % 2)) || text=PreDelete-$(printf 'x%.0s' {1..100})
		mkdir "$new"
		printf '%s\n' "$text" >"$new/state"
		ln -s "$new" ..data_tmp
		mv -T ..data_tmp ..data
		rm -r "$old"
		old=$new
	done
}

@test "file: a volume that is switched while it is read is the old or the new one, always" {
	local said i=0 one=0 other=0

	mkdir volume
	cd volume
	mkdir ..0
	echo None >..0/state
	ln -s ..0 ..data
	ln -s ..data/state state
	switch_volume 3>&- >../switch.log 2>&1 &
	pids+=("$!")
	while (((i += 1) < 80 || (i < 2000 && !(one && other)))); do
		said=$(reading '"file":"'"$dir"'/volume/state"')
		case $said in
		None) one=$((one + 1)) ;;
		PreDelete-$(printf 'x%.0s' {1..100})) other=$((other + 1)) ;;
		*)
			echo "it said: $said"
			return 1
			;;
		esac
	done
	echo "$one times the one, $other times the other"
	((one && other))
	[[ ! -s ../switch.log ]]
}

@test "file: one that is written in place is never a mix" {
	local said i=0 one=0 other=0

	printf 'aaaaaaaa' >state
	(
		exec 3>&-
		while :; do
			printf 'bbbbbbbb' 1<>state
			printf 'aaaaaaaa' 1<>state
		done
	) &
	pids+=("$!")
	while (((i += 1) < 60 || (i < 2000 && !(one && other)))); do
		said=$(reading '"file":"'"$dir"'/state"')
		case $said in
		aaaaaaaa) one=$((one + 1)) ;;
		bbbbbbbb) other=$((other + 1)) ;;
		*"changed while it was read"*) ;;
		*)
			echo "it said: $said"
			return 1
			;;
		esac
	done
	((one && other))
}

@test "file: how old it is does not say more than the clock" {
	touch -d '2 hours ago' beat
	said=$(reading '"age":true,"file":"'"$dir"'/beat"')
	((said >= 7200 && said < 7200 + 600))
	touch -d '2 hours' beat
	expect_reading '"age":true,"file":"'"$dir"'/beat"' "unknown: it was modified in the future"
}

# ---- tcp ----

@test "tcp: thousands of players, and those from within the pod who need not count" {
	expect_reading '"tcp":[5000]' 0
	start_players many -n 3000 10.9.0.2 10.9.0.1 5000
	expect_reading '"tcp":[5000]' 3000
	expect_reading '"tcp":[5001]' 0
	expect_reading '"tcp":[5001,5000]' 3000
	expect_reading '"tcp":[5000],"except":["10.9.0.2"]' 0
	expect_reading '"tcp":[5000],"except":["10.9.0.0/24"]' 0
	expect_reading '"tcp":[5000],"except":["10.8.0.0/16","2001:db8::/32","::/64"]' 3000
	start_players own -n 5 127.0.0.1 127.0.0.1 5000
	start_players hairpin -n 7 10.9.0.2 10.9.0.2 5000
	expect_reading '"tcp":[5000],"except":["loopback"]' 3000
	expect_reading '"tcp":[5000]' 3012
	expect_reading '"tcp":[5000],"except":["127.0.0.0/8"]' 3007
	stop many
	within 30 reads '"tcp":[5000],"except":["loopback"]' 0
	expect_reading '"tcp":[5000]' 12
}

@test "tcp: IPv6" {
	add_addresses fd00::1/128 fd00::2/128
	start_players six -n 4 fd00::2 fd00::1 5000
	start_players own -n 2 ::1 ::1 5000
	expect_reading '"tcp":[5000],"except":["loopback"]' 4
	expect_reading '"tcp":[5000]' 6
	expect_reading '"tcp":[5000],"except":["loopback","fd00::/16"]' 0
	expect_reading '"tcp":[5000],"except":["fd00::2/128"]' 2
	expect_reading '"tcp":[5000],"except":["fd00::4/126","10.0.0.0/8"]' 6
}

# Without /proc: nothing of sockets can be read there.
without_proc=(unshare --mount --propagation private sh -c
	'mount -t tmpfs none /proc && exec "$@"' sh)

@test "tcp: without netlink /proc tells the same, and without both nobody knows" {
	local deny

	deny=$(native deny)
	add_addresses fd00::1/128 fd00::2/128
	start_players four -n 1500 10.9.0.2 10.9.0.1 5000
	start_players six -n 4 fd00::2 fd00::1 5000
	for error in EPERM ENOSYS; do
		expect_reading '"tcp":[5000]' 1504 "$deny" "$error" netlink
		expect_reading '"tcp":[5000],"except":["10.9.0.2"]' 4 "$deny" "$error" netlink
		expect_reading '"tcp":[5001]' 0 "$deny" "$error" netlink
		expect_reading '"tcp":[5000]' "unknown: list connections" \
			"${without_proc[@]}" "$deny" "$error" netlink
		expect_reading '"tcp":[5001]' "unknown: list connections" \
			"${without_proc[@]}" "$deny" "$error" netlink
	done
}

# ---- udp ----

# track FAMILY: a rule that needs conntrack, as a mesh or a firewall in the pod has
track() {
	"${in_network[@]}" nft -f - <<-END
		table $1 track {
			chain in {
				type filter hook input priority 0;
				ct state invalid drop
			}
		}
	END
}

# UDP flows that are seen no more are forgotten after a second.
forget_soon() {
	"${in_network[@]}" sysctl -qw net.netfilter.nf_conntrack_udp_timeout=1 \
		net.netfilter.nf_conntrack_udp_timeout_stream=1
}

@test "udp: an empty table says nothing where conntrack is not active" {
	expect_reading '"udp":[7777]' "unknown: conntrack is not active for IPv4"
	start_players game -u -n 3 10.9.0.2 10.9.0.1 7777
	expect_reading '"udp":[7777]' "unknown: conntrack is not active for IPv4"
}

@test "udp: flows of players, and those from within the pod who need not count" {
	track ip
	expect_reading '"udp":[7777]' 0
	start_players game -u -n 30 10.9.0.2 10.9.0.1 7777
	start_players own -u -n 2 127.0.0.1 127.0.0.1 7777
	within 10 reads '"udp":[7777],"except":["loopback"]' 30
	expect_reading '"udp":[7777,7778],"except":["loopback"]' 30
	expect_reading '"udp":[7778]' 0
	expect_reading '"udp":[7777]' 32
	expect_reading '"udp":[7777],"except":["10.9.0.2/31"]' 2
	expect_reading '"udp":[7777],"except":["10.8.0.0/16"]' 32
	forget_soon
	stop game
	within 40 reads '"udp":[7777],"except":["loopback"]' 0
}

@test "udp: a game that speaks first has players" {
	track ip
	start_players game -u -f -n 3 10.9.0.2 10.9.0.1 7777
	within 10 reads '"udp":[7777]' 3
}

@test "udp: players who are not answered from the same port are in doubt" {
	track ip
	start_players game -u -m -n 3 10.9.0.2 10.9.0.1 7777
	within 10 reads '"udp":[7777]' "unknown: 3 UDP flows have no answer (yet)"
	expect_reading '"udp":[7777],"except":["10.9.0.2"]' 0
}

@test "udp: where players can come by IPv6 it has to be tracked too" {
	track ip
	add_addresses fd00::1/128 fd00::2/128
	expect_reading '"udp":[7777]' "unknown: conntrack is not active for IPv6"
	track ip6
	expect_reading '"udp":[7777]' 0
	start_players game -u -n 3 fd00::2 fd00::1 7777
	within 10 reads '"udp":[7777]' 3
	expect_reading '"udp":[7777],"except":["fd00::/64"]' 0
}

@test "udp: where the table may not be read, or is not there, nobody knows" {
	local ordinary=(setpriv --reuid 65534 --regid 65534 --clear-groups)

	track ip
	give_to_ordinary .
	# Without other users to become: its owner, who may not read it either.
	has_other_users || ordinary=(unshare --mount --propagation private sh -c '
		mount -t tmpfs none /proc && mkdir /proc/net && : >/proc/net/nf_conntrack &&
		chmod 0 /proc/net/nf_conntrack && exec setpriv --bounding-set=-all --inh-caps=-all "$@"' sh)
	expect_reading '"udp":[7777]' "unknown: only root and group 0 may list UDP flows" "${ordinary[@]}"
	expect_reading '"udp":[7777]' "unknown: /proc/net" "${without_proc[@]}"
}

# ---- process ----

@test "process: how many there are" {
	cp "$(command -v sleep)" "gametest$$"
	start one "$dir/gametest$$" infinity
	start two "$dir/gametest$$" infinity
	within 10 reads '"process":"gametest'$$'"' 2
	expect_reading '"process":"'"$dir/gametest$$"'"' 2
	stop two
	expect_reading '"process":"gametest'$$'"' 1
	expect_reading '"process":"pidfile:'"$dir"'/pid"' "unknown: No such file or directory"
	echo "$one_pid" >pid
	expect_reading '"process":"pidfile:'"$dir"'/pid"' 1
}

# in_pod GROUP COMMAND...: as a container whose PID 1 is of that control group
in_pod() {
	unshare --pid --fork --mount --propagation private --mount-proc bash -c '
		printf "%s\n" "$1" >group
		cat /proc/self/cgroup >own
		[[ $1 ]] || cp own group
		mount --bind group /proc/1/cgroup
		shift
		"$@"
		exit' - "$@"
}

@test "process: none is none only where the game's could be seen" {
	in_network=()
	expect_reading '"process":"nosuchgame"' \
		"unknown: the pod does not share its process namespace" in_pod ""
	expect_reading '"process":"nosuchgame"' 0 in_pod "0::/../pause"
	# PID 1 is seen, what it runs may be another name.
	expect_reading '"process":"bash"' 1 in_pod ""
}

# ---- command ----

# expect_killed SOURCE TEXT: what it said last is told unless it takes too long to die.
expect_killed() {
	local said

	said=$(reading "$1")
	[[ $said == unknown:*" took too long and was killed: $2" || $said == "unknown: no answer within "* ]] || {
		echo "it said: $said"
		return 1
	}
}

@test "command: what it says when it succeeds" {
	expect_reading '"command":["sh","-c","echo noise >&2; echo 3"]' 3
	expect_reading '"json":"/n","command":["echo","{\"n\": 4}"]' 4
	expect_reading '"command":["sh","-c","echo 0; echo why >&2; exit 1"]' \
		"unknown: 'sh' ended with status 1: why"
	expect_killed '"command":["yes","0"],"timeout":"2s"' 0
	expect_reading '"command":["seq","20000"]' "unknown: said more than 32768 bytes"
	expect_reading '"command":["/no/such"]' "unknown: /no/such"
}

@test "command: one that hangs is killed with all it has started" {
	expect_killed '"command":["sh","-c","sleep 4321 & echo $! >pid; echo waiting; wait"],"timeout":"9s"' \
		waiting
	within 10 is_gone "$(<pid)"
}
