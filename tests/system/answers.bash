# SPDX-License-Identifier: Apache-2.0
# Helpers of the tests of probes that ask somebody: what a probe says, and what a peer answers it.

# The word on the stream that Kruise reads, and nothing on the other: probe_says WORD [FLAG...]
probe_says() {
	local word=$1 wanted=1 said=err other=out status=0

	shift
	[[ $word != done ]] || { wanted=0 said=out other=err; }
	(($#)) || set -- --direct --timeout 120s --config probe.json
	"$gs" probe drain "$@" >out 2>err || status=$?
	[[ $status == "$wanted" && $(<"$said") == "$word" && ! -s $other ]] && return
	printf 'exit status %s, expected %s; stdout: %s, stderr: %s\n' "$status" "$word" "$(<out)" "$(<err)"
	return 1
}

# What the reading is, or why there is none.
reading() {
	"$gs" probe drain --direct --timeout 120s --config probe.json --explain --json |
		gojq -r '.sources[0] | .reading // .unknown'
}

# The peer says STATUS, BODY and HEADERS: answer STATUS BODY [HEADER...]
answer() {
	local status=$1 body=$2

	shift 2
	(($#)) || set -- "Content-Length: $(printf %s "$body" | wc -c)"
	printf 'HTTP/1.1 %s Whatever\r\n' "$status" >answer
	printf '%s\r\n' "$@" '' >>answer
	printf %s "$body" >>answer
	ask_peer raw-answer
}

ask_peer() {
	echo "$1" >mode
	[[ -n ${peer_pid-} ]] || start_peer peer "@$dir/mode"
	base=http://127.0.0.1:$port
}

# Emulated programs carry the emulator's memory, and sanitizers their own: expect_peak PID KILOBYTES
expect_peak() {
	local most=$2 peak

	[[ $TEST_ARCH == "$(dpkg --print-architecture)" && $gs != */asan/* ]] || most=262144
	peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status")
	if ((peak > most)); then
		printf 'it used %s kB\n' "$peak"
		return 1
	fi
}

# nginx has the files of ./page at PORT: start_pages PORT [MORE-SERVERS]
start_pages() {
	mkdir -p page
	cat >nginx.conf <<-END
		daemon off;
		user root;
		pid $dir/nginx.pid;
		error_log stderr;
		worker_processes 1;
		events {}
		http {
		  access_log off;
		  default_type text/plain;
		  server { listen 127.0.0.1:$1; root $dir/page; }
		  ${2-}
		}
	END
	start nginx nginx -p "$dir" -c "$dir/nginx.conf"
}

# A real Prometheus at $prometheus_port scrapes the PORTs: scrape JOB PORT..., start_prometheus [FLAG...]
scrape() {
	local targets

	printf -v targets "'127.0.0.1:%s'," "${@:2}"
	cat >prometheus.yml <<-END
		global: {scrape_interval: 500ms, scrape_timeout: 500ms}
		scrape_configs: [{job_name: $1, static_configs: [{targets: [${targets%,}]}]}]
	END
}

start_prometheus() {
	start prometheus prometheus --config.file=prometheus.yml --storage.tsdb.path="$dir/data" \
		--web.listen-address="127.0.0.1:$prometheus_port" "$@"
	within 60 logged prometheus "Server is ready to receive web requests"
}
