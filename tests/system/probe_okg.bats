#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What Kruise and OKG make of the examples of docs/probes.md (tests/programs/okg.py), from serving
# through PreDelete with players to drained, and through every fault: the label never lets a server
# with players go.
# Natively alone, see tests/run.

load lib
load answers
load okg

page=$BATS_TEST_DIRNAME/../../docs/probes.md

# example HEADING: its blocks.
example() {
	sed -n "/^### $1\$/,/^##/p" "$page" >section
	sed -n '/^```yaml$/,/^```$/{/^```/d;p}' section >block.yaml
	sed -n '/^```json$/,/^```$/{/^```/d;p}' section >block.json
	[[ -s block.yaml ]]
	take block.yaml block.json
}

# ---- the program itself ----

# quality COMMAND [LINE]: a manifest with one, and all actions there are.
quality() {
	cat >manifest.yaml <<-END
		spec:
		  lifecycle: {preDelete: {labelsHandler: {gs-sync/delete-block: "true"}}}
		  gameServerTemplate:
		    metadata: {labels: {gs-sync/delete-block: "true"}}
		    spec: {containers: [{name: game}]}
		  serviceQualities:
		    - name: asked
		      containerName: game
		      exec: {command: $1}
		      ${2-permanent: false}
		      serviceQualityAction:
		        - {state: true, labels: {any: "{{.Result}}"}}
		        - {state: true, result: done, labels: {gs-sync/delete-block: "false"}}
		        - {state: false, result: done, labels: {gs-sync/delete-block: "false"}}
		        - {state: false, result: "", opsState: None, labels: {failed: "yes"}}
	END
}

script() {
	cat >script
	chmod +x script
}

@test "okg: a word on stdout with exit status 1, as published, is an empty result" {
	script <<-'END'
		#!/bin/sh
		echo done
		exit 1
	END
	quality '[./script]'
	begin
	tell scale-down
	held
	is .conditions.asked False
	is .labels.failed yes
	is '.pod["game.kruise.io/gs-state"]' PreDelete
	# The other stream is the one; a newline is nothing, a blank is something.
	script <<-'END'
		#!/bin/sh
		echo thrown away
		printf '|do\nne|\n ' >&2
		exit 1
	END
	within 20 is .conditions.asked $'False |do\nne|'
	held
	script <<-'END'
		#!/bin/sh
		printf '|do\nne|\n' >&2
		exit 1
	END
	let_go
}

@test "okg: thresholds, texts, time-outs, lost answers and invalid labels are as Kruise has them" {
	echo one >said
	script <<-'END'
		#!/bin/sh
		echo "$(cat said)"
		echo "$(cat said)" >&2
		exit "$(cat status)"
	END
	echo 0 >status
	quality '[./script]' $'permanent: false\n      timeoutSeconds: 3'
	begin
	within 20 logged okg "condition asked False"
	within 20 is .labels.any one
	# Another word at once; a third failure, not the first, is believed.
	echo two >said
	within 20 is .labels.any two
	echo 1 >status
	within 20 is .conditions.asked "False two"
	# What cannot be started changes nothing.
	chmod a-x script
	echo 0 >status
	within 20 logged okg "cannot be started"
	held
	is .conditions.asked "False two"
	chmod +x script
	within 20 is .conditions.asked "True two"
	# 1,024 bytes are kept; they are no label, so nothing of OKG's goes on until another word.
	printf 'x%.0s' {1..2000} >said
	within 20 logged okg "reconcile fails: label any"
	within 20 is '.conditions.asked | length' 1029
	is .labels.any two
	echo three >said
	within 20 is .labels.any three
	# Killed by the time-out, which nobody's word can be.
	printf '#!/bin/sh\nsleep 600\n' >script
	within 60 is '.conditions.asked | startswith("False command timed out")' true
}

@test "okg: same word, no action; permanent acts once; a container that starts is False" {
	script <<-'END'
		#!/bin/sh
		cat said
	END
	echo done >said
	quality '[./script]' 'permanent: true'
	sed -i 's/name: game}/name: game, command: [sleep, infinity]}/' manifest.yaml
	begin
	# The first change that an action fits is the empty False of the start.
	within 20 is .labels.failed yes
	within 20 is .conditions.asked "True done"
	held
	is .labels.any null
	tell up game
	within 20 is .conditions.asked False
	within 20 is .conditions.asked "True done"
	tell kill game
	within 20 is .conditions.asked "False Container(game) is Non-running"
	held
	expect_equal "$(times_logged okg "label ")" 1
}

# ---- the examples ----

# replace_state COMMAND...: another file in the place of the volume's, then its own again.
replace_state() {
	rm gsinfo/state
	"$@"
	held
	ln -sfn ..data/state gsinfo/state
	held
}

faults_of_state() {
	local i

	replace_state true
	replace_state touch gsinfo/state
	replace_state eval 'printf "PreDelete\r\n" >gsinfo/state'
	replace_state eval 'printf "PreDelete\0" >gsinfo/state'
	replace_state ln -s nowhere gsinfo/state
	replace_state mkdir gsinfo/state.d
	for i in {1..300}; do tell rewrite; done
	held
	rmdir gsinfo/state.d
}

# The resident's last look at the players: players_read COUNT
players_read() {
	[[ $(ask GET /probes | gojq -r '.sources[] | select(.source == "players").reading') == "$1" ]]
}

@test "drained, by connections: through every fault" {
	example "Drained, by connections"
	begin
	heard "False serving"
	into_pre_delete
	heard "False draining"
	faults_of_state
	heard "False draining"
	leave two
	let_go
	heard "True done"
}

@test "drained, by connections: netlink denied, and the binary gone" {
	example "Drained, by connections"
	printf '#!/bin/sh\nexec %q EPERM netlink %q "$@"\n' "$(native deny)" "$gs" >denied
	chmod +x denied
	begin --set "$gs=$dir/denied"
	into_pre_delete
	heard "False draining"
	mv denied gone
	within 20 logged okg "cannot be started"
	held
	mv gone denied
	leave two
	let_go
}

@test "idle, and drained: the resident and the state through every fault" {
	example "Idle, and drained"
	begin
	up $resident
	enter one
	heard "True busy"
	is .opsState None
	leave one
	heard "True quiet"
	heard "True idle"
	within 20 is .opsState WaitToBeDeleted
	enter one
	heard "True busy"
	within 20 is .opsState None
	leave one
	into_pre_delete
	heard "True draining"
	faults_of_state
	heard "True draining"

	# Away for less than `for`, which has been seen.
	leave two
	within 4 players_read 0
	enter three
	within 20 players_read 1
	held

	# It is absent, and another program is there; then nothing; then it is stopped.
	tell kill sidecar
	heard "False Container(sidecar) is Non-running"
	held
	printf '#!/bin/sh\nexec sleep infinity\n' >absent
	chmod +x absent
	up "$dir/absent"
	heard "False unknown"
	held
	tell kill sidecar
	up $resident
	heard "True draining"
	kill -STOP "$(now .pids.sidecar)"
	heard "False unknown"
	held
	kill -CONT "$(now .pids.sidecar)"
	heard "True draining"

	# A stranger says it to everybody who asks, in the same container or another one.
	tell kill sidecar
	up "$dir/absent"
	printf 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone' >answer
	local name
	name=$(inside readlink /proc/self/ns/mnt)
	echo raw-answer >mode
	start stranger nsenter --mount="/proc/$mounts_pid/ns/mnt" "$programs/peer" -u "gs-sidecar/$name" "@$dir/mode" "$dir/request"
	within 10 logged stranger "port "
	heard "False unknown"
	held
	within 20 logged stranger "request GET"
	leave stranger
	tell kill sidecar
	start stranger "$programs/peer" -u "gs-sidecar/$name" ready "$dir/request"
	within 10 logged stranger "port "
	up "$dir/absent"
	heard "False unknown"
	held
	leave stranger
	tell kill sidecar

	# Netlink denied; and restarted again and again.
	up "$(native deny)" EPERM netlink $resident
	heard "True draining"
	held
	for _ in {1..3}; do
		tell kill sidecar
		up $resident
		heard "True draining"
	done

	leave three
	let_go
	heard "True done"
	# While it drained the opsState has stayed.
	is .opsState None
}

vector() {
	printf '{"status":"success","data":{"resultType":"vector","result":[%s]}}' "$1"
}

one() {
	printf '{"metric":{%s},"value":[1700000000,"%s"]}' "${2-}" "$1"
}

# A peer in Prometheus' place says that: faulty MODE, or faulty raw-answer STATUS BODY
faulty() {
	if (($# > 1)); then
		printf 'HTTP/1.1 %s Whatever\r\nContent-Length: %d\r\n\r\n%s' "$2" "${#3}" "$3" >answer.new
		mv answer.new answer
	fi
	echo "$1" >mode
	held
	is .conditions.drained "False unknown"
}

@test "drained, by Prometheus and Higress: a real one, and every fault of it" {
	start_gateways
	example "Drained, by Prometheus and Higress"
	begin --set "http://prometheus.monitoring:9090=http://127.0.0.1:$prometheus_port" \
		--set "outbound_$game_port=outbound_5000"
	heard "False serving"
	within 60 value_is '["0"]'
	enter two
	gateway 1
	within 60 value_is '["1"]'
	tell scale-down
	heard "False draining"

	# A gateway that cannot be scraped may be the one that the player comes through.
	gateway 0
	sed -i 's,return 200 "other 1\\n",return 500,' nginx.conf
	kill -HUP "$nginx_pid"
	within 60 value_is '[]'
	heard "False unknown"
	gateway 1
	sed -i 's,location / { return 500,location / { return 200 "other 1\\n",' nginx.conf
	kill -HUP "$nginx_pid"
	heard "False draining"

	# The player's connection is away for a moment, which has been seen.
	gateway 0
	within 4 count_is 0
	gateway 1
	within 60 count_is 1
	held

	# Neither is it the end of Prometheus that nobody is left.
	leave prometheus
	heard "False unknown"
	held
	echo hang >mode
	start broken "$programs/peer" -p "$prometheus_port" "@$dir/mode" request
	within 10 logged broken "port "
	faulty raw-answer 500 "$(vector "$(one 0)")"
	faulty raw-answer 503 '{"status":"error","errorType":"unavailable","error":"starting"}'
	faulty raw-answer 200 '<html><body>Welcome to nginx: 0</body></html>'
	faulty raw-answer 200 ''
	faulty raw-answer 200 "$(vector '')"
	faulty raw-answer 200 "$(vector "$(one NaN)")"
	faulty raw-answer 200 "$(vector "$(one -1)")"
	faulty raw-answer 200 "$(vector "$(one 0 '"a":"1"'),$(one 0 '"a":"2"')")"
	faulty raw-answer 200 '{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[17'
	faulty hang
	faulty close
	faulty endless-body
	faulty endless-headers
	leave broken
	start_prometheus
	heard "False draining"

	leave two
	gateway 0
	let_go
	heard "True done"
}

@test "several processes in one pod: which of them is not there" {
	example "Several processes in one pod"
	sed -i 's/"process": "\(gate\|data\)"/"process": "argv:\1-'"$$"' *"/' gs-sidecar.json
	begin
	start gate bash -c "exec -a gate-$$ sleep infinity"
	start data bash -c "exec -a data-$$ sleep infinity"
	up $resident
	heard "True healthy"
	is .opsState None
	leave gate
	heard "True no-gate"
	within 20 is .opsState GateMaintaining
	start gate bash -c "exec -a gate-$$ sleep infinity"
	heard "True healthy"
	within 20 is .opsState None
	leave data
	heard "True no-data"
	within 20 is .opsState DataMaintaining
	tell kill sidecar
	heard "False Container(sidecar) is Non-running"
	is .opsState DataMaintaining
}

# info PLAYERS FREE
info() {
	mkdir -p page
	printf '{"players":{"online":%s,"free":%s}}' "$1" "$2" >page/new
	mv page/new page/info
}

@test "players and free places: a label and the deletion priority follow the game" {
	local http_port

	http_port=$(free_port)
	info 3 17
	start_pages "$http_port"
	example "Players and free places"
	sed -i "s/127.0.0.1:8080/127.0.0.1:$http_port/" gs-sidecar.json
	begin --set "/shared$gs=$gs" --set "127.0.0.1:8078=127.0.0.1:$(free_port)"
	up $resident
	within 60 is '.labels["example.com/players"]' 3
	within 60 is .deletionPriority 17
	info 0 20
	within 60 is '.labels["example.com/players"]' 0
	within 60 is .deletionPriority 20
	# Nonsense is neither a label nor a priority.
	info '"none"' '"all"'
	within 60 is .conditions.players "False unknown"
	within 60 is .deletionPriority 0
	is '.labels["example.com/players"]' 0
	info -1 21
	within 60 is .deletionPriority 21
	is .conditions.players "False unknown"
	! logged okg "reconcile fails"
}

@test "the version that runs: an annotation follows the hot update" {
	example "The version that runs"
	echo 200 >game-says
	echo status-200 >mode
	start_peer game_reload "@$dir/mode"
	echo 1 >src/file
	begin --set "localhost:3000=127.0.0.1:$port"
	up $resident GS_SIDECAR_LABEL=v1.0
	within 60 is '.annotations["example.com/version"]' v1.0
	# The next version is there, but the game does not take it.
	echo status-500 >mode
	tell kill sidecar
	echo 2 >src/file
	up $resident GS_SIDECAR_LABEL=v2.0
	heard "False unknown"
	is '.annotations["example.com/version"]' v1.0
	echo status-200 >mode
	within 60 is '.annotations["example.com/version"]' v2.0
}
