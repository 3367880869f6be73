/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "sync/generations.h"
#include "sync/guard.h"
#include "sync/notes.h"
#include "sync/plan.h"
#include "sync/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A target with its state, which the tests below share the names of. */
static struct state place;
static int target;
static struct generations g;

static int set_up(void **state)
{
	owned char *path = mem_copy(unit_directory());
	owned char *state_path = state_default_path(path);
	struct err e = { 0 };

	(void)state;
	place = STATE_INIT;
	assert_int_equal(state_open(&place, state_path, &e), 0);
	target = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(target >= 0);
	g = GENERATIONS_INIT;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	generations_forget(&g);
	fd_close(&target);
	state_close(&place);
	return 0;
}

static void open_again(void)
{
	struct err e = { 0 };

	generations_forget(&g);
	assert_int_equal(generations_open(&g, place.dir, target, &e), 0);
}

/* Version number N has the digest NNN... */
static struct record version(int64_t serial, unsigned number)
{
	struct record r = { .serial = serial };

	(void)snprintf(r.digest, sizeof(r.digest), "%032x", number * 0x11111111U);
	memcpy(r.digest, r.digest + 24, 8);
	return r;
}

static void make_directory(const char *path)
{
	assert_true(mkdirat(place.dir, path, 0700) == 0 || errno == EEXIST);
}

static void make(int64_t serial, unsigned number)
{
	owned char *path = mem_format("generations/%lld", (long long)serial);
	owned char *files = mem_format("%s/files", path);
	owned char *record = mem_format("%s/record.json", path);
	struct record r = version(serial, number);
	struct err e = { 0 };

	make_directory("generations");
	make_directory(path);
	make_directory(files);
	assert_int_equal(record_write(place.dir, record, &r, &e), 0);
}

static void write_file(int dir, const char *path, const char *text)
{
	struct err e = { 0 };

	assert_int_equal(io_replace_file(dir, path, text, strlen(text), &e), 0);
}

/* Their serials, the newest first. */
static const char *serials(void)
{
	static char text[256];
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < g.count && length < sizeof(text) - 8; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%lld",
					   i ? " " : "", (long long)g.records[i].serial);
	return text;
}

static bool is_there(const char *path)
{
	return faccessat(place.dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void there_are_none_at_first(void **state)
{
	struct err e = { 0 };

	(void)state;
	open_again();
	assert_int_equal(g.count, 0);
	assert_false(generations_drop_oldest(&g));
	generations_keep_only(&g, 0, "");
	assert_null(generations_find(&g, NULL, "", &e));
	assert_int_equal(e.kind, ERR_USAGE);
	generations_clean_up(&g);
	generations_close(&g);
}

static void what_is_not_whole_is_none_and_is_cleaned_up(void **state)
{
	(void)state;
	make(9, 1);
	make(10, 2);
	make(100, 3);
	make_directory("generations/11");
	make_directory("generations/x");
	make_directory("generations/013");
	assert_int_equal(linkat(place.dir, "generations/10/record.json", place.dir,
				"generations/x/record.json", 0),
			 0);
	assert_int_equal(linkat(place.dir, "generations/10/record.json", place.dir,
				"generations/11/record.json", 0),
			 0);
	write_file(place.dir, "generations/file", "x");
	open_again();
	assert_string_equal(serials(), "100 10 9");
	generations_clean_up(&g);
	assert_false(is_there("generations/11") || is_there("generations/x") ||
		     is_there("generations/013") || is_there("generations/file"));
	assert_true(is_there("generations/9") && is_there("generations/100/files"));
}

static void of_too_many_the_newest_count(void **state)
{
	(void)state;
	for (int serial = 1; serial <= GENERATIONS_MOST + 5; serial++)
		make(serial, (unsigned)serial % 15);
	open_again();
	assert_int_equal(g.count, GENERATIONS_MOST);
	assert_int_equal(g.records[0].serial, GENERATIONS_MOST + 5);
	assert_int_equal(g.records[GENERATIONS_MOST - 1].serial, 6);
	generations_clean_up(&g);
	assert_false(is_there("generations/5"));
	assert_true(is_there("generations/6"));
	generations_keep_only(&g, GENERATIONS_MOST - 1, version(0, 3).digest);
	assert_true(g.count < GENERATIONS_MOST);
}

static void only_so_many_others_are_kept(void **state)
{
	static const struct {
		const char *versions; /* the oldest first */
		unsigned published;
		size_t most;
		const char *left; /* their serials */
	} cases[] = {
		{ "1", 2, 1, "1" },           { "1", 2, 0, "" },
		{ "12", 3, 1, "2" },          { "123", 4, 2, "3 2" },
		{ "123", 4, 9, "3 2 1" },     { "12", 1, 1, "2" },
		{ "122", 1, 1, "3" },         { "123", 2, 2, "3 2 1" },
		{ "1232", 1, 2, "4 3" },      { "2121", 2, 1, "4" },
		{ "2121", 2, 2, "4 3 2 1" },  { "1111", 1, 1, "4 3 2 1" },
		{ "11111", 1, 1, "5 4 3 2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t k = 0; cases[i].versions[k]; k++)
			make((int64_t)k + 1, (unsigned)(cases[i].versions[k] - '0'));
		open_again();
		generations_keep_only(&g, cases[i].most, version(0, cases[i].published).digest);
		assert_string_equal(serials(), cases[i].left);
		open_again();
		assert_string_equal(serials(), cases[i].left);
		generations_keep_only(&g, 0, "");
		generations_close(&g);
		assert_false(is_there("generations"));
	}
}

static const char *found(const char *text, unsigned published)
{
	static char answer[32];
	struct err e = { 0 };
	const struct record *r = generations_find(&g, text, version(0, published).digest, &e);

	if (r)
		(void)snprintf(answer, sizeof(answer), "%lld", (long long)r->serial);
	else
		(void)snprintf(answer, sizeof(answer), "%s",
			       e.kind != ERR_USAGE                 ? "?"
			       : strstr(e.text, "several")         ? "several"
			       : strstr(e.text, "has to be named") ? "all"
								   : "none");
	return answer;
}

static void the_one_that_is_meant_is_found(void **state)
{
	struct err e = { 0 };

	(void)state;
	make(1, 1);
	make(2, 2);
	make(3, 1);
	make(4, 3);
	open_again();
	assert_string_equal(found(NULL, 4), "4");
	assert_string_equal(found(NULL, 3), "3");
	assert_string_equal(found("1111", 4), "3");
	assert_string_equal(found("2", 2), "2");
	assert_string_equal(found("4", 2), "none");
	assert_string_equal(found("", 2), "several");
	assert_int_equal(state_reject(&place, version(0, 3).digest, &e), 0);
	assert_string_equal(found(NULL, 4), "3");
	assert_string_equal(found(NULL, 1), "2");
	assert_string_equal(found("3", 1), "4");
	assert_int_equal(state_reject(&place, version(0, 2).digest, &e), 0);
	assert_string_equal(found(NULL, 1), "all");
}

static void content_is_looked_for_in_the_version_and_after_it(void **state)
{
	const struct digest content = { .bytes = { 0xab } };
	char name[DIGEST_TEXT_SIZE];

	(void)state;
	(void)digest_text(&content, name);
	for (int serial = 1; serial <= 4; serial++)
		make(serial, (unsigned)serial);
	for (int serial = 1; serial <= 3; serial += 2) {
		owned char *path = mem_format("generations/%d/files/%s", serial, name);

		write_file(place.dir, path, "x");
	}
	open_again();
	for (int serial = 1; serial <= 4; serial++) {
		struct record r = version(serial, 1);
		owned char *path = generations_path_of(&g, &r, &content);
		owned char *expected = mem_format("%d/files/%s", serial == 1 ? 1 : 3, name);

		if (serial == 4)
			assert_null(path);
		else
			assert_string_equal(path, expected);
	}
}

static void only_what_nobody_else_has_makes_room(void **state)
{
	char block[4096];
	struct err e = { 0 };

	(void)state;
	memset(block, 'x', sizeof(block));
	make(1, 1);
	assert_int_equal(
		io_replace_file(place.dir, "generations/1/files/a", block, sizeof(block), &e), 0);
	open_again();
	struct guard_room alone = generations_room(&g);
	assert_true(alone.bytes >= sizeof(block));
	assert_int_equal(linkat(place.dir, "generations/1/files/a", target, "live", 0), 0);
	struct guard_room shared = generations_room(&g);
	assert_int_equal(shared.bytes, 0);
	assert_int_equal(shared.inodes, alone.inodes - 1);
}

/* ---- keeping ---- */

static void describe(struct tree *t, const char *path, unsigned char content)
{
	struct entry *e = tree_add(t, path, ENTRY_FILE);
	struct stat st;

	assert_int_equal(fstatat(target, path, &st, 0), 0);
	entry_describe(e, &st);
	e->content = (struct digest){ .bytes = { content } };
	e->first = (uint32_t)(t->count - 1);
}

/* Published: a and b; the new version has only those that stay. */
static int keep(int64_t serial, const char *stays)
{
	struct record r = version(serial, 7);
	struct plan p = { 0 };
	struct old_version old = { 0 };
	struct sync_notes notes = { 0 };
	struct err e = { 0 };
	owned char *manifest = state_manifest_name(r.digest);

	write_file(place.dir, manifest, "manifest");
	for (const char *name = "ab"; *name; name++) {
		const char path[] = { *name, '\0' };
		struct stat st;

		if (fstatat(target, path, &st, 0) < 0)
			continue;
		describe(&old.tree, path, (unsigned char)*name);
		if (strchr(stays, *name))
			describe(&p.tree, path, (unsigned char)*name);
	}
	p.ours = mem_alloc(sizeof(*p.ours));
	p.ours[0] = old;
	p.ours_count = 1;
	plan_link(&p);
	int status = generations_keep(&g, &r, &p, target, &notes, &e);
	plan_done(&p);
	return status;
}

static char *kept(int64_t serial, unsigned char content)
{
	const struct digest d = { .bytes = { content } };
	char name[DIGEST_TEXT_SIZE];

	return mem_format("generations/%lld/files/%s", (long long)serial, digest_text(&d, name));
}

static void what_goes_is_kept_by_one_more_name(void **state)
{
	struct stat live, other;
	owned char *a = kept(5, 'a'), *b = kept(5, 'b');

	(void)state;
	write_file(target, "a", "1");
	write_file(target, "b", "2");
	open_again();
	assert_int_equal(keep(5, "b"), 0);
	assert_true(is_there(a));
	assert_false(is_there(b));
	assert_int_equal(fstatat(target, "a", &live, 0), 0);
	assert_int_equal(fstatat(place.dir, a, &other, 0), 0);
	assert_int_equal(live.st_ino, other.st_ino);
	assert_string_equal(serials(), "5");
	open_again();
	assert_string_equal(serials(), "5");
}

/* The target may have lost a file to the publication that was cut off. */
static void after_a_crash_it_is_added_to_and_counted_once(void **state)
{
	owned char *a = kept(5, 'a'), *b = kept(5, 'b');

	(void)state;
	write_file(target, "a", "1");
	write_file(target, "b", "2");
	open_again();
	assert_int_equal(keep(5, "b"), 0);
	assert_int_equal(unlinkat(target, "a", 0), 0);
	open_again();
	assert_int_equal(keep(5, ""), 0);
	assert_true(is_there(a));
	assert_true(is_there(b));
	assert_string_equal(serials(), "5");
	generations_keep_only(&g, 1, version(0, 8).digest);
	assert_string_equal(serials(), "5");
	assert_true(is_there(a));
}

int test_generations(void);

int test_generations(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(there_are_none_at_first),
		TEST(what_is_not_whole_is_none_and_is_cleaned_up),
		TEST(of_too_many_the_newest_count),
		TEST(only_so_many_others_are_kept),
		TEST(the_one_that_is_meant_is_found),
		TEST(content_is_looked_for_in_the_version_and_after_it),
		TEST(only_what_nobody_else_has_makes_room),
		TEST(what_goes_is_kept_by_one_more_name),
		TEST(after_a_crash_it_is_added_to_and_counted_once),
	};

	return cmocka_run_group_tests_name("generations", tests, NULL, NULL);
}
