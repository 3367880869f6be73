# SPDX-License-Identifier: Apache-2.0
# Helpers of the tests of gs-fetch: a cache in $dir/cache, and requests of one source, "it".

gs_fetch=${GS_FETCH:-${GS_SIDECAR%/*}/gs-fetch}

# Nothing of the tester's own environment may lead elsewhere.
unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY "${!AWS_@}"

# One run with the source that MEMBERS say: fetch MEMBERS [STATE [EXIT STATUS]]
# The answer is in answer.json, what was logged in fetch.log.
fetch() {
	status=0
	printf '{"sources": [{"name": "it", %s}]}' "$1" |
		"$gs_fetch" fetch --cache "$dir/cache" >"$dir/answer.json" 2>"$dir/fetch.log" || status=$?
	cat "$dir/answer.json" "$dir/fetch.log" >>"$dir/everything.log"
	output=$(<"$dir/fetch.log")
	expect_status "${3:-0}"
	[[ -z ${2-} ]] || expect_equal "$(answer .state)" "$2"
	! grep -l 'Sanitizer' "$dir/fetch.log"
}

# The same in the background, its pid in $fetching_pid.
start_fetch() {
	printf '{"sources": [{"name": "it", %s}]}' "$1" >"$dir/request.json"
	start fetching sh -c 'exec "$1" fetch --cache "$2" <"$3"' - "$gs_fetch" "$dir/cache" "$dir/request.json"
}

# A member of the answer: answer .state
answer() {
	gojq -r ".sources[0]$1" "$dir/answer.json"
}

# What the last answer calls its tree.
tree() {
	answer .directory
}

# A tree that was there before is there, as it was: remember, then expect_remembered.
remember() {
	remembered=$(tree)
	listing "$remembered" >"$dir/remembered"
}

# All but the number of links: the next tree may share files with this one.
listing() {
	tree_listing "$1" | sed -E 's/(\tf .*) [0-9]+$/\1/'
}

expect_remembered() {
	expect_equal "$(tree)" "$remembered"
	diff "$dir/remembered" <(listing "$remembered")
}

# Nothing half done is left in the source's folder but what may go on: expect_sound [NAME...]
expect_sound() {
	local name

	for name in "$dir"/cache/it/*; do
		name=${name##*/}
		case " $* " in *" $name "*) continue ;; esac
		[[ $name == state.json || $name == work.* ]] || expect_equal "$name" "$(basename "$(tree)")"
	done
}

# The number is within: expect_between LEAST NUMBER MOST
expect_between() {
	(($1 <= $2 && $2 <= $3)) || { printf '%s is not from %s to %s\n' "$2" "$1" "$3" && return 1; }
}

# A secret is nowhere: not in what was logged or answered, nor in the cache.
expect_secret() {
	! grep -rlF -- "$1" "$dir/everything.log" "$dir/cache" "$dir"/fetching.log 2>/dev/null
}

# Nor is it in the list of processes, which is looked at until the one that is fetching ends.
expect_secret_while_fetching() {
	local looks=0

	while ! is_gone "$fetching_pid"; do
		ps axww -o args= >"$dir/processes"
		if grep -F -- "$1" "$dir/processes"; then return 1; fi
		looks=$((looks + 1))
	done
	((looks > 0))
}
