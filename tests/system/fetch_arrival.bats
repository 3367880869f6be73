#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Natively alone: an archive that is unpacked while it still comes from nginx, and what goes wrong meanwhile.
bats_require_minimum_version 1.5.0
load lib
load fetch

prepare() {
	port=$(free_port)
	url=http://127.0.0.1:$port/it.tar
	mkdir www
	start_nginx 0
}

clean_up() {
	[[ -z ${nginx_pid-} ]] || kill -QUIT "$nginx_pid" 2>/dev/null || true
}

# start_nginx RATE: bytes a second, 0: as fast as it goes.
start_nginx() {
	cat >nginx.conf <<-END
		daemon off;
		user root;
		pid $dir/nginx.pid;
		error_log $dir/nginx-error.log;
		events { worker_connections 64; }
		http {
			access_log $dir/access.log;
			client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
			uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
			sendfile off;
			limit_rate $1;
			output_buffers 1 16k;
			server { listen 127.0.0.1:$port; root $dir/www; }
		}
	END
	start nginx nginx -p "$dir" -c "$dir/nginx.conf"
	within 10 curl -s "http://127.0.0.1:$port/"
}

# At once, and with it all its connections.
stop_nginx() {
	local workers

	mapfile -t workers < <(pgrep -P "$nginx_pid")
	kill -KILL "$nginx_pid" "${workers[@]}"
	wait "$nginx_pid" || true
	nginx_pid=
}

# make_archive NAME TIME: files 1 to 30 of 60 kB and one called NAME, in this order.
make_archive() {
	rm -rf src
	mkdir src
	for i in {1..30}; do random_file "src/$i" 60000; done
	random_file "src/$1" 60000
	tar -C src -cf new.tar {1..30} "$1"
	touch -d "$2" new.tar
	mv new.tar www/it.tar
}

# fetch_until_unpacked MEMBERS: begins one that is slow; until the fifth file is in the hidden tree.
fetch_until_unpacked() {
	stop_nginx
	start_nginx 600k
	start_fetch "$1"
	within 20 test -e cache/it/new/5
	[[ ! -e cache/it/new/30 ]]
}

@test "arrival: files are there before the archive is, and nobody sees them" {
	make_archive last 2020-02-02
	fetch_until_unpacked "\"http\": \"$url\""
	[[ ! -e cache/it/tree.1 ]]
	(($(stat -c %s cache/it/download) < $(stat -c %s www/it.tar)))
	ended fetching
	expect_status 0
	diff -r src cache/it/tree.1
}

@test "log: a line for what changes, and none for what stays as it is" {
	local it="\"http\": \"$url\", \"retries\": 1"

	make_archive last 2020-02-02
	fetch "$it" fetched
	expect_equal "$(grep -c . fetch.log) $(grep -c ': fetched, version' fetch.log)" "1 1"
	fetch "$it" unchanged
	[[ ! -s fetch.log ]]
	stop_nginx
	fetch "$it" stale
	expect_equal "$(grep -c . fetch.log) $(grep -c 'again in' fetch.log) $(grep -c 'the last good one stays' fetch.log)" "2 1 1"
	fetch "$it" stale
	[[ ! -s fetch.log && $(answer .error) == *onnect* ]]
	start_nginx 0
	fetch "$it" unchanged
	expect_equal "$(grep -c . fetch.log) $(grep -c 'it can be had again, unchanged' fetch.log)" "1 1"
	fetch "$it" unchanged
	[[ ! -s fetch.log ]]
	stop_nginx
	fetch "$it" stale
	make_archive other 2021-03-03
	start_nginx 0
	fetch "$it" fetched
	expect_equal "$(grep -c . fetch.log) $(grep -c ': fetched, version' fetch.log)" "1 1"
	stop_nginx
	fetch "$it" stale
	expect_output "the last good one stays"
}

@test "arrival: cut in the middle, it goes on where it was" {
	make_archive last 2020-02-02
	fetch_until_unpacked "\"http\": \"$url\", \"retries\": 10"
	stop_nginx
	within 20 logged fetching "again in"
	start_nginx 0
	ended fetching
	expect_status 0
	diff -r src cache/it/tree.1
	expect_equal "$(grep -c '" 206 ' access.log)" 1
}

@test "arrival: of another archive that comes in its place, all is new" {
	make_archive first 2020-02-02
	fetch_until_unpacked "\"http\": \"$url\", \"retries\": 10"
	stop_nginx
	within 20 logged fetching "again in"
	make_archive second 2021-03-03
	start_nginx 0
	ended fetching
	expect_status 0
	diff -r src cache/it/tree.1
	expect_equal "$(grep -c '" 206 ' access.log)" 0
}

@test "arrival: one that was killed goes on with what had come" {
	make_archive last 2020-02-02
	fetch_until_unpacked "\"http\": \"$url\""
	kill -KILL "$fetching_pid"
	wait "$fetching_pid" || true
	stop_nginx
	start_nginx 0
	fetch "\"http\": \"$url\"" fetched
	diff -r src "$(tree)"
	expect_equal "$(grep -c '" 206 ' access.log)" 1
	expect_sound
}

# What unpacks is a child of what fetches the source, which is one of the run.
unpackers() {
	pgrep -P "$(pgrep -P "$fetching_pid")" || true
}

@test "arrival: one with a signature is not looked at before that is right" {
	make_archive last 2020-02-02
	openssl ecparam -name prime256v1 -genkey -noout -out key.pem
	openssl pkey -in key.pem -pubout -out public.pem
	openssl dgst -sha256 -sign key.pem -out it.sig www/it.tar
	stop_nginx
	start_nginx 600k
	start_fetch "\"http\": \"$url\", \"signature\": \"it.sig\", \"public-key\": \"public.pem\""
	within 20 eval '(( $(stat -c %s cache/it/download) > 1000000 ))'
	expect_equal "$(unpackers)" ""
	[[ -z $(ls cache/it/new) ]]
	ended fetching
	expect_status 0
	diff -r src cache/it/tree.1
}

@test "arrival: who is told to stop leaves nobody behind who unpacks" {
	make_archive last 2020-02-02
	fetch_until_unpacked "\"http\": \"$url\""
	mapfile -t children < <(pgrep -P "$fetching_pid" && unpackers)
	expect_equal "${#children[@]}" 2
	kill -TERM "$fetching_pid"
	within 2 is_gone "$fetching_pid"
	within 2 is_gone "${children[0]}"
	within 2 is_gone "${children[1]}"
}

@test "arrival: what unpacks dies, and the run says so" {
	make_archive last 2020-02-02
	fetch_until_unpacked "\"http\": \"$url\""
	kill -KILL "$(unpackers)"
	ended fetching
	expect_status 5
	logged fetching "what unpacks it ended with status 137"
	[[ ! -e cache/it/new && ! -e cache/it/tree.1 ]]
}

@test "arrival: a wrong checksum is what is said, whatever else is wrong" {
	local sum

	make_archive last 2020-02-02
	truncate -s 1000000 www/it.tar
	sum=$(sha256sum www/it.tar | cut -d ' ' -f 1)
	fetch "\"http\": \"$url\"" missing 5
	[[ $(answer .error) == *"it is damaged"* ]]
	fetch "\"http\": \"$url\", \"sha256\": \"${sum//[0-7]/8}\"" missing 5
	[[ $(answer .error) == *"its SHA-256 is $sum and not the wanted one" ]]
	[[ ! -e cache/it/new && ! -e cache/it/download ]]
}

@test "arrival: much of little is too much only when there is no more to come" {
	head -c 40M /dev/zero >src/zeros
	random_file src/noise 900000
	tar -C src -czf www/it.tar zeros
	fetch "\"http\": \"$url\"" missing 5
	[[ $(answer .error) == *"the archive unpacks to more than 200 times its size" ]]
	tar -C src -czf www/it.tar zeros noise
	stop_nginx
	start_nginx 500k
	fetch "\"http\": \"$url\"" fetched
	diff -r src "$(tree)"
}

@test "arrival: a zip, which is read from its end" {
	stop_nginx
	start_nginx 600k
	for i in {1..20}; do random_file "src/$i" 60000; done
	python3 -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as z:
    for name in sys.argv[2:]:
        z.write("src/" + name, name)' www/it.zip {1..20}
	fetch "\"http\": \"${url/.tar/.zip}\"" fetched
	diff -r src "$(tree)"
}
