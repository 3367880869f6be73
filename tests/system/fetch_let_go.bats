#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An archive that comes fast goes through memory to who unpacks it, and is not written to a file as well.
# Not under qemu, see tests/run.
bats_require_minimum_version 1.5.0
load lib
load fetch
load web

FILE_MOST_KIB=12288

prepare() {
	local i

	serve_web
	for i in {1..24}; do random_file "src/$i" 1000000; done
	make_archive 2020-02-02
}

clean_up() {
	end_web
}

# make_archive TIME
make_archive() {
	tar -C src -cf new.tar {1..24}
	touch -d "$1" new.tar
	mv new.tar www/it.tar
}

# Half of the archive comes at once, and then nothing to speak of: half_of NAME [RETRIES [MEMBERS]]
half_of() {
	stop_nginx
	rate='1; limit_rate_after 12m' write_config
	start_nginx
	start_fetch "\"http\": \"$base/$1\", \"retries\": ${2-10}${3:+, $3}"
	within 30 test -e cache/it/new/10
}

all_of() {
	stop_nginx
	within 20 logged fetching "again in"
	rate=0 write_config
	start_nginx
	ended fetching
}

# With files of so many KiB at most.
fetch_small() {
	(ulimit -f "$FILE_MOST_KIB" && fetch "$@")
}

@test "let go: no file becomes as large as the archive, packed or not" {
	local ending

	# Not all at once: who unpacks has to be there before much has come.
	stop_nginx
	rate=8m write_config
	start_nginx
	gzip -1k www/it.tar
	zstd -q www/it.tar
	for ending in tar tar.gz tar.zst; do
		fetch_small "\"http\": \"$base/it.$ending\"" fetched
		diff -r src "$(tree)"
		expect_sound
		fetch "\"http\": \"$base/it.$ending\"" unchanged
	done
}

@test "let go: what may go back needs all of it" {
	(cd src && python3 -c 'import sys, zipfile
with zipfile.ZipFile("../www/it.zip", "w") as z:
    for name in sys.argv[1:]:
        z.write(name)' {1..24})
	fetch_small "\"http\": \"$base/it.zip\"" missing 5
	[[ ! -e cache/it/new ]]
	fetch "\"http\": \"$base/it.zip\"" fetched
	diff -r src "$(tree)"
}

@test "let go: a checksum, right and wrong" {
	local sum

	sum=$(sha256sum www/it.tar | cut -d ' ' -f 1)
	fetch_small "\"http\": \"$base/it.tar\", \"sha256\": \"${sum//[0-7]/8}\"" missing 5
	[[ $(answer .error) == *"its SHA-256 is $sum and not the wanted one" ]]
	[[ ! -e cache/it/new && ! -e cache/it/download ]]
	fetch_small "\"http\": \"$base/it.tar\", \"sha256\": \"$sum\"" fetched
	diff -r src "$(tree)"
}

@test "let go: the same archive under another ETag is fetched, and nothing is published" {
	local source="{\"name\": \"it\", \"http\": \"$base/it.tar\"}" expected

	for expected in "published * (serial 1)*" "unchanged: * (serial 1,*"; do
		run "$gs" sync --source "$source" --target game --fetch-program "$gs_fetch" --fetch-cache cache
		expect_status 0
		[[ $output == *" version "* ]]
		# shellcheck disable=SC2053 # A pattern.
		[[ ${lines[-1]} == $expected ]]
		touch -d 2021-03-03 www/it.tar
	done
	diff -r src game --exclude .gs-sidecar
}

@test "let go: cut in the middle, it goes on where it was, and its checksum is that of all" {
	local members

	for members in '' "\"sha256\": \"$(sha256sum www/it.tar | cut -d ' ' -f 1)\""; do
		rm -rf cache
		half_of it.tar 10 "$members"
		(($(stat -c %s cache/it/download) < 12000000))
		all_of
		expect_status 0
		diff -r src cache/it/tree.1
		[[ $(last_asked) == *" 206 "* ]]
	done
}

@test "let go: of another archive that comes in its place, all is new" {
	half_of it.tar
	rm src/1 src/24
	random_file src/1 500000
	random_file src/24 2000000
	make_archive 2021-03-03
	all_of
	expect_status 0
	diff -r src cache/it/tree.1
	[[ $(last_asked) == *" 200 "* ]]
}

@test "let go: one that was killed is gone on with from its beginning, and all of it is kept" {
	half_of it.tar
	kill -KILL "$fetching_pid"
	wait "$fetching_pid" || true
	stop_nginx
	rate=0 write_config
	start_nginx
	fetch_small "\"http\": \"$base/it.tar\"" missing 5
	[[ $(last_asked) == *" 206 "* ]]
	expect_equal "$(stat -c %s cache/it/download)" $((FILE_MOST_KIB * 1024))
	fetch "\"http\": \"$base/it.tar\"" fetched
	diff -r src "$(tree)"
	[[ $(last_asked) == *" 206 "* ]]
	expect_between 11000000 "$(answer .wire_bytes)" 13000000
	expect_sound
}

@test "let go: one that is given up leaves its beginning" {
	half_of it.tar 0
	stop_nginx
	ended fetching
	expect_status 5
	expect_equal "$(echo cache/it/*)" "cache/it/download cache/it/download.json"
	rate=0 write_config
	start_nginx
	fetch "\"http\": \"$base/it.tar\"" fetched
	diff -r src "$(tree)"
	[[ $(last_asked) == *" 206 "* ]]
	expect_sound
}

# The cache is a tmpfs of its own: small_cache SIZE
small_cache() {
	mkdir small
	mount -t tmpfs -o size="$1" none small
	ln -s small cache
}

@test "let go: when the disk gets full meanwhile, nothing is left" {
	small_cache 40M
	stop_nginx
	rate=8m write_config
	start_nginx
	start_fetch "\"http\": \"$base/it.tar\", \"retries\": 0"
	within 30 test -e cache/it/new/8
	head -c 40M /dev/zero >small/other || true
	ended fetching
	expect_status 5
	logged fetching "write: No space left on device"
	expect_equal "$(ls cache/it)" ""
	umount small
}

@test "let go: what is larger than what is free is not begun" {
	small_cache 14M
	fetch "\"http\": \"$base/it.tar\"" missing 5
	[[ $(answer .error) == *"No space left on device: 24.0 MB are to come, and in '$PWD/cache/it' 14."?" MB are free" ]]
	expect_equal "$(answer .requests)" 1
	expect_between 1 "$(answer .wire_bytes)" 1000000
	expect_equal "$(ls cache/it)" ""
	umount small
}

@test "let go: a disk that does not say what is free is not full" {
	small_cache 0
	expect_equal "$(stat -fc %b small)" 0
	fetch "\"http\": \"$base/it.tar\"" fetched
	diff -r src "$(tree)"
	umount small
}

@test "let go: damaged in the middle, or without who unpacks it, it ends" {
	printf 'broken' | dd of=www/it.tar bs=1 seek=$(($(stat -c %s www/it.tar) / 24 / 512 * 512 * 18)) conv=notrunc status=none
	dd if=/dev/urandom of=www/it.tar bs=1M seek=17 count=2 conv=notrunc status=none
	fetch "\"http\": \"$base/it.tar\"" missing 5
	[[ $(answer .error) == *"it is damaged"* ]]
	make_archive 2020-02-02
	half_of it.tar
	kill -KILL "$(pgrep -P "$(pgrep -P "$fetching_pid")")"
	all_of
	expect_status 5
	logged fetching "what unpacks it ended with status 137"
	[[ ! -e cache/it/new && ! -e cache/it/tree.1 ]]
}

@test "let go: much of little is too much only where no more is to come" {
	head -c 1500M /dev/zero >zeros
	tar -cf - -C src {1..5} -C .. zeros -C src {6..24} | gzip -1 >www/it.tar.gz
	fetch "\"http\": \"$base/it.tar.gz\"" fetched
	diff -r <(cd src && sha256sum -- *) <(cd "$(tree)" && rm zeros && sha256sum -- *)
}

@test "let go: a file that needs more of the archive than has come by then does not wait for ever" {
	random_file src/1 20000000
	make_archive 2020-02-02
	stop_nginx
	rate=10m write_config
	start_nginx
	fetch "\"http\": \"$base/it.tar\", \"most-ratio\": 1, \"timeout\": \"60s\"" fetched
	diff -r src "$(tree)"
}

@test "what comes slowly stays, and is gone on with by the next run" {
	stop_nginx
	rate=500k write_config
	start_nginx
	start_fetch "\"http\": \"$base/it.tar\""
	within 60 eval '(( $(stat -c %s cache/it/download) > 5000000 ))'
	[[ -e cache/it/download.json ]]
	kill -KILL "$fetching_pid"
	wait "$fetching_pid" || true
	stop_nginx
	rate=0 write_config
	start_nginx
	fetch "\"http\": \"$base/it.tar\"" fetched
	diff -r src "$(tree)"
	[[ $(last_asked) == *" 206 "* ]]
	expect_between 15000000 "$(answer .wire_bytes)" 20000000
}
