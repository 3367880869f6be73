# SPDX-License-Identifier: Apache-2.0
# Helpers of the tests of what Kruise and OKG make of a manifest (tests/programs/okg.py), with a game
# that has players. Each test begins with the game; `take`, `begin` and `up` do the rest.

blocked='.pod["gs-sync/delete-block"]'

prepare() {
	# The resident is found by its mount namespace, as one of a container.
	separate_mounts
	game_port=$(free_port)
	start game "$programs/silent" tcp "$game_port"
	within 10 logged game silent
}

# take MANIFEST CONFIG: as manifest.yaml and gs-sidecar.json. What it waits for is shortened: looks, and
# times of minutes; the game is not at its own port, and nobody answers a reload.
take() {
	sed -e 's/\[30s:5s\]/[10s:1s]/' -e 's/\[30s\]/[3s]/' "$1" >manifest.yaml
	sed -e 's/"every": "[^"]*"/"every": "200ms"/' -e 's/"10m"/"5s"/' -e 's/"10s"/"5s"/' \
		-e "s/\"tcp\": \[5000\]/\"tcp\": [$game_port]/" -e "s,/etc/gsinfo,$dir/gsinfo," \
		-e "s,\"/app/js\",\"$dir/src\"," -e 's,127.0.0.1:300[0-9],127.0.0.1:1,' "$2" >gs-sidecar.json
	# Emulated, or with sanitizers, a probe takes its time.
	[[ $TEST_ARCH == "$(dpkg --print-architecture)" && $gs != */asan/* ]] ||
		sed -i 's/"probe", "\([a-z]*\)"/&, "--timeout", "4s"/' manifest.yaml
	resident="env GS_SIDECAR_CONFIG=$dir/gs-sidecar.json"
}

# begin [FLAG...]: Kruise and OKG begin to look after it. Twenty times as fast, but for timeouts.
begin() {
	rm -rf tell gsinfo
	mkfifo tell
	exec {say}<>tell
	start okg inside "$BATS_TEST_DIRNAME/../programs/okg.py" --volume "$dir/gsinfo" \
		--commands "$dir/tell" --speed 20 --port "$game_port" --set "/gs-sidecar=$gs" --set "/app/js=$dir/src" \
		--set "/app/scripts=$dir/target" --set "5000=$game_port" "$@" \
		"$dir/manifest.yaml" {say}>&-
	within 10 test -s gsinfo.json
}

tell() {
	echo "$*" >&"$say"
}

now() {
	gojq -r "$1" gsinfo.json
}

# is FILTER VALUE: so it stands with the GameServer.
is() {
	[[ $(now "$1") == "$2" ]]
}

# The example's resident runs behind PREFIX: up PREFIX...
up() {
	tell up sidecar "$@"
	within 10 is '.pids.sidecar | type' number
}

enter() {
	start "$1" bash -c "exec 5<>/dev/tcp/127.0.0.1/$game_port; echo in; exec sleep infinity" {say}>&-
	within 10 logged "$1" in
}

leave() {
	local pid=${1}_pid

	kill -KILL "${!pid}"
	wait "${!pid}" || true
}

probed_since() {
	is .deleted true || (($(now .probes) > $1 + 5))
}

# Held while it is asked five times, which is beyond every threshold; nothing has let it go.
held() {
	within 60 probed_since "$(now .probes)"
	is "$blocked" true
	is .deleted false
	! logged okg HARM
}

# The pod is gone, and nobody was in it.
let_go() {
	within 120 is .deleted true
	logged okg "free unhooked with 0"
	! logged okg HARM
}

# Players come and go, while it serves; scaled down with one in it.
into_pre_delete() {
	enter one
	held
	leave one
	held
	enter two
	tell scale-down
	within 20 is '.pod["game.kruise.io/gs-state"]' PreDelete
	held
}

# heard CONDITION: what Kruise has heard last.
heard() {
	within 60 is '.conditions | to_entries[0].value' "$1"
}

# What the gateways' pages say: gateway COUNT
gateway() {
	mkdir -p page
	printf 'envoy_cluster_upstream_cx_active{cluster_name="%s"} %d\n' \
		outbound_5000__postio-0.default.svc.cluster.local "$1" \
		outbound_5000__postio-1.default.svc.cluster.local 7 >page/new
	mv page/new page/metrics
}

# Two gateways, the second one without players, and a Prometheus that scrapes them.
start_gateways() {
	local metrics_port second_port

	metrics_port=$(free_port) prometheus_port=$(free_port)
	second_port=$((metrics_port + 1))
	gateway 0
	start_pages "$metrics_port" \
		"server { listen 127.0.0.1:$second_port; location / { return 200 \"other 1\\n\"; } }"
	scrape higress-gateway "$metrics_port" "$second_port"
	start_prometheus
}

# What the real Prometheus says: promql QUERY
promql() {
	curl -sfG --data-urlencode "query=$1" "http://127.0.0.1:$prometheus_port/api/v1/query" |
		gojq -c '[.data.result[].value[1]]'
}

# To the manifest's query, and to the number of players in it.
value_is() {
	[[ $(promql "$(now '[.env[].GS_SIDECAR_PROBE_QUERY | values][0]')") == "$1" ]]
}

count_is() {
	[[ $(promql 'envoy_cluster_upstream_cx_active{cluster_name=~".*postio-0.*"}') == "[\"$1\"]" ]]
}
