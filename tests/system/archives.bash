# SPDX-License-Identifier: Apache-2.0
# Archives that `gs-fetch unpack` has to refuse; see archives.py.

fetch=${GS_FETCH:-${GS_SIDECAR%/*}/gs-fetch}
archives=$BATS_TEST_DIRNAME/archives.py

# What is there besides the directory that is unpacked into.
outside() {
	find . -path ./out -prune -o ! -path . -printf '%p %y %m %s %i %T@ %l\n' | sort
	ls -d /etc/absolute ../above 2>/dev/null || true
}

# No way out of it, and nothing that is more than a file.
expect_sound() {
	expect_equal "$(find out ! -type f ! -type d ! -type l)" ""
	expect_equal "$(find out -perm /7000)" ""
	expect_equal "$(find out -type l -lname '/*')" ""
	expect_equal "$(find out -name '..*')" ""
}

# Each archive of the family is refused, for its own reason: refused FAMILY LEAST [OPTION...]
refused() {
	local family=$1 least=$2 name entry why before count=0

	shift 2
	mkdir archives
	python3 -W ignore "$archives" "$family" archives >list
	before=$(outside)
	while IFS=$'\t' read -r name entry why; do
		rm -rf out
		run "$fetch" unpack "$@" "archives/$name" out
		expect_status 5
		expect_equal "$(wc -l <<<"$output")" 1
		expect_output " error unpack: 'archives/$name': "
		[[ $entry == - ]] || expect_output "'$entry"
		expect_output "$why"
		expect_equal "$(outside)" "$before"
		expect_sound
		count=$((count + 1))
	done <list
	((count >= least))
}
