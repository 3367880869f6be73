#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# As sync_crash.bats, for the modes in which a version changes as a whole, and for the changes from
# mode to mode: killed or refused at a call, a whole version is live, and the game's files are there.
#
# Each test takes a sample of the calls, another one each time: GS_SEED repeats it, GS_CALLS=1000 takes
# more of them, GS_CALLS=all takes each in turn.
# Not under qemu, see tests/run.

load lib

# What is kept of older versions is the subject of rollback.bats.
export GS_SIDECAR_KEEP=0

: "${GS_CALLS:=10}" "${GS_SEED:=$((RANDOM * 32768 + RANDOM))}"

changing=(renameat renameat2 unlinkat mkdirat linkat symlinkat fchmodat fchmod utimensat fchownat
	fchown write)

# Four versions, the game's files beside the second, and the state of each mode to begin with.
prepare() {
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0
	RANDOM=$GS_SEED
	mkdir -p one/js/deep one/gone/deep one/dir-to-file
	echo 1 | tee one/js/a one/js/deep/b one/gone/deep/c one/dir-to-file/d one/file-to-dir one/top >/dev/null
	echo same | tee one/js/same one/same >/dev/null
	ln one/same one/js/same-too
	ln -s js one/link
	chmod 0555 one/js/deep
	cp -a one zero
	echo 0 >zero/top
	cp -a one two
	rm -r two/gone two/dir-to-file two/file-to-dir
	mkdir two/file-to-dir two/new
	echo 2 | tee two/js/a two/js/deep/b two/dir-to-file two/file-to-dir/e two/new/f two/top >/dev/null
	ln -sfn new two/link
	cp -a two three
	echo 3 | tee three/js/a three/third >/dev/null
	rm -r three/new three/js/same-too
	mkdir begin
}

# The state before the call that something happens at: begin_with MODE|nothing
begin_with() {
	rm -rf begin target .gs-sidecar-target
	mkdir begin target
	if [[ $1 != nothing ]]; then
		sync_of zero "$1" 1h
		sync_of one "$1" 1h
		echo save | tee target/js/save target/gone/save >/dev/null
		mkdir target/js/own
		echo save >target/js/own/save
	fi
	mkdir target/own
	echo save | tee target/save target/own/save >/dev/null
	footprint_of_games >games
	mv target begin/
	[[ ! -e .gs-sidecar-target ]] || mv .gs-sidecar-target begin/
}

# sync_of VERSION MODE GRACE
sync_of() {
	run "$gs" sync --source "$1" --target target --publish "$2" --grace "$3" --force --threads 1
	expect_status 0
}

again() {
	rm -rf target .gs-sidecar-target
	cp -a begin/. .
}

# meets CALL WHAT N VERSION MODE: a sync that meets WHAT at its Nth CALL
meets() {
	run strace -f -qqq -o trace -e "trace=$1" -e "inject=$1:$2:when=$3" \
		"$gs" sync --source "$4" --target target --publish "$5" --grace 0 --force --threads 1
}

# The game's files, wherever the mode has them: by the paths that the game uses.
footprint_of_games() {
	(
		cd target || exit 1
		for file in save own/save js/save gone/save js/own/save; do
			[[ ! -e $file ]] || echo "$file $(<"$file")"
		done
	)
}

live() {
	if [[ -L target/..data ]]; then printf target/..data/; else printf target/; fi
}

# Whether the target has this version, with the game's files: is_version VERSION
is_version() {
	local name

	diff -r --no-dereference -x '..*' -x .gs-sidecar -x save -x own -x gone "$1" "$(live)" &&
		diff -r -x gone/save "$1/gone" "$(live)gone" 2>/dev/null | grep -v 'Only in target.*: save' || true
	for name in "$1"/*; do
		name=${name##*/}
		[[ -e target/$name && -e $(live)$name ]] || return 1
	done
}

# Just this version: type, mode, time, links and content, but for what the game put there.
listing_of() {
	(
		cd "$1" || exit 1
		find . \( -name '..?*' -o -name .gs-sidecar -o -name own \) -prune -o ! -name save ! -path ./gone \
			-mindepth 1 -type d -printf '%P %y %m %T@\n' -o ! -name save ! -path ./gone -mindepth 1 -type l \
			-printf '%P %y %l\n' -o ! -name save ! -path ./gone -mindepth 1 -printf '%P %y %m %T@ %n\n' | sort
		find . \( -name '..?*' -o -name .gs-sidecar -o -name own \) -prune -o -type f ! -name save -print0 |
			sort -z | xargs -r0 sha256sum
	)
}

expect_games() {
	diff games <(footprint_of_games)
}

# expect_exactly VERSION MODE
expect_exactly() {
	diff <(listing_of "$1") <(listing_of "$(live)") && expect_games && expect_no_leftovers "$2"
}

# One of several next syncs: recovered HOW MODE
recovered() {
	local version=two mode=$2

	case $(($1 % 6)) in
	1) version=one ;;
	2) version=three ;;
	3) mode=in-place ;;
	4) mode=data ;;
	5) mode=exchange ;;
	esac
	sync_of "$version" "$mode" 0
	expect_exactly "$version" "$mode"
}

# A whole version, or with nothing published none at all: expect_old_or_new FROM
expect_old_or_new() {
	if [[ $1 == nothing && ! -e $(live)top ]]; then return; fi
	is_version one >/dev/null || is_version two >/dev/null || {
		printf 'neither the old nor the new version\n'
		is_version one
		return 1
	}
}

# The calls of a sync, one in a line, "CALL N" for its Nth: calls_of VERSION MODE CALL...
calls_of() {
	local version=$1 mode=$2

	shift 2
	again
	strace -f -qqq -o trace -e "trace=$(IFS=, && echo "$*")" "$gs" sync --source "$version" \
		--target target --publish "$mode" --grace 0 --force --threads 1 >/dev/null 2>&1
	sed -En 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' trace | awk '{ print $1, ++count[$1] }'
}

# A sample of lines, each kind of call with the same chance: sample COUNT
sample() {
	if [[ $GS_CALLS == all ]]; then
		cat
	else
		awk -v seed="$RANDOM" -v count="$1" 'BEGIN { srand(seed) }
			{ lines[$1, ++of[$1]] = $0; if (of[$1] == 1) kinds[++kind_count] = $1 }
			END { while (count-- > 0) {
				kind = kinds[1 + int(rand() * kind_count)]
				print lines[kind, 1 + int(rand() * of[kind])] } }'
	fi
}

# killed_at_calls FROM TO VERSION
killed_at_calls() {
	local call n

	begin_with "$1"
	if [[ $TEST_ARCH != "$(dpkg --print-architecture)" ]]; then
		killed_after_any_time "$@"
		return
	fi
	calls_of "$3" "$2" "${changing[@]}" >calls
	(($(wc -l <calls) > 20))
	sample "$GS_CALLS" <calls >chosen
	while read -r -u 4 call n; do
		again
		meets "$call" signal=KILL "$n" "$3" "$2"
		printf 'seed %d: killed at %s %d, from %s to %s\n' "$GS_SEED" "$call" "$n" "$1" "$2"
		expect_status 137
		expect_games
		expect_old_or_new "$1"
		recovered "$RANDOM" "$2"
	done 4<chosen
}

# The same where strace cannot be used.
killed_after_any_time() {
	local n pid

	for ((n = 0; n < 15; n++)); do
		again
		"$gs" sync --source "$3" --target target --publish "$2" --grace 0 --force >/dev/null 2>&1 3>&- &
		pid=$!
		read -rt "0.0$((10 + RANDOM % 60))" <> <(:) || true
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
		printf 'seed %d: killed, from %s to %s\n' "$GS_SEED" "$1" "$2"
		expect_games
		expect_old_or_new "$1"
		recovered "$RANDOM" "$2"
	done
}

@test "killed in a first publication with data" {
	killed_at_calls nothing data one
}

@test "killed in a first publication with exchange" {
	killed_at_calls nothing exchange one
}

@test "killed in an update with data" {
	killed_at_calls data data two
}

@test "killed in an update with exchange" {
	killed_at_calls exchange exchange two
}

@test "killed on the way from in-place to data" {
	killed_at_calls in-place data two
}

@test "killed on the way from data to in-place" {
	killed_at_calls data in-place one
}

@test "killed on the way from data to exchange" {
	killed_at_calls data exchange two
}

@test "killed on the way from exchange to data" {
	killed_at_calls exchange data two
}

@test "killed on the way from in-place to exchange" {
	killed_at_calls in-place exchange two
}

@test "killed again and again, in any mode: the game's files survive, and then all is exact" {
	local round n mode modes=(in-place data exchange) versions=(one two three) repetitions=$GS_CALLS

	[[ $GS_CALLS != all ]] || repetitions=1000

	begin_with in-place
	again
	for ((round = 1; round <= repetitions; round++)); do
		mode=${modes[RANDOM % 3]}
		for ((n = RANDOM % 3; n >= 0; n--)); do
			killed_somewhere "${versions[RANDOM % 3]}" "${modes[RANDOM % 3]}"
			expect_games
		done
		recovered "$RANDOM" "$mode"
	done
}

# What came after the switch counts, also where the old tree was not looked through again.
replaced_after_a_kill() {
	local n

	begin_with "$1"
	n=$(calls_of two "$1" linkat | tail -n 1)
	again
	meets linkat signal=KILL "${n#* }" two "$1"
	expect_status 137
	expect_equal "$(cat target/top)" 2
	echo newer >target/js/save.new
	mv target/js/save.new target/js/save
	echo late >target/js/late
	sync_of three "$1" 0
	expect_equal "$(cat target/js/save target/js/late target/gone/save)" $'newer\nlate\nsave'
	rm target/js/late
	echo save >target/js/save
	sync_of three "$1" 0
	expect_exactly three "$1"
}

@test "what the game puts into a version whose switch was cut off stays" {
	[[ $TEST_ARCH == "$(dpkg --print-architecture)" ]] || return 0
	replaced_after_a_kill data
	replaced_after_a_kill exchange
}

# killed_somewhere VERSION MODE
killed_somewhere() {
	local call=${changing[RANDOM % ${#changing[@]}]} n=$((1 + RANDOM % 12))

	if [[ $TEST_ARCH == "$(dpkg --print-architecture)" ]]; then
		meets "$call" signal=KILL "$n" "$1" "$2"
		printf 'seed %d: %s to %s, killed at %s %d: %d\n' "$GS_SEED" "$1" "$2" "$call" "$n" "$status"
	else
		run timeout -s KILL "0.0$((10 + RANDOM % 60))" \
			"$gs" sync --source "$1" --target target --publish "$2" --grace 0 --force
	fi
}

# ---- refused ----

errors_of() {
	case $1 in
	write | mkdirat | symlinkat) echo ENOSPC EIO ;;
	linkat) echo EIO EMLINK EPERM ;;
	renameat | renameat2 | fchmodat | utimensat) echo EACCES EIO ;;
	openat | openat2) echo EMFILE EACCES ;;
	read) echo EIO EINTR ;;
	*) echo EIO ;;
	esac
}

# refused_at_calls FROM TO VERSION
refused_at_calls() {
	local call n error looking=(openat openat2 read getdents64 readlinkat newfstatat fstat)

	begin_with "$1"
	calls_of "$3" "$2" "${changing[@]}" "${looking[@]}" >calls
	sample "$((GS_CALLS * 2 / 5))" <calls >chosen
	while read -r -u 4 call n; do
		for error in $(errors_of "$call"); do
			again
			meets "$call" "error=$error" "$n" "$3" "$2"
			printf 'seed %d: %s at %s %d, from %s to %s: %d, %s\n' "$GS_SEED" "$error" "$call" \
				"$n" "$1" "$2" "$status" "$output"
			if [[ $output == *"loading shared libraries"* || $output == *Sanitizer* ]]; then continue; fi
			if ((status == 0)); then
				is_version "$3"
			elif [[ $output != *"configuration: "* ]]; then
				expect_status 4
				[[ $(tail -n 1 <<<"$output") == "gs-sidecar: "?*": "* ]]
			fi
			expect_games
			[[ $2 == in-place ]] || expect_old_or_new "$1"
			recovered "$RANDOM" "$2"
		done
	done 4<chosen
}

# Where there is no strace: a disk that has room for a little more each time is in publish_modes.bats.
each_way() {
	[[ $TEST_ARCH == "$(dpkg --print-architecture)" ]] || return 0
	refused_at_calls "$@"
}

@test "refused in a first publication" {
	each_way nothing data one
	each_way nothing exchange one
}

@test "refused in an update" {
	each_way data data two
	each_way exchange exchange two
}

@test "refused on the way from mode to mode" {
	each_way in-place data two
	each_way data in-place one
	each_way data exchange two
	each_way exchange data two
}

# A file may not grow beyond a size: write(2) is short, then refused.
short_write() {
	head -c 300000 /dev/urandom >two/large
	begin_with "$1"
	again
	run bash -c 'trap "" XFSZ; ulimit -f 100; exec "$@"' - \
		"$gs" sync --source two --target target --publish "$1"
	expect_status 4
	expect_output "File too large"
	expect_games
	is_version one
	recovered 0 "$1"
}

@test "a write that is short" {
	short_write data
	short_write exchange
}

# ---- readers ----

# read_during_kills MODE VERSIONS
read_during_kills() {
	local n

	rm -rf src target .gs-sidecar-target
	mkdir src target
	make_version 1
	publish_in "$1"
	start whole "$programs/reader" whole "$(live_tree "$1")"
	start each "$programs/reader" each target/{first,one,two,js/a,js/b,js/c,js/deep/d,maps/m}
	within 5 logged whole reading
	within 5 logged each reading
	for ((n = 2; n <= $2; n++)); do
		make_version "$n"
		killed_reading "$1"
		((n % 3)) || publish_in "$1"
	done
	kill "$whole_pid" "$each_pid"
	for name in whole each; do
		ended "$name"
		expect_equal "$status $(cat "$name.log")" "0 $(cat "$name.log")"
	done
}

killed_reading() {
	local call=${changing[RANDOM % ${#changing[@]}]} n=$((1 + RANDOM % 20))

	if [[ $TEST_ARCH == "$(dpkg --print-architecture)" ]]; then
		run strace -f -qqq -o trace -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" \
			"$gs" sync --source src --target target --publish "$1"
	else
		run timeout -s KILL "0.0$((10 + RANDOM % 60))" \
			"$gs" sync --source src --target target --publish "$1"
	fi
}

@test "readers see only whole versions while syncs are killed" {
	read_during_kills data 25
	read_during_kills exchange 25
}

# synced_with_statfs INJECTION
synced_with_statfs() {
	run strace -qqq -o trace -e trace=fstatfs -e "inject=fstatfs:$1" "$gs" sync --source small --target fresh
	expect_status 0
	diff -r -x .gs-sidecar small fresh
	grep fstatfs trace >&2
}

@test "a disk that cannot say what is free, or has more than there are numbers, is not full" {
	local most=0000000000000080

	mkdir small
	echo one >small/it
	synced_with_statfs error=ENOSYS
	grep -q INJECTED trace
	echo second >small/it
	# A tmpfs of 2^63 blocks of 4096 bytes, all free.
	synced_with_statfs "poke_exit=@arg2=94190201000000000010000000000000$most$most$most"
	grep -q 'f_bfree=9223372036854775808,' trace
}
