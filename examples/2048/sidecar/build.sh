#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# build.sh VERSION DIR: fills DIR/js with the scripts of one version of the game, v1.0 or v2.0.
#
# The versions differ in the end message alone, so there is one copy of the scripts, and the
# line with the message is written here.
set -eu

fail() {
	echo "build.sh: $*" >&2
	exit 1
}

[ $# -eq 2 ] || fail "usage: build.sh v1.0|v2.0 DIR"
case $1 in
v1.0) message='Game over!' ;;
v2.0) message='*_* Game over!' ;;
*) fail "unknown version: $1 (v1.0 or v2.0)" ;;
esac

source=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/js
out=$2/js
line="^const END_MESSAGE = '.*';\$"

# sed succeeds when it replaces nothing, which would ship v1.0's message as v2.0.
[ "$(grep -c "$line" "$source/html_actuator.js")" = 1 ] ||
	fail "not one END_MESSAGE line in $source/html_actuator.js"

mkdir -p -- "$out"
for file in grid.js game.js keyboard.js main.js; do
	cp -- "$source/$file" "$out/$file"
done
sed "s/$line/const END_MESSAGE = '$message';/" "$source/html_actuator.js" >"$out/html_actuator.js"
