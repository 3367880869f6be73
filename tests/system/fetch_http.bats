#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Natively alone: nginx as the peer of gs-fetch, with ranges, ETags, redirects, and what goes wrong.
bats_require_minimum_version 1.5.0
load lib
load fetch
load web

prepare() {
	serve_web
}

clean_up() {
	end_web
}

@test "http: a file, unchanged, changed, the server down and up again" {
	local it="\"http\": \"$base/one.txt\", \"retries\": 0"

	echo first >www/one.txt
	fetch "$it" fetched
	expect_equal "$(cat "$(tree)/one.txt")" first
	expect_equal "$(stat -c %Y "$(tree)/one.txt")" "$(stat -c %Y www/one.txt)"
	expect_equal "$(answer .error)" null
	expect_sound
	[[ $(last_asked) == *encoding=identity ]]

	fetch "$it" unchanged
	expect_between 100 "$(answer .wire_bytes)" 600
	expect_equal "$(answer .requests)" 1
	[[ $(last_asked) == *" 304 "* ]]
	expect_sound

	echo the second >www/one.txt
	fetch "$it" fetched
	expect_equal "$(cat "$(tree)/one.txt")" "the second"
	expect_sound
	remember

	stop_nginx
	fetch "$it" stale
	expect_remembered
	[[ $(answer .error) == "$base/one.txt: Failed to connect to 127.0.0.1 port $port "*": Couldn't connect to server" ]]
	expect_output "the last good one stays"
	expect_sound

	start_nginx
	fetch "$it" unchanged
	expect_remembered
}

@test "http: a server that never was up is missing, and says so" {
	stop_nginx
	fetch "\"http\": \"$base/one.txt\", \"retries\": 0" missing 5
	expect_equal "$(answer .directory)" null
	expect_output "there never was a good one"
}

@test "http: an archive by its name, another name for a file, and into, subpath, include, exclude" {
	mkdir -p src/js/deep src/css
	echo 1 >src/js/a.js
	echo 2 >src/js/deep/b.js
	echo 3 >src/js/a.map
	echo 4 >src/css/c.css
	find src -exec touch -d '2026-01-02 03:04:05' {} +
	tar czf www/it.tar.gz -C src .
	fetch "\"http\": \"$base/it.tar.gz?version=3\"" fetched
	expect_same_tree src "$(tree)"
	fetch "\"http\": \"$base/it.tar.gz\", \"subpath\": \"js\", \"into\": \"game/scripts\", \"exclude\": [\"*.map\"]" fetched
	expect_equal "$(cd "$(tree)" && find . -type f | sort | tr '\n' ' ')" "./game/scripts/a.js ./game/scripts/deep/b.js "
	fetch "\"http\": \"$base/it.tar.gz\", \"include\": [\"/css\", \"a.js\"]" fetched
	expect_equal "$(cd "$(tree)" && find . -type f | sort | tr '\n' ' ')" "./css/c.css ./js/a.js "
	fetch "\"http\": \"$base/it.tar.gz\", \"subpath\": \"java\"" stale
	[[ $(answer .error) == *"no directory 'java'"*'"subpath"'* ]]
	fetch "\"http\": \"$base/it.tar.gz\", \"file\": \"dir/kept.tar.gz\"" fetched
	cmp www/it.tar.gz "$(tree)/dir/kept.tar.gz"
	fetch "\"http\": \"$base/it.tar.gz\", \"unpack\": false" fetched
	cmp www/it.tar.gz "$(tree)/it.tar.gz"
}

@test "http: redirects, at most five, never to http from https, and no word of ours to others" {
	echo it >www/one.txt
	echo 'X-Key: right' >headers
	fetch "\"http\": \"$base/hop5\", \"file\": \"it\"" fetched
	expect_equal "$(cat "$(tree)/it")" it
	expect_equal "$(answer .requests)" 6
	fetch "\"http\": \"$base/hop6\", \"file\": \"it\", \"retries\": 0" stale
	[[ $(answer .error) == *"more than 5 redirects" ]]
	fetch "\"http\": \"$base/loop\", \"file\": \"it\", \"retries\": 0" stale
	expect_equal "$(asked /loop)" 6
	fetch "\"http\": \"$base/file\", \"file\": \"it\"" stale
	[[ $(answer .error) == *"a redirect from http to file:"*"is not followed" ]]
	fetch "\"http\": \"https://localhost:$tls/down\", \"ca-file\": \"ca.pem\", \"file\": \"it\"" stale
	[[ $(answer .error) == *"a redirect from https to http://127.0.0.1:$port/one.txt is not followed" ]]
	fetch "\"http\": \"$base/secure\", \"ca-file\": \"ca.pem\", \"file\": \"it\"" fetched

	fetch "\"http\": \"http://me:word@127.0.0.1:$port/elsewhere\", \"headers-file\": \"headers\", \"file\": \"it\"" fetched
	grep -q "^$port 302 .*auth=Basic [^ ]* key=right" access.log
	grep -q "^$other 200 .*auth=- key=-" access.log
	fetch "\"http\": \"http://me:word@127.0.0.1:$port/hop1\", \"headers-file\": \"headers\", \"file\": \"it\"" fetched
	[[ $(last_asked) == *"/one.txt"*"auth=Basic "*" key=right"* ]]
	expect_secret word
}

@test "http: a certificate that nobody vouches for" {
	echo it >www/one.txt
	fetch "\"http\": \"https://localhost:$tls/one.txt\"" missing 5
	expect_equal "$(answer .requests)" 1
	[[ $(answer .error) =~ certificate|Cert ]]
	fetch "\"http\": \"https://localhost:$tls/one.txt\", \"ca-file\": \"ca.pem\"" fetched
}

@test "http: credentials, wrong and right, are read anew and never seen" {
	local it="\"http\": \"$base/private/it.bin\", \"headers-file\": \"headers\""

	mkdir www/private
	random_file www/private/it.bin 400000
	printf '# for the test\nX-Key: very-wrong-word\n' >headers
	fetch "$it" missing 5
	[[ $(answer .error) == *"status 401: it wants other credentials" ]]
	expect_equal "$(answer .requests)" 1
	expect_secret very-wrong-word
	echo 'X-Key: right' >headers
	fetch "$it" fetched
	remember
	echo 'X-Key: very-wrong-word' >headers
	fetch "$it" stale
	expect_remembered
	echo 'X-Key very-wrong-word' >headers
	fetch "$it" stale
	[[ $(answer .error) == *"headers-file 'headers': expected a header"* ]]
	expect_secret very-wrong-word

	mkdir www/basic
	cp www/private/it.bin www/basic/
	printf 'me:%s\n' "$(openssl passwd -apr1 a-secret-word)" >users
	stop_nginx
	rate=200k write_config
	start_nginx
	start_fetch "\"http\": \"http://me:a-secret-word@127.0.0.1:$port/basic/it.bin\""
	expect_secret_while_fetching a-secret-word
	ended fetching
	expect_status 0
	expect_secret a-secret-word
}

@test "http: the same file under another ETag, or from a server without any, is the same" {
	local name

	random_file www/it.bin 300000
	mkdir packed
	random_file packed/one 300000
	tar -C packed -cf www/it.tar .
	for name in it.bin it.tar; do
		rm -rf cache
		fetch "\"http\": \"$base/$name\"" fetched
		remember
		touch -d '2020-02-02 02:02:02' "www/$name"
		fetch "\"http\": \"$base/$name\"" unchanged
		expect_remembered
		expect_between 300000 "$(answer .wire_bytes)" 400000
		fetch "\"http\": \"$base/$name\"" unchanged
		expect_between 1 "$(answer .wire_bytes)" 1000
		expect_sound
	done
	stop_nginx
	sed -i 's/sendfile off;/sendfile off; etag off; add_header Last-Modified "";/' nginx.conf
	start_nginx
	rm -rf cache
	fetch "\"http\": \"$base/it.tar\"" fetched
	remember
	fetch "\"http\": \"$base/it.tar\"" unchanged
	expect_between 300000 "$(answer .wire_bytes)" 400000
	expect_remembered
}

@test "http: cut in the middle, the rest comes by a range" {
	local it="\"http\": \"$base/it.bin\", \"retries\": 0" got

	random_file www/it.bin 3000000
	stop_nginx
	rate=300k write_config
	start_nginx
	start_fetch "$it"
	within 20 eval '(( $(stat -c %s cache/it/download) > 300000 ))'
	stop_nginx
	ended fetching
	expect_status 5
	got=$(stat -c %s cache/it/download)
	expect_between 300001 "$got" 2999999
	rate=0 write_config
	start_nginx
	fetch "$it" fetched
	cmp www/it.bin "$(tree)/it.bin"
	[[ $(last_asked) == *" 206 "*"range=bytes=$got-"* ]]
	expect_between $((3000000 - got)) "$(answer .wire_bytes)" $((3000000 - got + 1500))
	expect_sound
}

@test "http: cut while others wait for it, it goes on by itself" {
	random_file www/it.bin 3000000
	stop_nginx
	rate=500k write_config
	start_nginx
	start_fetch "\"http\": \"$base/it.bin\", \"retries\": 10"
	within 20 eval '(( $(stat -c %s cache/it/download) > 300000 ))'
	stop_nginx
	rate=0 write_config
	within 20 logged fetching "again in"
	start_nginx
	ended fetching
	expect_status 0
	cmp www/it.bin cache/it/tree.1/it.bin
	[[ $(last_asked) == *" 206 "* ]]
}

@test "http: what changes while it is fetched comes whole, and never as a mixture" {
	local it="\"http\": \"$base/it.bin\", \"retries\": 0"

	random_file www/it.bin 2000000
	stop_nginx
	rate=300k write_config
	start_nginx
	start_fetch "$it"
	within 20 eval '(( $(stat -c %s cache/it/download) > 300000 ))'
	stop_nginx
	ended fetching
	random_file www/new 2000000
	touch -d '2020-02-02 02:02:02' www/new
	mv www/new www/it.bin
	rate=0 write_config
	start_nginx
	fetch "$it" fetched
	[[ $(last_asked) == *" 200 "*"range=bytes="* ]]
	cmp www/it.bin "$(tree)/it.bin"
}

@test "http: fewer bytes than were promised are no file" {
	local it="\"http\": \"$base/it.bin\", \"retries\": 0"

	random_file www/it.bin 2000000
	stop_nginx
	rate=300k write_config
	start_nginx
	start_fetch "$it"
	within 20 eval '(( $(stat -c %s cache/it/download) > 100000 ))'
	truncate -s 600000 www/it.bin
	ended fetching
	expect_status 5
	[[ ! -e cache/it/tree.1 ]]
	logged fetching "bytes remaining"
}

@test "http: what is written over in place while it comes is caught by its checksum" {
	local sum it

	random_file www/it.bin 1500000
	sum=$(sha256sum www/it.bin | cut -d ' ' -f 1)
	it="\"http\": \"$base/it.bin\", \"retries\": 0, \"sha256\": \"$sum\""
	cp www/it.bin kept
	stop_nginx
	rate=500k write_config
	start_nginx
	start_fetch "$it"
	within 20 eval '(( $(stat -c %s cache/it/download) > 300000 ))'
	head -c 100000 /dev/urandom | dd of=www/it.bin bs=1000 seek=1300 conv=notrunc status=none
	ended fetching
	expect_status 5
	logged fetching "its SHA-256 is "
	[[ ! -e cache/it/tree.1 && ! -e cache/it/download ]]
	cp kept www/it.bin
	fetch "$it" fetched
	cmp kept "$(tree)/it.bin"
}

@test "http: encodings that were not asked for" {
	mkdir www/zipped
	echo plain >www/plain.txt
	fetch "\"http\": \"$base/plain.txt\"" fetched
	expect_equal "$(cat "$(tree)/plain.txt")" plain
	gzip -c www/plain.txt >www/zipped/plain.txt.gz
	fetch "\"http\": \"$base/zipped/plain.txt\"" stale
	[[ $(answer .error) == *"encoded as 'gzip', which was not asked for" ]]
	expect_sound
}

@test "http: a busy server is asked again, so often and no more" {
	fetch "\"http\": \"$base/busy\", \"retries\": 1" missing 5
	expect_equal "$(asked /busy)" 2
	expect_equal "$(answer .requests)" 2
	[[ $(answer .error) == *"status 503: it cannot just now" ]]
	expect_output "again in 500ms"
	fetch "\"http\": \"$base/nothing\"" missing 5
	expect_equal "$(asked /nothing)" 1
	[[ $(answer .error) == *"status 404: there is nothing under this name" ]]
}

@test "http: the time is over while it comes, and what came is gone on with" {
	random_file www/it.bin 2000000
	stop_nginx
	rate=200k write_config
	start_nginx
	fetch "\"http\": \"$base/it.bin\", \"timeout\": \"2s\"" missing 5
	[[ $(answer .error) == *'not finished in time, see "timeout"' ]]
	[[ -s cache/it/download ]]
	stop_nginx
	rate=0 write_config
	start_nginx
	fetch "\"http\": \"$base/it.bin\"" fetched
	[[ $(last_asked) == *" 206 "* ]]
}

@test "http: a checksum, wrong and right" {
	local sum

	echo it >www/one.txt
	sum=$(sha256sum www/one.txt | cut -d ' ' -f 1)
	fetch "\"http\": \"$base/one.txt\", \"sha256\": \"${sum//[0-9]/0}\"" missing 5
	[[ $(answer .error) == *"its SHA-256 is $sum and not the wanted one" ]]
	[[ ! -e cache/it/download && ! -e cache/it/tree.1 ]]
	fetch "\"http\": \"$base/one.txt\", \"sha256\": \"${sum^^}\"" fetched
	remember
	echo other >www/one.txt
	fetch "\"http\": \"$base/one.txt\", \"sha256\": \"${sum^^}\"" stale
	expect_remembered
	expect_sound
}

# What is there has to be signed by the key as it is, too; nothing but the signature is fetched for that.
expect_another_key() {
	cp public.pem first.pem
	openssl ec -in stranger.pem -pubout -out public.pem 2>/dev/null
	fetch "$it" stale
	[[ $(answer .error) == *"by the public key as it is now: the signature is not of this content by this key" ]]
	expect_remembered
	openssl dgst -sha256 -sign stranger.pem -out www/it.tar.sig www/it.tar
	fetch "$it" unchanged
	expect_between 100 "$(answer .wire_bytes)" 1000
	expect_equal "$(answer .requests)" 2
	fetch "$it" unchanged
	expect_equal "$(answer .requests)" 1
	rm public.pem
	fetch "$it" stale
	[[ $(answer .error) == *"public.pem"*"No such file"* ]]
	expect_remembered
	cp first.pem public.pem
	openssl dgst -sha256 -sign private.pem -out www/it.tar.sig www/it.tar
	fetch "$it" unchanged
}

@test "http: a signature that openssl made, and one of somebody else's" {
	local it

	it="\"http\": \"$base/it.tar\", \"signature\": \"$base/it.tar.sig\", \"public-key\": \"public.pem\""

	echo it >src/it
	find src -exec touch -d '2026-01-02 03:04:05' {} +
	tar cf www/it.tar -C src .
	openssl ecparam -name prime256v1 -genkey -noout -out private.pem
	openssl ec -in private.pem -pubout -out public.pem 2>/dev/null
	openssl ecparam -name prime256v1 -genkey -noout -out stranger.pem
	openssl dgst -sha256 -sign stranger.pem -out www/it.tar.sig www/it.tar
	fetch "$it" missing 5
	[[ $(answer .error) == *signature* ]]
	openssl dgst -sha256 -sign private.pem -out www/it.tar.sig www/it.tar
	fetch "$it" fetched
	expect_same_tree src "$(tree)"
	remember
	fetch "$it" unchanged
	expect_equal "$(answer .requests)" 1
	expect_another_key
	echo more >>www/it.tar
	fetch "$it" stale
	expect_remembered
	rm www/it.tar.sig
	fetch "$it" stale
	[[ $(answer .error) == *"signature: the server answered with status 404"* ]]
}

@test "http: more bytes than may be are not even asked for" {
	random_file www/it.bin 200000
	fetch "\"http\": \"$base/it.bin\", \"most-bytes\": 100000" missing 5
	[[ $(answer .error) == *'it has 200000 bytes, and "most-bytes" is 100000' ]]
	[[ ! -e cache/it/download ]]
}

@test "http: a proxy of the environment, and who is spared it" {
	echo it >www/one.txt
	# nginx takes a whole URL as a request, as a proxy does.
	http_proxy=http://127.0.0.1:$other fetch "\"http\": \"http://files.example.com/one.txt\"" fetched
	[[ $(last_asked) == "$other 200 \"GET http://files.example.com/one.txt "* ]]
	http_proxy=http://127.0.0.1:$other no_proxy=127.0.0.1 fetch "\"http\": \"$base/one.txt\"" fetched
	[[ $(last_asked) == "$port 200 \"GET /one.txt "* ]]
}

@test "http: killed at any moment, the last good tree stays and the next run is sound" {
	local it="\"http\": \"$base/it.tar\", \"retries\": 0" signal

	for i in {1..300}; do random_file "src/$i" 4000; done
	tar cf www/it.tar -C src .
	fetch "$it" fetched
	remember
	random_file src/more 40000
	find src -exec touch -d '2026-01-02 03:04:05' {} +
	tar cf www/it.tar -C src .
	# Its ETag is made of the second and the size, which may be the same.
	touch -d '2026-01-02 03:04:05' www/it.tar
	stop_nginx
	rate=400k write_config
	start_nginx
	for signal in TERM KILL; do
		start_fetch "$it"
		within 20 eval '(( $(stat -c %s cache/it/download) > 100000 ))'
		kill "-$signal" "$fetching_pid"
		within 2 is_gone "$fetching_pid"
		diff remembered <(listing "$remembered")
	done
	stop_nginx
	rate=0 write_config
	start_nginx
	start_fetch "$it"
	within 20 eval '[[ -e cache/it/new/more || -e cache/it/tree.2 ]]'
	kill -KILL "$fetching_pid"
	wait "$fetching_pid" || true
	fetch "$it"
	expect_same_tree src "$(tree)"
	expect_sound
}

@test "http: two runs at once on one cache, one after the other" {
	random_file www/it.bin 600000
	stop_nginx
	rate=300k write_config
	start_nginx
	start_fetch "\"http\": \"$base/it.bin\""
	within 20 test -s cache/it/download
	fetch "\"http\": \"$base/it.bin\"" unchanged
	ended fetching
	expect_status 0
	expect_equal "$(asked /it.bin)" 2
}
