#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Natively alone: git's daemon, its own server behind nginx, and sshd, as the peers of gs-fetch.
bats_require_minimum_version 1.5.0
load lib
load fetch
load ssh
load tinyproxy

prepare() {
	export GIT_CONFIG_GLOBAL=$dir/gitconfig GIT_CONFIG_NOSYSTEM=1
	git config --global user.name tester
	git config --global user.email tester@example.com
	git config --global init.defaultBranch main
	mkdir serve
	git init -q --bare serve/it.git
	touch serve/it.git/git-daemon-export-ok
	git -C serve/it.git config http.receivepack false
	git init -q work
	mkdir -p work/js/deep
	random_file work/js/a.js 20000
	echo 1 >work/js/deep/b.js
	ln -s ../a.js work/js/deep/link.js
	printf '#!/bin/sh\n' >work/run.sh
	chmod +x work/run.sh
	commit_work
	git_port=$(free_port)
	http_port=$(free_port)
	url=git://127.0.0.1:$git_port/it.git
	start_daemon
}

commit_work() {
	git -C work add -A
	git -C work commit -q -m "${1:-a change}"
	git -C work push -q "$dir/serve/it.git" HEAD:refs/heads/main --tags
	commit=$(git -C work rev-parse HEAD)
}

start_daemon() {
	start daemon /usr/lib/git-core/git-daemon --reuseaddr --listen=127.0.0.1 --port="$git_port" \
		--base-path="$dir/serve" "$dir/serve"
	within 10 git ls-remote "$url"
}

stop_daemon() {
	kill "$daemon_pid"
	wait "$daemon_pid" || true
}

# git-http-backend, which is git's own, behind nginx, which wants a user and a password:
# start_http [LINE OF NGINX]
start_http() {
	printf 'me:%s\nx-access-token:%s\n' "$(openssl passwd -apr1 a-secret-word)" \
		"$(openssl passwd -apr1 a-secret-token)" >users
	cat >nginx.conf <<-END
		daemon off;
		user root;
		worker_processes 1;
		pid $dir/nginx.pid;
		error_log stderr;
		events {}
		http {
			access_log $dir/access.log;
			client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
			uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
			server {
				listen 127.0.0.1:$http_port;
				location /moved/ { rewrite ^/moved/(.*)\$ /\$1 redirect; }
				location / {
					auth_basic git;
					auth_basic_user_file $dir/users;
					fastcgi_pass unix:$dir/cgi.sock;
					fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
					fastcgi_param GIT_PROJECT_ROOT $dir/serve;
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
	sed -i "s/REMOTE_USER.*/&\n${1-}/" nginx.conf
	start cgi fcgiwrap -s "unix:$dir/cgi.sock"
	start nginx nginx -p "$dir" -c "$dir/nginx.conf"
	within 10 curl -sf "http://me:a-secret-word@127.0.0.1:$http_port/it.git/info/refs?service=git-upload-pack"
}

# The tree holds what git writes out itself.
expect_commit() {
	rm -rf by-git
	mkdir by-git
	git -C work archive "$1" | tar x -C by-git
	diff -r --no-dereference by-git "$(tree)"
	expect_equal "$(answer .version)" "$(git -C work rev-parse "$1^{commit}")"
}

@test "git: a branch, unchanged, changed, the server down and up again" {
	fetch "\"git\": \"$url\"" fetched
	expect_commit HEAD
	[[ -x $(tree)/run.sh && -L $(tree)/js/deep/link.js && ! -e $(tree)/.git ]]
	expect_between 20000 "$(answer .wire_bytes)" 30000
	expect_sound
	local before
	before=$(stat -c '%i %Y' "$(tree)/js/a.js")

	fetch "\"git\": \"$url\"" unchanged
	expect_between 40 "$(answer .wire_bytes)" 200
	expect_equal "$(answer .requests)" 1

	echo 2 >work/js/deep/b.js
	commit_work
	fetch "\"git\": \"$url\"" fetched
	expect_commit HEAD
	expect_between 100 "$(answer .wire_bytes)" 5000
	# What is as it was is the same file, with its time.
	expect_equal "$(stat -c '%i %Y' "$(tree)/js/a.js")" "$before"
	remember

	stop_daemon
	fetch "\"git\": \"$url\"" stale
	expect_remembered
	[[ $(answer .error) == "$url: git: it ended with status 128: "*"Connection refused"* ]]
	expect_sound
	start_daemon
	fetch "\"git\": \"$url\"" unchanged
	expect_remembered
}

@test "git: a tag of either kind, another branch, a commit, and what there is none of" {
	local first=$commit

	git -C work tag light
	git -C work tag -a -m annotated heavy
	echo 2 >work/two
	commit_work
	git -C work push -q "$dir/serve/it.git" HEAD:refs/heads/feature/x
	fetch "\"git\": \"$url\", \"ref\": \"heavy\"" fetched
	expect_commit "$first"
	fetch "\"git\": \"$url\", \"ref\": \"light\"" fetched
	expect_commit "$first"
	fetch "\"git\": \"$url\", \"ref\": \"feature/x\"" fetched
	expect_commit HEAD
	fetch "\"git\": \"$url\", \"ref\": \"$commit\"" fetched
	expect_commit HEAD
	fetch "\"git\": \"$url\", \"ref\": \"$commit\"" unchanged
	expect_equal "$(answer .requests)" 0
	fetch "\"git\": \"$url\", \"ref\": \"absent\"" stale
	[[ $(answer .error) == *"it has no branch or tag 'absent'" ]]
}

@test "git: only a part, elsewhere" {
	fetch "\"git\": \"$url\", \"subpath\": \"js\", \"into\": \"scripts\", \"exclude\": [\"link.js\"]" fetched
	expect_equal "$(cd "$(tree)" && find . -type f | sort | tr '\n' ' ')" "./scripts/a.js ./scripts/deep/b.js "
	fetch "\"git\": \"$url\", \"subpath\": \"js\", \"into\": \"scripts\", \"exclude\": [\"link.js\"]" unchanged
}

@test "git: by http, with a token or a user and a password, wrong and right, that nobody sees" {
	local it="\"git\": \"http://127.0.0.1:$http_port/it.git\", \"token-file\": \"token\""

	start_http
	echo a-wrong-token >token
	fetch "$it" missing 5
	[[ $(answer .error) == *"Authentication failed"* || $(answer .error) == *"could not read Username"* ]]
	expect_secret a-wrong-token
	echo a-secret-token >token
	start_fetch "$it"
	expect_secret_while_fetching a-secret-token
	ended fetching
	expect_status 0
	fetch "$it" unchanged
	expect_commit HEAD
	remember
	expect_secret a-secret-token
	expect_secret "$(printf x-access-token:a-secret-token | base64)"
	echo me:a-secret-word >token
	fetch "$it" unchanged
	rm token
	fetch "$it" stale
	expect_remembered
	# Nobody else is told the token.
	echo a-secret-token >token
	fetch "\"git\": \"http://127.0.0.1:$http_port/moved/it.git\", \"token-file\": \"token\"" stale
}

@test "git: by http, through a proxy, and to whom it is spared" {
	local it="\"git\": \"http://127.0.0.1:$http_port/it.git\", \"token-file\": \"token\""

	start_http
	echo a-secret-token >token
	make_tinyproxy
	start_tinyproxy
	export http_proxy=$proxy
	fetch "$it" fetched
	expect_commit HEAD
	logged tinyproxy "GET http://127.0.0.1:$http_port/it.git/info/refs"
	logged tinyproxy "POST http://127.0.0.1:$http_port/it.git/git-upload-pack"
	echo 2 >work/js/deep/b.js
	commit_work
	fetch "$it" fetched
	expect_commit HEAD
	remember
	stop_tinyproxy
	fetch "$it" stale
	expect_remembered
	no_proxy=127.0.0.1 fetch "$it" unchanged
}

@test "git: by ssh, with a key and a host that is known, and without; changed, down and up again" {
	local it key="\"ssh-key-file\": \"$dir/our key\"" known="\"known-hosts-file\": \"$dir/known hosts\""

	make_ssh "$(free_port)"
	start_ssh
	it="\"git\": \"ssh://$(id -un)@127.0.0.1:$ssh_port$dir/serve/it.git\", \"ref\": \"main\""
	fetch "$it, $key" missing 5
	[[ $(answer .error) == *"Host key verification failed"* ]]
	fetch "$it, \"ssh-key-file\": \"$dir/stranger\", $known" missing 5
	[[ $(answer .error) == *"Permission denied"* ]]
	fetch "$it, $key, $known" fetched
	expect_commit HEAD
	expect_sound
	fetch "$it, $key, $known" unchanged
	expect_between 40 "$(answer .wire_bytes)" 200

	echo 2 >work/js/deep/b.js
	commit_work
	fetch "$it, $key, $known" fetched
	expect_commit HEAD
	expect_between 100 "$(answer .wire_bytes)" 5000
	remember

	stop_ssh
	fetch "$it, $key, $known" stale
	expect_remembered
	[[ $(answer .error) == *"Connection refused"* ]]
	start_ssh
	fetch "$it, $key, $known" unchanged
	expect_remembered
	expect_sound
}

@test "git: by http, changed, down and up again, and what it costs when nothing is new" {
	local it="\"git\": \"http://127.0.0.1:$http_port/it.git\", \"token-file\": \"token\""

	echo a-secret-token >token
	start_http
	fetch "$it" fetched
	: >access.log
	fetch "$it" unchanged
	expect_equal "$(answer .requests)" 1
	# Sent is the whole list of branches and tags, and a first try without the token.
	expect_between 1 "$(wc -l <access.log)" 2
	expect_between 1 "$(awk '{ n += $10 } END { print n }' access.log)" 2000

	echo 2 >work/js/deep/b.js
	commit_work
	fetch "$it" fetched
	expect_commit HEAD
	remember
	kill "$nginx_pid"
	wait "$nginx_pid" || true
	fetch "$it" stale
	expect_remembered
	[[ $(answer .error) == "http://127.0.0.1:$http_port/it.git: git: "*onnect* ]]
	start nginx nginx -p "$dir" -c "$dir/nginx.conf"
	within 10 curl -s "http://127.0.0.1:$http_port/"
	fetch "$it" unchanged
	expect_remembered
	expect_sound
}

# git itself, but it waits before it fetches, and there is a new commit when it goes on:
# change_meanwhile MEMBERS
change_meanwhile() {
	mkdir -p bin
	rm -f go asked
	cat >bin/git <<-END
		#!/bin/sh
		case " \$* " in *" fetch "*)
			touch $dir/asked
			while ! test -e $dir/go; do sleep 0.02; done ;;
		esac
		exec $(command -v git) "\$@"
	END
	chmod +x bin/git
	PATH=$dir/bin:$PATH start_fetch "$1"
	within 10 test -e asked
	random_file work/js/a.js 20000
	commit_work
	touch go
	ended fetching
	expect_status 0
	grep '^{' fetching.log >answer.json
	expect_equal "$(answer .state) $(answer .error)" "fetched null"
}

@test "git: a branch that moves on while it is fetched comes whole, the old commit or the new" {
	local http="\"git\": \"http://127.0.0.1:$http_port/it.git\", \"token-file\": \"token\""

	# Here any commit is given out.
	change_meanwhile "\"git\": \"$url\""
	expect_commit HEAD^
	fetch "\"git\": \"$url\"" fetched
	expect_commit HEAD
	# And here, by the older protocol, only what a branch or a tag ends with.
	echo a-secret-token >token
	start_http "fastcgi_param HTTP_GIT_PROTOCOL version=0;"
	rm -rf cache
	change_meanwhile "$http"
	expect_commit HEAD
	fetch "$http" unchanged
	expect_sound
}

@test "git: a commit that the server does not give out, or does not have, or only a part of its name" {
	local absent=0123456789012345678901234567890123456789

	fetch "\"git\": \"$url\"" fetched
	remember
	fetch "\"git\": \"$url\", \"ref\": \"$absent\"" stale
	[[ $(answer .error) == *"$absent"* ]]
	fetch "\"git\": \"$url\", \"ref\": \"${commit:0:10}\"" stale
	[[ $(answer .error) == *"it has no branch or tag '${commit:0:10}'" ]]
	expect_remembered
	expect_sound
}

@test "git: the tester's own configuration, hooks and prompts have no say" {
	git config --global url."git://127.0.0.1:1/".insteadOf "git://127.0.0.1:$git_port/"
	git config --global core.hooksPath "$dir/hooks"
	mkdir hooks
	printf '#!/bin/sh\ntouch %s/was-run\n' "$dir" | tee hooks/post-checkout hooks/reference-transaction hooks/post-index-change >/dev/null
	chmod +x hooks/*
	printf '*.js filter=it\n' >work/.gitattributes
	git config --global filter.it.smudge "touch $dir/was-run; cat"
	git -C work add -A
	git -c filter.it.clean=cat -C work commit -q -m attributes
	git -C work push -q "$dir/serve/it.git" HEAD:refs/heads/main
	rm -f was-run
	fetch "\"git\": \"$url\"" fetched
	[[ ! -e was-run ]]
	expect_commit HEAD
}

@test "git: a link out of the tree, and a name for the sync engine alone" {
	fetch "\"git\": \"$url\"" fetched
	remember
	ln -s ../../outside work/js/out
	commit_work
	fetch "\"git\": \"$url\"" stale
	[[ $(answer .error) == *"'js/out' is a link out of the tree, to '../../outside'" ]]
	expect_remembered
	rm work/js/out
	echo it >work/..data
	commit_work
	fetch "\"git\": \"$url\"" stale
	expect_remembered
	rm work/..data
	commit_work
	# Another commit, and all files as they were.
	fetch "\"git\": \"$url\"" unchanged
	expect_remembered
	expect_commit HEAD
}

@test "git: killed in the middle, the last good tree stays, and nothing goes on behind it" {
	local signal

	fetch "\"git\": \"$url\"" fetched
	remember
	for i in {1..40}; do random_file "work/js/$i" 300000; done
	commit_work
	for signal in TERM KILL; do
		start_fetch "\"git\": \"$url\""
		within 20 eval 'compgen -G "cache/it/work.*/repository/objects/pack/tmp_pack*" || [[ -e cache/it/new/js ]]'
		kill "-$signal" "$fetching_pid"
		within 5 is_gone "$fetching_pid"
		diff remembered <(listing "$remembered")
	done
	within 10 eval '! pgrep -f "$dir/cache"'
	fetch "\"git\": \"$url\"" fetched
	expect_commit HEAD
	expect_sound
}

@test "git: a repository in the cache that was damaged is made anew" {
	fetch "\"git\": \"$url\"" fetched
	remember
	echo 2 >work/two
	commit_work
	find cache/it/work.*/repository/objects -type f -exec truncate -s 10 {} +
	fetch "\"git\": \"$url\""
	[[ $(answer .state) == fetched ]] || fetch "\"git\": \"$url\"" fetched
	expect_commit HEAD
}

@test "git: what no tree needs any more does not pile up in the cache" {
	local i

	for i in {1..11}; do
		random_file work/js/a.js 400000
		commit_work
		fetch "\"git\": \"$url\"" fetched
	done
	expect_commit HEAD
	# Eleven of them would be 4.4 MB.
	expect_between 400 "$(du -sk cache/it/work.* | cut -f 1)" 4000
	fetch "\"git\": \"$url\"" unchanged
}
