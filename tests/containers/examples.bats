#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The examples that a pod alone can show, by their manifests as they are: each comes up, and does what
# its manifest is there for. examples/2048 and host-network have files of their own here.

load pod

# The images of games that are nobody's: nginx, and our own program by another name.
setup_file() {
	local name version

	cd "$BATS_FILE_TMPDIR" || return 1
	sed 's/listen 80;/listen 5000;/' "$here/../../images/2048/nginx.conf" >nginx.conf
	cp "$GS_SIDECAR" game
	for version in v1.0 v2.0; do
		for name in arena shard; do
			build_image "$name:$version" . <<<$'FROM localhost/2048:v1.0-http\nCOPY nginx.conf /etc/nginx/nginx.conf'
		done
		build_image "2048-canary-sidecar:$version" "$examples/canary" < <(
			sed "s|^FROM .*|FROM localhost/2048-sidecar:$version|" "$examples/canary/Containerfile")
		for name in arena:drain-connections realm:several-processes shard:; do
			sidecar_image "${name%:*}-sidecar:$version" "${name#*:}"
		done
	done
	# A version whose proof the game does not give.
	mkdir bad
	sed 's|/index.html"|/not-there.html", "prove-within": "2s"|' "$examples/canary/gs-sidecar.json" >bad/gs-sidecar.json
	build_image 2048-canary-sidecar:v3.0 bad < <(
		sed "s|^FROM .*|FROM localhost/2048-sidecar:v2.0|" "$examples/canary/Containerfile")
	game_image gate 3001
	game_image data 3002
}

# sidecar_image NAME:TAG EXAMPLE-WITH-CONFIGURATION
sidecar_image() {
	rm -rf context
	mkdir -p context/js
	echo "${1#*:}" >context/js/rules.js
	printf 'FROM localhost/gs-sidecar\nCOPY js /app/js\n' >containerfile
	[[ -z $2 ]] || {
		cp "$examples/$2/gs-sidecar.json" context
		echo 'COPY gs-sidecar.json /etc/gs-sidecar.json' >>containerfile
	}
	build_image "$1" context <containerfile
}

# A process of that name that can be reloaded on that port: game_image NAME PORT
game_image() {
	build_image "$1:v1.0" . <<-END
		FROM scratch
		COPY game /$1
		ENTRYPOINT ["/$1", "reloader", "--listen", "127.0.0.1:$2", "--", "/$1", "version"]
	END
}

# start_example NAME: its pod, until it is ready.
start_example() {
	pod_create game "$examples/$1/gameserverset.yaml"
	pod_start game
	within 10 pod_is_ready game
}

to_version_2='(.spec.containers[] | select(.name == "sidecar").image) |= sub("v1.0"; "v2.0")'

# updates_in_place EXAMPLE: of the 2048 game, which is told of it once.
updates_in_place() {
	local before reloads

	start_example "$1"
	expect_message game 'Game over!'
	before=$(life_of game app-2048)
	reloads=$(nginx_reloads game)
	pod_update game "$to_version_2"
	within 10 pod_is_ready game
	expect_message game '*_* Game over!'
	expect_equal "$(life_of game app-2048)" "$before"
	within 10 eval '(($(nginx_reloads game) == reloads + 1))'
}

# expect_word PROBE WORD: on the one stream or the other; its exit status in $status.
expect_word() {
	exec_in game sidecar /gs-sidecar probe "$1"
	expect_equal "$(cat out err)" "$2"
}

rules() {
	cat game/volumes/scripts/rules.js
}

@test "examples: watch" {
	pod_create game "$examples/watch/gameserverset.yaml"
	container_start game app-2048
	within 10 logged game-app-2048 "watching"
	container_start game sidecar
	within 10 pod_is_ready game
	within 10 eval '(($(nginx_reloads game) == 1))'
	expect_message game 'Game over!'
	pod_update game "$to_version_2"
	within 10 pod_is_ready game
	expect_message game '*_* Game over!'
	within 10 eval '(($(nginx_reloads game) == 2))'
}

@test "examples: wrap" {
	updates_in_place wrap
}

@test "examples: signal" {
	updates_in_place signal
}

@test "examples: canary" {
	updates_in_place canary
}

# The hook would wait for a minute before it leaves the rest to readiness.
@test "examples: canary, with a version that the game does not prove: the last one is back, and the pod unready" {
	pod_create game "$examples/canary/gameserverset.yaml" \
		'(.spec.containers[] | select(.name == "sidecar").lifecycle.postStart.exec.command) += ["--deadline", "3s"]'
	pod_start game
	within 10 pod_is_ready game
	pod_update game '(.spec.containers[] | select(.name == "sidecar").image) |= sub("v1.0"; "v3.0")'
	within 10 eval '[[ $(status_in game sidecar .published.serial) == 3 ]]'
	expect_message game 'Game over!'
	logged game-sidecar "going back to"
	expect_not_ready game sidecar
	# As the README says: the same patch with v1.0.
	pod_update game '(.spec.containers[] | select(.name == "sidecar").image) |= sub("v3.0"; "v1.0")'
	within 10 pod_is_ready game
	expect_message game 'Game over!'
}

@test "examples: manual-reload" {
	start_example manual-reload
	pod_update game "$to_version_2"
	within 10 pod_is_ready game
	expect_message game '*_* Game over!'
	expect_equal "$(nginx_reloads game)" 0
	podman exec game-app-2048 /usr/sbin/nginx -e stderr -s reload
	within 10 eval '(($(nginx_reloads game) == 1))'
}

@test "examples: native-sidecar" {
	start_example native-sidecar
	expect_message game 'Game over!'
	logged game-sidecar "the game is not up yet at this first start"
	kubelet_writes game patch html_actuator.js "const END_MESSAGE = 'patched';"
	within 10 expect_message game patched
	within 10 eval '(($(nginx_reloads game) == 2))'
	pod_is_ready game
}

@test "examples: drain-connections" {
	start_example drain-connections
	kubelet_writes game gsinfo state Ready
	within 10 expect_word drain serving
	player_connects game 5000
	kubelet_writes game gsinfo state PreDelete
	within 10 expect_word drain draining
	exec 5>&-
	within 20 expect_word drain done
	expect_equal "$status" 0
}

@test "examples: drain-connections, when it is deleted without OKG" {
	start_example drain-connections
	player_connects game 5000
	start deletion eval 'exec 5>&-; container_stop game arena'
	within 10 eval 'pgrep -f "gs-sidecar hook pre-stop" >/dev/null'
	is_running game arena
	exec 5>&-
	ended deletion
	expect_equal "$status" 0
	has_exited game arena
}

@test "examples: downtime-update" {
	local net

	pod_create game "$examples/downtime-update/gameserverset.yaml"
	container_start game install
	expect_exit game install 0
	# By KRUISE_CONTAINER_PRIORITY.
	container_start game sidecar
	within 10 container_is_ready game sidecar
	container_start game shard
	expect_equal "$(rules)" v1.0
	# All that can write in this game is what was installed.
	podman exec game-shard /gs/gs-sidecar install /dev/shm
	net=$(readlink "/proc/$(pid_in game shard)/ns/net")
	pod_update game '.spec.containers[].image |= sub("v1.0"; "v2.0")'
	within 10 pod_is_ready game
	expect_equal "$(rules)" v2.0
	podman exec game-shard /dev/shm/gs-sidecar version
	expect_equal "$(stat -f -c %T game/volumes/shm)" tmpfs
	expect_equal "$(readlink "/proc/$(pid_in game shard)/ns/net")" "$net"
}

@test "examples: several-processes" {
	start_example several-processes
	within 10 expect_word parts healthy
	pod_update game "$to_version_2"
	within 10 pod_is_ready game
	expect_equal "$(rules)" v2.0
	expect_equal "$(times_logged game-gate "reloaded by") $(times_logged game-data "reloaded by")" "2 2"
	container_stop game gate
	within 15 expect_word parts no-gate
	expect_equal "$status" 0
}
