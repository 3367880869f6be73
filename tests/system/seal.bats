#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `seal`, and syncs from sealed sources.

load lib

seal_name=..gs-sidecar-seal

prepare() {
	mkdir -p src/js/lib
	echo 1 >src/js/game.js
	echo 22 >src/js/lib/inner.js
	echo 333 >src/index.html
	ln -s js/game.js src/latest
	find src -exec touch -hd 2025-01-01T00:00:00 {} +
}

seal_it() {
	run "$gs" seal "$@" "$dir/src"
	expect_status 0
}

# A sync that is refused: refused STATUS TEXT [FLAG...]; the target stays as it is.
refused() {
	local status_wanted=$1 text=$2

	shift 2
	remember
	run "$gs" sync --source "$dir/src" --target "$dir/target" "$@"
	expect_status "$status_wanted"
	expect_output "$text"
	expect_untouched
}

# change FILE LINE: with the times it had.
change() {
	touch -r "$1" "$dir/times"
	echo "$2" >"$1"
	touch -r "$dir/times" "$1"
}

# Where the first of a text is in the seal.
offset_of() {
	grep -obUaF -m 1 -- "$1" "src/$seal_name" | head -n 1 | cut -d : -f 1
}

# ---- sealing ----

@test "seal tells what it wrote down" {
	seal_it
	expect_output "sealed '$dir/src': 4 files, 9 B; digest "
	[[ $output =~ digest\ [0-9a-f]{32},\ in\  ]]
	expect_equal "$(stat -c '%F %a' "src/$seal_name")" "regular file 644"
	expect_equal "$(ls -A src | wc -l)" 4
}

@test "seal --json tells it to programs" {
	seal_it --json --label v1.4.2
	expect_equal "$(gojq -c '[.directory, .label, .files, .bytes, .removals]' <<<"$output")" \
		"[\"$dir/src\",\"v1.4.2\",4,9,0]"
	expect_equal "$(gojq -r '.digest | length' <<<"$output")" 32
	expect_equal "$(gojq -r '.took_ms >= 0' <<<"$output")" true
	seal_it --json
	expect_equal "$(gojq .label <<<"$output")" null
}

@test "what is sealed has the digest that it is published under" {
	seal_it --json
	digest=$(gojq -r .digest <<<"$output")
	sync_now --json
	expect_equal "$(gojq -r .digest <<<"$output")" "$digest"
	rm "src/$seal_name"
	sync_now --json
	expect_equal "$(gojq -r .digest <<<"$output")" "$digest"
	expect_equal "$(gojq -r .changed <<<"$output")" false
}

@test "sealing twice gives the same bytes" {
	seal_it --label v1
	cp "src/$seal_name" one
	seal_it --label v1
	cmp one "src/$seal_name"
	cp -a src other
	run "$gs" seal --label v1 other
	expect_status 0
	cmp one "other/$seal_name"
	seal_it --label v2
	run cmp -s one "src/$seal_name"
	expect_status 1
}

@test "no time of a seal is later than SOURCE_DATE_EPOCH" {
	SOURCE_DATE_EPOCH=1000000000 seal_it
	cp "src/$seal_name" one
	find src -exec touch -hd 2026-01-01T00:00:00.123 {} +
	SOURCE_DATE_EPOCH=1000000000 seal_it
	cmp one "src/$seal_name"
	# As the image builder will do to the files.
	find src -exec touch -hd @1000000000 {} +
	sync_now
	expect_like_rsync
	for wrong in x -1 1.5 '' 99999999999999999999; do
		SOURCE_DATE_EPOCH=$wrong run "$gs" seal src
		expect_status 2
		expect_output SOURCE_DATE_EPOCH
	done
}

@test "names that are not content are not sealed, and none is left behind" {
	mkfifo src/pipe
	ln -s nowhere "src/$seal_name.new"
	seal_it
	expect_output "'pipe' in the source is not a file, directory or link: left out"
	expect_output "4 files"
	[[ ! -L src/$seal_name.new && ! -e src/$seal_name.new ]]
	sync_now
	[[ ! -e target/pipe && ! -e target/$seal_name ]]
}

@test "markers of what lower layers have are counted" {
	touch src/.gs-remove.old src/js/.gs-remove.older
	seal_it
	expect_output "6 files"
	expect_output ", removes 2 names of lower layers; digest "
	seal_it --json
	digest=$(gojq -r .digest <<<"$output")
	expect_equal "$(gojq .removals <<<"$output")" 2
	mkdir base
	echo old >base/old
	echo kept >base/kept
	run "$gs" sync --source base --source src --target target
	expect_status 0
	expect_equal "$(cd target && echo *)" "index.html js kept latest"
	run "$gs" sync --source src --target other --json
	expect_equal "$(gojq -r .digest <<<"$output")" "$digest"
}

@test "what cannot be sealed is refused" {
	run "$gs" seal
	expect_status 2
	expect_output "expected a directory: gs-sidecar seal DIR"
	run "$gs" seal src other
	expect_status 2
	run "$gs" seal nowhere
	expect_status 4
	expect_output "'nowhere'"
	run "$gs" seal --label "$(printf 'x%.0s' {1..48})" src
	expect_status 2
	expect_output "label"
	touch src/..x
	run "$gs" seal src
	expect_status 2
	expect_output "'..x' has a reserved name"
	rm src/..x
	mkdir src/.gs-remove.x
	run "$gs" seal src
	expect_status 2
	expect_output "'.gs-remove.x' is a directory"
	rmdir src/.gs-remove.x
	mkdir "src/$seal_name"
	run "$gs" seal src
	expect_status 4
	expect_output "write '$seal_name'"
	expect_equal "$(ls -A "src")" "$(printf '%s\n' "$seal_name" index.html js latest)"
}

@test "what kubelet mounts cannot be sealed" {
	mkdir volume volume/..v1
	echo 1 >volume/..v1/game.json
	ln -s ..v1 volume/..data
	ln -s ..data/game.json volume/game.json
	run "$gs" seal volume
	expect_status 2
	expect_output "'game.json' is a link through '..data'"
	[[ ! -e volume/$seal_name ]]
}

@test "who may not write into a directory is told so before it is read" {
	give_to_ordinary target
	chmod 755 src
	echo secret >src/secret
	chmod 0 src/secret
	has_other_users || chmod 555 src
	run as_ordinary "$gs" seal src
	expect_status 4
	expect_output "write a seal into 'src'"
}

# ---- syncing what is sealed ----

@test "a sealed source is synced as any other" {
	seal_it --label v1.4.2
	sync_now
	expect_like_rsync
	expect_equal "$(gojq -r .label target/.gs-sidecar/published.json)" v1.4.2
	echo 4444 >src/js/game.js
	rm src/index.html
	seal_it --label v1.4.3
	sync_now
	expect_output "1 placed"
	expect_like_rsync
	expect_equal "$(gojq -r .label target/.gs-sidecar/published.json)" v1.4.3
}

@test "what looks as it did is not read again, but by verify full" {
	seal_it
	sync_now
	change src/index.html 444
	change target/js/game.js 5
	remember
	for how in none stat; do
		sync_now --verify "$how"
		expect_output "unchanged: "
		expect_untouched
	done
	refused 4 "its seal does not match: 'index.html' has another content" --verify full
	change src/index.html 333
	sync_now --verify full
	expect_like_rsync
}

@test "verify none: a seal is believed until a file is copied" {
	seal_it
	sync_now --verify none
	expect_like_rsync
	rm src/index.html
	echo new >src/new
	remember
	sync_now --verify none
	expect_untouched
	# It is noticed when it has to be read.
	rm target/index.html
	rm -r target/.gs-sidecar
	refused 4 "'index.html'" --verify none
	echo other >src/index.html
	refused 4 "'index.html' of the source changed, or is not what its seal says" --verify none
}

@test "verify stat: a file with another time is read" {
	seal_it
	sync_now
	change src/index.html 444
	sync_now --verify stat
	touch -d 2025-01-02 src/index.html
	refused 4 "source '$dir/src': its seal does not match: 'index.html' has another content" \
		--verify stat
	sync_now --verify none
}

@test "a file with another time and the same content is what was sealed" {
	seal_it
	touch -d 2025-01-02 src/index.html src/js
	sync_now --verify stat
	expect_equal "$(cat target/index.html)" 333
	sync_now --verify full
}

# Image builders and registries keep no fractions of seconds.
@test "times that have lost their fractions are still believed" {
	find src -exec touch -hd 2025-01-01T00:00:00.75 {} +
	seal_it
	find src -exec touch -hd 2025-01-01T00:00:00 {} +
	sync_now
	change src/index.html 444
	sync_now --verify stat
	expect_equal "$(cat target/index.html)" 333
}

@test "a seal that does not match leaves the old version live, and names the first mismatch" {
	seal_it
	sync_now
	echo 4444 >src/index.html
	refused 4 "its seal does not match: 'index.html' has another size"
	printf '333\n' >src/index.html
	touch src/added
	refused 4 "its seal does not match: 'added' is there too"
	rm src/added
	mv src/js/game.js src/js/zzz
	refused 4 "its seal does not match: 'js/game.js' is missing"
	mv src/js/zzz src/js/game.js
	chmod 755 src/js/game.js
	refused 4 "its seal does not match: 'js/game.js' has another mode"
	chmod 644 src/js/game.js
	chmod 700 src/js/lib
	refused 4 "its seal does not match: 'js/lib' has another mode"
	chmod 755 src/js/lib
	ln -sfn js/lib src/latest
	refused 4 "its seal does not match: 'latest' leads elsewhere"
	rm src/latest
	echo x >src/latest
	refused 4 "its seal does not match: 'latest' has another type"
	rm src/latest
	ln -s js/game.js src/latest
	sync_now
}

@test "a sealed source of another owner is published with the owners that are there" {
	seal_it
	if has_other_users; then chown -hR 1234:2345 src; fi
	sync_now
	expect_like_rsync
}

# ---- unsound seals ----

@test "a seal that is cut is refused" {
	seal_it
	sync_now
	cp "src/$seal_name" whole
	size=$(stat -c %s whole)
	for length in 0 1 7 8 100 127 128 129 200 $((size - 1)); do
		head -c "$length" whole >"src/$seal_name"
		for how in none stat full; do
			refused 2 "source '$dir/src': seal '$seal_name': " --verify "$how"
		done
	done
	cat whole - <<<"" >"src/$seal_name"
	refused 2 "source '$dir/src': seal '$seal_name': the manifest is cut, or too long"
	cp whole "src/$seal_name"
	sync_now
}

@test "a seal whose bytes changed is refused" {
	seal_it
	mkdir empty
	run "$gs" sync --source empty --target target --force
	cp "src/$seal_name" whole
	size=$(stat -c %s whole)
	for ((at = 3; at < size; at += 29)); do
		cp whole "src/$seal_name"
		byte=$(od -An -tu1 -j "$at" -N 1 whole)
		printf "\\x$(printf %x $((byte ^ 32)))" |
			dd of="src/$seal_name" bs=1 seek="$at" conv=notrunc status=none
		refused 2 "source '$dir/src': seal '$seal_name': " --verify none
	done
}

@test "a seal that is no file is refused" {
	sync_now
	touch elsewhere
	for make in "ln -s ../elsewhere" "ln -s nowhere" mkfifo mkdir touch; do
		rm -rf "src/$seal_name"
		$make "src/$seal_name"
		refused 2 "source '$dir/src': seal '$seal_name': "
	done
}

# hostile OFFSET WORD...: made to be believed, and refused all the same.
hostile() {
	cp whole "src/$seal_name"
	"$programs/reseal" "src/$seal_name" "$@"
	for how in none stat full; do
		refused 2 "source '$dir/src': $expected" --verify "$how"
	done
}

@test "a hostile seal leads nowhere" {
	echo 1 >src/xxxxx
	mkdir src/ydir empty
	echo 1 >src/ydir/f
	echo 1 >empty/1
	run "$gs" sync --source empty --target target
	expect_status 0
	seal_it
	cp "src/$seal_name" whole
	echo victim >victim

	expected="seal '$seal_name': entry 6 ('"
	at=$(offset_of xxxxx)
	for path in ../vi ..xxx x/../ /xxxx x/xxx xxxx/ axxxx; do
		hostile "$at" "$path"
	done
	expected="seal '$seal_name': entry 8 ('"
	at=$(offset_of ydir/f)
	for path in ydir/. ydir// yd/r/f ../../ xdir/f; do
		hostile "$at" "$path"
	done
	# The directory that a path goes through is made a link, and a file.
	expected="seal '$seal_name': entry 7 ('ydir') leads nowhere, or is not a link"
	hostile $((128 + 72 * 7 + 68)) 0 0 108
	expected="seal '$seal_name': entry 7 ('ydir') has no hash of its content, or one too many"
	hostile $((128 + 72 * 7 + 70)) 102

	expected="seal '$seal_name': entry 0 ('index.html') has an unknown type"
	hostile $((128 + 70)) 120
	expected="seal '$seal_name': entry 0 ('index.html') has an impossible mode"
	hostile $((128 + 69)) 255
	expected="seal '$seal_name': the manifest's head is damaged"
	hostile 64 255 255 255 255
	expect_equal "$(cat victim)" victim
	expect_equal "$(ls -A target)" $'.gs-sidecar\n1'
}

# It would be published under a name that belongs to other files.
@test "a seal with the digest of another version is refused" {
	sync_now
	echo new >src/new
	seal_it
	cp "src/$seal_name" whole
	expected="seal: its digest is not that of its entries"
	hostile 16 1 2 3 4 5 6 7 8
}
