#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `gs-fetch unpack`: what tar makes of good archives, and one line for each that is hostile.
# Not under qemu, see tests/run.

load lib
load archives

# As tar does it, but with our permissions of files that nobody could read, and times of all.
expect_like_tar() {
	rm -rf by-tar out
	mkdir by-tar
	tar -xpf "$1" -C by-tar
	run "$fetch" unpack "$1" out
	expect_status 0
	expect_equal "$(tree_listing out)" "$(tree_listing by-tar)"
}

make_tree() {
	mkdir -p src/levels/deep src/empty
	seq 9999 >src/levels/one.txt
	seq 99 >src/levels/deep/two.txt
	: >src/levels/nothing
	ln -s levels/one.txt src/latest
	ln -s ../../levels src/levels/deep/up
	ln src/levels/one.txt src/hard
	truncate -s 3M src/hole
	printf end >>src/hole
	chmod 755 src/levels/deep/two.txt
	chmod 640 src/levels/one.txt
	chmod 750 src/empty
	chmod 555 src/levels/deep
	touch -d 2020-02-02T02:02:02.25 src/levels/one.txt src/levels src/levels/deep src/empty
}

# ---- good ones ----

@test "a tar of every format, packed or not, comes out as tar makes it" {
	local format

	make_tree
	for format in gnu posix ustar; do
		tar -cf "$format.tar" --format "$format" -C src .
		expect_like_tar "$format.tar"
	done
	tar -cSf sparse.tar -C src .
	expect_like_tar sparse.tar
	expect_equal "$(stat -c %b out/hole)" "$(stat -c %b by-tar/hole)"
	# Directories that come after what is in them.
	tar -cf posix.tar --format posix --no-recursion -C src levels/deep/two.txt latest levels/deep \
		levels/one.txt levels empty
	expect_like_tar posix.tar
	gzip -k gnu.tar
	expect_like_tar gnu.tar.gz
	zstd -q -19 gnu.tar
	expect_like_tar gnu.tar.zst
	expect_output "unpacked: 4 files, 3 directories, 3 links, "
	chmod -R u+w src out by-tar
}

@test "as another user, directories that cannot be written come out too" {
	make_tree
	tar -cf all.tar -C src .
	mkdir out
	chmod 777 out
	run setpriv --reuid 65534 --clear-groups --inh-caps=-all --bounding-set=-all "$fetch" unpack all.tar out
	expect_status 0
	expect_equal "$(stat -c '%a %u' out/levels/deep)" "555 65534"
	cmp src/levels/deep/two.txt out/levels/deep/two.txt
	chmod -R u+w src out
}

@test "a zip comes out with its permissions and links" {
	make_tree
	chmod 755 src/levels/deep
	(cd src && python3 -m zipfile -c ../all.zip . 2>/dev/null || python3 -m zipfile -c ../all.zip levels empty latest hole hard)
	run "$fetch" unpack all.zip out
	expect_status 0
	cmp src/levels/one.txt out/levels/one.txt
	cmp src/hole out/hole
	expect_equal "$(stat -c %a out/levels/deep/two.txt)" 755
	expect_equal "$(stat -c %a out/levels/one.txt)" 640
}

@test "archives that are unusual and fine come out" {
	local name

	mkdir archives
	python3 -W ignore "$archives" fine archives >list
	seq 900 | sed s/.*/one/ >expected
	while read -r name; do
		rm -rf out
		run "$fetch" unpack "archives/$name" out
		expect_status 0
		expect_equal "${#lines[@]}" 1
		cmp expected out/a/file || { echo "$name" && false; }
		expect_sound
		case $name in
		odd_names*) (($(find out -type f -printf x | wc -c) >= 7)) ;;
		*_long.tar) expect_equal "$(find out -type f -printf x | wc -c)" 2 ;;
		in_line.tar) [[ -e out/b ]] ;;
		esac
	done <list
	[[ -e archives/zip64.zip ]]
}

@test "bits that let others act as the owner are taken away, and every file can be read" {
	mkdir -p src/d
	echo x >src/run
	echo x >src/hidden
	chmod 6755 src/run
	chmod 000 src/hidden
	chmod 3777 src/d
	tar -cf all.tar -C src .
	run "$fetch" unpack all.tar out
	expect_status 0
	expect_equal "$(stat -c %a out/run out/hidden out/d | xargs)" "755 400 777"
}

@test "only an empty directory is filled, and only a file is an archive" {
	tar -cf all.tar -C / etc/hostname
	mkdir out
	echo mine >out/file
	run "$fetch" unpack all.tar out
	expect_status 2
	expect_output "'out' is not empty"
	expect_equal "$(ls out)" file
	rm out/file
	run "$fetch" unpack all.tar out
	expect_status 0
	run "$fetch" unpack none.tar other
	expect_status 4
	expect_output "open 'none.tar': No such file or directory"
	run "$fetch" unpack out other
	expect_status 4
	expect_output "'out' is not a file"
	mkfifo pipe
	run timeout 10 "$fetch" unpack pipe other
	expect_status 4
	expect_output "'pipe' is not a file"
}

@test "a disk that is full is no fault of the archive" {
	local name

	head -c 3M /dev/urandom >src/large
	tar -cf all.tar -C src .
	zstd -q all.tar
	for name in all.tar all.tar.zst; do
		run unshare -m sh -c 'mkdir out && mount -t tmpfs -o size=1M none out && "$0" unpack "$1" out' \
			"$fetch" "$name"
		expect_status 4
		expect_output "'$name': './large': write: No space left on device"
		rmdir out
	done
}

@test "the time is limited" {
	head -c 64M /dev/urandom >src/large
	tar -cf all.tar -C src .
	run "$fetch" unpack --timeout 1ms all.tar out
	expect_status 3
	expect_output "the time was over while it was unpacked"
}

# ---- hostile ones ----

@test "a name that leads out, or is none, is refused" { refused names 35; }

@test "a link that leads out, or another entry through a link, is refused" { refused links 50; }

@test "devices, pipes and sockets are refused" { refused types 10; }

@test "what is there twice, or below a file, is refused" { refused twice 25; }

@test "a bomb is refused before it is large" {
	refused bombs 10
	(($(du -sk . | cut -f1) < 1024 * 1024))
}

@test "more files than the limit are refused, and directories count too" {
	refused many 6 --most-files 1000
}

@test "what is damaged, encrypted or no archive is refused" { refused damaged 10; }

@test "an archive that is cut anywhere is refused" { refused cut 120; }

# ---- the command itself ----

@test "help teaches, and wrong words are answered" {
	run "$fetch" --help
	expect_status 0
	expect_output "gs-fetch unpack"
	run "$fetch" unpack --help
	expect_status 0
	expect_output "--most-bytes N"
	expect_output "(17179869184)"
	run "$fetch" --version
	expect_status 0
	[[ $output == "gs-fetch "[0-9]* ]]
	run "$fetch"
	expect_status 2
	run "$fetch" conjure
	expect_status 2
	expect_output "'conjure' is not a command, see 'gs-fetch --help'"
	run "$fetch" unpack one
	expect_status 2
	expect_output "unpack needs ARCHIVE DIR, see --help"
	run "$fetch" unpack --most-byte 3 one two
	expect_status 2
	expect_output "'--most-byte' is no option of unpack"
	run "$fetch" unpack --most-files many one two
	expect_status 2
	expect_output "--most-files"
	run "$fetch" unpack --log-format=json none.tar out
	expect_status 4
	expect_equal "$(gojq -r .message <<<"$output")" "open 'none.tar': No such file or directory"
}
