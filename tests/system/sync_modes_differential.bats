#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Random trees, random modes, random files of the game's, and now and then a kill: after each sync
# that came through the target is what rsync would have made, and nothing of the game's is lost. A
# failure prints the seed that repeats it: GS_SEED=... ; GS_ROUNDS=... makes it longer.
# Not under qemu, see tests/run.

load lib

: "${GS_ROUNDS:=120}" "${GS_SEED:=$((RANDOM * 32768 + RANDOM))}"

modes=(in-place data exchange)

# The game puts a file somewhere, changes or removes one of its own: what it has is in the array
# own, by path, and what it ever had in been. Names of its own do not come in random_tree.
play() {
	local path folders

	case $((RANDOM % 6)) in
	0) path=own-$((RANDOM % 5)) ;;
	1) path=own-dir-$((RANDOM % 3))/own-$((RANDOM % 3)) ;;
	2)
		for path in "${!own[@]}"; do
			rm "target/$path"
			unset 'own[$path]'
			break
		done
		return
		;;
	*)
		mapfile -d '' folders < <(cd "target/$([[ ! -L target/..data ]] || echo ..data)" && find . \
			-mindepth 1 \( -name '..?*' -o -name .gs-sidecar -o -name 'own-dir*' \) -prune -o -type d -print0)
		path=${folders[RANDOM % (${#folders[@]} + 1)]-.}/own-$((RANDOM % 3))
		path=${path#./}
		[[ -w target/${path%/*} ]] || [[ $path != */* ]] || return 0
		;;
	esac
	[[ $path != */* ]] || mkdir -p "target/${path%/*}"
	if ((RANDOM % 2)); then
		echo "$RANDOM" >"target/$path"
	else
		echo "$RANDOM" >"target/$path.new"
		mv "target/$path.new" "target/$path"
	fi
	own[$path]=$(<"target/$path")
	been[$path]=1
}

# All of the game's files are there, through the paths that it knows.
expect_own() {
	local path

	for path in "${!own[@]}"; do
		if [[ $(cat "target/$path") != "${own[$path]}" ]]; then
			printf 'lost: %q, which was %s\n' "$path" "${own[$path]}"
			return 1
		fi
	done
}

# Directories that the game's files were in, with all above them, are no difference; nor are names that
# old trees have of an inode.
expect_version() {
	rm -rf by-rsync
	rsync -aH --modify-window=-1 --exclude='..*' --exclude=/.gs-sidecar src/ by-rsync/ || return 1
	content_of by-rsync >wanted
	content_of "$(live_tree "$1")/" >there
	diff wanted there
}

content_of() {
	local path names='$'

	for path in "${!been[@]}"; do
		while [[ $path == */* ]]; do
			path=${path%/*}
			[[ -e $dir/by-rsync/$path || -L $dir/by-rsync/$path ]] || printf '%s\0' "$path"
		done
	done | tr '\n\0' '\r\n' | sort -u >places
	[[ ! -e $(state_dir)/retired ]] || names=' [0-9]+$'
	tree_listing "$1" | grep -avE '^own-|/own-[0-9]|^\.\.(data|gs-)|  \./\.\.gs-' |
		sed -E "/\tf /s/$names//" | without_places
}

# The lines of other paths.
without_places() {
	awk -F '\t' 'FILENAME == "places" { place[$0]; next } !($1 in place)' places -
}

# What a game's file is in cannot become a file: the operator moves all that away.
make_way() {
	local path first

	for path in "${!own[@]}"; do
		first=${path%%/*}
		[[ $first != own-* ]] || continue
		chmod -R u+w "target/$first/" 2>/dev/null
		if [[ -L target/..data ]]; then rm -rf "target/..data/$first"; fi
		rm -rf "target/$first"
		unset 'own[$path]'
	done
}

# synced MODE GRACE
synced() {
	"$gs" sync --source src --target target --publish "$1" --force --grace "$2" >>sync.log 2>&1
}

killed_somewhere() {
	local pid

	"$gs" sync --source src --target target --publish "${modes[RANDOM % 3]}" --force --grace 0 \
		>/dev/null 2>&1 3>&- &
	pid=$!
	read -rt "0.00$((RANDOM % 9))" <> <(:) || true
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
}

# One round; everything is told only when it fails: round N
round() {
	local mode=${modes[RANDOM % 3]} grace=$((RANDOM % 2 * 60))s i

	"$programs/random_tree" src $((GS_SEED + $1)) $((RANDOM % 6 + 1 + ($1 == 1) * 40))
	for ((i = RANDOM % 4; i > 0; i--)); do play; done
	printf 'seed %d, round %d, %s: ' "$GS_SEED" "$1" "$mode" >sync.log
	if ((RANDOM % 4 == 0)); then
		killed_somewhere
		expect_own || return 1
		((RANDOM % 2)) || "$programs/random_tree" src $((GS_SEED - $1)) 3
	fi
	if ! synced "$mode" "$grace"; then
		grep -q 'is not ours, and' sync.log || return 1
		make_way
		synced "$mode" "$grace" || return 1
	fi
	expect_own && expect_version "$mode"
}

@test "whatever the mode, the source, the game and the moment of a kill: nothing is lost" {
	local n mode
	declare -A own been

	RANDOM=$GS_SEED
	for ((n = 1; n <= GS_ROUNDS; n++)); do
		round "$n" || {
			cat sync.log
			return 1
		}
	done
	for mode in data exchange in-place; do
		publish_in "$mode" --grace 0 --force
		expect_no_leftovers "$mode"
		expect_own
	done
}
