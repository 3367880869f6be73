#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Natively alone: OpenStack Swift as the peer of gs-fetch, whose S3 interface checks each signature.
bats_require_minimum_version 1.5.0
load lib
load fetch
load swift
load tinyproxy

setup_file() {
	start_swift
}

teardown_file() {
	stop_swift
}

prepare() {
	use_swift
}

# nginx between us and Swift, which records what it is sent: start_front [RATE [LINE]], at $front.
start_front() {
	front=${front:-$(free_port)}
	cat >nginx.conf <<-END
		daemon off;
		user root;
		worker_processes 1;
		pid $dir/nginx.pid;
		error_log $dir/nginx-error.log;
		events {}
		http {
			log_format asked '\$status \$host \$request range=\$http_range token=\$http_x_amz_security_token \$http_authorization';
			access_log $dir/access.log asked;
			client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
			uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
			limit_rate ${1-0};
			server {
				listen 127.0.0.1:$front;
				location / {
					proxy_pass http://127.0.0.1:$port;
					proxy_set_header Host \$http_host;
					${2-}
				}
			}
		}
	END
	start nginx nginx -p "$dir" -c "$dir/nginx.conf"
	within 10 curl -s "http://127.0.0.1:$front/"
	through="\"endpoint\": \"http://127.0.0.1:$front\", \"path-style\": true, \"retries\": 0"
}

# At once, and with it all its connections.
stop_front() {
	kill -STOP "$nginx_pid"
	end_descendants "$nginx_pid"
	kill -KILL "$nginx_pid"
	wait "$nginx_pid" || true
	within 10 eval '! (: <>"/dev/tcp/127.0.0.1/$front")'
}

last_asked() {
	tail -n 1 access.log
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
		put "data/$(python3 -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1]))' "$name")" "src/$name"
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

@test "s3: an object that is one file, unchanged, changed, the server down and up again" {
	local it

	echo first >one.txt
	put data/one.txt one.txt
	start_front
	it="\"s3\": \"s3://$bucket/data/one.txt\", $through"
	fetch "$it" fetched
	expect_equal "$(cat "$(tree)/one.txt")" first
	[[ $(last_asked) == "200 127.0.0.1 GET /$bucket/data/one.txt "* ]]
	fetch "$it" unchanged
	[[ $(last_asked) == "304 "* ]]
	expect_equal "$(answer .requests)" 1
	expect_between 200 "$(answer .wire_bytes)" 1500
	echo second >one.txt
	put data/one.txt one.txt
	fetch "$it" fetched
	expect_equal "$(cat "$(tree)/one.txt")" second
	remember
	stop_front
	fetch "$it" stale
	expect_remembered
	[[ $(answer .error) == "s3://$bucket/data/one.txt: "*onnect* ]]
	start_front
	fetch "$it" unchanged
	expect_remembered
	# By the name of the bucket in the host.
	fetch "\"s3\": \"s3://$bucket/data/one.txt\", \"endpoint\": \"http://localhost:$front/\"" fetched
	[[ $(last_asked) == "200 $bucket.localhost GET /data/one.txt "* ]]
	expect_sound
}

@test "s3: an object and a prefix through a proxy, and to whom it is spared" {
	local object="\"s3\": \"s3://$bucket/one.txt\", $all"
	local prefix="\"s3\": \"s3://$bucket/data/\", $all"

	echo first >one.txt
	put one.txt one.txt
	put data/two.txt one.txt
	make_tinyproxy
	start_tinyproxy
	export http_proxy=$proxy
	fetch "$object" fetched
	expect_equal "$(cat "$(tree)/one.txt")" first
	logged tinyproxy "GET http://127.0.0.1:$port/$bucket/one.txt HTTP/1"
	fetch "$prefix" fetched
	expect_equal "$(cat "$(tree)/two.txt")" first
	logged tinyproxy "GET http://127.0.0.1:$port/$bucket/data/two.txt HTTP/1"
	remember
	stop_tinyproxy
	fetch "$prefix" stale
	expect_remembered
	no_proxy=127.0.0.1 fetch "$prefix" unchanged
}

@test "s3: a session token is sent and signed, from the environment and from a file" {
	local it

	echo it >one.txt
	put one.txt one.txt
	start_front
	it="\"s3\": \"s3://$bucket/one.txt\", $through"
	# Swift has no use for it, but checks the signature, and that is of this header too.
	AWS_SESSION_TOKEN=a-session-token fetch "$it" fetched
	[[ $(last_asked) == "200 "*" token=a-session-token AWS4-HMAC-SHA256 "*"SignedHeaders="*";x-amz-security-token,"* ]]
	echo '{"AccessKeyId": "test:tester", "SecretAccessKey": "a-secret-word", "SessionToken": "another-token"}' >keys
	fetch "$it, \"key-file\": \"keys\"" unchanged
	[[ $(last_asked) == "304 "*" token=another-token "* ]]
	printf '[default]\naws_access_key_id=test:tester\naws_secret_access_key=a-secret-word\naws_session_token=third-token\n' >keys
	fetch "\"s3\": \"s3://$bucket/\", $through, \"key-file\": \"keys\"" fetched
	expect_equal "$(grep -c ' token=third-token AWS4' access.log)" "$(answer .requests)"
	expect_secret a-session-token
	expect_secret another-token
	expect_secret third-token
	stop_front
	start_front 0 "proxy_set_header x-amz-security-token changed;"
	AWS_SESSION_TOKEN=a-session-token fetch "$it" stale
	[[ $(answer .error) == *"403 SignatureDoesNotMatch"* ]]
}

@test "s3: a prefix that changes while it is fetched is no mixture" {
	local i

	random_file one 150000
	for i in 0 1 2 3; do put "data/$i" one; done
	start_front 200k
	start_fetch "\"s3\": \"s3://$bucket/data/\", $through"
	within 20 test -s cache/it/new/0
	random_file other 150000
	put data/3 other
	ended fetching
	expect_status 5
	logged fetching "'3': it was changed while it was fetched"
	[[ ! -e cache/it/tree.1 ]]
	fetch "\"s3\": \"s3://$bucket/data/\", $all" fetched
	cmp other "$(tree)/3"
	remember
	# One that is gone by the time it is asked for.
	for i in 0 1 2; do put "data/$i" other; done
	start_fetch "\"s3\": \"s3://$bucket/data/\", $through"
	within 20 test -s cache/it/new/0
	swift -X DELETE "$store/$bucket/data/2"
	ended fetching
	expect_status 0
	logged fetching '"state":"stale"'
	logged fetching "'2': "
	diff remembered <(listing "$remembered")
	fetch "\"s3\": \"s3://$bucket/data/\", $all" fetched
	expect_equal "$(ls "$(tree)" | tr '\n' ' ')" "0 1 3 "
}

@test "s3: an object that is cut goes on by a signed range, one that has changed comes whole" {
	local it got change

	random_file it.bin 1500000
	put it.bin it.bin
	start_front 200k
	it="\"s3\": \"s3://$bucket/it.bin\", $through"
	for change in no yes; do
		start_fetch "$it"
		within 20 eval '(( $(stat -c %s cache/it/download) > 300000 ))'
		stop_front
		ended fetching
		got=$(stat -c %s cache/it/download)
		if [[ $change == yes ]]; then
			random_file it.bin 1500000
			put it.bin it.bin
		fi
		start_front
		fetch "$it" fetched
		cmp it.bin "$(tree)/it.bin"
		grep -qF " range=bytes=$got- " access.log
		[[ $change == yes || $(last_asked) == "206 "* ]]
		rm -r cache access.log
		stop_front
		start_front 200k
	done
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
