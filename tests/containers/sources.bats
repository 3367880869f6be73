#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Sources that are fetched, in pods: by gs-fetch of the image gs-sidecar-fetch, and with git in the
# image of examples/artifacts. The servers are nginx and git's own, on the node.

load pod

# The node's address, as the first pod sees it.
node=10.66.1.1

prepare() {
	port=$(free_port)
	web=http://$node:$port
	mkdir www
	make_archive 1
	serve
}

# What the sidecar's image has: sidecar_image JQ-FILTER-OF-ITS-CONFIGURATION
sidecar_image() {
	mkdir -p context
	jq -n --arg web "$web" '{ source: [{ name: "assets", http: "\($web)/assets.tar.zst" }], target: "/data",
		"fetch-every": "1s" } | '"$1" >context/gs-sidecar.json
	build_image assets-sidecar:v1.0 context <<<$'FROM localhost/gs-sidecar-fetch\nCOPY gs-sidecar.json /etc/gs-sidecar.json'
}

# make_archive TEXT: in the place of the one before at one moment.
make_archive() {
	mkdir -p assets
	echo "$1" >assets/version
	tar -c assets | zstd -q >www/new
	mv www/new www/assets.tar.zst
}

serve() {
	cat >nginx.conf <<-END
		daemon off;
		user root;
		worker_processes 1;
		pid $dir/nginx.pid;
		error_log $dir/nginx-error.log;
		events {}
		http {
			access_log $dir/access.log;
			client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
			uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
			server {
				listen $port;
				root $dir/www;
				location /private/ {
					if (\$http_x_key != a-secret-key) { return 401; }
				}
				location /git/ {
					auth_basic git;
					auth_basic_user_file $dir/users;
					fastcgi_pass unix:$dir/cgi.sock;
					fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
					fastcgi_param GIT_PROJECT_ROOT $dir;
					fastcgi_param GIT_HTTP_EXPORT_ALL 1;
					fastcgi_param PATH_INFO \$uri;
					fastcgi_param QUERY_STRING \$query_string;
					fastcgi_param REQUEST_METHOD \$request_method;
					fastcgi_param CONTENT_TYPE \$content_type;
					fastcgi_param CONTENT_LENGTH \$content_length;
					fastcgi_param HTTP_CONTENT_ENCODING \$http_content_encoding;
					fastcgi_param REMOTE_USER \$remote_user;
				}
			}
		}
	END
	start nginx nginx -e "$dir/nginx-error.log" -p "$dir" -c "$dir/nginx.conf"
	within 10 curl -s "http://127.0.0.1:$port/"
}

stop_serving() {
	kill -TERM "$nginx_pid"
	wait "$nginx_pid" || true
}

# A sidecar alone, as strictly as Kubernetes can be told to; 24 MiB are enough to fetch.
start_sidecar() {
	cat >pod.yaml <<-'END'
		kind: Pod
		spec:
		  containers:
		    - name: sidecar
		      image: registry.example.com/assets-sidecar:v1.0
		      args: ["run", "--probe-listen", "0.0.0.0:8077"]
		      readinessProbe: { httpGet: { path: /readyz, port: 8077 } }
		      resources: { limits: { memory: 24Mi } }
		      securityContext:
		        runAsNonRoot: true
		        readOnlyRootFilesystem: true
		        allowPrivilegeEscalation: false
		        capabilities: { drop: ["ALL"] }
		      volumeMounts: [{ name: data, mountPath: /data }]
		  volumes: [{ name: data, emptyDir: {} }]
	END
	pod_create game pod.yaml
	pod_start game
}

data_is() {
	[[ $(<"$dir/game/volumes/data/assets/version") == "$1" ]]
}

# What `status` says to people of the source.
says() {
	podman exec game-sidecar /gs-sidecar status | grep -E "assets: $1"
}

@test "sources: fetched, asked again, changed; then the server is gone, and a restart has the last good copy" {
	local before

	sidecar_image .
	start_sidecar
	within 10 pod_is_ready game
	data_is 1
	before=$(podman inspect --format '{{.Id}}' game-sidecar)
	within 10 grep '"GET /assets.tar.zst HTTP/1.1" 304' access.log
	within 5 says "unchanged, \"[0-9a-f-]*\" of 20"
	make_archive 2
	within 10 data_is 2

	stop_serving
	container_restart game sidecar
	[[ $(podman inspect --format '{{.Id}}' game-sidecar) != "$before" ]]
	within 20 pod_is_ready game
	data_is 2
	says "stale, \"[0-9a-f-]*\" of 20.*Couldn't connect to server"
	logged game-sidecar 'the last good one stays, version'
	status_in game sidecar '.fetched[0] | [.name, .state, (.error | contains("assets.tar.zst"))] | @json' |
		grep -Fx '["assets","stale",true]'

	make_archive 3
	serve
	within 30 data_is 3
	within 10 says "unchanged, "
}

@test "sources: one that never could be had leaves the pod unready, and is had when it can be" {
	stop_serving
	sidecar_image '.source[0].retries = 0'
	start_sidecar
	within 10 logged game-sidecar "there never was a good one"
	expect_not_ready game sidecar
	is_running game sidecar
	expect_equal "$(find game/volumes/data -name version)" ""
	serve
	within 40 pod_is_ready game
	data_is 1
}

@test "sources: a key that none has ends the sidecar at its start, and its log says which is near" {
	sidecar_image '.source[0].sha265 = "x"'
	start_sidecar
	expect_exit game sidecar 2 '"sha265": a source has no such key; "sha256" is near'
	expect_equal "$(find game/volumes/data -name version)" ""
}

# git and what it is linked with, which Debian's image would have from its packages.
git_base() {
	local programs=(/usr/bin/git /usr/lib/git-core/git-remote-http)

	mkdir base
	{
		printf '%s\n' "${programs[@]}"
		ldd "${programs[@]}" | grep -oE '/[^ ()]+' | grep '\.so'
	} | sort -u | xargs cp --parents -L -t base
	build_image git:base base <<<$'FROM scratch\nCOPY . /'
}

# The example's own Containerfile, but for what only a network can give, and its own configuration with
# other addresses.
artifacts_image() {
	git_base
	mkdir context
	sed '/^RUN/,/[^\\]$/d; s/from=gs-sidecar-fetch/from=localhost\/gs-sidecar-fetch/' \
		"$examples/artifacts/Containerfile" >containerfile
	expect_equal "$(grep -c . containerfile)" 7
	jq --arg web "$web" '.source[0] |= { name, http: "\($web)/private/resources.tar.gz", "headers-file": ."key-file" } |
		.source[1].git = "\($web)/git/config.git" | .["watch-poll"] = "1s"' \
		"$examples/artifacts/gs-sidecar.json" >context/gs-sidecar.json
	sed -i 's|^ARG BASE=.*|ARG BASE=localhost/git:base|' containerfile
	build_image project1-artifacts-sidecar:v0.1.0 context <containerfile
	cp "$GS_SIDECAR" game-program
	build_image service:0.1.0 . <<<$'FROM scratch\nCOPY game-program /game\nENTRYPOINT ["/game"]'
}

serve_artifacts() {
	mkdir -p www/private resources/config git work/config
	echo resources >resources/one
	echo resources >resources/config/two
	echo resources >resources/config/three
	tar -czf www/private/resources.tar.gz -C resources .
	git init -q --bare -b main git/config.git
	git init -q -b main work
	echo git >work/config/two
	echo git >work/README
	git -C work add .
	git -C work -c user.name=tester -c user.email=tester@example.com commit -q -m one
	git -C work push -q "$dir/git/config.git" HEAD:refs/heads/main
	printf 'x-access-token:%s\n' "$(openssl passwd -apr1 a-secret-token)" >users
	start cgi fcgiwrap -s "unix:$dir/cgi.sock"
	within 10 test -S cgi.sock
}

@test "examples: artifacts, in the published order, with keys from Secrets" {
	local files=game/volumes/artifacts

	serve_artifacts
	artifacts_image
	pod_create game "$examples/artifacts/gameserverset.yaml" \
		'.spec.containers[0].lifecycle.postStart.exec.command |= map(if . == "30m" then "30s" else . end) |
		.spec.containers[1].args = ["reloader", "--listen", "127.0.0.1:3000", "--", "/game", "version"]'
	kubelet_writes game s3 credentials 'X-Key: a-secret-key'
	kubelet_writes game git token a-secret-token
	container_start game sidecar
	# The hook has ended: now the service would start.
	expect_equal "$(cat $files/one $files/config/two $files/config/three | paste -sd ' ')" "resources git resources"
	[[ ! -e $files/README ]]
	container_start game game
	within 10 pod_is_ready game
	status_in game sidecar '[.fetched[] | .name, .state] | @json' | grep -Fx '["resources","fetched","config","fetched"]'
	# A tester changes a file on the share.
	mkdir game/volumes/testers/config
	echo tester >game/volumes/testers/config/three
	within 20 eval '[[ $(<$files/config/three) == tester ]]'
	if podman exec game-sidecar /gs-sidecar status | grep -F a-secret; then return 1; fi
	if grep -F a-secret "$dir/game-sidecar.log"; then return 1; fi
}
