# SPDX-License-Identifier: Apache-2.0
# tinyproxy, whose log says what it was asked for.

make_tinyproxy() {
	proxy_port=$(free_port)
	proxy=http://127.0.0.1:$proxy_port
	before_tinyproxy=()
}

# start_tinyproxy [LINE OF ITS CONFIGURATION...]: by the words of before_tinyproxy
start_tinyproxy() {
	printf '%s\n' "Port $proxy_port" "Listen 127.0.0.1" "Timeout 60" "MaxClients 20" "LogLevel Info" \
		"Allow 127.0.0.1" "$@" >tinyproxy.conf
	start tinyproxy "${before_tinyproxy[@]}" tinyproxy -d -c "$dir/tinyproxy.conf"
	within 10 eval '(: <>"/dev/tcp/127.0.0.1/$proxy_port")'
}

stop_tinyproxy() {
	end_descendants "$tinyproxy_pid"
	kill -KILL "$tinyproxy_pid"
	wait "$tinyproxy_pid" || true
}
