# SPDX-License-Identifier: Apache-2.0
# Helpers of the system tests. Each test runs the real program ($gs) against real programs, in a
# directory of its own, and waits for conditions, never for time.

export LC_ALL=C
gs=${GS_SIDECAR:?"run by tests/run, which sets it to the program under test"}
programs=${TEST_PROGRAMS:?"run by tests/run, which sets it to the folder of test programs"}

# Nothing of the tester's own environment may configure the program.
unset "${!GS_SIDECAR_@}"

setup() {
	dir=$BATS_TEST_TMPDIR
	cd "$dir" || return 1
	pids=()
	mkdir src target
	if declare -F prepare >/dev/null; then prepare; fi
}

teardown() {
	local pid

	if declare -F clean_up >/dev/null; then clean_up; fi
	end_descendants "${pids[@]}"
	for pid in "${pids[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# Starts a program in the background; its output goes to NAME.log, its pid to $NAME_pid.
start() {
	local name=$1

	shift
	# Not by what runs in the background: nobody may read what an earlier one said.
	: >"$dir/$name.log"
	"$@" >"$dir/$name.log" 2>&1 3>&- &
	printf -v "${name}_pid" %s $!
	pids+=("$!")
}

# Waits for a program that start() began; its exit status in $status.
ended() {
	local name=${1}_pid

	status=0
	wait "${!name}" || status=$?
}

# within SECONDS COMMAND...: until it succeeds; fails, showing every log, when time is up. A machine
# that is slow or busy has three times as long: no limit here is what a test is about.
within() {
	local end=$((SECONDS + 3 * $1)) log

	shift
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS > end)); then
			printf 'not within the time: %s\n' "$*"
			for log in "$dir"/*.log; do
				[[ ! -e $log ]] || { printf -- '--- %s\n' "$log" && cat "$log"; }
			done
			return 1
		fi
		read -rt 0.01 <> <(:) || true
	done
}

logged() {
	grep -qF -- "$2" "$dir/$1.log"
}

# The number of lines of NAME.log that have TEXT.
times_logged() {
	grep -cF -- "$2" "$dir/$1.log" || true
}

# A port that nothing listens on; the kernel's choice.
free_port() {
	local port

	while :; do
		port=$((20000 + RANDOM % 12000))
		if ! (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			printf %s "$port"
			return
		fi
	done
}

is_gone() {
	! kill -0 "$1" 2>/dev/null || [[ $(ps -o stat= -p "$1") == Z* ]]
}

# How often a process was awake.
wake_ups() {
	awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$1/status"
}

# It has done what there was left to do, such as closing the connection of who asked last.
is_asleep() {
	local before

	before=$(wake_ups "$1")
	read -rt 0.2 <> <(:) || true
	[[ $(wake_ups "$1") == "$before" ]]
}

# Asks a resident by its control socket: ask METHOD PATH [SOCKET]
ask() {
	curl -sS --max-time 5 -X "$1" --unix-socket "${3:-$dir/target/.gs-sidecar/control.sock}" \
		"http://localhost$2"
}

# A field of its /status: status_of .reload.state
status_of() {
	ask GET /status | gojq -r "$1"
}

is_ready() {
	[[ $(status_of .ready) == true ]]
}

expect_status() {
	if [[ $status != "$1" ]]; then
		printf 'exit status %s, expected %s; it said:\n%s\n' "$status" "$1" "${output-}"
		return 1
	fi
}

expect_output() {
	if [[ $output != *"$1"* ]]; then
		printf 'expected to see: %s\nbut it said:\n%s\n' "$1" "$output"
		return 1
	fi
}

expect_equal() {
	if [[ $1 != "$2" ]]; then
		printf 'expected: %s\n     got: %s\n' "$2" "$1"
		return 1
	fi
}

# Everything rsync -a --delete would keep is the same in both, below the top directory.
expect_same_tree() {
	diff <(tree_listing "$1") <(tree_listing "$2")
}

# Type, mode, owner, size, time, link target, inode's number of links and content, without our state.
tree_listing() {
	(
		cd "$1" || exit 1
		find . -mindepth 1 \( -path ./.gs-sidecar -o -path './..gs-sidecar-*' \) -prune -o \
			-mindepth 1 -type d \
			-printf '%P\0%y %m %U:%G %T@\0' -o -mindepth 1 -type l \
			-printf '%P\0%y %U:%G %T@ %l\0' -o -mindepth 1 \
			-printf '%P\0%y %m %U:%G %s %T@ %n\0' | tr '\n\0' '\r\n' | paste - - | sort
		find . \( -path ./.gs-sidecar -o -path './..gs-sidecar-*' \) -prune -o -type f -print0 | sort -z | xargs -r0 sha256sum -z |
			tr '\n\0' '\r\n'
	)
}

# What is in a state directory besides kept versions: state_names DIR
state_names() {
	ls -A "$1" | grep -vx generations | sort | tr '\n' ' '
}

# One sync of src to target with further FLAGS, which has to succeed.
sync_now() {
	run "$gs" sync --source "$dir/src" --target "$dir/target" "$@"
	expect_status 0
}

# The target holds what rsync would have made of the source: expect_like_rsync [SOURCE] [TARGET]
expect_like_rsync() {
	rm -rf "$dir/by-rsync"
	rsync -aH --modify-window=-1 --exclude='..*' --exclude=/.gs-sidecar "${1:-$dir/src}/" "$dir/by-rsync/"
	expect_same_tree "$dir/by-rsync" "${2:-$dir/target}"
}

# Where the state is: beside the target once that was exchanged.
state_dir() {
	local beside=$dir/.gs-sidecar-target

	if [[ -d $beside ]]; then printf %s "$beside"; else printf %s "$dir/target/.gs-sidecar"; fi
}

# The number of publications so far.
serial() {
	local state=${1:+$1/.gs-sidecar}

	gojq .serial "${state:-$(state_dir)}/published.json"
}

# Inode and time of the last change, of any kind, of everything in the target but the state.
footprint() {
	find "${1:-$dir/target}" -mindepth 1 -path '*/.gs-sidecar' -prune -o \
		-printf '%p %i %C@ %m %U:%G %s\n' | sort
}

# remember, something that must not touch the target, expect_untouched
remember() {
	footprint "$@" >"$dir/footprint"
}

expect_untouched() {
	diff "$dir/footprint" <(footprint "$@")
}

# Other users exist, that is: we are not in a user namespace as under tests/run for another machine.
has_other_users() {
	[[ $(awk '{ print $3 }' /proc/self/uid_map) == 4294967295 ]]
}

# Runs a program without any privilege: as user 65534, or as nearly that as a user namespace goes.
as_ordinary() {
	if has_other_users; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	else
		unshare --user --map-user=65534 --map-group=65534 "$@"
	fi
}

# Lets it work in the test's directory: give_to_ordinary FILE...
give_to_ordinary() {
	chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/* "$dir/.." "$dir"
	! has_other_users || chown -R 65534:65534 "$@"
}

# After separate_mounts every command behind `inside` sees mounts that nobody else sees.
separate_mounts() {
	start mounts unshare --mount --propagation private sleep infinity
	within 5 has_own_mounts "$mounts_pid"
}

has_own_mounts() {
	[[ $(readlink "/proc/$1/ns/mnt") != "$(readlink /proc/self/ns/mnt)" &&
		$(<"/proc/$1/comm") == sleep ]]
}

inside() {
	nsenter --mount="/proc/$mounts_pid/ns/mnt" --wdns="$dir" "$@"
}

# Microseconds since whenever.
microseconds() {
	printf %s "${EPOCHREALTIME/./}"
}

# start_peer NAME MODE [OPTION...]: our badly behaving server; its port in $port and $NAME_port.
start_peer() {
	local name=$1 mode=$2

	shift 2
	start "$name" "$programs/peer" "$@" "$mode" "$dir/$name.request"
	within 10 logged "$name" "port "
	port=$(sed -n 's/^port //p' "$dir/$name.log")
	printf -v "${name}_port" %s "$port"
}

# The number of requests that a peer got.
requests_to() {
	times_logged "$1" "request "
}

# How often at least: got_requests NAME COUNT
got_requests() {
	(($(requests_to "$1") >= $2))
}

# The program that is killed in tests with a private mount namespace has its own meeting point.
in_mounts_of() {
	local name=${1}_pid

	shift
	nsenter --target "${!name}" --mount --wd="$dir" "$@"
}

# A test program for the machine itself, for what an emulated one cannot do: its path.
native() {
	if [[ $TEST_ARCH == "$(dpkg --print-architecture)" ]]; then
		printf %s "$programs/$1"
		return
	fi
	[[ -x $BATS_FILE_TMPDIR/$1 ]] ||
		gcc -D_GNU_SOURCE -o "$BATS_FILE_TMPDIR/$1" "$BATS_TEST_DIRNAME/../programs/$1.c"
	printf %s "$BATS_FILE_TMPDIR/$1"
}

# The port that the program says it answers on: port_of NAME
port_of() {
	sed -n 's/.*answering \/reload on .*:\([0-9]*\) by .*/\1/p' "$dir/$1.log" | head -n 1
}

milliseconds() {
	printf %s "$((${EPOCHREALTIME/[.,]/} / 1000))"
}

# expect_fast SINCE MOST: not more milliseconds than that have passed since $(milliseconds) then.
expect_fast() {
	local took=$(($(milliseconds) - $1))

	if ((took > $2)); then
		printf 'it took %d ms, expected at most %d\n' "$took" "$2"
		return 1
	fi
}

# No part of a secret is in any of the files: expect_secret SECRET FILE...
expect_secret() {
	local secret=$1

	shift
	if grep -F -- "$secret" "$@"; then
		printf 'the secret %s is shown\n' "$secret"
		return 1
	fi
}

# Kills what the started programs have started themselves. They are stopped first: nginx starts a
# worker anew that has died.
end_descendants() {
	local pid

	for pid; do
		kill -STOP "$pid" 2>/dev/null || true
		end_descendants $(pgrep -P "$pid")
		[[ " ${pids[*]} " == *" $pid "* ]] || kill -KILL "$pid" 2>/dev/null || true
	done
}

# ---- publish modes ----

# The directory that has the version: live_tree MODE
live_tree() {
	if [[ $1 == data ]]; then printf %s "$dir/target/..data"; else printf %s "$dir/target"; fi
}

# make_version N: files in src that say N in each of 300 lines, as tests/programs/reader.c reads them
make_version() {
	local file text

	mkdir -p src/js/deep src/maps
	rm -f src/only-* src/js/only-*
	printf -v text "$1\\n%.0s" {1..300}
	for file in src/{first,one,two} src/js/{a,b,c} src/js/deep/d src/maps/m "src/only-$1" "src/js/only-$1"; do
		printf %s "$text" >"$file"
	done
}

# Nothing of ours is in the target and its state that does not belong there: expect_no_leftovers MODE
expect_no_leftovers() {
	local state wanted

	state=$(state_dir)
	expect_equal "$(state_names "$state")" "lock manifests published.json "
	expect_equal "$(ls "$state/manifests")" "$(gojq -r .digest "$state/published.json")"
	wanted=
	[[ $1 != data ]] || wanted="..data $(readlink target/..data) "
	expect_equal "$(find target -maxdepth 1 -name '..?*' -not -name ..gs-sidecar-generations \
		-printf '%f\n' | sort | tr '\n' ' ')" "$wanted"
}

# A sync of src in MODE with FLAGS that has to succeed: publish_in MODE [FLAG...]
publish_in() {
	run "$gs" sync --source "$dir/src" --target "$dir/target" --publish "$@"
	expect_status 0
}

# Runs a check in both modes, each in a directory of its own: in_both CHECK
in_both() {
	local mode top=$dir

	for mode in data exchange; do
		dir=$top/$mode
		mkdir -p "$dir/src" "$dir/target"
		cd "$dir" || return 1
		echo "mode $mode"
		"$1" "$mode"
	done
	dir=$top
}

small_source() {
	mkdir -p src/dir/inner src/gone
	echo 1 >src/dir/changed
	echo same >src/dir/same
	echo 1 >src/dir/inner/file
	echo 1 >src/top
	echo 1 >src/gone/file
	ln -s dir src/link
	ln src/top src/dir/top-too
}

# limited NAME NUMBER: $in_front of a program is a user namespace where that is the limit
limited() {
	cat >limited <<'END'
echo "$2" >"/proc/sys/user/$1"
shift 2
exec "$@"
END
	in_front=(unshare --user --map-root-user --mount bash -eu limited "$@")
}

# start_reloader [FLAG...] -- COMMAND...
start_reloader() {
	rm -f reloader.log
	start reloader "$gs" reloader --listen 127.0.0.1:0 "$@"
	within 10 logged reloader "answering /reload"
	port=$(port_of reloader)
	url=http://127.0.0.1:$port
}

# Status in $code, body in $output, headers in the file headers: fetch PATH [CURL OPTION...]
fetch() {
	local path=$1

	shift
	code=$(curl -sS --max-time 20 -o body -D headers -w '%{http_code}' "$@" "$url$path")
	output=$(<body)
}

# Files that compress badly, so that lengths mean something: random_file NAME BYTES
random_file() {
	head -c "$2" /dev/urandom >"$1"
}
