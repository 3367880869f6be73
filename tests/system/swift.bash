# SPDX-License-Identifier: Apache-2.0
# OpenStack Swift with its S3 interface, which checks each signature. All that takes its time to
# start is there for all tests of a file, each of which has a bucket of its own; tests/bench/poll has
# it, too.
swift_folder=${swift_folder:-$BATS_FILE_TMPDIR}

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
	{
		swift-ring-builder "$1.builder" create 4 1 0
		swift-ring-builder "$1.builder" add "r1z1-127.0.0.1:$2/d1" 1
		swift-ring-builder "$1.builder" rebalance
	} >"$1-ring.log"
	echo "$2" >>ports
}

# For setup_file: start_swift [ADDRESS [OBJECTS]], where it answers, 127.0.0.1 at least, and how many
# objects are a page of a list.
start_swift() {
	local kind

	dir=$swift_folder
	cd "$dir"
	mkdir -p node/d1
	printf '[swift-hash]\nswift_hash_path_prefix = a\nswift_hash_path_suffix = b\n' >swift.conf
	for kind in account container object; do make_server "$kind" "$(free_port)"; done
	port=$(free_port)
	cache_port=$(free_port)
	make_proxy "${1:-127.0.0.1}" "${2:-3}"
	start cache memcached -u "$(id -un)" -l 127.0.0.1 -p "$cache_port"
	for kind in account container object; do start "$kind" "swift-$kind-server" "$kind.conf" -v; done
	printf '%s\n' "${pids[@]}" >pids
	echo "$port" >port
	while read -r port; do within 30 curl -s "http://127.0.0.1:$port/"; done <ports
	start_proxy
}

# For teardown_file.
stop_swift() {
	local pid

	while read -r pid; do
		end_descendants "$pid"
		kill -KILL "$pid" || true
	done < <(cat "$swift_folder"/{pids,proxy.pid})
}

# For prepare: a bucket, how requests say where it is in $all, and the keys in the environment:
# use_swift [BUCKET]
use_swift() {
	port=$(<"$swift_folder/port")
	use_keys
	bucket=${1:-bucket$BATS_TEST_NUMBER}
	within 20 log_in
	within 20 swift -X PUT "$store/$bucket"
	all="\"endpoint\": \"http://127.0.0.1:$port\", \"path-style\": true, \"retries\": 0"
}

use_keys() {
	export AWS_ACCESS_KEY_ID=test:tester AWS_SECRET_ACCESS_KEY=a-secret-word
}

make_proxy() {
	cat >proxy.conf <<-END
		[DEFAULT]
		bind_ip = $1
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
		max_bucket_listing = $2
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
	swift-proxy-server "$swift_folder/proxy.conf" -v >"$swift_folder/proxy.log" 2>&1 3>&- &
	echo $! >"$swift_folder/proxy.pid"
	within 30 curl -s "http://127.0.0.1:$(<"$swift_folder/port")/"
}

stop_proxy() {
	kill -KILL "$(<"$swift_folder/proxy.pid")"
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
