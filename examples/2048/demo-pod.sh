#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The published 2048 hot update in a pod of real containers, with a real browser as the player. The
# pod is the one of gameserverset.yaml; this script does what kubelet and OpenKruise would: it starts
# the containers, runs the postStart hook, and updates in place, which replaces the sidecar alone.
#
#   tools/containers.sh examples/2048/demo-pod.sh      needs the images of `make images`
#
# Screenshots are left in build/screenshots.
set -euo pipefail
cd "$(dirname "$0")/../.."

kubelet=tests/containers # how a manifest is read
pictures=build/screenshots
pod=gss-2048-0
work=$(mktemp -d)
patience=20 # seconds

say() {
	printf '%s\n' "$*"
}

fail() {
	printf 'demo-pod: FAILED: %s\n' "$*" >&2
	for name in app-2048 sidecar; do
		! podman container exists "$pod-$name" || podman logs --tail 20 "$pod-$name" >&2
	done
	exit 1
}

remove_pod() {
	podman pod rm --force --ignore --time 0 "$pod" >/dev/null
}

# The containers' monitors go first: they have what this script has open, also the player's commands.
clean_up() {
	remove_pod
	[[ -z ${hands-} ]] || exec {hands}>&-
	wait
	rm -rf "$work"
}
trap clean_up EXIT

until_true() {
	local deadline=$((SECONDS + patience))

	until "$@" >/dev/null 2>&1; do
		((SECONDS < deadline)) || fail "not within $patience seconds: $*"
		sleep 0.01
	done
}

# ---- the manifest ----

# of CONTAINER FILTER: below that container's entry.
of() {
	jq -r --arg name "$1" ".spec.containers[] | select(.name == \$name) | $2" "$work/pod.json"
}

image_of() {
	of "$1" '"localhost/" + (.image | sub(".*/"; ""))'
}

# What `kubectl edit` would do: change_image CONTAINER TAG
change_image() {
	jq --arg name "$1" --arg tag "$2" \
		'(.spec.containers[] | select(.name == $name).image) |= sub(":[^:]*$"; ":" + $tag)' \
		"$work/pod.json" >"$work/changed.json"
	mv "$work/changed.json" "$work/pod.json"
}

# ---- kubelet ----

# An emptyDir is a directory of the node that everybody may write to.
start_pod() {
	mkdir "$work/shared-dir"
	chmod 711 "$work"
	chmod 777 "$work/shared-dir"
	podman pod create --name "$pod" --infra-name "$pod-infra" --network none >/dev/null
	podman pod start "$pod" >/dev/null
}

start_container() {
	local words

	words=$(jq -r --arg pod "$pod" --arg name "$1" --arg volumes "$work" -f "$kubelet/podman.jq" "$work/pod.json")
	eval "words=($words)"
	podman run --detach --pod "$pod" --name "$pod-$1" "${words[@]}" >/dev/null
}

start_sidecar() {
	local words

	start_container sidecar
	eval "words=($(of sidecar '.lifecycle.postStart.exec.command | @sh'))"
	podman exec "$pod-sidecar" "${words[@]}" >"$work/hook" 2>&1 || fail "the postStart hook: $(<"$work/hook")"
	until_true in_pod curl -fsS "http://127.0.0.1:$(of sidecar '.readinessProbe.httpGet | "\(.port)\(.path)"')"
	podman exec "$pod-sidecar" /gs-sidecar status --json >"$work/status.json"
	jq -e .timeline_ms.acknowledged "$work/status.json" >/dev/null ||
		fail "no reload was acknowledged: $(image_of sidecar) brings nothing new"
}

# As a runtime does it: SIGTERM to the container's first process, until that is gone.
stop_sidecar() {
	local pid deadline=$((SECONDS + patience))

	pid=$(state_of sidecar .Pid)
	stopped_us=${EPOCHREALTIME/[.,]/}
	kill -TERM "$pid"
	while [[ -e /proc/$pid ]]; do
		((SECONDS < deadline)) || fail "the old sidecar is still there"
	done
	gone_us=$((${EPOCHREALTIME/[.,]/} - stopped_us))
	podman rm --force --time 0 "$pod-sidecar" >/dev/null
}

state_of() {
	podman inspect --format "{{.State$2}}" "$pod-$1"
}

in_pod() {
	nsenter --net="/proc/$(state_of infra .Pid)/ns/net" "$@"
}

nginx() {
	pgrep -P "$(state_of app-2048 .Pid)" nginx
}

workers() {
	pgrep -P "$(nginx)" | xargs
}

# Those before are gone once they have answered their last request.
has_only_new_workers() {
	! ps -p "$workers_before"
}

# What has to stay as it is.
game_server() {
	say "nginx $(nginx), container started at $(state_of app-2048 '.StartedAt.Format "15:04:05.000"')"
}

# ---- the player ----

start_player() {
	mkfifo "$work/hands" "$work/eyes"
	in_pod node tests/npm/player.js <"$work/hands" >"$work/eyes" 2>"$work/player.log" &
	exec {hands}>"$work/hands" {eyes}<"$work/eyes"
}

# ask COMMAND...: the player's answer is in $answer.
ask() {
	say "$*" >&"$hands"
	read -r -t 120 -u "$eyes" answer || fail "the player has gone, or is slow: $(tail -n 3 "$work/player.log")"
	[[ $answer != failed:* ]] || fail "the player, asked to $*: $answer"
}

# Of an answer with score and board, the score alone.
score() {
	say "${answer% board*}"
}

show_board() {
	local cells

	read -r -a cells <<<"${answer#score * board }"
	printf '    %5s%5s%5s%5s\n' "${cells[@]/#0/.}"
}

plays_to_the_end() {
	ask end
	say "  plays until no move is left: ${answer#end }"
	[[ $answer == *"points, $1" ]] || fail "the game should have ended with '$1'"
}

picture() {
	ask "picture $pictures/$1"
	say "  screenshot: $pictures/$1"
}

# ---- the story ----

print_images() {
	local image

	for image in localhost/gs-sidecar:latest "$(image_of app-2048)" "$(image_of sidecar)" localhost/2048-sidecar:v2.0; do
		podman image exists "$image" || fail "there is no image $image: \`make images\` makes it"
		podman image inspect --format '{{len .RootFS.Layers}} {{.Size}}' "$image" | awk -v name="${image#*/}" \
			'{ printf "  %-24s %2d layer%s %8.2f MB\n", name, $1, $1 == 1 ? " " : "s", $2 / 1e6 }'
	done
}

# A number of the resident's own time line, milliseconds after its start.
moment() {
	jq ".timeline_ms.$1" "$work/status.json"
}

print_timeline() {
	printf '  start -> published           %5d ms\n' "$(moment published)"
	printf '  start -> reload acknowledged %5d ms\n' "$(moment acknowledged)"
}

print_not_ready() {
	local acknowledged window own

	acknowledged=$(date -d "$(jq -r .reload.acknowledged.at "$work/status.json")" +%s%3N)
	window=$((acknowledged - stopped_us / 1000))
	own=$((gone_us / 1000 + $(moment acknowledged)))
	printf '  not ready                    %5d ms, from SIGTERM to the acknowledged reload:\n' "$window"
	printf '                               %5d ms for podman to remove a container and start one,\n' $((window - own))
	printf '                               %5d ms for the two sidecars\n' "$own"
}

remove_pod
mkdir -p "$pictures"
python3 "$kubelet/pod.py" examples/2048/gameserverset.yaml >"$work/pod.json"

say "The images"
print_images

say ""
say "Pod $pod of gameserverset.yaml"
start_pod
start_container app-2048
until_true in_pod curl -fsS http://127.0.0.1/
say "  app-2048: $(game_server)"
start_sidecar
say "  sidecar: $(image_of sidecar)"
print_timeline

say ""
say "A player opens the game in a browser"
start_player
ask open http://127.0.0.1/
plays_to_the_end 'Game over!'
picture v1.png
ask new
ask press 40
say "  begins another game; after 40 moves, $(score):"
show_board
board_before=$answer

say ""
say "In-place update: the sidecar's image becomes 2048-sidecar:v2.0"
game_server_before=$(game_server)
workers_before=$(workers)
change_image sidecar v2.0
stop_sidecar
printf '  SIGTERM -> gone              %5d ms\n' $((gone_us / 1000))
start_sidecar
print_timeline
print_not_ready

say ""
say "Nobody who plays has noticed"
[[ $(game_server) == "$game_server_before" ]] || fail "app-2048 was: $game_server_before; and is: $(game_server)"
say "  app-2048 as before: $game_server_before"
until_true has_only_new_workers
say "  nginx has reloaded: workers $workers_before -> $(workers)"
ask look
[[ $answer == "$board_before" ]] || fail "the open page had '$board_before' and has '$answer'"
say "  the open page has the same board and $(score)"
ask press 5
say "  and the game goes on; five moves later, $(score):"
show_board
picture during.png

say ""
say "The player reloads the page and begins a new game"
ask reload
ask new
plays_to_the_end '*_* Game over!'
picture v2.png
say ""
say "demo-pod: done"
