#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `hook post-start`: waits for the `run` of its own container, and only as long as that is right.
#
# A container here is a mount namespace: that is what `run` and `hook` meet by.

load lib

clean_up() {
	end_descendants "${pids[@]}"
}

prepare() {
	echo one >src/file
	echo ok >mode
	container box
}

# container NAME: an empty one; in_mounts_of NAME COMMAND runs something in it.
container() {
	start "$1" unshare --mount bash -c 'echo open; exec sleep 300'
	within 10 logged "$1" open
}

# run_in CONTAINER [FLAG...]: `run` in it; its log is run_CONTAINER.log.
run_in() {
	local box=$1

	shift
	rm -f "run_$box.log"
	start "run_$box" nsenter --target "$(pid_of "$box")" --mount --wd="$dir" "$gs" run \
		--source "$dir/src" --target "$dir/target-$box" "$@"
}

pid_of() {
	local name=${1}_pid

	printf %s "${!name}"
}

# hook_in CONTAINER [FLAG...]
hook_in() {
	local box=$1

	shift
	run in_mounts_of "$box" timeout 30 "$gs" hook post-start "$@"
}

with_reload() {
	printf %s "--reload-url=http://127.0.0.1:$port/reload"
}

# A version that was acknowledged once: what follows is not the first start.
acknowledge_once() {
	start_peer first ok
	run_in box "$(with_reload)"
	within 10 logged run_box "ready,"
	kill -TERM "$run_box_pid"
	ended run_box
	kill -TERM "$first_pid"
	ended first
	echo two >src/file
}

@test "hook: it is over as soon as run is ready" {
	local began

	start_peer game ok
	run_in box "$(with_reload)"
	within 10 logged run_box "ready,"
	began=$(milliseconds)
	hook_in box --deadline 20s
	expect_status 0
	expect_fast "$began" 3000
	expect_equal "$output" ""
}

@test "hook: without a reload to wait for, published is enough" {
	run_in box
	hook_in box --deadline 20s --on-deadline fail
	expect_status 0
	[[ -e target-box/file ]]
}

@test "hook: it waits while the reload is refused and tried again" {
	echo status-500 >mode
	start_peer game @mode
	run_in box "$(with_reload)"
	within 10 logged run_box "not acknowledged yet"
	start hook in_mounts_of box "$gs" hook post-start --deadline 30s --on-deadline fail
	within 10 got_requests game 3
	kill -0 "$hook_pid"
	echo ok >mode
	ended hook
	expect_equal "$status" 0
	logged run_box "acknowledged (http"
}

@test "hook: a passed deadline is success, with a line in the log of run" {
	local began

	start_peer game status-500
	run_in box "$(with_reload)"
	within 10 logged run_box "not acknowledged yet"
	began=$(milliseconds)
	hook_in box --deadline 500ms
	expect_status 0
	expect_fast "$began" 3000
	logged run_box "hook post-start: deadline of 500ms passed (the reload is not acknowledged yet)"
	kill -0 "$run_box_pid"
}

@test "hook: a passed deadline is failure where that is asked for, with a line in the log of run" {
	start_peer game status-500
	run_in box "$(with_reload)"
	within 10 logged run_box "not acknowledged yet"
	hook_in box --deadline 500ms --on-deadline fail
	expect_status 3
	expect_output "deadline of 500ms passed"
	logged run_box "deadline of 500ms passed"
}

@test "hook: without any run the deadline passes, and it says so itself" {
	hook_in box --deadline 500ms
	expect_status 0
	expect_output "deadline of 500ms passed"
	expect_output "no 'gs-sidecar run' answers in this container"
	hook_in box --deadline 300ms --on-deadline fail
	expect_status 3
}

@test "hook: a run that hangs does not keep it beyond the deadline" {
	local began

	start_peer game ok
	run_in box "$(with_reload)"
	within 10 logged run_box "ready,"
	kill -STOP "$run_box_pid"
	began=$(milliseconds)
	hook_in box --deadline 700ms --on-deadline fail
	kill -CONT "$run_box_pid"
	expect_status 3
	expect_fast "$began" 5000
}

@test "hook: it may come before run" {
	start hook in_mounts_of box "$gs" hook post-start --deadline 30s --on-deadline fail
	read -rt 0.5 <> <(:) || true
	kill -0 "$hook_pid"
	start_peer game ok
	run_in box "$(with_reload)"
	ended hook
	expect_equal "$status" 0
	logged run_box "ready,"
}

@test "hook: at the first start it does not wait for a game that cannot be reached" {
	local began

	port=$(free_port)
	began=$(milliseconds)
	run_in box "$(with_reload)"
	hook_in box --deadline 30s --on-deadline fail
	expect_status 0
	expect_fast "$began" 10000
	[[ -e target-box/file ]]
	logged run_box "letting the pod start go on"
	expect_equal "$(times_logged run_box "ready,")" 0
}

@test "hook: at the first start it does not wait for a process that is not there" {
	run_in box --reload-signal HUP --reload-process no-such-game
	hook_in box --deadline 30s --on-deadline fail
	expect_status 0
	logged run_box "letting the pod start go on"
}

@test "hook: after the first start it waits for a game that cannot be reached" {
	acknowledge_once
	port=$(free_port)
	run_in box "$(with_reload)"
	start hook in_mounts_of box "$gs" hook post-start --deadline 30s --on-deadline fail
	within 10 logged run_box "not acknowledged yet"
	read -rt 0.3 <> <(:) || true
	kill -0 "$hook_pid"
	start_peer game ok -p "$port"
	ended hook
	expect_equal "$status" 0
	logged run_box "acknowledged (http"
}

@test "hook: at the first start a game that answers with a refusal is waited for" {
	start_peer game status-503
	run_in box "$(with_reload)"
	hook_in box --deadline 700ms --on-deadline fail
	expect_status 3
}

@test "hook: at the first start a game that takes its time to answer is waited for" {
	start_peer game hang
	run_in box "$(with_reload)"
	within 10 got_requests game 1
	hook_in box --deadline 700ms --on-deadline fail
	expect_status 3
}

@test "hook: it waits while the sync fails, and tells why" {
	head -c 1000000 /dev/urandom >src/large
	mkdir target-box
	in_mounts_of box mount -t tmpfs -o size=256k none "$dir/target-box"
	run_in box
	within 10 logged run_box "sync failed"
	hook_in box --deadline 500ms --on-deadline fail
	expect_status 3
	expect_output "the sync failed"
}

@test "hook: two containers on one network each find their own run" {
	container other
	start_peer game ok
	run_in box "$(with_reload)"
	start_peer broken status-500
	run_in other "$(with_reload)"
	within 10 logged run_box "ready,"
	within 10 logged run_other "not acknowledged yet"

	hook_in box --deadline 20s --on-deadline fail
	expect_status 0
	hook_in other --deadline 400ms --on-deadline fail
	expect_status 3
	logged run_other "deadline of 400ms passed"
	expect_equal "$(times_logged run_box deadline)" 0

	run in_mounts_of box "$gs" status
	expect_status 0
	expect_output "target-box"
	run in_mounts_of other "$gs" status
	expect_status 1
	expect_output "target-other"
}

@test "hook: a read-only root filesystem does not matter" {
	start_peer game ok
	mkdir target-box
	in_mounts_of box mount --bind "$dir" "$dir"
	in_mounts_of box mount -o remount,bind,ro "$dir"
	in_mounts_of box mount -o remount,bind,ro /
	in_mounts_of box mount -t tmpfs none "$dir/target-box"
	# shellcheck disable=SC2016 # expanded by the inner shell
	start run_box nsenter --target "$box_pid" --mount bash -c '
		cd "$1" || exit 1
		! touch probe "/probe-$$" 2>/dev/null || exit 1
		[[ ! -e probe && ! -e /probe-$$ ]] || exit 1
		exec "$2" run --source src --target target-box "$3"' - "$dir" "$gs" "$(with_reload)"
	within 10 logged run_box "ready,"
	hook_in box --deadline 20s --on-deadline fail
	expect_status 0
	run in_mounts_of box "$gs" status
	expect_status 0
}

@test "hook: in a shared process namespace PID 1 is somebody else, which does not matter" {
	start_peer game ok
	start pod unshare --fork --pid --mount-proc --kill-child bash -c '
		"$1" run --source src --target target "$2" &
		"$1" hook post-start --deadline 20s --on-deadline fail
		echo "hook ended $?"
		wait' - "$gs" "$(with_reload)"
	within 20 logged pod "hook ended"
	logged pod "hook ended 0"
	logged pod "ready,"
}

@test "hook: in process namespaces of their own, as with kubectl exec, they find each other" {
	start_peer game ok
	start pod unshare --fork --pid --mount-proc --kill-child "$gs" run --source "$dir/src" \
		--target "$dir/target" "$(with_reload)"
	within 10 logged pod "ready,"
	run nsenter --target "$(pgrep -P "$pod_pid")" --mount --pid --wd="$dir" "$gs" hook post-start \
		--deadline 20s --on-deadline fail
	expect_status 0
}

# squat USER: somebody took the meeting point before, and says that all is ready.
squat() {
	local name

	name=$(in_mounts_of box readlink /proc/self/ns/mnt)
	cp "$(native peer)" "$dir/squatter"
	chmod 755 "$dir" "$dir/squatter"
	: >squatter.request
	chmod 777 "$dir"
	start squatter setpriv --reuid "$1" --regid "$1" --clear-groups "$dir/squatter" \
		-u "gs-sidecar/$name" ready "$dir/squatter.request"
	within 10 logged squatter "port "
}

@test "hook: another user who took the meeting point is not believed" {
	squat 12345
	hook_in box --deadline 500ms --on-deadline fail
	expect_status 3
	expect_output "12345"
	expect_equal "$(requests_to squatter)" 0
	run in_mounts_of box "$gs" status
	expect_status 5
	expect_output "12345"
}

@test "hook: where another user took the meeting point, run says so and --control works" {
	squat 12345
	start_peer game ok
	run_in box "$(with_reload)" --control "unix:$dir/control.sock"
	within 10 logged run_box "ready,"
	logged run_box "will not find this process without --control"
	hook_in box --deadline 20s --on-deadline fail --control "unix:$dir/control.sock"
	expect_status 0
}

@test "hook: a process of another container that took the meeting point is not believed" {
	local name

	name=$(in_mounts_of box readlink /proc/self/ns/mnt)
	start_peer squatter ready -u "gs-sidecar/$name"
	hook_in box --deadline 500ms --on-deadline fail
	expect_status 3
	expect_output "another container"
	expect_equal "$(requests_to squatter)" 0
}

@test "hook: a process that our process namespace does not have is not believed" {
	local name

	name=$(in_mounts_of box readlink /proc/self/ns/mnt)
	start_peer squatter ready -u "gs-sidecar/$name"
	# In a process namespace of its own, as a container is, the kernel has no number for it.
	run in_mounts_of box unshare --pid --fork "$gs" hook post-start --deadline 500ms --on-deadline fail
	expect_status 3
	expect_output "another container"
	expect_equal "$(requests_to squatter)" 0
}

@test "hook: as another user than run it says why it cannot see" {
	start_peer game ok
	run_in box "$(with_reload)"
	within 10 logged run_box "ready,"
	chmod 755 "$dir"
	run in_mounts_of box setpriv --reuid 12345 --regid 12345 --clear-groups \
		"$gs" hook post-start --deadline 500ms --on-deadline fail
	expect_status 3
	within 5 logged run_box "turned away process"
}

@test "hook: without or with an unknown name it is an error of usage" {
	run "$gs" hook
	expect_status 2
	expect_output "post-start"
	run "$gs" hook post-finish
	expect_status 2
	expect_output "post-start"
}
