/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "probe/word.h"

#include <string.h>

#define TEN "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN

static void what_is_a_label_value(void **state)
{
	static const char *const safe[] = {
		"done", "0", "a", "v1.2_3-4", "A9", SIXTY "abc", "1e6", "a..b",
	};
	static const char *const unsafe[] = {
		"",      "-",    "-1",    ".5",  "5.",          "_a",         "a_",       "a b",
		"a\n",   "a\r",  "\ta",   "a|b", "a{b",         "a}b",        "a+b",      "a/b",
		"a\x01", "100%", "idle!", "a:b", "d\xc3\xb6ne", SIXTY "abcd", "done\xff", " done",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(safe) / sizeof(safe[0]); i++)
		if (!word_is_safe(safe[i]))
			fail_msg("'%s' is safe", safe[i]);
	for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
		if (word_is_safe(unsafe[i]))
			fail_msg("'%s' is not safe", unsafe[i]);
}

static bool is_known(const char *name, void *user)
{
	return text_is(name, user);
}

static void templates_are_checked(void **state)
{
	static const char *const good[] = {
		"done", "{players}", "p-{players}", "{players}-of-{players}", "{players}{players}",
	};
	static const char *const bad[][2] = {
		{ "", "no label value" },
		{ "a b", "no label value" },
		{ "-{players}", "no label value" },
		{ "{players}.", "no label value" },
		{ "a}b", "no label value" },
		{ "{players", "not known" },
		{ "{", "not known" },
		{ "{}", "{} is not known" },
		{ "{other}", "{other} is not known" },
		{ "{{players}}", "not known" },
		{ SIXTY "ab{players}{players}", "no label value" },
	};
	char players[] = "players";
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (word_check(good[i], is_known, players, &e) < 0)
			fail_msg("'%s': %s", good[i], e.text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (word_check(bad[i][0], is_known, players, &e) == 0 || e.kind != ERR_USAGE ||
		    !strstr(e.text, bad[i][1]))
			fail_msg("'%s': expected '%s', got '%s'", bad[i][0], bad[i][1], e.text);
}

static const char *value(const char *name, void *user)
{
	(void)name;
	return user;
}

static void a_template_is_filled_or_fails(void **state)
{
	static char bad[][16] = { "-5", "5.", "a b", "a|b", "1e+20", "{x}", "\xc3\xb6" };
	char sixteen[] = "16", longest[] = SIXTY "abc";
	owned_buf word = BUF_INIT(8192);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(word_fill("{p}-of-{p}", value, sixteen, &word, &e), 0);
	assert_string_equal(word.data, "16-of-16");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_clear(&word);
		assert_int_equal(word_fill("{p}", value, bad[i], &word, &e), -1);
		assert_non_null(strstr(e.text, "no label value"));
	}
	buf_clear(&word);
	assert_int_equal(word_fill("v{p}", value, longest, &word, &e), -1);
	buf_clear(&word);
	assert_int_equal(word_fill("v{p}", value, NULL, &word, &e), -1);
	assert_string_equal(e.text, "{p} is not known");
}

int test_word(void);

int test_word(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_a_label_value),
		cmocka_unit_test(templates_are_checked),
		cmocka_unit_test(a_template_is_filled_or_fails),
	};

	return cmocka_run_group_tests_name("word", tests, NULL, NULL);
}
