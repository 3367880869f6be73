#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What Kruise and OKG make of the examples with probes (tests/programs/okg.py), with real players.
# probe_okg.bats has every fault; these are the manifests as they are shipped.
# Natively alone, see tests/run.

load lib
load answers
load okg

examples=$BATS_TEST_DIRNAME/../../examples

# example NAME
example() {
	local config=$examples/$1/gs-sidecar.json

	[[ -e $config ]] || config=/dev/null
	take "$examples/$1/gameserverset.yaml" "$config"
	probe_port=$(free_port)
}

# Scaled down with a player in it, the server stays; it is gone when the player is.
drains() {
	into_pre_delete
	heard "False draining"
	leave two
	"$@"
	let_go
	heard "True done"
}

@test "every example with a serviceQuality is run here" {
	cd "$examples"
	expect_equal "$(grep -l '^  serviceQualities:' -- */*.yaml | paste -sd ' ')" \
		"$(grep -oP '^\texample \K\S+' "$BATS_TEST_FILENAME" | sort | sed 's,$,/gameserverset.yaml,' | paste -sd ' ')"
}

@test "drain-connections: a server with a player stays until it is empty" {
	example drain-connections
	begin --set "0.0.0.0:8077=127.0.0.1:$probe_port"
	up $resident
	heard "False serving"
	drains true
}

@test "drain-prometheus: a server with a player stays until it is empty" {
	start_gateways
	example drain-prometheus
	begin --set "/gs$gs=$gs" --set "http://prometheus.monitoring:9090=http://127.0.0.1:$prometheus_port" \
		--set "outbound_$game_port=outbound_5000"
	within 60 value_is '["0"]'
	heard "False serving"
	gateway 1
	within 60 value_is '["1"]'
	drains gateway 0
}

@test "several-processes: OKG's state says which of them is not there" {
	example several-processes
	sed -i 's/"process": "\(gate\|data\)"/"process": "argv:\1-'"$$"' *"/' gs-sidecar.json
	begin --set "0.0.0.0:8077=127.0.0.1:$probe_port"
	start gate bash -c "exec -a gate-$$ sleep infinity"
	start data bash -c "exec -a data-$$ sleep infinity"
	up $resident
	heard "True healthy"
	is .opsState None
	leave data
	heard "True no-data"
	within 20 is .opsState DataMaintaining
	leave gate
	heard "True no-gate"
	within 20 is .opsState GateMaintaining
	start gate bash -c "exec -a gate-$$ sleep infinity"
	start data bash -c "exec -a data-$$ sleep infinity"
	heard "True healthy"
	within 20 is .opsState None
}
