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
	for pid in "${pids[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# Starts a program in the background; its output goes to NAME.log, its pid to $NAME_pid.
start() {
	local name=$1

	shift
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

# within SECONDS COMMAND...: until it succeeds; fails, showing every log, when time is up.
within() {
	local end=$((SECONDS + $1)) log

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

# Asks a resident by its control socket: ask METHOD PATH [SOCKET]
ask() {
	curl -sS --max-time 5 -X "$1" --unix-socket "${3:-$dir/target/.gs-sidecar/control.sock}" \
		"http://localhost$2"
}

# A field of its /status: status_of .reload.state
status_of() {
	ask GET /status | jq -r "$1"
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
		find . -mindepth 1 -path ./.gs-sidecar -prune -o -mindepth 1 -type d \
			-printf '%P\0%y %m %U:%G %T@\0' -o -mindepth 1 -type l \
			-printf '%P\0%y %U:%G %T@ %l\0' -o -mindepth 1 \
			-printf '%P\0%y %m %U:%G %s %T@ %n\0' | tr '\n\0' '\r\n' | paste - - | sort
		find . -path ./.gs-sidecar -prune -o -type f -print0 | sort -z | xargs -r0 sha256sum -z |
			tr '\n\0' '\r\n'
	)
}
