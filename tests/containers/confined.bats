#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a hardened pod allows: no root, no capability, no file of the container's own to write, and
# 8 MiB of memory.

load pod

# The published pod with a sidecar as the restricted pod security standard wants it.
restricted='(.spec.containers[] | select(.name == "sidecar")) |= (
	.securityContext = {runAsNonRoot: true, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false,
		capabilities: {drop: ["ALL"]}} |
	.resources.limits.memory = "8Mi")'

# restricted_pod [JQ-FILTER]
restricted_pod() {
	pod_create game "$examples/2048/gameserverset.yaml" "$restricted | ${1:-.}"
	pod_start game
	within 10 pod_is_ready game
}

# A field of the program's /proc/PID/status, without its name: proc_status NAME
proc_status() {
	awk -v name="$1:" '$1 == name { $1 = ""; print substr($0, 2) }' "/proc/$(pid_in game sidecar)/status"
}

@test "confined: it runs as the image's user, without any privilege, and reloads the game" {
	restricted_pod
	expect_equal "$(proc_status Uid)" "65532 65532 65532 65532"
	expect_equal "$(proc_status Gid)" "65532 65532 65532 65532"
	expect_equal "$(proc_status CapBnd) $(proc_status CapPrm)" "0000000000000000 0000000000000000"
	expect_equal "$(proc_status NoNewPrivs)" 1
	expect_message game 'Game over!'
	expect_equal "$(reloads game)" 1
}

@test "confined: nothing but the volume can be written" {
	restricted_pod
	exec_in game sidecar /gs-sidecar install /etc
	expect_equal "$status" 4
	grep -q "Read-only file system" err
	exec_in game sidecar /gs-sidecar install /app/scripts
	expect_equal "$status" 0
}

@test "confined: 64 MiB in 4096 files within 8 MiB of memory" {
	mkdir -p big/source
	head -c 64M /dev/urandom | split -b 16k -a 4 -d - big/source/file-
	chmod -R a+rX big
	restricted_pod ".spec.volumes += [{name: \"big\", hostPath: {path: \"$PWD/big\"}}] |
		(.spec.containers[] | select(.name == \"sidecar\")) |= (
			.volumeMounts += [{name: \"big\", mountPath: \"/big\", readOnly: true}] |
			.args |= map(if . == \"/app/js\" then \"/big/source\" else . end))"
	diff -r -x .gs-sidecar big/source game/volumes/shared-dir
	expect_equal "$(cat "$(memory_file game sidecar memory.limit_in_bytes memory.max)")" 8388608
	grep -qx "oom_kill 0" "$(memory_file game sidecar memory.oom_control memory.events)"
	expect_equal "$(reloads game)" 1
	echo "# $(proc_status VmHWM) in memory at most, for 64 MiB in 4096 files" >&3
}

@test "confined: an exec probe says its word where Kruise looks for it" {
	restricted_pod '.spec.volumes += [{name: "gsinfo", downwardAPI: {}}] |
		(.spec.containers[] | select(.name == "sidecar")).volumeMounts += [{name: "gsinfo", mountPath: "/etc/gsinfo"}]'
	kubelet_writes game gsinfo state PreDelete
	exec_in game sidecar /gs-sidecar probe drained --state-file /etc/gsinfo/state --tcp-port 5000
	expect_equal "$status $(<out) $(stat -c %s err)" "0 done 0"
	kubelet_writes game gsinfo state Ready
	exec_in game sidecar /gs-sidecar probe drained --state-file /etc/gsinfo/state --tcp-port 5000
	expect_equal "$status $(<err) $(stat -c %s out)" "1 serving 0"
	exec_in game sidecar /gs-sidecar probe drained --state-file /etc/gsinfo/elsewhere --tcp-port 5000
	expect_equal "$status $(<err) $(stat -c %s out)" "1 unknown 0"
}

@test "confined: another uid than the image's, on a volume that every user may write" {
	restricted_pod '(.spec.containers[] | select(.name == "sidecar")).securityContext += {runAsUser: 1234, runAsGroup: 1234}'
	expect_equal "$(proc_status Uid)" "1234 1234 1234 1234"
	expect_equal "$(stat -c %u:%g game/volumes/shared-dir/main.js)" 1234:1234
	expect_message game 'Game over!'
}

@test "confined: a volume of another user, which fsGroup lets us write" {
	pod_create game "$examples/2048/gameserverset.yaml" "$restricted | .spec.securityContext.fsGroup = 2000"
	chown 1000 game/volumes/shared-dir
	chmod 0775 game/volumes/shared-dir
	pod_start game
	within 10 pod_is_ready game
	expect_message game 'Game over!'
}
