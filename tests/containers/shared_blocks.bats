#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# XFS and btrfs: what is copied shares its blocks with the source until one of the two is written to.
# Here since only root can mount them.

load ../system/lib

filesystems=(xfs btrfs)

prepare() {
	rmdir src target
}

clean_up() {
	cd /
	umount "$dir"/*/volume 2>/dev/null || true
}

# In a new filesystem of the kind: on_volume KIND MKFS-FLAG...
on_volume() {
	mkdir -p "$dir/$1/volume"
	truncate -s 400M "$dir/$1/image"
	"mkfs.$1" -q "${@:2}" "$dir/$1/image" >/dev/null
	mount -o loop "$dir/$1/image" "$dir/$1/volume"
	cd "$dir/$1/volume"
	mkdir src
}

# make_file NAME BYTES
make_file() {
	head -c "$2" /dev/urandom >"src/$1"
}

# The times of what was written just now are no longer of this moment.
settle() {
	within 5 settled
}

settled() {
	local last

	last=$(find src -printf '%C@\n' | sort -n | tail -n 1)
	(($(date +%s%3N) > $(date -d "@$last" +%s%3N) + 200))
}

# sync_here FLAG...
sync_here() {
	run "$gs" sync --source src --target target --shrink-limit 100 "$@"
	expect_status 0
}

shares() {
	filefrag -v "$1" | grep -q shared
}

expect_shared() {
	shares "$1" || { filefrag -v "$1" && return 1; }
}

expect_alone() {
	! shares "$1" || { filefrag -v "$1" && return 1; }
}

# A few bytes in place, as a game does that owns its files: write_into FILE
write_into() {
	printf changed | dd of="$1" bs=1 seek=70000 conv=notrunc status=none
}

like_its_source() {
	make_file large 1048576
	make_file edge 32768
	make_file below 32767
	make_file odd 300001
	truncate -s 2M src/sparse
	printf end >>src/sparse
	ln src/large src/again
	chmod 600 src/odd
	touch -d 2001-02-03 src/odd
	"$@"
	sync_here
	expect_like_rsync src target
	for file in large again edge odd; do expect_shared "target/$file"; done
	expect_alone target/below
}

@test "shared blocks: content, modes, times, links and holes are the source's" {
	local kind

	for kind in "${filesystems[@]}"; do
		on_volume "$kind"
		like_its_source settle
		rm -r src/* target
		like_its_source true
	done
}

# Whether a file that is kept has the content of FILE.
is_kept() {
	local kept

	while read -r kept; do
		if cmp -s "$kept" "$1"; then return 0; fi
	done < <(find "$PWD" -path '*generations*' -type f)
	return 1
}

# Version one, two, and back to one; the game writes into each.
in_mode() {
	rm -rf src v1 v2 target .gs-sidecar-target
	mkdir src
	make_file large 400000
	make_file other 200000
	cp -a src v1
	sync_here --publish "$1"
	expect_shared src/large
	make_file large 400000
	cp -a src v2
	sync_here --publish "$1"
	write_into target/large
	diff -r v2 src
	is_kept v1/large
	run "$gs" rollback --target target --publish "$1"
	expect_status 0
	diff -r -x .gs-sidecar -x '..*' v1 target
	is_kept v1/large
	expect_shared target/large
	write_into target/large
	is_kept v1/large
	write_into src/other
	cmp v2/other target/other
}

@test "shared blocks: who writes to the target changes no source, and no version that is kept" {
	local kind mode

	for kind in "${filesystems[@]}"; do
		on_volume "$kind"
		for mode in in-place data exchange; do
			in_mode "$mode"
		done
	done
}

@test "shared blocks: with the cache of what was fetched" {
	local kind cached

	for kind in "${filesystems[@]}"; do
		on_volume "$kind"
		make_file large 1048576
		tar cf "$dir/it.tar" -C src .
		run "$gs" sync --source "{\"name\": \"it\", \"archive\": \"$dir/it.tar\"}" --target target \
			--fetch-program "$GS_FETCH" --fetch-cache cache
		expect_status 0
		cached=$(echo cache/it/tree.*/large)
		cmp src/large target/large
		expect_shared "$cached"
		write_into target/large
		cmp src/large "$cached"
	done
}

used() {
	sync -f .
	df --output=used --block-size=1 . | tail -n 1
}

@test "shared blocks: they take no room" {
	local kind before

	for kind in "${filesystems[@]}"; do
		on_volume "$kind"
		make_file large 100M
		before=$(used)
		sync_here
		cmp src/large target/large
		(($(used) - before < 20 << 20))
	done
}

# It is written into the source once that was shared, and before it is looked at again: interfere STATUS
interfere() {
	rm -f "$dir/trace"
	start sync strace -o "$dir/trace" -e trace=ioctl -e inject=ioctl:signal=STOP:when=1 \
		"$gs" sync --source src --target target --threads 1
	within 10 grep -q '^--- stopped by SIGSTOP' "$dir/trace"
	head -n 1 "$dir/trace" | grep -q 'FICLONE.* = 0$'
	write_into src/large
	pkill -CONT -P "$sync_pid"
	ended sync
	expect_equal "$status" "$1"
}

@test "shared blocks: a source that changes meanwhile is what it was, or refused" {
	local kind

	for kind in "${filesystems[@]}"; do
		on_volume "$kind"
		make_file large 1048576
		cp src/large before
		settle
		interfere 4
		logged sync "'large' of the source changed while it was read"
		[[ ! -e target/large ]]
		cp before src/large
		run "$gs" seal src
		expect_status 0
		settle
		interfere 0
		cmp before target/large
	done
}

@test "shared blocks: where that cannot be, it is asked for once" {
	on_volume ext4
	for file in {1..20}; do make_file "$file" 200000; done
	run strace -f -qqq -o "$dir/trace" -e trace=ioctl "$gs" sync --source src --target target --threads 2
	expect_status 0
	expect_like_rsync src target
	tried=$(grep -c FICLONE "$dir/trace")
	((tried >= 1 && tried <= 2))
}
