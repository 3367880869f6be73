/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "base/text.h"
#include "fetch/cache.h"
#include "fetch/request.h"
#include "fetch/source.h"

#include <string.h>

/* What one source with these members is read as; to be given back. */
static struct fetch_request *read_one(const char *members)
{
	owned char *text = mem_format("{\"sources\": [{\"name\": \"it\", %s}]}", members);
	struct fetch_request *r = mem_alloc(sizeof(*r));
	struct err e = { 0 };

	if (fetch_request_read(text, r, &e) < 0)
		fail_msg("%s", e.text);
	return r;
}

static void give_back(struct fetch_request *r)
{
	fetch_request_done(r);
	free(r);
}

static void defaults_are_set(void **state)
{
	struct fetch_request *r = read_one("\"http\": \"https://example.com/a.tar\"");
	const struct fetch_source *s = &r->items[0];

	(void)state;
	assert_int_equal(r->count, 1);
	assert_ptr_equal(s->kind, &kind_http);
	assert_string_equal(s->name, "it");
	assert_int_equal(s->timeout, 600000);
	assert_int_equal(s->most_bytes, (int64_t)16 << 30);
	assert_int_equal(s->most_files, 1000000);
	assert_int_equal(s->most_ratio, 200);
	assert_int_equal(s->retries, 3);
	assert_int_equal(s->unpack, REQUEST_UNPACK_BY_NAME);
	assert_string_equal(s->region, "us-east-1");
	give_back(r);
}

static void every_kind_is_read(void **state)
{
	static const struct {
		const char *members;
		const struct source_kind *kind;
	} kinds[] = {
		{ "\"archive\": \"/a.tar\", \"most-ratio\": 5", &kind_archive },
		{ "\"http\": \"http://h/x\", \"unpack\": true, \"retries\": 0", &kind_http },
		{ "\"s3\": \"s3://bucket\", \"path-style\": true", &kind_s3 },
		{ "\"git\": \"git@h:a/b.git\", \"ssh-key-file\": \"k\"", &kind_git },
		{ "\"git\": \"ssh://git@h:22/a\", \"ref\": \"v1.0\"", &kind_git },
		{ "\"rsync\": \"rsync://me@h:873/m\"", &kind_rsync },
		{ "\"rsync\": \"me@h:/p\"", &kind_rsync },
		{ "\"command\": [\"p4\", \"sync\"], \"keep\": true", &kind_command },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct fetch_request *r = read_one(kinds[i].members);

		assert_ptr_equal(r->items[0].kind, kinds[i].kind);
		give_back(r);
	}
}

/* Whether two sources are the same to the cache. */
static bool is_same_definition(const char *a, const char *b)
{
	struct fetch_request *left = read_one(a), *right = read_one(b);
	bool same = text_is(left->items[0].definition, right->items[0].definition);

	give_back(left);
	give_back(right);
	return same;
}

static void a_definition_is_what_makes_the_tree(void **state)
{
	(void)state;
	assert_true(is_same_definition("\"http\": \"http://h/x\", \"into\": \"a\"",
				       "\"into\": \"a\", \"http\": \"http://h/x\""));
	assert_true(
		is_same_definition("\"http\": \"http://h/x\"",
				   "\"http\": \"http://h/x\", \"timeout\": \"1s\", \"retries\": 9, "
				   "\"most-bytes\": 1, \"headers-file\": \"h\""));
	assert_false(is_same_definition("\"http\": \"http://h/x\"", "\"http\": \"http://h/y\""));
	assert_false(is_same_definition("\"http\": \"http://h/x\"",
					"\"http\": \"http://h/x\", \"into\": \"a\""));
	assert_false(
		is_same_definition("\"command\": [\"a\", \"b\"]", "\"command\": [\"b\", \"a\"]"));
}

static void paths_stay_where_they_are(void **state)
{
	static const char *const sound[] = { "a", "a/b.c", ".a/b", "a..b" };
	static const char *const unsound[] = { "",      "/",  "/a",   "a/",    "a//b",    ".",
					       "a/./b", "..", "a/..", "..a/b", "a/..data" };

	(void)state;
	for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++)
		assert_true(fetch_path_is_sound(sound[i]));
	for (size_t i = 0; i < sizeof(unsound) / sizeof(unsound[0]); i++)
		assert_false(fetch_path_is_sound(unsound[i]));
}

static void a_state_comes_back_as_it_was(void **state)
{
	struct cache_state s = {
		.definition = mem_copy("d"),
		.tree = mem_copy("tree.12"),
		.version = mem_copy("\"v\303\274\""),
		.etag = mem_copy("\"e\""),
	};
	struct cache_state again;
	owned char *text = cache_state_text(&s);

	(void)state;
	cache_state_read(text, &again);
	assert_string_equal(again.definition, "d");
	assert_string_equal(again.tree, "tree.12");
	assert_string_equal(again.version, s.version);
	assert_string_equal(again.etag, "\"e\"");
	assert_null(again.modified);
	cache_state_done(&s);
	cache_state_done(&again);
}

static void a_state_of_others_leads_nowhere(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{\"tree\": \"../tree.1\", \"etag\": \"e\"}",
		"{\"tree\": \"tree.1/..\", \"etag\": \"e\"}",
		"{\"tree\": \"tree.0\", \"etag\": \"e\"}",
		"{\"tree\": \"new\", \"etag\": \"e\"}",
		"{\"etag\": \"a\\r\\nX: y\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct cache_state s;

		cache_state_read(texts[i], &s);
		assert_null(s.tree);
		assert_null(s.etag);
		cache_state_done(&s);
	}
}

int test_fetch_request(void);

int test_fetch_request(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_set),
		cmocka_unit_test(every_kind_is_read),
		cmocka_unit_test(a_definition_is_what_makes_the_tree),
		cmocka_unit_test(paths_stay_where_they_are),
		cmocka_unit_test(a_state_comes_back_as_it_was),
		cmocka_unit_test(a_state_of_others_leads_nowhere),
	};

	return cmocka_run_group_tests_name("fetch_request", tests, NULL, NULL);
}
