/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/folders.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTLE_MS 15
#define LONGEST_MS 5000
#define NEVER_MS 3600000
#define POLL_MS 20
#define QUIET_MS 75
#define DEADLINE_MS 30000

struct story {
	struct loop *loop;
	struct watch *watch;
	struct watch_plan plan;
	char top[PATH_MAX];
	int before; /* the working directory */
	unsigned told, wanted;
	unsigned quiet; /* told since the last on_change */
	unsigned holds; /* how often more */
	struct loop_timer deadline;
	struct loop_timer writer;
	int64_t pause_ms;
};

static void on_change(void *owner)
{
	struct story *s = owner;

	if (++s->told == s->wanted)
		loop_stop(s->loop, 0);
}

static void on_quiet(void *owner)
{
	struct story *s = owner;

	s->quiet++;
}

static bool holds(void *owner)
{
	struct story *s = owner;

	return s->holds && s->holds--;
}

static void on_deadline(struct loop_timer *t)
{
	struct story *s = t->owner;

	loop_stop(s->loop, 1);
}

/* A new top directory, made the working directory, so that names in it are short. */
static void set_up(struct story *s)
{
	struct err e;

	*s = (struct story){ .loop = loop_new(&e) };
	(void)snprintf(s->top, sizeof(s->top), "%s", unit_directory());
	s->before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(chdir(s->top), 0);
	s->deadline = (struct loop_timer){ .on_time = on_deadline, .owner = s };
	s->plan = (struct watch_plan){
		.settle_ms = SETTLE_MS,
		.longest_ms = LONGEST_MS,
		.poll_ms = NEVER_MS,
		.on_change = on_change,
		.owner = s,
	};
}

static void watch_it(struct story *s, const char *root)
{
	struct list roots = { 0 };

	list_add(&roots, root);
	s->plan.roots = &roots;
	s->watch = watch_new(s->loop, &s->plan);
	list_clear(&roots);
}

static void watch_src(struct story *s)
{
	set_up(s);
	assert_int_equal(mkdir("src", 0755), 0);
	watch_it(s, "src");
	assert_false(watch_polls(s->watch));
	assert_int_equal(watch_directories(s->watch), 1);
}

static void tear_down(struct story *s)
{
	watch_free(s->watch);
	loop_free(s->loop);
	assert_int_equal(fchdir(s->before), 0);
	fd_close(&s->before);
}

static void expect_told(struct story *s)
{
	s->told = 0;
	s->wanted = 1;
	loop_timer_start(s->loop, &s->deadline, DEADLINE_MS);
	assert_int_equal(loop_run(s->loop), 0);
	loop_timer_stop(s->loop, &s->deadline);
	assert_int_equal(s->told, 1);
}

static void expect_nothing(struct story *s)
{
	s->told = s->wanted = 0;
	loop_timer_start(s->loop, &s->deadline, QUIET_MS);
	assert_int_equal(loop_run(s->loop), 1);
	assert_int_equal(s->told, 0);
}

/* Exactly one, also when waited for longer. */
static void expect_told_once(struct story *s)
{
	expect_told(s);
	expect_nothing(s);
}

static void put(const char *path, const char *text)
{
	owned_fd fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void make(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

static void move(const char *from, const char *to)
{
	assert_int_equal(rename(from, to), 0);
}

static void nothing_happens_by_itself(void **state)
{
	struct story s;

	(void)state;
	watch_src(&s);
	expect_nothing(&s);
	tear_down(&s);
	watch_free(NULL);
}

static void every_kind_of_change_is_told_once(void **state)
{
	struct story s;

	(void)state;
	watch_src(&s);
	put("src/a", "1");
	expect_told_once(&s);
	put("src/a", "2");
	expect_told_once(&s);
	assert_int_equal(chmod("src/a", 0600), 0);
	expect_told_once(&s);
	put("b", "3");
	move("b", "src/a");
	expect_told_once(&s);
	assert_int_equal(symlink("x", "src/link"), 0);
	expect_told_once(&s);
	assert_int_equal(unlink("src/a"), 0);
	expect_told_once(&s);
	put("elsewhere", "x");
	expect_nothing(&s);
	tear_down(&s);
}

static void a_reader_is_no_change(void **state)
{
	struct story s;
	char byte;

	(void)state;
	set_up(&s);
	make("src");
	put("src/a", "1");
	watch_it(&s, "src");
	int fd = open("src/a", O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, &byte, 1), 1);
	fd_close(&fd);
	expect_nothing(&s);
	tear_down(&s);
}

static void write_again(struct loop_timer *t)
{
	struct story *s = t->owner;

	put("src/a", "x");
	loop_timer_start(s->loop, t, s->pause_ms);
}

static int64_t time_to_tell(struct story *s)
{
	int64_t began = clock_ms();

	s->writer = (struct loop_timer){ .on_time = write_again, .owner = s };
	loop_timer_start(s->loop, &s->writer, 0);
	expect_told(s);
	loop_timer_stop(s->loop, &s->writer);
	return clock_ms() - began;
}

static void a_source_that_is_never_quiet_is_told_at_the_cap(void **state)
{
	struct story s;

	(void)state;
	set_up(&s);
	make("src");
	s.plan.settle_ms = 1000;
	s.plan.longest_ms = 150;
	watch_it(&s, "src");
	s.pause_ms = 5;
	assert_true(time_to_tell(&s) >= 149);
	tear_down(&s);
}

static void stop_writing(struct loop_timer *t)
{
	struct story *s = t->owner;

	loop_timer_stop(s->loop, &s->writer);
}

static void a_slow_writer_is_waited_for(void **state)
{
	struct story s;
	struct loop_timer end;

	(void)state;
	set_up(&s);
	make("src");
	s.plan.settle_ms = 300;
	watch_it(&s, "src");
	s.pause_ms = 20;
	end = (struct loop_timer){ .on_time = stop_writing, .owner = &s };
	loop_timer_start(s.loop, &end, 600);
	assert_true(time_to_tell(&s) >= 600);
	tear_down(&s);
}

static void directories_that_are_filled_at_once_are_followed(void **state)
{
	struct story s;

	(void)state;
	watch_src(&s);
	make("src/a");
	make("src/a/b");
	make("src/a/b/c");
	put("src/a/b/c/file", "1");
	expect_told_once(&s);
	assert_int_equal(watch_directories(s.watch), 4);
	put("src/a/b/c/file", "2");
	expect_told_once(&s);
	make("src/a/b/d");
	expect_told_once(&s);
	put("src/a/b/d/file", "2");
	expect_told_once(&s);
	tear_down(&s);
}

static void directories_are_followed_when_they_move(void **state)
{
	struct story s;

	(void)state;
	watch_src(&s);
	make("out");
	make("out/a");
	make("out/a/b");
	move("out/a", "src/a");
	expect_told_once(&s);
	assert_int_equal(watch_directories(s.watch), 3);
	move("src/a/b", "src/c");
	expect_told_once(&s);
	put("src/c/file", "1");
	expect_told_once(&s);
	make("src/c/new");
	expect_told_once(&s);
	put("src/c/new/file", "1");
	expect_told_once(&s);
	move("src/c", "out/c");
	expect_told_once(&s);
	assert_int_equal(watch_directories(s.watch), 2);
	put("out/c/file", "2");
	put("out/c/new/file", "2");
	expect_nothing(&s);
	assert_int_equal(rmdir("src/a"), 0);
	expect_told_once(&s);
	assert_int_equal(watch_directories(s.watch), 1);
	tear_down(&s);
}

static void a_root_may_be_replaced(void **state)
{
	struct story s;

	(void)state;
	watch_src(&s);
	make("new");
	put("new/file", "1");
	move("src", "old");
	move("new", "src");
	expect_told_once(&s);
	put("old/file", "1");
	expect_nothing(&s);
	put("src/file", "2");
	expect_told_once(&s);
	tear_down(&s);
}

/* Somebody has it open, as the resident has its source: its end is not told by itself. */
static void a_root_may_go_and_come_back(void **state)
{
	struct story s;

	(void)state;
	watch_src(&s);
	owned_fd held = open("src", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(rmdir("src"), 0);
	expect_told_once(&s);
	assert_int_equal(watch_directories(s.watch), 0);
	make("src");
	expect_told_once(&s);
	put("src/file", "1");
	expect_told_once(&s);
	tear_down(&s);
}

static void a_root_may_come_late_with_all_that_is_above_it(void **state)
{
	struct story s;

	(void)state;
	set_up(&s);
	watch_it(&s, "a/b/src");
	expect_nothing(&s);
	make("a");
	make("a/b");
	expect_told(&s);
	make("a/b/src");
	expect_told_once(&s);
	put("a/b/src/file", "1");
	expect_told_once(&s);
	move("a", "c");
	expect_told(&s);
	move("c", "a");
	expect_told_once(&s);
	put("a/b/src/file", "1");
	expect_told_once(&s);
	tear_down(&s);
}

static void switch_link(const char *to, const char *name)
{
	assert_int_equal(symlink(to, "link.new"), 0);
	move("link.new", name);
}

/* As git-sync does it: the link is in the middle, and leads by another one. */
static void links_on_the_way_are_followed_when_they_are_switched(void **state)
{
	struct story s;

	(void)state;
	set_up(&s);
	make("v1");
	make("v1/js");
	make("v2");
	make("v2/js");
	put("v2/js/file", "2");
	make("links");
	switch_link("../current", "links/app");
	owned char *absolute = mem_format("%s/v1", s.top);
	switch_link(absolute, "current");
	watch_it(&s, "links/app/js");
	assert_int_equal(watch_directories(s.watch), 1);
	put("v1/js/file", "1");
	expect_told_once(&s);
	switch_link("v2", "current");
	expect_told_once(&s);
	put("v1/js/file", "1");
	expect_nothing(&s);
	put("v2/js/file", "2");
	expect_told_once(&s);
	switch_link("../v1", "links/app");
	expect_told_once(&s);
	put("v1/js/file", "1");
	expect_told_once(&s);
	switch_link("app", "links/app");
	expect_told_once(&s);
	tear_down(&s);
}

static void a_kubelet_volume_is_told_by_its_data_link(void **state)
{
	struct story s;

	(void)state;
	set_up(&s);
	make("src");
	make("src/..1");
	put("src/..1/file", "1");
	make("src/..1/sub");
	switch_link("..1", "src/..data");
	assert_int_equal(symlink("..data/file", "src/file"), 0);
	watch_it(&s, "src");
	assert_int_equal(watch_directories(s.watch), 3);
	make("src/..2");
	put("src/..2/file", "2");
	expect_nothing(&s);
	switch_link("..2", "src/..data");
	expect_told_once(&s);
	put("src/..1/file", "1");
	expect_nothing(&s);
	put("src/..2/file", "2");
	expect_told_once(&s);
	tear_down(&s);
}

static void ignored_names_do_not_count(void **state)
{
	struct list exclude = { 0 };
	struct story s;

	(void)state;
	set_up(&s);
	make("src");
	make("src/.state");
	list_add(&exclude, ".state");
	s.plan.exclude = &exclude;
	watch_it(&s, "src");
	assert_int_equal(watch_directories(s.watch), 1);
	put("src/.state/file", "1");
	assert_int_equal(chmod("src/.state", 0700), 0);
	put("src/..name", "1");
	expect_nothing(&s);
	tear_down(&s);
	list_clear(&exclude);
}

static void a_directory_that_becomes_readable_is_watched(void **state)
{
	struct story s;

	(void)state;
	watch_src(&s);
	make("src/a");
	assert_int_equal(chmod("src/a", 0), 0);
	expect_told_once(&s);
	assert_int_equal(chmod("src/a", 0755), 0);
	expect_told_once(&s);
	assert_int_equal(watch_directories(s.watch), 2);
	tear_down(&s);
}

static void quiet_is_told_before_a_change(void **state)
{
	struct story s;

	(void)state;
	set_up(&s);
	make("src");
	s.plan.on_quiet = on_quiet;
	watch_it(&s, "src");
	put("src/a", "1");
	expect_told(&s);
	assert_int_equal(s.quiet, 1);
	make("src/sub");
	put("src/sub/b", "1");
	expect_told(&s);
	assert_int_equal(s.quiet, 2);
	expect_nothing(&s);
	assert_int_equal(s.quiet, 2);
	tear_down(&s);
}

static void what_holds_it_puts_it_off_up_to_the_cap(void **state)
{
	struct story s;

	(void)state;
	set_up(&s);
	make("src");
	s.plan.holds = holds;
	watch_it(&s, "src");
	s.holds = 10;
	put("src/a", "1");
	expect_told_once(&s);
	assert_int_equal(s.holds, 0);
	watch_free(s.watch);
	s.plan.longest_ms = 100;
	watch_it(&s, "src");
	s.holds = 1000000;
	put("src/a", "1");
	expect_told_once(&s);
	assert_true(s.holds > 0);
	tear_down(&s);
}

static void a_busy_watch_says_so(void **state)
{
	struct story s;

	(void)state;
	watch_src(&s);
	assert_false(watch_is_busy(s.watch));
	put("src/a", "1");
	assert_true(watch_is_busy(s.watch));
	expect_told(&s);
	assert_false(watch_is_busy(s.watch));
	tear_down(&s);
}

static uint32_t kinds_of(const char *words)
{
	uint32_t kinds = 0;
	struct err e;

	assert_int_equal(watch_events(words, &kinds, &e), 0);
	return kinds;
}

static void words_choose_what_begins_a_burst(void **state)
{
	struct story s;

	(void)state;
	set_up(&s);
	make("src");
	put("src/a", "1");
	s.plan.events = kinds_of("CREATE,delete") | kinds_of("Moved_To");
	watch_it(&s, "src");
	put("src/a", "2");
	assert_int_equal(chmod("src/a", 0600), 0);
	move("src/a", "a");
	expect_nothing(&s);
	move("a", "src/a");
	expect_told_once(&s);
	put("src/b", "1");
	expect_told_once(&s);
	assert_int_equal(unlink("src/b"), 0);
	expect_told_once(&s);
	tear_down(&s);
}

static void words_for_reading_begin_nothing(void **state)
{
	uint32_t kinds = 0;
	struct err e;

	(void)state;
	assert_int_equal(watch_idle_events(kinds_of("modify,attrib,close_write,close")), 0);
	assert_int_equal(watch_idle_events(kinds_of("move,move_self,delete_self,unmount")), 0);
	assert_int_equal(kinds_of("move"), kinds_of("moved_from,moved_to"));
	assert_int_not_equal(watch_idle_events(kinds_of("modify,open")), 0);
	assert_int_equal(watch_idle_events(kinds_of("access,close_nowrite,open")),
			 kinds_of("access,close_nowrite,open"));
	const char *const wrong[] = {
		"", ",", "modify,", ",modify", "modify create", "mod", "moves"
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(watch_events(wrong[i], &kinds, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

static void walk_all(struct folders *f)
{
	folders_begin_walk(f);
	while (folders_walk(f, 1))
		continue;
}

static void events_are_proved_to_arrive(void **state)
{
	struct list roots = { 0 };
	struct story s;
	int pipe_fds[2];

	(void)state;
	set_up(&s);
	make("src");
	list_add(&roots, "src");
	struct folders f = folders_init(&roots, NULL);
	walk_all(&f);
	assert_false(folders_prove(&f));
	assert_null(f.remote_path);
	put("src/a", "1");
	assert_true(folders_prove(&f));
	/* A crash has left the file there. */
	put("src/..gs-sidecar-watch", "");
	assert_false(folders_prove(&f));
	assert_null(f.remote_path);
	assert_int_equal(access("src/..gs-sidecar-watch", F_OK), -1);
	/* As if nothing were told. */
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_true(dup2(pipe_fds[0], f.fd) >= 0);
	assert_false(folders_prove(&f));
	assert_string_equal(f.remote_path, "src");
	folders_done(&f);
	fd_close(&pipe_fds[0]);
	fd_close(&pipe_fds[1]);
	list_clear(&roots);
	tear_down(&s);
}

static long queue_limit(void)
{
	char text[32] = "";
	owned_fd fd = open("/proc/sys/fs/inotify/max_queued_events", O_RDONLY | O_CLOEXEC);

	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	return strtol(text, NULL, 10);
}

static void lost_events_are_made_up_for(void **state)
{
	struct story s;

	(void)state;
	watch_src(&s);
	put("src/a", "1");
	put("src/b", "1");
	for (long i = queue_limit() / 2 + 10; i > 0; i--) {
		assert_int_equal(chmod("src/a", 0600), 0);
		assert_int_equal(chmod("src/b", 0600), 0);
	}
	make("src/unseen");
	make("src/unseen/inner");
	expect_told_once(&s);
	assert_int_equal(watch_directories(s.watch), 3);
	put("src/unseen/inner/file", "1");
	expect_told_once(&s);
	tear_down(&s);
}

static void many_directories_are_walked_in_turns(void **state)
{
	struct story s;

	(void)state;
	watch_src(&s);
	for (int i = 0; i < 1000; i++) {
		owned char *path = mem_format("src/%d", i);
		make(path);
	}
	expect_told_once(&s);
	assert_int_equal(watch_directories(s.watch), 1001);
	put("src/777/file", "1");
	expect_told_once(&s);
	for (int i = 0; i < 1000; i++) {
		owned char *path = mem_format("src/%d", i);
		if (i != 777)
			assert_int_equal(rmdir(path), 0);
	}
	expect_told_once(&s);
	assert_int_equal(watch_directories(s.watch), 2);
	tear_down(&s);
}

static void expect_polls(struct story *s)
{
	assert_true(watch_polls(s->watch));
	assert_int_equal(watch_directories(s->watch), 0);
	for (int i = 0; i < 3; i++)
		expect_told(s);
}

static void what_cannot_be_watched_is_polled_until_it_can_be(void **state)
{
	struct story s;
	struct rlimit all, none;

	(void)state;
	set_up(&s);
	make("src");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	s.plan.poll_ms = POLL_MS;
	none = (struct rlimit){ .rlim_cur = 3, .rlim_max = all.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	watch_it(&s, "src");
	expect_polls(&s);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	do
		expect_told(&s);
	while (watch_polls(s.watch));
	expect_nothing(&s);
	put("src/file", "1");
	expect_told_once(&s);
	tear_down(&s);
}

static void a_path_that_is_too_long_is_polled(void **state)
{
	struct story s;
	char name[201];

	(void)state;
	set_up(&s);
	make("src");
	assert_int_equal(chdir("src"), 0);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; i < 30; i++) {
		make(name);
		assert_int_equal(chdir(name), 0);
	}
	assert_int_equal(chdir(s.top), 0);
	s.plan.poll_ms = POLL_MS;
	watch_it(&s, "src");
	expect_polls(&s);
	tear_down(&s);
}

int test_watch(void);

int test_watch(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_happens_by_itself),
		cmocka_unit_test(every_kind_of_change_is_told_once),
		cmocka_unit_test(a_reader_is_no_change),
		cmocka_unit_test(a_source_that_is_never_quiet_is_told_at_the_cap),
		cmocka_unit_test(a_slow_writer_is_waited_for),
		cmocka_unit_test(directories_that_are_filled_at_once_are_followed),
		cmocka_unit_test(directories_are_followed_when_they_move),
		cmocka_unit_test(a_root_may_be_replaced),
		cmocka_unit_test(a_root_may_go_and_come_back),
		cmocka_unit_test(a_root_may_come_late_with_all_that_is_above_it),
		cmocka_unit_test(links_on_the_way_are_followed_when_they_are_switched),
		cmocka_unit_test(a_kubelet_volume_is_told_by_its_data_link),
		cmocka_unit_test(ignored_names_do_not_count),
		cmocka_unit_test(a_directory_that_becomes_readable_is_watched),
		cmocka_unit_test(quiet_is_told_before_a_change),
		cmocka_unit_test(what_holds_it_puts_it_off_up_to_the_cap),
		cmocka_unit_test(a_busy_watch_says_so),
		cmocka_unit_test(words_choose_what_begins_a_burst),
		cmocka_unit_test(words_for_reading_begin_nothing),
		cmocka_unit_test(events_are_proved_to_arrive),
		cmocka_unit_test(lost_events_are_made_up_for),
		cmocka_unit_test(many_directories_are_walked_in_turns),
		cmocka_unit_test(what_cannot_be_watched_is_polled_until_it_can_be),
		cmocka_unit_test(a_path_that_is_too_long_is_polled),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
