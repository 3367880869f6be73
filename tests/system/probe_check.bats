#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What `check` says of probes: mistakes, and what is allowed but a trap with Kruise and OKG.

load lib

# check_rules RULES: of the probe p, over the sources n and age.
check_rules() {
	cat >config.json <<-END
		{ "probe-source": [ { "name": "n", "file": "n" }, { "name": "age", "file": "n", "age": true } ],
		  "probe-rules": [ { "name": "p", "rules": [ $1 ] } ] }
	END
	run "$gs" check --config config.json --source src --target target
}

warns() {
	expect_status 0
	expect_output "gs-sidecar: warning: $1"
}

none='{ "if": { "source": "n", "equals": 0, "for": "10s" }, "result": "idle" }'
some='{ "if": { "source": "n", "min": 1 }, "result": "busy", "pass": false }'
old='{ "if": { "source": "age", "min": 60 }, "result": "old" }'

@test "check: a probe that is as it should be has no warning" {
	check_rules "$none, $some, $old"
	expect_status 0
	[[ $output != *warning* ]]
}

@test "check: a word that lets go has to pass" {
	check_rules '{ "if": { "source": "n", "equals": 0, "for": "10s" }, "result": "idle", "pass": false }'
	warns 'probe "p", rule 1 (idle): with "pass": false its action would be for state false'
}

@test "check: one look at zero" {
	check_rules '{ "if": { "source": "n", "equals": 0 }, "result": "idle" }'
	warns 'probe "p", rule 1 (idle): one look at zero is enough for it'
	check_rules '{ "if": { "source": "n", "equals": 0, "samples": 3 }, "result": "idle" }'
	[[ $output != *"one look"* ]]
	check_rules '{ "if": { "all": [ { "source": "n", "equals": 0 } ], "for": "1s" }, "result": "idle" }'
	[[ $output != *"one look"* ]]
}

@test "check: a rule that protects has no for in front of one that lets go" {
	check_rules '{ "if": { "source": "n", "min": 1, "for": "10s" }, "result": "busy" }, { "result": "idle" }'
	warns 'probe "p", rule 1 (busy): until it has held for so long, the last rule speaks'
	check_rules '{ "if": { "source": "n", "min": 1, "for": "10s" }, "result": "busy" }, { "result": "quiet" }'
	[[ $output != *"until it has held"* ]]
}

@test "check: a word that lets go says what it needs" {
	check_rules "$some"', { "result": "idle" }'
	warns 'probe "p", rule 2 (idle): it lets go whenever nothing before holds'
	check_rules "$some"', { "result": "unknown" }'
	expect_status 2
	expect_output '"unknown" cannot pass'
}

@test "check: a word that changes all the time" {
	check_rules '{ "if": { "source": "n", "min": 0 }, "result": "{age}s" }'
	warns 'probe "p", rule 1 ({age}s): its word changes all the time'
}

@test "check: an opsState that OKG spells otherwise" {
	check_rules '{ "if": { "source": "n", "min": 0 }, "result": "waittobedeleted" }'
	warns 'probe "p", rule 1 (waittobedeleted): OKG'"'s opsState is spelt WaitToBeDeleted"
	check_rules '{ "if": { "source": "n", "min": 0 }, "result": "WaitToBeDeleted" }'
	[[ $output != *spelt* ]]
}

@test "check: a source that no rule names" {
	check_rules "$some"
	warns 'source "age": no rule names it'
}

@test "check: several probes" {
	cat >config.json <<-END
		{ "probe-source": [ { "name": "n", "file": "n" } ],
		  "probe-rules": [ { "name": "p", "rules": [ $none ] }, { "name": "q", "rules": [ $some ] } ] }
	END
	run "$gs" check --config config.json --source src --target target
	warns "more than one probe: kruise-daemon keeps one answer for a container"
}

@test "check: what can never be reached, and names that nothing has, are mistakes" {
	check_rules '{ "result": "any" }, { "if": { "source": "n", "min": 1 }, "result": "busy" }'
	expect_status 2
	expect_output 'probe "p": rule 2'
	check_rules "$some, $some"
	expect_status 2
	expect_output 'rule 2: it can never be reached: rule 1 has the same "if"'
	check_rules '{ "if": { "source": "m", "min": 1 }, "result": "busy" }'
	expect_status 2
	expect_output 'no source is called "m"'
	check_rules '{ "if": { "source": "n", "min": 1 }, "result": "no word" }'
	expect_status 2
	expect_output "'no word' is no label value"
}

@test "check: secrets of sources are not shown" {
	run "$gs" check --source src --target target --probe-source \
		'{ "name": "a", "http": "http://user:s3cret@127.0.0.1/?key=s3cret", "headers": [ "X-Key: s3cret" ] }'
	expect_status 0
	[[ $output != *s3cret* ]]
}
