/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/text.h"
#include "reloader/content.h"
#include "reloader/known.h"
#include "reloader/publication.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_MS 30000

struct story {
	struct loop *loop;
	struct content *content;
	struct list roots, exclude;
	int before; /* the working directory */
	struct loop_timer deadline;
};

static void on_done(void *owner)
{
	struct story *s = owner;

	loop_stop(s->loop, 0);
}

static void on_deadline(struct loop_timer *t)
{
	struct story *s = t->owner;

	loop_stop(s->loop, 1);
}

static void make(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

static void put(const char *path, const char *text)
{
	owned_fd fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void point(const char *target, const char *path)
{
	(void)unlink(path);
	assert_int_equal(symlink(target, path), 0);
}

/* A new working directory with root in it. */
static void set_up(struct story *s)
{
	struct err e;

	*s = (struct story){ .loop = loop_new(&e) };
	s->before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(chdir(unit_directory()), 0);
	s->deadline = (struct loop_timer){ .on_time = on_deadline, .owner = s };
	make("root");
	list_add(&s->roots, "root");
}

static void begin(struct story *s)
{
	const struct content_plan plan = {
		.roots = &s->roots, .exclude = &s->exclude, .on_done = on_done, .owner = s
	};

	if (!s->content)
		s->content = content_new(s->loop, &plan);
	content_begin(s->content);
}

static struct digest look(struct story *s)
{
	begin(s);
	assert_true(content_is_looking(s->content));
	loop_timer_start(s->loop, &s->deadline, DEADLINE_MS);
	assert_int_equal(loop_run(s->loop), 0);
	loop_timer_stop(s->loop, &s->deadline);
	assert_false(content_is_looking(s->content));
	return content_digest(s->content);
}

static void expect_same(struct story *s, struct digest *before)
{
	struct digest now = look(s);

	assert_true(digest_equal(&now, before));
}

static void expect_other(struct story *s, struct digest *before)
{
	struct digest now = look(s);

	assert_false(digest_equal(&now, before));
	*before = now;
}

static void tear_down(struct story *s)
{
	content_free(s->content);
	loop_free(s->loop);
	list_clear(&s->roots);
	list_clear(&s->exclude);
	assert_int_equal(fchdir(s->before), 0);
	fd_close(&s->before);
}

static void what_is_content_changes_it(void **state)
{
	struct story s;

	(void)state;
	set_up(&s);
	struct digest d = look(&s);
	put("root/a", "1");
	expect_other(&s, &d);
	assert_string_equal(content_newest(s.content), "root/a");
	make("root/deep");
	assert_int_equal(rmdir("root/deep"), 0);
	expect_same(&s, &d);
	put("root/a", "2");
	expect_other(&s, &d);
	assert_int_equal(chmod("root/a", 0600), 0);
	expect_other(&s, &d);
	assert_int_equal(rename("root/a", "root/b"), 0);
	expect_other(&s, &d);
	point("b", "root/link");
	expect_other(&s, &d);
	point("a", "root/link");
	expect_other(&s, &d);
	make("root/dir");
	expect_other(&s, &d);
	assert_int_equal(rename("root/b", "root/dir/b"), 0);
	expect_other(&s, &d);
	assert_int_equal(content_files(s.content), 1);
	assert_int_equal(mkfifo("root/pipe", 0644), 0);
	expect_other(&s, &d);
	assert_int_equal(unlink("root/dir/b"), 0);
	expect_other(&s, &d);
	expect_same(&s, &d);
	tear_down(&s);
}

static void what_is_none_does_not(void **state)
{
	const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	struct story s;

	(void)state;
	set_up(&s);
	list_add(&s.exclude, "*.log");
	list_add(&s.exclude, "/cache");
	put("root/a", "1");
	make("root/dir");
	put("root/dir/b", "1");
	struct digest d = look(&s);
	assert_int_equal(utimensat(AT_FDCWD, "root/a", times, 0), 0);
	assert_int_equal(utimensat(AT_FDCWD, "root/dir", times, 0), 0);
	put("copy", "1");
	assert_int_equal(rename("copy", "root/dir/b"), 0);
	make("root/.gs-sidecar");
	put("root/.gs-sidecar/publishing.json", "{}");
	make("root/dir/.gs-sidecar-b");
	put("root/..hidden", "1");
	put("root/dir/game.log", "1");
	make("root/cache");
	put("root/cache/x", "1");
	expect_same(&s, &d);
	put("root/dir/cache", "1");
	expect_other(&s, &d);
	tear_down(&s);
}

static void equal_names_and_bytes_elsewhere_are_another_content(void **state)
{
	struct story s;

	(void)state;
	set_up(&s);
	make("other");
	list_add(&s.roots, "other");
	put("root/a", "1");
	put("root/b", "2");
	struct digest d = look(&s);
	assert_int_equal(rename("root/a", "root/c"), 0);
	assert_int_equal(rename("root/b", "root/a"), 0);
	assert_int_equal(rename("root/c", "root/b"), 0);
	expect_other(&s, &d);
	assert_int_equal(rename("root/a", "other/a"), 0);
	expect_other(&s, &d);
	tear_down(&s);
}

static void the_data_link_is_followed_and_its_target_does_not_count(void **state)
{
	struct story s;

	(void)state;
	set_up(&s);
	make("root/..1");
	make("root/..1/sub");
	put("root/..1/sub/a", "1");
	point("..1", "root/..data");
	point("..data/sub", "root/sub");
	list_add(&s.exclude, "sub/out");
	struct digest d = look(&s);
	put("root/..1/sub/out", "1");
	expect_same(&s, &d);
	assert_int_equal(rename("root/..1", "root/..2"), 0);
	point("..2", "root/..data");
	expect_same(&s, &d);
	put("root/..2/sub/a", "2");
	expect_other(&s, &d);
	point("..", "root/..2/..data");
	expect_same(&s, &d);
	tear_down(&s);
}

static void a_root_that_is_not_there_counts_as_what_it_was(void **state)
{
	struct story s;

	(void)state;
	set_up(&s);
	put("root/a", "1");
	struct digest d = look(&s);
	assert_int_equal(rename("root", "away"), 0);
	expect_same(&s, &d);
	assert_int_equal(rename("away", "root"), 0);
	expect_same(&s, &d);
	put("root/a", "2");
	expect_other(&s, &d);
	tear_down(&s);
}

/* Its stat is the same as before, as far as the kernel's clock goes. */
static void a_file_that_changes_again_at_once_is_read_again(void **state)
{
	struct story s;
	char text[] = "0";

	(void)state;
	set_up(&s);
	put("root/a", text);
	struct digest d = look(&s);
	for (int i = 1; i < 10; i++) {
		text[0] = (char)('0' + i);
		put("root/a", text);
		expect_other(&s, &d);
	}
	tear_down(&s);
}

/* While it looks the loop has other things to do. */
static void a_large_tree_is_looked_at_in_slices(void **state)
{
	struct story s;

	(void)state;
	set_up(&s);
	for (int i = 0; i < 40; i++) {
		owned char *folder = mem_format("root/%d", i);
		make(folder);
		for (int j = 0; j < 50; j++) {
			owned char *file = mem_format("%s/%d", folder, j);
			put(file, folder);
		}
	}
	owned_fd fd = open("root/large", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(ftruncate(fd, (off_t)512 * 1024 * 1024), 0);
	begin(&s);
	loop_timer_start(s.loop, &s.deadline, 5);
	assert_int_equal(loop_run(s.loop), 1);
	assert_true(content_is_looking(s.content));
	struct digest d = look(&s);
	assert_int_equal(content_files(s.content), 2001);
	expect_same(&s, &d);
	put("root/17/17", "x");
	expect_other(&s, &d);
	tear_down(&s);
}

static void end_of_lack(struct loop_timer *t)
{
	const struct rlimit *all = t->owner;

	assert_int_equal(setrlimit(RLIMIT_NOFILE, all), 0);
}

static void without_descriptors_it_waits(void **state)
{
	struct story s;
	struct rlimit all, few;
	struct loop_timer later = { .on_time = end_of_lack, .owner = &all };

	(void)state;
	set_up(&s);
	put("root/a", "1");
	struct digest d = look(&s);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = (struct rlimit){ .rlim_cur = 3, .rlim_max = all.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	loop_timer_start(s.loop, &later, 50);
	expect_same(&s, &d);
	tear_down(&s);
}

static void known_contents_are_found_until_they_are_swept(void **state)
{
	struct known k = KNOWN_INIT;
	uint64_t content;

	(void)state;
	assert_false(known_find(&k, 0, &content));
	for (uint64_t i = 0; i < 10000; i++)
		known_add(&k, i * 0x9e3779b97f4a7c15U, i);
	known_sweep(&k);
	assert_int_equal(k.count, 10000);
	assert_true(k.room < 11500);
	for (uint64_t i = 0; i < 10000; i += 2) {
		assert_true(known_find(&k, i * 0x9e3779b97f4a7c15U, &content));
		assert_int_equal(content, i);
	}
	known_add(&k, 4, 77);
	known_sweep(&k);
	assert_int_equal(k.count, 5001);
	assert_true(known_find(&k, 4, &content));
	assert_int_equal(content, 77);
	assert_false(known_find(&k, 0x9e3779b97f4a7c15U, &content));
	known_sweep(&k);
	known_sweep(&k);
	assert_int_equal(k.count, 0);
	known_done(&k);
}

static bool has(const struct list *l, const char *text)
{
	for (size_t i = 0; i < l->count; i++)
		if (text_is(l->items[i], text))
			return true;
	return false;
}

static void a_publication_is_looked_for_above_and_beside(void **state)
{
	struct list places = { 0 };
	struct story s;

	(void)state;
	publication_places("/srv/app/js", &places);
	assert_int_equal(places.count, 6);
	assert_true(has(&places, "/srv/app/js/.gs-sidecar"));
	assert_true(has(&places, "/srv/app/.gs-sidecar-js"));
	assert_true(has(&places, "/srv/app/.gs-sidecar"));
	assert_true(has(&places, "/.gs-sidecar-srv"));
	list_clear(&places);
	publication_places("js", &places);
	assert_true(has(&places, "js/.gs-sidecar"));
	assert_true(has(&places, "./.gs-sidecar-js"));
	list_clear(&places);
	assert_true(publication_is_state(".gs-sidecar"));
	assert_true(publication_is_state(".gs-sidecar-js"));
	assert_false(publication_is_state(".gs-sidecars"));

	set_up(&s);
	make("root/sub");
	make("root/sub/.gs-sidecar");
	(void)look(&s);
	assert_false(content_is_published(s.content));
	put("root/sub/.gs-sidecar/publishing.json", "{}");
	assert_true(content_is_published(s.content));
	tear_down(&s);
}

int test_content(void);

int test_content(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_content_changes_it),
		cmocka_unit_test(what_is_none_does_not),
		cmocka_unit_test(equal_names_and_bytes_elsewhere_are_another_content),
		cmocka_unit_test(the_data_link_is_followed_and_its_target_does_not_count),
		cmocka_unit_test(a_root_that_is_not_there_counts_as_what_it_was),
		cmocka_unit_test(a_file_that_changes_again_at_once_is_read_again),
		cmocka_unit_test(a_large_tree_is_looked_at_in_slices),
		cmocka_unit_test(without_descriptors_it_waits),
		cmocka_unit_test(known_contents_are_found_until_they_are_swept),
		cmocka_unit_test(a_publication_is_looked_for_above_and_beside),
	};

	return cmocka_run_group_tests_name("content", tests, NULL, NULL);
}
