# SPDX-License-Identifier: Apache-2.0
# A kubelet for one pod on one machine, by podman, which itself runs no postStart hook, no probe and no
# emptyDir in memory. It runs the pod that a manifest of examples/ describes, as it is, or with a change
# that a test makes to it (a jq filter). What it needs from a manifest and does not know is an error.
#
# A pod has a directory below $dir: pod.json, volumes/; the containers' logs are POD-CONTAINER.log.

load ../system/lib

here=$BATS_TEST_DIRNAME
examples=$here/../../examples
pods=()

clean_up() {
	local pod

	exec 5>&- 6>&-
	for pod in "${pods[@]}"; do
		podman pod rm --force --time 0 "$pod" >/dev/null || true
		umount "$dir/$pod"/volumes/* 2>/dev/null || true
		[[ ! -e /sys/class/net/node-$pod ]] || ip link delete "node-$pod"
	done
}

# ---- a pod ----

# pod_create POD MANIFEST [JQ-FILTER]: its volumes and its network, and no container yet.
pod_create() {
	local pod=$1 network=none

	mkdir -p "$dir/$pod/volumes"
	python3 "$here/pod.py" "$2" | jq "${3:-.}" >"$dir/$pod/pod.json"
	[[ -s $dir/$pod/pod.json ]]
	make_volumes "$pod"
	[[ $(of_pod "$pod" .spec.hostNetwork) != true ]] || network=host
	pods+=("$pod")
	podman pod create --name "$pod" --label gs-sidecar-test --network "$network" \
		--share "$(of_pod "$pod" 'if .spec.shareProcessNamespace then "net,ipc,uts,pid" else "net,ipc,uts" end')" >/dev/null
	podman pod start "$pod" >/dev/null
	[[ $network == host ]] || connect "$pod"
}

of_pod() {
	jq -r "$2 // empty" "$dir/$1/pod.json"
}

# of_container POD CONTAINER JQ-FILTER
of_container() {
	jq -r --arg name "$2" "(.spec.containers + (.spec.initContainers // []))[] | select(.name == \$name) | $3" \
		"$dir/$1/pod.json"
}

make_volumes() {
	local name kind size group

	while IFS=$'\t' read -r name kind size; do
		case $kind in
		emptyDir | downwardAPI | configMap | secret | claim) mkdir -m 0777 "$dir/$1/volumes/$name" ;;
		memory)
			mkdir "$dir/$1/volumes/$name"
			mount -t tmpfs -o "mode=0777${size:+,size=$size}" tmpfs "$dir/$1/volumes/$name"
			;;
		/*) ln -s "$kind" "$dir/$1/volumes/$name" ;;
		*) printf 'this kubelet has no volume %s\n' "$name" && return 1 ;;
		esac
		group=$(of_pod "$1" .spec.securityContext.fsGroup)
		if [[ -n $group && $kind != /* ]]; then
			chgrp "$group" "$dir/$1/volumes/$name"
			chmod g+rwxs "$dir/$1/volumes/$name"
		fi
	done < <(of_pod "$1" '.spec.volumes[]? | [.name, if .emptyDir.medium == "Memory" then "memory"
		elif .emptyDir then "emptyDir" elif .downwardAPI then "downwardAPI"
		elif .secret then "secret" elif .persistentVolumeClaim then "claim"
		elif .configMap.optional then "configMap" else .hostPath.path end, (.emptyDir.sizeLimit // "" | rtrimstr("i"))] | @tsv')
}

# The pod's own address, which players and kubelet's probes come to from outside.
connect() {
	local subnet=10.66.${#pods[@]}

	podman inspect --format '{{.State.Pid}}' "$(podman pod inspect --format '{{.InfraContainerID}}' "$1")" >"$dir/$1/pid"
	ip link add "node-$1" type veth peer name eth0 netns "/proc/$(<"$dir/$1/pid")/ns/net"
	ip address add "$subnet.1/24" dev "node-$1"
	ip link set "node-$1" up
	in_network "$1" ip address add "$subnet.2/24" dev eth0
	in_network "$1" ip link set eth0 up
	echo "$subnet.2" >"$dir/$1/address"
}

# As a process of the pod would see the network: in_network POD COMMAND...
in_network() {
	local pod=$1

	shift
	if [[ -e $dir/$pod/pid ]]; then
		nsenter --net="/proc/$(<"$dir/$pod/pid")/ns/net" -- "$@"
	else
		"$@"
	fi
}

address() {
	cat "$dir/$1/address" 2>/dev/null || echo 127.0.0.1
}

# As kubelet does it: in the manifest's order, each one after the hook of the one before; those that
# initialize first, and to their end, unless they are sidecars.
pod_start() {
	local name

	for name in $(of_pod "$1" '.spec.initContainers[]?.name'); do
		container_start "$1" "$name"
		[[ $(of_container "$1" "$name" .restartPolicy) == Always ]] || expect_exit "$1" "$name" 0
	done
	for name in $(of_pod "$1" '.spec.containers[].name'); do
		container_start "$1" "$name"
	done
}

# pod_update POD JQ-FILTER: in place, so nothing but images may change; those containers are replaced.
pod_update() {
	local name changed new=$dir/$1/new.json

	jq "$2" "$dir/$1/pod.json" >"$new"
	diff <(jq 'del(.spec.containers[].image)' "$dir/$1/pod.json") <(jq 'del(.spec.containers[].image)' "$new")
	changed=$(jq -rn --slurpfile old "$dir/$1/pod.json" --slurpfile new "$new" \
		'range($old[0].spec.containers | length) as $i | $new[0].spec.containers[$i] |
		select(.image != $old[0].spec.containers[$i].image).name')
	[[ -n $changed ]]
	for name in $changed; do
		container_stop "$1" "$name"
	done
	mv "$new" "$dir/$1/pod.json"
	for name in $changed; do
		container_start "$1" "$name"
	done
}

pod_is_ready() {
	local name

	for name in $(of_pod "$1" '(.spec.containers + (.spec.initContainers // [] | map(select(.restartPolicy == "Always"))))[].name'); do
		is_running "$1" "$name" && container_is_ready "$1" "$name" || return 1
	done
}

# ---- its containers ----

# container_create POD CONTAINER: all but the start of its program.
container_create() {
	local words

	may_be_root "$1" "$2"
	podman rm --force --time 0 --ignore "$1-$2" >/dev/null
	[[ ! -e $dir/$1-$2.log ]] || cat "$dir/$1-$2.log" >>"$dir/earlier-$1-$2.log"
	: >"$dir/$1-$2.log"
	words=$(jq -r --arg pod "$1" --arg name "$2" --arg volumes "$dir/$1/volumes" -f "$here/podman.jq" "$dir/$1/pod.json")
	eval "words=($words)"
	podman create --pod "$1" --name "$1-$2" --log-driver k8s-file --log-opt "path=$dir/$1-$2.log" \
		"${words[@]}" >/dev/null
}

# kubelet does not start a container that must not be root's and whose image has no other number.
may_be_root() {
	local user

	[[ $(of_container "$1" "$2" .securityContext.runAsNonRoot) == true &&
		$(of_container "$1" "$2" .securityContext.runAsUser) == null ]] || return 0
	user=$(podman image inspect --format '{{.User}}' "localhost/$(of_container "$1" "$2" '.image | sub(".*/"; "")')")
	[[ $user =~ ^[1-9][0-9]* ]] || {
		printf 'kubelet would not start %s: runAsNonRoot, and its user is "%s"\n' "$2" "$user"
		return 1
	}
}

# With its hook, if it has one; a hook that fails is the container's end, and its status is ours.
container_start() {
	local failed=0

	container_create "$1" "$2"
	podman start "$1-$2" >/dev/null
	hook_in "$1" "$2" postStart || failed=$?
	((failed == 0)) || podman kill "$1-$2" >/dev/null || true
	return $failed
}

# hook_in POD CONTAINER HOOK: runs it, if the container has one.
hook_in() {
	local words

	words=$(of_container "$1" "$2" ".lifecycle.$3.exec.command // [] | @sh")
	eval "words=($words)"
	((${#words[@]} == 0)) || podman exec "$1-$2" "${words[@]}" >"$dir/$3-$1-$2.log" 2>&1
}

# The hook, SIGTERM, the grace period, SIGKILL.
container_stop() {
	local grace

	hook_in "$1" "$2" preStop || true
	grace=$(of_pod "$1" .spec.terminationGracePeriodSeconds)
	podman stop --time "${grace:-30}" "$1-$2" >/dev/null
}

# The same program on the same volumes, as kubelet starts it again.
container_restart() {
	container_stop "$1" "$2"
	container_start "$1" "$2"
}

# Its first process, as seen from outside.
pid_in() {
	podman inspect --format '{{.State.Pid}}' "$1-$2"
}

is_running() {
	[[ $(podman inspect --format '{{.State.Status}}' "$1-$2") == running ]]
}

has_exited() {
	[[ $(podman inspect --format '{{.State.Status}}' "$1-$2") == exited ]]
}

exit_status_of() {
	podman inspect --format '{{.State.ExitCode}}' "$1-$2"
}

# expect_exit POD CONTAINER STATUS [TEXT]: it ended by itself, with that status and that in its log.
expect_exit() {
	within 10 has_exited "$1" "$2"
	expect_equal "$(exit_status_of "$1" "$2")" "$3"
	[[ -z ${4-} ]] || logged "$1-$2" "$4"
}

# The readiness probe, once, as kubelet sends it.
container_is_ready() {
	local words path port

	words=$(of_container "$1" "$2" '.readinessProbe.exec.command // [] | @sh')
	eval "words=($words)"
	if ((${#words[@]})); then
		podman exec "$1-$2" "${words[@]}"
		return
	fi
	read -r path port < <(of_container "$1" "$2" '.readinessProbe.httpGet // empty | "\(.path) \(.port)"') || return 0
	curl -fsS --max-time 1 -o /dev/null "http://$(address "$1"):$port$path"
}

expect_not_ready() {
	if container_is_ready "$@"; then
		printf '%s is ready\n' "$2"
		return 1
	fi
}

# change_pod POD JQ-FILTER: what the next start of a container finds in its manifest.
change_pod() {
	jq "$2" "$dir/$1/pod.json" >"$dir/$1/new.json"
	mv "$dir/$1/new.json" "$dir/$1/pod.json"
}

# An exec probe as Kruise reads it, its status in $status, its streams in the files out and err:
# exec_in POD CONTAINER COMMAND...
exec_in() {
	local container=$1-$2

	shift 2
	status=0
	podman exec "$container" "$@" >out 2>err || status=$?
}

# A field of `status --json` of a container: status_in POD CONTAINER JQ-FILTER
status_in() {
	podman exec "$1-$2" /gs-sidecar status --json | jq -r "$3"
}

# What kubelet writes when a label or a ConfigMap has changed: kubelet_writes POD VOLUME FILE TEXT
kubelet_writes() {
	local volume=$dir/$1/volumes/$2 new

	new=$(mktemp -d "$volume/..2026_XXXXXX")
	chmod 0755 "$new"
	printf %s "$4" >"$new/$3"
	ln -s "${new##*/}" "$volume/..data_tmp"
	mv -T "$volume/..data_tmp" "$volume/..data"
	[[ -L $volume/$3 ]] || ln -s "..data/$3" "$volume/$3"
}

# The file of a container's cgroup, of version 1 or 2: memory_file POD CONTAINER NAME-IN-1 NAME-IN-2
memory_file() {
	local pid group

	pid=$(pid_in "$1" "$2")
	group=/sys/fs/cgroup/memory$(awk -F: '$2 == "memory" { print $3 }' "/proc/$pid/cgroup")
	if [[ -e $group/$3 ]]; then
		echo "$group/$3"
	else
		echo "/sys/fs/cgroup$(awk -F: '$1 == 0 { print $3 }' "/proc/$pid/cgroup")/$4"
	fi
}

# Takes a Containerfile from stdin: build_image NAME:TAG CONTEXT. tests/containers/run removes it.
build_image() {
	buildah bud --quiet --pull=never --label gs-sidecar-test --file - --tag "localhost/$1" "$2" >/dev/null
}

# ---- the game of these pods: nginx, reloaded by /reload on port 3000 ----

# The script that holds the message at the end of a game.
served() {
	curl -fsS --max-time 5 "http://$(address "$1")/js/html_actuator.js"
}

# expect_message POD TEXT
expect_message() {
	local script

	script=$(served "$1")
	[[ $script == *"END_MESSAGE = '$2'"* ]] || {
		printf 'the game does not say "%s"\n' "$2"
		return 1
	}
}

# A number of its page: metric POD NAME
metric() {
	in_network "$1" curl -fsS --max-time 5 http://127.0.0.1:3000/metrics | awk -v name="$2" '$1 == name { print $2 }'
}

# How often it was reloaded.
reloads() {
	metric "$1" gs_sidecar_reloader_runs_total
}

# How often it was asked to, which is more when the same version is asked for again.
requests() {
	metric "$1" gs_sidecar_reloader_requests_total
}

# The same, as nginx itself says it: nginx_reloads POD
nginx_reloads() {
	times_logged "$1-app-2048" "signal 1 (SIGHUP) received"
}

# A player connects and stays, in the middle of a request, so that nginx keeps the connection:
# player_connects POD [PORT]
player_connects() {
	exec 5<>"/dev/tcp/$(address "$1")/${2:-80}"
	printf 'GET /js/html_actuator.js HTTP/1.1\r\nHost: game\r\n' >&5
}

# Over the same connection: the end of the request, and the answer.
player_asks() {
	printf 'Connection: close\r\n\r\n' >&5
	cat <&5 >answer
	exec 5>&-
	grep -q '^HTTP/1.1 200' answer
}

# Identity of a container: every process but nginx's workers, each with its start time.
life_of() {
	local first pid

	podman inspect --format '{{.Id}}' "$1-$2"
	first=$(pid_in "$1" "$2")
	for pid in "$first" $(pgrep -P "$first"); do
		[[ $(tr '\0' ' ' <"/proc/$pid/cmdline") == "nginx: worker"* ]] || awk '{ print $1, $22 }' "/proc/$pid/stat"
	done
}
