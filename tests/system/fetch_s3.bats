#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Natively alone: OpenStack Swift as the peer of gs-fetch, whose S3 interface checks each signature.
bats_require_minimum_version 1.5.0
load lib
load fetch

# Its configuration, and the ring of one device that leads to it.
make_server() {
	cat >"$1.conf" <<-END
		[DEFAULT]
		devices = $dir/node
		mount_check = false
		bind_ip = 127.0.0.1
		bind_port = $2
		user = $(id -un)
		workers = 0
		swift_dir = $dir
		log_level = WARNING
		[pipeline:main]
		pipeline = $1-server
		[app:$1-server]
		use = egg:swift#$1
		fallocate_reserve = 0
	END
	swift-ring-builder "$1.builder" create 4 1 0
	swift-ring-builder "$1.builder" add "r1z1-127.0.0.1:$2/d1" 1
	swift-ring-builder "$1.builder" rebalance
	echo "$2" >>ports
}

# All that takes its time to start is there for all tests, each of which has a bucket of its own.
setup_file() {
	local kind

	dir=$BATS_FILE_TMPDIR
	cd "$dir"
	mkdir -p node/d1
	printf '[swift-hash]\nswift_hash_path_prefix = a\nswift_hash_path_suffix = b\n' >swift.conf
	for kind in account container object; do make_server "$kind" "$(free_port)"; done
	port=$(free_port)
	cache_port=$(free_port)
	make_proxy
	start cache memcached -u "$(id -un)" -l 127.0.0.1 -p "$cache_port"
	for kind in account container object; do start "$kind" "swift-$kind-server" "$kind.conf" -v; done
	printf '%s\n' "${pids[@]}" >pids
	echo "$port" >port
	while read -r port; do within 30 curl -s "http://127.0.0.1:$port/"; done <ports
	start_proxy
}

teardown_file() {
	local pid

	while read -r pid; do
		end_descendants "$pid"
		kill -KILL "$pid" || true
	done < <(cat "$BATS_FILE_TMPDIR"/{pids,proxy.pid})
}

prepare() {
	port=$(<"$BATS_FILE_TMPDIR/port")
	export AWS_ACCESS_KEY_ID=test:tester AWS_SECRET_ACCESS_KEY=a-secret-word
	bucket=bucket$BATS_TEST_NUMBER
	within 20 log_in
	within 20 swift -X PUT "$store/$bucket"
	all="\"endpoint\": \"http://127.0.0.1:$port\", \"path-style\": true, \"retries\": 0"
}

# Three objects are a page of a list.
make_proxy() {
	cat >proxy.conf <<-END
		[DEFAULT]
		bind_ip = 127.0.0.1
		bind_port = $port
		user = $(id -un)
		workers = 0
		swift_dir = $dir
		log_level = WARNING
		[pipeline:main]
		pipeline = catch_errors cache listing_formats s3api tempauth proxy-server
		[app:proxy-server]
		use = egg:swift#proxy
		account_autocreate = true
		[filter:tempauth]
		use = egg:swift#tempauth
		user_test_tester = a-secret-word .admin
		[filter:s3api]
		use = egg:swift#s3api
		storage_domain = localhost
		max_bucket_listing = 3
		[filter:cache]
		use = egg:swift#memcache
		memcache_servers = 127.0.0.1:$cache_port
		[filter:catch_errors]
		use = egg:swift#catch_errors
		[filter:listing_formats]
		use = egg:swift#listing_formats
	END
}

# In another folder than the test's, whose end it outlives.
start_proxy() {
	local folder=$BATS_FILE_TMPDIR

	swift-proxy-server "$folder/proxy.conf" -v >"$folder/proxy.log" 2>&1 3>&- &
	echo $! >"$folder/proxy.pid"
	within 30 curl -s "http://127.0.0.1:$(<"$folder/port")/"
}

stop_proxy() {
	kill -KILL "$(<"$BATS_FILE_TMPDIR/proxy.pid")"
	within 10 eval '! curl -s "http://127.0.0.1:$port/"'
}

# By Swift's own interface.
log_in() {
	token=$(curl -sfi -H 'X-Storage-User: test:tester' -H 'X-Storage-Pass: a-secret-word' \
		"http://127.0.0.1:$port/auth/v1.0" | sed -n 's/^X-Auth-Token: //p' | tr -d '\r')
	store=http://127.0.0.1:$port/v1/AUTH_test
	[[ -n $token ]]
}

swift() {
	curl -sSf --path-as-is -o /dev/null -H "X-Auth-Token: $token" "$@"
}

# What the key is in a URL, of a file: put KEY FILE
put() {
	swift -T "$2" "$store/$bucket/$1"
}

@test "s3: a prefix, unchanged, one changed, one gone, the server down and up again" {
	local it="\"s3\": \"s3://$bucket/data/\", $all" inode name

	mkdir -p src/deep
	random_file src/a.bin 60000
	echo 1 >src/b.txt
	echo 2 >src/deep/c.txt
	echo 3 >"src/deep/&<sp ace>+%41;ü'.txt"
	echo 4 >src/z
	while read -r name; do
		put "data/$(jq -rRn --arg name "$name" '$name | @uri' | sed 's/%2F/\//g')" "src/$name"
	done < <(cd src && find . -type f -printf '%P\n')
	echo other >other
	put database other
	swift -X PUT -d '' "$store/$bucket/data/folder/"

	fetch "$it" fetched
	diff -r src "$(tree)"
	expect_equal "$(answer .requests)" 7
	expect_between 60000 "$(answer .wire_bytes)" 75000
	expect_sound objects.1
	inode=$(stat -c '%i %Y' "$(tree)/a.bin")
	fetch "$it" unchanged
	expect_equal "$(answer .requests)" 2
	expect_between 500 "$(answer .wire_bytes)" 6000

	echo changed >src/b.txt
	put data/b.txt src/b.txt
	rm src/z
	swift -X DELETE "$store/$bucket/data/z"
	fetch "$it" fetched
	diff -r src "$(tree)"
	expect_equal "$(answer .requests)" 3
	expect_equal "$(stat -c '%i %Y' "$(tree)/a.bin")" "$inode"
	expect_sound objects.2
	remember

	stop_proxy
	fetch "$it" stale
	expect_remembered
	start_proxy
	fetch "$it" unchanged
	expect_remembered
	expect_secret a-secret-word
}

@test "s3: keys wrong and right, from the environment and from a file that is read anew" {
	local it="\"s3\": \"s3://$bucket/one.txt\", $all"

	echo it >one.txt
	put one.txt one.txt
	AWS_SECRET_ACCESS_KEY=a-wrong-word fetch "$it" missing 5
	[[ $(answer .error) == "s3://$bucket/one.txt: the server answered with status 403 SignatureDoesNotMatch: it wants other credentials" ]]
	AWS_ACCESS_KEY_ID=nobody fetch "$it" missing 5
	[[ $(answer .error) == *"403 InvalidAccessKeyId"* || $(answer .error) == *"403 SignatureDoesNotMatch"* ]]
	fetch "$it" fetched
	unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
	# Without keys nothing is signed, and Swift takes it for a question of its own kind.
	fetch "$it" stale
	fetch "$it, \"key-file\": \"keys\"" stale
	[[ $(answer .error) == *"key-file 'keys'"*"No such file"* ]]
	echo '{"AccessKeyId": "test:tester", "SecretAccessKey": "a-wrong-word"}' >keys
	fetch "$it, \"key-file\": \"keys\"" stale
	echo '{"AccessKeyId": "test:tester", "SecretAccessKey": "a-secret-word"}' >keys
	fetch "$it, \"key-file\": \"keys\"" unchanged
	printf '[other]\naws_access_key_id = x\naws_secret_access_key = y\n[default]\naws_access_key_id = test:tester\naws_secret_access_key=a-secret-word\n' >keys
	fetch "$it, \"key-file\": \"keys\"" unchanged
	printf '[default]\naws_access_key_id = test:tester\n' >keys
	fetch "$it, \"key-file\": \"keys\"" stale
	[[ $(answer .error) == *"expected AccessKeyId and SecretAccessKey"* ]]
	expect_secret a-secret-word
	expect_secret a-wrong-word
}

@test "s3: an object, an archive with a checksum, by the name of the bucket in the host" {
	local host="\"endpoint\": \"http://localhost:$port\", \"retries\": 0" sum

	echo it >src/file
	find src -exec touch -d '2026-01-02 03:04:05' {} +
	tar czf it.tgz -C src .
	sum=$(sha256sum it.tgz | cut -d ' ' -f 1)
	put "builds/it%20now.tgz" it.tgz
	fetch "\"s3\": \"s3://$bucket/builds/it now.tgz\", $host, \"sha256\": \"$sum\"" fetched
	expect_same_tree src "$(tree)"
	fetch "\"s3\": \"s3://$bucket/builds/it now.tgz\", $host, \"sha256\": \"$sum\"" unchanged
	expect_between 200 "$(answer .wire_bytes)" 1500
	fetch "\"s3\": \"s3://$bucket/builds/it now.tgz\", $all, \"sha256\": \"${sum//[0-9]/0}\"" stale
	[[ $(answer .error) == *"its SHA-256 is $sum and not the wanted one" ]]
	fetch "\"s3\": \"s3://$bucket/builds/absent.tgz\", $all" stale
	[[ $(answer .error) == *"404 NoSuchKey: there is nothing under this name" ]]
	fetch "\"s3\": \"s3://absent/builds/\", $all" stale
	[[ $(answer .error) == *"404 NoSuchBucket"* ]]
	fetch "\"s3\": \"s3://$bucket/builds/it now.tgz\", $all, \"region\": \"eu-west-9\"" stale
	[[ $(answer .error) == *"400 AuthorizationHeaderMalformed"* ]]
}

@test "s3: subpath, into, include, exclude, and limits" {
	local it="\"s3\": \"s3://$bucket/data/\", $all"

	echo 1 >one
	put data/js/a.js one
	put data/js/a.map one
	put data/js/deep/b.js one
	put data/css/c.css one
	fetch "$it, \"subpath\": \"js\", \"into\": \"game/scripts\", \"exclude\": [\"*.map\"]" fetched
	expect_equal "$(cd "$(tree)" && find . -type f | sort | tr '\n' ' ')" "./game/scripts/a.js ./game/scripts/deep/b.js "
	expect_equal "$(answer .requests)" 3
	put data/js/new.js one
	fetch "$it, \"subpath\": \"js\", \"into\": \"game/scripts\", \"exclude\": [\"*.map\"]" fetched
	expect_equal "$(answer .requests)" 3
	fetch "$it, \"include\": [\"/css\"]" fetched
	expect_equal "$(cd "$(tree)" && find . -type f)" "./css/c.css"
	remember
	fetch "$it, \"most-files\": 4" stale
	[[ $(answer .error) == *'more than 4 files, see "most-files"' ]]
	fetch "$it, \"most-bytes\": 9" stale
	[[ $(answer .error) == *'more than 9 bytes, see "most-bytes"' ]]
	fetch "\"s3\": \"s3://$bucket/nothing/\", $all" stale
	[[ $(answer .error) == *"no object below this prefix" ]]
	expect_remembered
}

@test "s3: keys that no file can have" {
	local it="\"s3\": \"s3://$bucket/data/\", $all" key

	echo 1 >one
	put data/good one
	fetch "$it" fetched
	remember
	for key in data/%2E%2E/up data/a//b data//root data/..data data/./here; do
		put "$key" one
		fetch "$it" stale
		[[ $(answer .error) == *"cannot be the name of a file" ]]
		swift -X DELETE "$store/$bucket/$key"
	done
	put data/good/below one
	fetch "$it" stale
	[[ $(answer .error) == *good* ]]
	expect_remembered
}

@test "s3: killed in the middle, the last good tree stays" {
	local it="\"s3\": \"s3://$bucket/data/\", $all" i signal

	random_file one 100000
	put data/0 one
	fetch "$it" fetched
	remember
	for i in {1..30}; do put "data/$i" one; done
	for signal in TERM KILL; do
		start_fetch "$it"
		within 20 eval '[[ -e cache/it/new/1 ]]'
		kill "-$signal" "$fetching_pid"
		within 5 is_gone "$fetching_pid"
		diff remembered <(listing "$remembered")
		rm -rf cache/it/new
	done
	start_fetch "$it"
	expect_secret_while_fetching a-secret-word
	ended fetching
	expect_status 0
	fetch "$it" unchanged
	expect_equal "$(find "$(tree)" -type f | wc -l)" 31
	expect_sound "objects.${remembered##*.}" objects.2
}
