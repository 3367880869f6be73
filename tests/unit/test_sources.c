/* SPDX-License-Identifier: Apache-2.0 */
/* sources: their settings, and what becomes of what they say. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "probe/source.h"

#include <string.h>

static void settings_have_their_defaults(void **state)
{
	struct source_settings s;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(source_settings_read("{\"name\":\"a\",\"file\":\"/x\"}", &s, &e), 0);
	assert_string_equal(s.kind->name, "file");
	assert_int_equal(s.every, 2000);
	assert_int_equal(s.timeout, 1000);
	assert_int_equal(source_stale_ms(&s), 7000);
	source_settings_done(&s);
	assert_int_equal(source_settings_check("{\"name\":\"a_b-0\",\"tcp\":[5000,5001],\"every\":"
					       "\"250ms\",\"timeout\":\"5s\",\"stale\":\"1s\"}",
					       &e),
			 0);
}

static void mistakes_are_named(void **state)
{
	static const char *const mistakes[][2] = {
		{ "", "JSON" },
		{ "[]", "expected a JSON object" },
		{ "{}", "expected a \"name\"" },
		{ "{\"name\":\"A\",\"file\":\"/x\"}", "lower-case" },
		{ "{\"name\":\"a b\",\"file\":\"/x\"}", "lower-case" },
		{ "{\"name\":[\"a\"],\"file\":\"/x\"}", "expected a text or a number" },
		{ "{\"name\":\"a\"}", "expected what it is" },
		{ "{\"name\":\"a\",\"query\":\"x\"}", "expected what it is" },
		{ "{\"name\":\"a\",\"files\":\"/x\"}", "\"files\": no setting of a source" },
		{ "{\"name\":\"a\",\"file\":\"/x\",\"file\":\"/y\"}",
		  "\"file\": it is there twice" },
		{ "{\"name\":\"a\",\"file\":null}", "\"file\": expected a text or a number" },
		{ "{\"name\":\"a\",\"file\":{}}", "\"file\": expected a text or a number" },
		{ "{\"name\":\"a\",\"file\":[\"/x\"]}", "\"file\": expected a text or a number" },
		{ "{\"name\":\"a\",\"file\":\"\"}", "expected a value" },
		{ "{\"name\":\"a\",\"file\":\"/x\",\"tcp\":[1]}", "it cannot be both" },
		{ "{\"name\":\"a\",\"file\":\"/x\",\"query\":\"x\"}",
		  "\"query\" does nothing with \"file\"" },
		{ "{\"name\":\"a\",\"file\":\"/x\",\"json\":\"a\"}", "expected a JSON pointer" },
		{ "{\"name\":\"a\",\"file\":\"/x\",\"json\":\"\"}", "expected a value" },
		{ "{\"name\":\"a\",\"file\":\"/x\",\"age\":1}", "\"age\"" },
		{ "{\"name\":\"a\",\"file\":\"/x\",\"every\":2}", "\"every\"" },
		{ "{\"name\":\"a\",\"file\":\"/x\",\"every\":\"0s\"}", "expected more than 0s" },
		{ "{\"name\":\"a\",\"file\":\"/x\",\"timeout\":0}", "expected more than 0s" },
		{ "{\"name\":\"a\",\"file\":\"/x\",\"every\":\"5s\",\"stale\":\"4s\"}",
		  "expected at least \"every\"" },
		{ "{\"name\":\"a\",\"tcp\":[0]}", "\"tcp\"" },
		{ "{\"name\":\"a\",\"tcp\":[65536]}", "\"tcp\"" },
		{ "{\"name\":\"a\",\"tcp\":[]}", "" },
		{ "{\"name\":\"a\",\"tcp\":[[1]]}", "\"tcp\": expected a text or a number" },
		{ "{\"name\":\"a\",\"sidecar\":\"players\"}", "\"sidecar\": expected version" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct err e = { 0 };

		if (source_settings_check(mistakes[i][0], &e) == 0 || e.kind != ERR_USAGE ||
		    !strstr(e.text, mistakes[i][1]))
			fail_msg("%s: expected '%s', got '%s'", mistakes[i][0], mistakes[i][1],
				 e.text);
	}
}

/* ---- what is said ---- */

static struct reading said;

static void on_reading(struct source *s, const struct reading *r)
{
	said = *r;
	source_take(s, r);
}

static void say_json(struct source *s)
{
	source_say_json(s, s->own, 7);
}

static const struct source_kind spoken = { .name = "spoken", .takes = "json", .look = say_json };

static void expect(const char *text, const char *pointer, const char *known, const char *why)
{
	const struct source_settings settings = {
		.kind = &spoken, .every = 1000, .timeout = 1000, .json = (char *)pointer
	};
	struct err e = { 0 };
	struct source_world world = { .loop = loop_new(&e) };
	struct source s;

	assert_non_null(world.loop);
	assert_int_equal(source_open(&s, &settings, &world, &e), 0);
	s.own = (char *)text;
	s.on_reading = on_reading;
	source_start(&s, false);
	if (said.known != (known != NULL) ||
	    (known ? !text_is(said.text, known) : !strstr(said.why, why)))
		fail_msg("'%s': got '%s' '%s'", text, said.text, said.why);
	assert_int_equal(s.looks, 1);
	assert_int_equal(s.failures, !known);
	assert_int_equal(said.evidence, known ? 7 : 0);
	source_close(&s);
	loop_free(world.loop);
}

static void a_text_is_trimmed_and_has_an_end(void **state)
{
	char long_text[READING_TEXT_SIZE + 1];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	expect("PreDelete", NULL, "PreDelete", "");
	expect(" PreDelete \r\n", NULL, "PreDelete", "");
	expect("a b", NULL, "a b", "");
	expect("", NULL, NULL, "it says nothing");
	expect(" \r\n\t", NULL, NULL, "it says nothing");
	long_text[READING_TEXT_SIZE] = '\0';
	expect(long_text, NULL, NULL, "more than 127 bytes");
	long_text[READING_TEXT_SIZE - 1] = '\0';
	expect(long_text, NULL, long_text, "");
}

static void a_json_value_is_a_text_number_or_flag(void **state)
{
	(void)state;
	expect("{\"a\":0}", "/a", "0", "");
	expect("{\"a\":-1.5}", "/a", "-1.5", "");
	expect("{\"a\":\"0\"}", "/a", "0", "");
	expect("{\"a\":false}", "/a", "false", "");
	expect("{\"a\":[3,4]}", "/a/1", "4", "");
	expect("{\"a\":null}", "/a", NULL, "no text, number or flag");
	expect("{\"a\":1e999}", "/a", NULL, "no text, number or flag");
	expect("{\"a\":{}}", "/a", NULL, "no text, number or flag");
	expect("{\"a\":[]}", "/a", NULL, "no text, number or flag");
	expect("{\"a\":\"\"}", "/a", NULL, "it says nothing");
	expect("{\"b\":0}", "/a", NULL, "no text, number or flag");
	expect("{\"a\":0", "/a", NULL, "");
	expect("<html>0</html>", "/a", NULL, "");
	expect("", "/a", NULL, "");
}

int test_sources(void);

int test_sources(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_have_their_defaults),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(a_text_is_trimmed_and_has_an_end),
		cmocka_unit_test(a_json_value_is_a_text_number_or_flag),
	};

	return cmocka_run_group_tests_name("sources", tests, NULL, NULL);
}
