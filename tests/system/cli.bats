#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The command line: help, settings and their mistakes.

load lib

@test "version is printed" {
	run "$gs" version
	expect_status 0
	[[ $output =~ ^gs-sidecar\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}
