#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `reloader --watch` and `wrap --watch`: one change of content is one reload, and the game never
# stays with an older one.
# Not under qemu, see tests/run.

load lib

# What a game reads: every file below target, through links, without what is ours.
loads='find -L target -mindepth 1 \( -name ".gs-sidecar*" -o -name "..*" \) -prune -o -type f -print0 |
	sort -z | xargs -r0 sha256sum'

prepare() {
	cat >reload <<END
echo >>'$dir/reloads'
cd '$dir'
{ $loads; } >loaded.new
mv loaded.new loaded
END
	echo 1 >target/file
	: >reloads
	in_front=()
}

# watching FLAGS...: the reloader, once it is there
watching() {
	start reloader "${in_front[@]}" "$gs" reloader --watch target --watch-settle 100ms \
		--listen unix:"$dir/socket" "$@" -- sh reload
	within 10 has_looked
}

has_looked() {
	[[ $(watch_of .files) =~ ^[1-9] ]]
}

# A field of what it says of its watch: watch_of .mode
watch_of() {
	ask GET /status "$dir/socket" | gojq -r ".watch$1"
}

reloads() {
	wc -l <reloads
}

has_reloads() {
	(($(reloads) >= $1))
}

# Long enough for a reload that should not come.
pause() {
	read -rt 0.5 <> <(:) || true
}

# So many reloads by now, nothing follows, and what was loaded last is what is there.
expect_reloads() {
	within 30 has_reloads "$1"
	pause
	expect_equal "$(reloads)" "$1"
	diff loaded <(eval "$loads")
}

# No reload comes of what was done, and the next real change is noticed.
expect_none() {
	local before

	before=$(reloads)
	pause
	expect_equal "$(reloads)" "$before"
	echo "$RANDOM$RANDOM" >target/real
	expect_reloads $((before + 1))
}

# make_files DIR VERSION COUNT
make_files() {
	local i

	mkdir -p "$1/sub/deep"
	for ((i = 0; i < $3; i++)); do
		echo "$2 $i" >"$1/sub/file$i"
	done
	echo "$2" >"$1/sub/deep/file"
}

# Hot updates of 1, 30 and 300 files by UPDATE VERSION COUNT: each is one reload.
hot_updates() {
	local update=$1 version=1 count

	shift
	"$update" 1 300
	# A loaded machine may pause between two files, and take its time for all of them.
	watching --watch-settle 2s --watch-longest 60s "$@"
	for count in 1 30 300; do
		"$update" $((++version)) "$count"
		expect_reloads $((version - 1))
	done
	pause
	pause
	expect_reloads 3
}

by_rsync() {
	make_files src "$1" "$2"
	rsync -aI src/ target
}

by_cp() {
	make_files src "$1" "$2"
	cp -r src/. target
}

by_editor() {
	local file

	make_files src "$1" "$2"
	mkdir -p target/sub/deep
	for file in $(cd src && find . -type f); do
		cp "src/$file" "target/$file.swp"
		mv "target/$file.swp" "target/$file"
	done
}

by_git() {
	[[ -d work ]] || git init -q work
	make_files work "$1" "$2"
	git -C work add -A
	git -C work -c user.name=n -c user.email=e commit -qm "$1"
	[[ -d target/.git ]] || git clone -qn work target
	git -C target fetch -q
	git -C target checkout -q "$(git -C work rev-parse HEAD)"
}

by_kubelet() {
	make_files "target/..$1" "$1" "$2"
	ln -s "..$1" target/..data_tmp
	mv -T target/..data_tmp target/..data
	[[ -e target/sub ]] || ln -s ..data/sub target/sub
}

by_sync() {
	make_files src "$1" "$2"
	publish_in "$mode"
}

@test "watch: hot updates by rsync" {
	hot_updates by_rsync
}

@test "watch: hot updates by cp" {
	hot_updates by_cp
}

@test "watch: hot updates by an editor that renames" {
	hot_updates by_editor
}

@test "watch: hot updates by git checkout" {
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
	rm target/file
	loads=${loads/-name/-name .git -o -name}
	sed -i 's/-name/-name .git -o -name/' reload
	hot_updates by_git --watch-exclude .git
}

@test "watch: hot updates by a switch of ..data" {
	hot_updates by_kubelet
}

@test "watch: hot updates by gs-sidecar in place" {
	mode=in-place
	hot_updates by_sync
}

@test "watch: hot updates by gs-sidecar with links" {
	mode=data
	hot_updates by_sync
}

@test "watch: hot updates by gs-sidecar's exchange" {
	mode=exchange
	hot_updates by_sync
}

# Nothing but the label of what is published.
another_label() {
	make_files src 1 30
	publish_in "$1" --label one
	watching
	publish_in "$1" --label two
	expect_none
}

@test "watch: a sync that changes no content, in place" {
	another_label in-place
}

@test "watch: a sync that changes no content, with links" {
	another_label data
}

@test "watch: a sync that changes no content, by exchange" {
	another_label exchange
}

@test "watch: whatever touches a file without changing it is no reload" {
	local i

	make_files target 1 30
	watching
	touch target/file target/sub/file*
	chmod 600 target/file
	chmod 644 target/file
	for ((i = 0; i < 5; i++)); do
		echo 1 >target/file
	done
	cp -p target/sub/file1 copy
	mv copy target/sub/file1
	mv target/sub target/away
	mv target/away target/sub
	mkdir target/new
	rmdir target/new
	cat target/file
	expect_none
}

@test "watch: type, mode, name and link target are content" {
	watching
	chmod 600 target/file
	expect_reloads 1
	mv target/file target/other
	expect_reloads 2
	ln -s other target/link
	expect_reloads 3
	ln -sfn file target/link
	expect_reloads 4
	mkdir target/dir
	expect_reloads 5
	mkfifo target/pipe
	expect_reloads 6
	rm target/pipe
	mkdir target/pipe
	expect_reloads 7
	rm -r target/*
	expect_reloads 8
}

@test "watch: the same size and time, and other bytes" {
	local i

	watching
	for i in 2 3 4; do
		echo "$i" >target/new
		touch -r /etc/passwd target/new
		mv target/new target/file
		expect_reloads $((i - 1))
	done
}

@test "watch: trees that are moved in and out are followed" {
	make_files outside 1 30
	watching
	mv outside target/in
	expect_reloads 1
	echo 2 >target/in/sub/deep/file
	expect_reloads 2
	mv target/in/sub outside
	expect_reloads 3
	echo 3 >outside/deep/file
	expect_none
	mkdir -p target/a/b/c/d && echo 1 >target/a/b/c/d/file
	expect_reloads 5
	echo 2 >target/a/b/c/d/file
	expect_reloads 6
}

@test "watch: several directories, and names that are left out" {
	mkdir other
	watching --watch other/ --watch-exclude '*.log' --watch-exclude /cache
	echo 1 >target/game.log
	mkdir -p target/cache/inner
	echo 1 >target/cache/inner/file
	echo 1 >"target/..temporary"
	pause
	expect_equal "$(reloads)" 0
	echo 1 >other/file
	expect_reloads 1
	mkdir target/sub
	echo 1 >target/sub/cache
	expect_reloads 2
}

@test "watch: a directory that is not there at the start, is removed, and replaced" {
	cp -r target new
	mv target away
	start reloader "$gs" reloader --watch target --watch-settle 100ms --listen unix:"$dir/socket" -- sh reload
	within 10 logged reloader "cannot look into 'target', waiting for it"
	mv away target
	expect_reloads 1
	rm -r target
	pause
	mv new target
	pause
	expect_equal "$(reloads)" 1
	cp -r target new
	echo 2 >new/file
	mv target old
	mv new target
	expect_reloads 2
	echo 3 >old/file
	expect_none
}

@test "watch: a directory that is a link, which is switched" {
	mv target v1
	cp -r v1 v2
	ln -s v1 target
	watching
	ln -s v2 new && mv -T new target
	pause
	echo 2 >v1/file
	pause
	expect_equal "$(reloads)" 0
	ln -s v1 new && mv -T new target
	expect_reloads 1
}

@test "watch: a ConfigMap that is mounted below" {
	mkdir -p target/config/..1 target/config/..2
	echo 1 >target/config/..1/game.json
	echo 2 >target/config/..2/game.json
	ln -s ..1 target/config/..data
	ln -s ..data/game.json target/config/game.json
	watching
	ln -s ..2 target/config/..data_tmp
	mv -T target/config/..data_tmp target/config/..data
	expect_reloads 1
}

@test "watch: more events than the queue holds" {
	local limit events=100000

	limit=$(</proc/sys/fs/inotify/max_queued_events)
	((events > limit)) || events=$((limit + 10))
	watching
	kill -STOP "$reloader_pid"
	mkdir target/{a,b}
	perl -e 'for (1..$ARGV[0]) { open F, ">", "target/a/$_"; close F; rename "target/a/$_", "target/b/file" }' \
		$((limit / 2))
	chmod 600 target/file
	perl -e 'for (1..$ARGV[0]) { chmod 0600 + $_ % 2, "target/file" }' $events
	mkdir -p target/unseen/inner
	echo 1 >target/unseen/inner/file
	kill -CONT "$reloader_pid"
	expect_reloads 1
	echo 2 >target/unseen/inner/file
	expect_reloads 2
}

@test "watch: a writer that never rests is told at the cap" {
	(while :; do
		date +%N >>target/busy
		read -rt 0.02 <> <(:) || true
	done) 3>&- &
	pids+=("$!")
	watching --watch-longest 500ms
	within 20 has_reloads 2
}

@test "watch: a writer that rests for less time than a look takes" {
	truncate -s 1G target/large
	watching
	(while :; do
		date +%N >>target/large
		read -rt 0.2 <> <(:) || true
	done) 3>&- &
	pids+=("$!")
	within 60 has_reloads 2
}

@test "watch: a slow writer is waited for" {
	local i

	watching --watch-settle 3s --watch-longest 60s
	for ((i = 0; i < 20; i++)); do
		echo "$i" >>target/slow
		read -rt 0.1 <> <(:) || true
	done
	expect_reloads 1
}

changes_are() {
	[[ $(watch_of .changes) == "$1" ]]
}

@test "watch: all changes while a reload runs are one more reload" {
	cat >>reload <<'END'
touch running
while [ ! -e go ]; do sleep 0.01; done
END
	watching
	echo 2 >target/file
	within 10 test -e running
	echo 3 >target/file
	within 10 changes_are 2
	echo 4 >target/other
	within 10 changes_are 3
	touch go
	expect_reloads 2
}

@test "watch: a reload that writes into the directory is followed by one more, and no other" {
	echo 'echo loaded >target/status' >>reload
	watching
	echo 2 >target/file
	within 10 has_reloads 2
	pause
	expect_equal "$(reloads)" 2
	grep -q "$(sha256sum <target/file | cut -d ' ' -f 1)" loaded
}

@test "watch: reloads that change the directory each time get slow" {
	echo 'date +%N >target/status' >>reload
	watching
	echo 2 >target/file
	within 10 logged reloader "each reload changes 'target/status', which is watched: next one in 1s"
	within 10 logged reloader "next one in 2s"
	expect_equal "$(reloads)" 3
	within 10 logged reloader "next one in 4s"
	expect_equal "$(reloads)" 4
	grep -q "$(sha256sum <target/file | cut -d ' ' -f 1)" loaded
	echo 3 >target/file
	within 2 has_reloads 5
}

@test "watch: reloads that make something new each time get slow" {
	echo 'mkdir "target/$(date +%s%N)"' >>reload
	watching
	rm target/file
	within 10 logged reloader "which is watched: next one in 1s"
	within 10 logged reloader "next one in 2s"
	expect_equal "$(reloads)" 6
}

@test "watch: a reload that fails is tried again" {
	echo '[ -e repaired ]' >>reload
	watching
	echo 2 >target/file
	within 10 logged reloader "what has changed is not loaded, next try in 1s"
	within 10 logged reloader "next try in 2s"
	touch repaired
	within 10 logged reloader "reloaded by"
	expect_equal "$(watch_of .changes)" 1
	expect_none
}

@test "watch: what /reload has loaded is not reloaded again" {
	watching --watch-settle 4s
	echo 2 >target/file
	curl -sS --unix-socket socket http://localhost/reload
	within 10 changes_are 1
	expect_reloads 1
}

@test "watch: a change at once after the start" {
	make_files target 1 300
	start reloader "$gs" reloader --watch target --watch-settle 100ms --listen unix:"$dir/socket" -- sh reload
	within 10 logged reloader "watching target"
	echo 2 >target/file
	expect_reloads 1
}

# Whatever it watches by: nothing is sent from a publication's first change to its end.
expect_published_whole() {
	local state before

	for state in target/.gs-sidecar .gs-sidecar-target target/sub/.gs-sidecar; do
		before=$(reloads)
		mkdir -p "$state"
		echo '{}' >"$state/publishing.json"
		echo "$state" >target/file
		pause
		expect_equal "$(reloads)" "$before"
		echo "$state" >target/sub/more
		mv "$state"/publishing.json "$state"/published.json
		expect_reloads $((before + 1))
	done
}

@test "watch: while a gs-sidecar publishes no reload is sent" {
	mkdir -p target/sub
	watching
	expect_published_whole
}

has_read() {
	awk '/^rchar/ { print $2 }' "/proc/$reloader_pid/io"
}

# begin_unseen_publication DIR: it is met by a look that has to read what is large first.
begin_unseen_publication() {
	local before

	before=$(has_read)
	mkdir "$1/.gs-sidecar"
	echo '{}' >"$1/.gs-sidecar/publishing.json"
	echo 2 >>target/large
	within 30 eval "((\$(has_read) > $((before + (1 << 30)))))"
	pause
}

@test "watch: nor where its state is found by a look that takes long" {
	mkdir -p target/sub
	truncate -s 1G target/large
	watching --watch-settle 20ms
	begin_unseen_publication target/sub
	expect_equal "$(reloads)" 0
	mv target/sub/.gs-sidecar/publishing.json target/sub/.gs-sidecar/published.json
	within 30 has_reloads 1
}

@test "watch: nor is the time of one such publication counted for the next" {
	mkdir -p target/sub target/other
	truncate -s 1G target/large
	# A reload that still ran would put off the next.
	echo "echo >>'$dir/reloads'" >reload
	watching --watch-settle 20ms --watch-longest 8s
	begin_unseen_publication target/sub
	expect_equal "$(reloads)" 0
	mv target/sub/.gs-sidecar/publishing.json target/sub/.gs-sidecar/published.json
	# Told by events, before it is looked at again for the publication.
	echo 1 >target/file
	within 30 has_reloads 1
	within 30 eval '(($(date +%s) > $(stat -c %Y target/file) + 8))'
	begin_unseen_publication target/other
	expect_equal "$(reloads)" 1
	mv target/other/.gs-sidecar/publishing.json target/other/.gs-sidecar/published.json
	within 30 has_reloads 2
}

@test "watch: nor where it only looks" {
	mkdir -p target/sub
	in_front=("$(native deny)" ENOSYS inotify_init1)
	watching --watch-poll 100ms
	expect_published_whole
}

@test "watch: a publication that was cut off holds it up to the cap only" {
	watching --watch-longest 1s
	mkdir target/.gs-sidecar
	echo '{}' >target/.gs-sidecar/publishing.json
	echo 2 >target/file
	expect_reloads 1
}

@test "watch: without inotify it looks every now and then" {
	in_front=("$(native deny)" ENOSYS inotify_init1)
	watching --watch-poll 100ms
	expect_equal "$(watch_of .mode)" polling
	logged reloader "start 'inotify': Function not implemented"
	ask GET /metrics "$dir/socket" | grep -x "gs_sidecar_watch_polling 1"
	touch target/file
	echo 2 >target/file
	expect_reloads 1
	make_files target 1 300
	expect_reloads 2
	expect_none
}

@test "watch: where it only looks, a file that is still being written is waited for" {
	in_front=("$(native deny)" ENOSYS inotify_init1)
	watching --watch-poll 100ms --watch-settle 5s --watch-longest 60s
	echo 1 >target/slow
	pause
	pause
	echo 2 >>target/slow
	expect_reloads 1
}

@test "watch: the limit of watches is reached while it runs" {
	limited max_inotify_watches 30
	watching --watch-poll 200ms
	expect_equal "$(watch_of .mode)" events
	mkdir -p target/{1..50}
	within 10 logged reloader "the limit is fs.inotify.max_user_watches"
	expect_equal "$(watch_of .mode)" polling
	expect_reloads 1
	echo 1 >target/50/file
	expect_reloads 2
	rm -r target/{1..50}
	within 10 logged reloader "changes can be watched again"
	expect_reloads 3
	expect_equal "$(watch_of .mode)" events
	expect_none
}

@test "watch: the safety net finds what no event has told" {
	watching --watch-events delete --watch-rescan 300ms
	echo 2 >target/file
	expect_reloads 1
	touch target/file
	pause
	expect_equal "$(reloads) $(grep -c changed reloader.log)" "1 1"
}

@test "watch: inotifywait's words choose what it looks after" {
	watching --watch-events 'DELETE,Moved_To' --watch-events close_nowrite,open,access
	logged reloader "the events access, open and close_nowrite are left out"
	mkdir target/sub
	pause
	echo 2 >target/file
	pause
	echo 1 >away
	before=$(reloads)
	mv away target/sub/in
	expect_reloads $((before + 1))
	echo 3 >target/file
	pause
	expect_equal "$(reloads)" $((before + 1))
	rm target/sub/in
	expect_reloads $((before + 2))
}

@test "watch: words that inotifywait does not know" {
	local words

	for words in modified 'modify,' all; do
		run "$gs" reloader --watch target --watch-events "$words" -- true
		expect_status 2
		expect_output "watch-events: expected words of modify, attrib"
	done
	run "$gs" reloader --watch-events modify -- true
	expect_status 2
	expect_output "watch-events is set, but not watch"
}

@test "watch: an unreadable file and a pipe are no obstacle" {
	make_files target 1 3
	mkfifo target/pipe
	give_to_ordinary target reloads "$dir"
	start reloader as_ordinary "$gs" reloader --watch target --watch-settle 100ms \
		--listen unix:"$dir/socket" -- sh -c 'echo >>reloads'
	within 10 has_looked
	chmod 000 target/sub/file1
	within 10 logged reloader "cannot read 'target/sub/file1'"
	within 10 has_reloads 1
	echo 2 >target/file
	within 10 has_reloads 2
	expect_equal "$(times_logged reloader "cannot read")" 1
}

@test "watch: it does not wake while nothing happens" {
	local before

	make_files target 1 300
	watching
	echo 2 >target/file
	expect_reloads 1
	before=$(grep ctxt "/proc/$reloader_pid/status")
	read -rt 1 <> <(:) || true
	expect_equal "$(grep ctxt "/proc/$reloader_pid/status")" "$before"
}

@test "watch: wrap signals its program" {
	start wrap "$gs" wrap --watch target --watch-settle 100ms --signal HUP --listen unix:"$dir/socket" -- \
		bash -c 'trap "echo >>reloads" HUP; echo begun; while :; do read -rt 1 <> <(:) || true; done'
	within 10 logged wrap begun
	within 10 has_looked
	echo 2 >target/file
	within 10 has_reloads 1
	touch target/file
	pause
	expect_equal "$(reloads)" 1
}

@test "watch: a process that is not there yet is signalled when it is" {
	start reloader "$gs" reloader --watch target --watch-settle 100ms --listen unix:"$dir/socket" \
		--signal HUP --process "pidfile:$dir/pid"
	within 10 has_looked
	echo 2 >target/file
	within 10 logged reloader "what has changed is not loaded"
	start game bash -c 'trap "echo >>reloads" HUP; echo $$ >pid; while :; do read -rt 1 <> <(:) || true; done'
	within 20 has_reloads 1
	pause
	expect_equal "$(reloads)" 1
}
