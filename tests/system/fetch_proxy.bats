#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Natively alone: tinyproxy between gs-fetch and nginx, for http and, by CONNECT, for https.
bats_require_minimum_version 1.5.0
load lib
load fetch
load https
load tinyproxy

prepare() {
	mkdir www
	echo it >www/one.txt
	echo 'X-Key: a-secret-word' >headers
	start_https "root $dir/www; } server { listen 127.0.0.1:$((plain = $(free_port))); root $dir/www;"
	https=https://localhost:$port
	http=http://127.0.0.1:$plain
	make_tinyproxy
	# What it reads is in read.trace.
	before_tinyproxy=(strace -f -e trace=read,recvfrom -s 1000 -o "$dir/read.trace")
}

@test "proxy: https goes through it by CONNECT, unseen" {
	local it="\"http\": \"$https/one.txt\", \"ca-file\": \"ca.pem\", \"headers-file\": \"headers\", \"retries\": 0"

	start_tinyproxy "ConnectPort $port"
	export https_proxy=$proxy
	fetch "$it" fetched
	expect_equal "$(cat "$(tree)/one.txt")" it
	expect_equal "$(grep -c "CONNECT localhost:$port HTTP/1" tinyproxy.log)" 1
	grep -q "CONNECT localhost:$port" read.trace
	if grep -q a-secret-word read.trace; then false; fi
	# The head of the tunnel is no head of the answer.
	fetch "$it" unchanged
	expect_equal "$(answer .requests)" 1
	expect_between 100 "$(answer .wire_bytes)" 1000
	remember
	stop_tinyproxy
	fetch "$it" stale
	expect_remembered
	start_tinyproxy
	fetch "$it" unchanged
	stop_tinyproxy
	start_tinyproxy "ConnectPort 1"
	fetch "$it" stale
	[[ $(answer .error) == "$https/one.txt: "*403* ]]
	expect_remembered
	https_proxy='' fetch "$it" unchanged
}

@test "proxy: http goes through it, and to whom it is spared" {
	local it="\"http\": \"$http/one.txt\", \"headers-file\": \"headers\", \"retries\": 0"

	start_tinyproxy
	export http_proxy=$proxy
	fetch "$it" fetched
	expect_equal "$(grep -c "GET $http/one.txt HTTP/1" tinyproxy.log)" 1
	grep -q a-secret-word read.trace
	fetch "$it" unchanged
	echo other >www/one.txt
	fetch "$it" fetched
	expect_equal "$(cat "$(tree)/one.txt")" other
	expect_equal "$(grep -c "GET $http/one.txt HTTP/1" tinyproxy.log)" 3
	stop_tinyproxy
	fetch "$it" stale
	no_proxy=127.0.0.1 fetch "$it" unchanged
	no_proxy='example.com, 127.0.0.0/8' fetch "$it" unchanged
	NO_PROXY='*' fetch "$it" unchanged
	no_proxy=example.com fetch "$it" stale
	# Of https it is no proxy; and in capitals any request of a CGI program could set it.
	fetch "\"http\": \"$https/one.txt\", \"ca-file\": \"ca.pem\"" fetched
	http_proxy='' HTTP_PROXY=$proxy fetch "$it" fetched
}

@test "proxy: it wants a user and a password of its own, that nobody sees" {
	local it="\"http\": \"$https/it.bin\", \"ca-file\": \"ca.pem\", \"retries\": 0"

	random_file www/it.bin 30000000
	start_tinyproxy "ConnectPort $port" "BasicAuth me another-word"
	https_proxy=$proxy fetch "$it" missing 5
	[[ $(answer .error) == *407* ]]
	https_proxy=http://me:a-wrong-word@127.0.0.1:$proxy_port fetch "$it" missing 5
	[[ $(answer .error) == *40[137]* ]]
	expect_secret a-wrong-word
	https_proxy=http://me:another-word@127.0.0.1:$proxy_port start_fetch "$it"
	expect_secret_while_fetching another-word
	ended fetching
	expect_status 0
	expect_secret another-word
	http_proxy=$proxy fetch "\"http\": \"$http/one.txt\", \"retries\": 0" stale
	[[ $(answer .error) == *"status 407: the proxy wants other credentials" ]]
	http_proxy=http://me:another-word@127.0.0.1:$proxy_port fetch "\"http\": \"$http/one.txt\", \"retries\": 0" fetched
	# The server is not told what is for the proxy.
	expect_equal "$(grep -c 'Proxy-Authorization' access.log || true)" 0
	expect_secret another-word
}
