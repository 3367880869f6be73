/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/bench.h"
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "probe/rules.h"

#include <string.h>

static struct rules rules;

static int read_rules(struct bench *b, const char *list, struct err *e)
{
	owned char *text = mem_format("{\"name\":\"p\",\"rules\":[%s]}", list);

	bench_init(b);
	return rules_read(text, &b->names, &rules, e);
}

static void set_up(struct bench *b, const char *list)
{
	struct err e = { 0 };

	if (read_rules(b, list, &e) < 0)
		fail_msg("%s: %s", list, e.text);
}

static void expect(struct bench *b, const char *word, bool pass, const char *why)
{
	const struct condition_view v = bench_view(b);

	rules_look(&rules, &v);
	struct verdict verdict = rules_verdict(&rules, &v, BENCH_SOURCES);
	assert_string_equal(verdict.word, word);
	assert_int_equal(verdict.pass, pass);
	/* "..." is a reason of one that cannot be told. */
	if (text_is(why, "..."))
		assert_true(text_starts(verdict.why, "rule "));
	else
		assert_string_equal(verdict.why, why);
}

static void say(struct bench *b, const char *a_says, const char *b_says)
{
	b->now += 10;
	bench_say(b, 0, 0, a_says);
	bench_say(b, 1, 0, b_says);
}

#define IF_A "\"if\":{\"source\":\"a\",\"equals\":1}"
#define IF_B "\"if\":{\"source\":\"b\",\"equals\":1}"

static void the_first_that_holds(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b,
	       "{" IF_A ",\"result\":\"first\"},{" IF_B ",\"result\":\"second\",\"pass\":false}");
	expect(&b, "unknown", false, "rule 1: a is unknown: not looked at yet, wanted: equal 1");
	say(&b, "1", "1");
	expect(&b, "first", true, "");
	say(&b, "0", "1");
	expect(&b, "second", false, "");
	say(&b, "0", "0");
	expect(&b, "unknown", false, "no rule holds");
	say(&b, NULL, NULL);
	expect(&b, "unknown", false, "...");
	rules_done(&rules);
}

static void an_error_is_not_the_rest(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "{" IF_A ",\"result\":\"busy\"},{" IF_B ",\"result\":\"full\"},"
		   "{\"result\":\"idle\"}");
	expect(&b, "unknown", false, "...");
	say(&b, "0", "0");
	expect(&b, "idle", true, "");
	say(&b, NULL, "0");
	expect(&b, "unknown", false, "...");
	say(&b, "0", NULL);
	expect(&b, "unknown", false, "...");
	say(&b, "0", "garbage");
	expect(&b, "unknown", false, "...");
	say(&b, NULL, "1");
	expect(&b, "unknown", false, "...");
	say(&b, "0", "1");
	expect(&b, "full", true, "");
	say(&b, "0", "0");
	expect(&b, "idle", true, "");
	b.now += BENCH_STALE_MS + 1;
	expect(&b, "unknown", false, "...");
	rules_done(&rules);
}

static void a_word_follows_its_readings(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "{\"if\":{\"source\":\"b\",\"equals\":1},\"result\":\"p-{a}\"}");
	assert_true(b.used[0] && b.used[1] && !b.used[2]);
	say(&b, "16", "1");
	expect(&b, "p-16", true, "");
	say(&b, "1|6", "1");
	expect(&b, "unknown", false,
	       "'p-1|6' is no label value: at most 63 letters, digits, -, _ and .");
	say(&b, NULL, "1");
	expect(&b, "unknown", false, "{a} is not known");
	rules_done(&rules);
}

#define REFRESHED "{" IF_A ",\"result\":\"{b}\",\"refresh\":\"1m\"}"

static void a_refreshed_word_takes_turns(void **state)
{
	static const char longest[] =
		"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi";
	struct bench b;

	(void)state;
	set_up(&b, REFRESHED);
	b.settings[0].stale = b.settings[1].stale = (int64_t)1000 * 1000;
	say(&b, "1", "done");
	expect(&b, "done", true, "");
	b.now += 59999;
	expect(&b, "done", true, "");
	b.now += 1;
	expect(&b, "done-2", true, "");
	b.now += 60000;
	expect(&b, "done", true, "");
	b.now += 60000;
	say(&b, "1", longest);
	owned char *second = mem_format("%s-2", longest);
	expect(&b, second, true, "");
	owned char *too_long = mem_format("%sj", longest);
	say(&b, "1", too_long);
	expect(&b, "unknown", false, "the refreshed word is too long");
	rules_done(&rules);
}

static void mistakes_are_named(void **state)
{
	static const char *const mistakes[][2] = {
		{ "", "expected \"rules\", a list" },
		{ "1", "rule 1: expected a JSON object" },
		{ "{}", "rule 1: expected a \"result\"" },
		{ "{\"result\":1}", "rule 1: expected a \"result\"" },
		{ "{\"result\":\"a b\"}", "rule 1: \"result\": 'a b' is no label value" },
		{ "{\"result\":\"{d}\"}", "{d} is not known" },
		{ "{\"result\":\"x\",\"pass\":\"no\"}", "\"pass\": expected true or false" },
		{ "{\"result\":\"x\",\"pass\":null}", "\"pass\": expected true or false" },
		{ "{\"result\":\"x\",\"fail\":true}", "\"fail\": no setting of a rule" },
		{ "{\"result\":\"x\",\"result pass\":1}", "\"result pass\": no setting of a rule" },
		{ "{\"result\":\"x\",\"\":1}", "\"\": no setting of a rule" },
		{ "{\"result\":\"x\",\"result\":\"y\"}", "\"result\": it is there twice" },
		{ "{\"result\":\"x\",\"if\":null}", "expected a condition" },
		{ "{\"result\":\"x\",\"refresh\":\"59s\"}", "expected a time of 1m or more" },
		{ "{\"result\":\"x\",\"refresh\":60}", "expected a time of 1m or more" },
		{ "{\"result\":\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij\","
		  "\"refresh\":\"1m\"}",
		  "too long to be refreshed" },
		{ "{\"result\":\"x\"},{" IF_A ",\"result\":\"y\"}", "rule 2 can never be reached" },
		{ "{" IF_A ",\"result\":\"y\"},{\"result\":\"x\"},{\"result\":\"x\"}",
		  "rule 3 can never be reached" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct bench b;
		struct err e = { 0 };

		if (read_rules(&b, mistakes[i][0], &e) == 0 || e.kind != ERR_USAGE ||
		    !strstr(e.text, mistakes[i][1]) || strncmp(e.text, "probe \"p\": ", 11) != 0)
			fail_msg("%s: expected '%s', got '%s'", mistakes[i][0], mistakes[i][1],
				 e.text);
		rules_done(&rules);
	}
}

static void what_is_no_probe(void **state)
{
	static const char *const texts[] = {
		"",
		"1",
		"[]",
		"{\"rules\":[{\"result\":\"x\"}]}",
		"{\"name\":\"a/b\",\"rules\":[{\"result\":\"x\"}]}",
		"{\"name\":\"\",\"rules\":[{\"result\":\"x\"}]}",
		"{\"name\":\"p\",\"rules\":{}}",
		"{\"name\":\"p\",\"rules\":[{\"result\":\"x\"}],\"rule\":1}",
		"{\"name\":\"p\",\"name\":\"p\",\"rules\":[{\"result\":\"x\"}]}",
		"{\"name\":\"p\",\"rules\":[{\"result\":\"x\"}]} x",
	};
	struct bench b;

	(void)state;
	bench_init(&b);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct err e = { 0 };

		if (rules_read(texts[i], &b.names, &rules, &e) == 0 || e.kind != ERR_USAGE)
			fail_msg("%s: expected a mistake, got '%s'", texts[i], e.text);
		rules_done(&rules);
	}
}

static void not_more_than_a_person_overlooks(void **state)
{
	struct bench b;
	struct err e = { 0 };
	owned char *list = mem_copy("{" IF_A ",\"result\":\"x\"}");

	(void)state;
	for (size_t i = 1; i < RULES_MOST; i++) {
		char *longer = mem_format("%s,{\"if\":{\"source\":\"a\",\"min\":%zu},"
					  "\"result\":\"x\"}",
					  list, i);

		free(list);
		list = longer;
	}
	set_up(&b, list);
	assert_int_equal(rules.count, RULES_MOST);
	rules_done(&rules);
	owned char *more = mem_format("%s,{\"result\":\"x\"}", list);
	assert_int_equal(read_rules(&b, more, &e), -1);
	assert_non_null(strstr(e.text, "more than 32 rules"));
	rules_done(&rules);
}

int test_rules(void);

int test_rules(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_that_holds),
		cmocka_unit_test(an_error_is_not_the_rest),
		cmocka_unit_test(a_word_follows_its_readings),
		cmocka_unit_test(a_refreshed_word_takes_turns),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(what_is_no_probe),
		cmocka_unit_test(not_more_than_a_person_overlooks),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
