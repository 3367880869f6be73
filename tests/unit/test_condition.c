/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/bench.h"
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

#include <string.h>

static struct condition condition;

static int read_condition(struct bench *b, const char *text, struct err *e)
{
	struct json *j = json_read(text, e);

	if (!j)
		fail_msg("no JSON: %s", text);
	bench_init(b);
	int status = condition_read(j, &b->names, &condition, e);
	json_free(j);
	return status;
}

static void set_up(struct bench *b, const char *text)
{
	struct err e = { 0 };

	if (read_condition(b, text, &e) < 0)
		fail_msg("%s: %s", text, e.text);
}

static enum truth look(struct bench *b)
{
	const struct condition_view v = bench_view(b);

	return condition_look(&condition, &v);
}

static enum truth say_after(struct bench *b, size_t i, int64_t took, const char *text)
{
	(void)look(b);
	bench_say(b, i, took, text);
	return look(b);
}

static enum truth say(struct bench *b, size_t i, const char *text)
{
	return say_after(b, i, 0, text);
}

static enum truth later(struct bench *b, int64_t ms, const char *text)
{
	b->now += ms;
	return say(b, 0, text);
}

static enum truth once(const char *text, const char *a, const char *b)
{
	struct bench bench;

	set_up(&bench, text);
	(void)say(&bench, 0, a);
	enum truth truth = say(&bench, 1, b);
	condition_done(&condition);
	return truth;
}

/* ---- logic ---- */

/* Readings for which {"equals": 1} is unknown, no and yes, in the order of enum truth. */
static const char *const texts[] = { NULL, "0", "1" };

#define A "{\"source\":\"a\",\"equals\":1}"
#define B "{\"source\":\"b\",\"equals\":1}"

static void logic_is_of_three_values(void **state)
{
	static const enum truth all[3][3] = {
		{ TRUTH_UNKNOWN, TRUTH_NO, TRUTH_UNKNOWN },
		{ TRUTH_NO, TRUTH_NO, TRUTH_NO },
		{ TRUTH_UNKNOWN, TRUTH_NO, TRUTH_YES },
	};
	static const enum truth any[3][3] = {
		{ TRUTH_UNKNOWN, TRUTH_UNKNOWN, TRUTH_YES },
		{ TRUTH_UNKNOWN, TRUTH_NO, TRUTH_YES },
		{ TRUTH_YES, TRUTH_YES, TRUTH_YES },
	};
	static const enum truth not [] = { TRUTH_UNKNOWN, TRUTH_YES, TRUTH_NO };

	(void)state;
	for (size_t a = 0; a < 3; a++) {
		assert_int_equal(once("{\"not\":" A "}", texts[a], NULL), not [a]);
		assert_int_equal(once("{\"not\":{\"not\":" A "}}", texts[a], NULL), a);
		for (size_t b = 0; b < 3; b++) {
			assert_int_equal(once("{\"all\":[" A "," B "]}", texts[a], texts[b]),
					 all[a][b]);
			assert_int_equal(once("{\"any\":[" A "," B "]}", texts[a], texts[b]),
					 any[a][b]);
		}
	}
}

struct sample {
	const char *test;
	const char *reading;
	enum truth truth;
};

static void tests_of_a_reading(void **state)
{
	static const struct sample samples[] = {
		{ "\"equals\":0", "0", TRUTH_YES },
		{ "\"equals\":0", "0.0", TRUTH_YES },
		{ "\"equals\":0", "1", TRUTH_NO },
		{ "\"equals\":0", "1e-400", TRUTH_UNKNOWN },
		{ "\"equals\":0", "none", TRUTH_UNKNOWN },
		{ "\"equals\":0", "0 players", TRUTH_UNKNOWN },
		{ "\"equals\":0", "NaN", TRUTH_UNKNOWN },
		{ "\"equals\":0", "null", TRUTH_UNKNOWN },
		{ "\"equals\":0", NULL, TRUTH_UNKNOWN },
		{ "\"equals\":\"0\"", "0", TRUTH_YES },
		{ "\"equals\":\"0\"", "0.0", TRUTH_NO },
		{ "\"equals\":\"PreDelete\"", "PreDelete", TRUTH_YES },
		{ "\"equals\":\"PreDelete\"", "predelete", TRUTH_NO },
		{ "\"equals\":\"PreDelete\"", "PreDelete2", TRUTH_NO },
		{ "\"equals\":true", "true", TRUTH_YES },
		{ "\"equals\":false", "true", TRUTH_NO },
		{ "\"matches\":\"Pre*\"", "PreDelete", TRUTH_YES },
		{ "\"matches\":\"Pre?elete\"", "PreDelete", TRUTH_YES },
		{ "\"matches\":\"Pre\"", "PreDelete", TRUTH_NO },
		{ "\"matches\":\"*\"", NULL, TRUTH_UNKNOWN },
		{ "\"min\":1", "0", TRUTH_NO },
		{ "\"min\":1", "1", TRUTH_YES },
		{ "\"min\":1", "0.5", TRUTH_NO },
		{ "\"min\":1", "many", TRUTH_UNKNOWN },
		{ "\"max\":3", "3", TRUTH_YES },
		{ "\"max\":3", "-1", TRUTH_YES },
		{ "\"max\":3", "3.01", TRUTH_NO },
		{ "\"min\":0,\"max\":3", "-1", TRUTH_NO },
		{ "\"max\":3,\"min\":0", "2", TRUTH_YES },
		{ "\"min\":0,\"max\":3", "inf", TRUTH_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		owned char *text = mem_format("{\"source\":\"a\",%s}", samples[i].test);
		enum truth truth = once(text, samples[i].reading, NULL);

		if (truth != samples[i].truth)
			fail_msg("%s of '%s' is %d, expected %d", text,
				 samples[i].reading ? samples[i].reading : "unknown", truth,
				 samples[i].truth);
	}
}

static void sources_agree(void **state)
{
	static const char agree[] = "{\"agree\":[\"a\",\"b\"]}";
	static const char three[] = "{\"agree\":[\"a\",\"b\",\"c\"]}";

	(void)state;
	assert_int_equal(once(agree, "3", "3.0"), TRUTH_YES);
	assert_int_equal(once(agree, "3", "4"), TRUTH_NO);
	assert_int_equal(once(agree, "x", "x"), TRUTH_YES);
	assert_int_equal(once(agree, "x", "3"), TRUTH_NO);
	assert_int_equal(once(agree, "3", NULL), TRUTH_UNKNOWN);
	assert_int_equal(once(three, "3", "3"), TRUTH_UNKNOWN);
	assert_int_equal(once(three, "3", "4"), TRUTH_NO);
}

static void what_is_stale_is_unknown(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, A);
	assert_int_equal(look(&b), TRUTH_UNKNOWN);
	assert_int_equal(say(&b, 0, "1"), TRUTH_YES);
	b.now += BENCH_STALE_MS;
	assert_int_equal(look(&b), TRUTH_YES);
	b.now++;
	assert_int_equal(look(&b), TRUTH_UNKNOWN);
	condition_done(&condition);
}

/* ---- how long ---- */

#define HELD "{\"source\":\"a\",\"equals\":1,\"for\":\"3s\"}"

static void for_counts_from_reading_to_reading(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, HELD);
	assert_int_equal(say(&b, 0, "0"), TRUTH_NO);
	assert_int_equal(later(&b, 1000, "1"), TRUTH_NO); /* seen to begin: not for so long */
	assert_int_equal(later(&b, 2999, "1"), TRUTH_NO);
	b.now += 3000; /* nobody has looked since: it does not count */
	assert_int_equal(look(&b), TRUTH_NO);
	assert_int_equal(later(&b, 1, "1"), TRUTH_YES);
	assert_int_equal(later(&b, 1, "0"), TRUTH_NO);
	assert_int_equal(later(&b, 1000, "1"), TRUTH_NO);
	condition_done(&condition);
}

static void what_was_so_before_is_not_known(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, HELD);
	assert_int_equal(say(&b, 0, "1"), TRUTH_UNKNOWN);
	assert_int_equal(later(&b, 2999, "1"), TRUTH_UNKNOWN);
	assert_int_equal(later(&b, 1, "1"), TRUTH_YES);
	condition_done(&condition);
}

static void an_unknown_or_a_gap_begins_anew(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, HELD);
	(void)say(&b, 0, "0");
	(void)later(&b, 1000, "1");
	(void)later(&b, 2000, "1");
	assert_int_equal(later(&b, 500, NULL), TRUTH_UNKNOWN);
	assert_int_equal(later(&b, 500, "1"), TRUTH_UNKNOWN);
	assert_int_equal(later(&b, 2999, "1"), TRUTH_UNKNOWN);
	assert_int_equal(later(&b, 1, "1"), TRUTH_YES);
	/* Nobody looked for so long that it was unknown, unseen. */
	assert_int_equal(later(&b, BENCH_STALE_MS + 1, "1"), TRUTH_UNKNOWN);
	assert_int_equal(later(&b, 3000, "1"), TRUTH_YES);
	assert_int_equal(later(&b, BENCH_STALE_MS, "1"), TRUTH_YES);
	condition_done(&condition);
}

/* It may have looked at the game when it began, or when it ended. */
static void a_slow_look_counts_for_least(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, HELD);
	(void)say(&b, 0, "0");
	b.now += 1000;
	assert_int_equal(say_after(&b, 0, 400, "1"), TRUTH_NO);
	b.now += 3000;
	assert_int_equal(say_after(&b, 0, 400, "1"), TRUTH_NO);
	b.now += 400;
	assert_int_equal(say_after(&b, 0, 400, "1"), TRUTH_YES);
	condition_done(&condition);
}

static void for_rests_on_the_oldest_of_several(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "{\"all\":[" A "," B "],\"for\":\"3s\"}");
	(void)say(&b, 0, "1");
	(void)say(&b, 1, "0");
	b.now += 1000;
	(void)say(&b, 0, "1");
	assert_int_equal(say(&b, 1, "1"), TRUTH_NO);
	b.now += 3000;
	assert_int_equal(say(&b, 0, "1"), TRUTH_NO);
	assert_int_equal(say(&b, 1, "1"), TRUTH_YES);
	condition_done(&condition);
}

#define SAMPLED "{\"source\":\"a\",\"equals\":1,\"samples\":3}"

static void samples_are_readings_one_after_the_other(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, SAMPLED);
	assert_int_equal(say(&b, 0, "0"), TRUTH_NO);
	assert_int_equal(later(&b, 1000, "1"), TRUTH_NO);
	assert_int_equal(later(&b, 1000, "1"), TRUTH_NO);
	assert_int_equal(look(&b), TRUTH_NO);
	assert_int_equal(say(&b, 1, "1"), TRUTH_NO); /* another's are none of its */
	assert_int_equal(later(&b, 1000, "1"), TRUTH_YES);
	assert_int_equal(later(&b, 1000, NULL), TRUTH_UNKNOWN);
	assert_int_equal(later(&b, 1000, "1"), TRUTH_UNKNOWN);
	assert_int_equal(later(&b, 1000, "1"), TRUTH_UNKNOWN);
	assert_int_equal(later(&b, 1000, "1"), TRUTH_YES);
	condition_done(&condition);
}

static void for_begins_with_the_last_sample(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "{\"all\":[" SAMPLED "],\"for\":\"3s\"}");
	(void)say(&b, 0, "0");
	(void)later(&b, 1000, "1");
	(void)later(&b, 1000, "1");
	assert_int_equal(later(&b, 1000, "1"), TRUTH_NO); /* three samples: from here on */
	assert_int_equal(later(&b, 2999, "1"), TRUTH_NO);
	assert_int_equal(later(&b, 1, "1"), TRUTH_YES);
	condition_done(&condition);
}

static void for_and_samples_both_have_to_hold(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "{\"source\":\"a\",\"equals\":1,\"for\":\"3s\",\"samples\":3}");
	(void)say(&b, 0, "0");
	(void)later(&b, 1000, "1");
	assert_int_equal(later(&b, 3000, "1"), TRUTH_NO);
	assert_int_equal(later(&b, 1, "1"), TRUTH_YES);
	(void)later(&b, 1, "0");
	(void)later(&b, 1, "1");
	(void)later(&b, 1, "1");
	assert_int_equal(later(&b, 1, "1"), TRUTH_NO);
	assert_int_equal(later(&b, 2998, "1"), TRUTH_YES);
	condition_done(&condition);
}

static void changed_is_within_the_window(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "{\"source\":\"a\",\"changed\":\"3s\"}");
	assert_int_equal(say(&b, 0, "x"), TRUTH_UNKNOWN);
	assert_int_equal(later(&b, 2999, "x"), TRUTH_UNKNOWN);
	assert_int_equal(later(&b, 1, "x"), TRUTH_NO);
	assert_int_equal(later(&b, 1, "y"), TRUTH_YES);
	assert_int_equal(later(&b, 3000, "y"), TRUTH_YES);
	assert_int_equal(later(&b, 1, "y"), TRUTH_NO);
	assert_int_equal(later(&b, 1, NULL), TRUTH_UNKNOWN);
	assert_int_equal(later(&b, 1, "z"), TRUTH_UNKNOWN); /* or before the gap, nobody knows */
	assert_int_equal(later(&b, BENCH_STALE_MS + 1, "z"), TRUTH_UNKNOWN);
	assert_int_equal(later(&b, 3000, "z"), TRUTH_NO);
	condition_done(&condition);
}

static void a_single_look_knows_nothing_of_time(void **state)
{
	static const char *const conditions[] = { HELD, SAMPLED,
						  "{\"source\":\"a\",\"changed\":\"3s\"}" };
	struct bench b;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		set_up(&b, conditions[i]);
		b.direct = true;
		assert_int_equal(say(&b, 0, "1"), TRUTH_UNKNOWN);
		condition_done(&condition);
	}
	set_up(&b, HELD);
	b.direct = true;
	assert_int_equal(say(&b, 0, "0"), TRUTH_NO);
	condition_done(&condition);
}

/* ---- what is no condition ---- */

static void mistakes_are_named(void **state)
{
	static const char *const mistakes[][2] = {
		{ "[]", "a JSON object" },
		{ "{}", "expected one of \"source\"" },
		{ "{\"source\":\"a\"}", "expected one of \"equals\"" },
		{ "{\"source\":\"d\",\"equals\":1}", "no source is called \"d\"" },
		{ "{\"source\":1,\"equals\":1}", "no source is called" },
		{ "{\"source\":\"a\",\"equals\":1,\"min\":1}", "expected one of \"equals\"" },
		{ "{\"source\":\"a\",\"equals\":[1]}", "a text, number or flag" },
		{ "{\"source\":\"a\",\"equals\":null}", "a text, number or flag" },
		{ "{\"source\":\"a\",\"matches\":1}", "a pattern" },
		{ "{\"source\":\"a\",\"min\":\"1\"}", "\"min\": expected a number" },
		{ "{\"source\":\"a\",\"min\":2,\"max\":1}", "\"min\" is more than \"max\"" },
		{ "{\"source\":\"a\",\"changed\":30}", "\"changed\": expected a time" },
		{ "{\"source\":\"a\",\"equals\":1,\"for\":\"0s\"}", "\"for\": expected a time" },
		{ "{\"source\":\"a\",\"equals\":1,\"for\":\"soon\"}", "\"for\": expected a time" },
		{ "{\"source\":\"a\",\"equals\":1,\"samples\":2.5}", "from 1 to 1000" },
		{ "{\"source\":\"a\",\"equals\":1,\"samples\":0}", "from 1 to 1000" },
		{ "{\"source\":\"a\",\"equals\":1,\"samples\":1001}", "from 1 to 1000" },
		{ "{\"source\":\"a\",\"equals\":1,\"equal\":1}", "no condition has this" },
		{ "{\"source\":\"a\",\"equals\":1,\"for samples\":1}", "no condition has this" },
		{ "{\"source\":\"a\",\"equals\":1,\"source\":\"b\"}", "there twice" },
		{ "{\"source\":\"a\",\"not\":" A ",\"equals\":1}", "expected one of \"source\"" },
		{ "{\"all\":[]}", "a list of conditions" },
		{ "{\"any\":" A "}", "a list of conditions" },
		{ "{\"all\":[" A "],\"equals\":1}", "with a \"source\", and only there" },
		{ "{\"all\":[" A "],\"samples\":2}", "\"samples\" goes with a \"source\"" },
		{ "{\"agree\":[\"a\"]}", "two sources or more" },
		{ "{\"agree\":\"a\"}", "two sources or more" },
		{ "{\"agree\":[\"a\",\"a\"]}", "a is there twice" },
		{ "{\"not\":{\"not\":{\"not\":{\"not\":{\"not\":{\"not\":{\"not\":{\"not\":" A
		  "}}}}}}}}",
		  "deeper than 8" },
		{ "{\"all\":[" A "," A "," A "," A "," A "," A "," A "," A "," A "," A "," A "," A
		  "," A "," A "," A "," A "," A "]}",
		  "more than 16" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct bench b;
		struct err e = { 0 };

		if (read_condition(&b, mistakes[i][0], &e) == 0 || e.kind != ERR_USAGE ||
		    !strstr(e.text, mistakes[i][1]))
			fail_msg("%s: expected '%s', got '%s'", mistakes[i][0], mistakes[i][1],
				 e.text);
		condition_done(&condition);
	}
}

static void people_are_told_why(void **state)
{
	struct bench b;
	owned_buf why = BUF_INIT(1024);

	(void)state;
	set_up(&b, "{\"all\":[" HELD "," B "]}");
	(void)say(&b, 1, "1");
	(void)say(&b, 0, "0");
	(void)later(&b, 1000, "1");
	const struct condition_view v = bench_view(&b);
	condition_why(&condition, &v, &why);
	assert_string_equal(why.data, "a is '1', wanted: equal 1 for 0ms of 3s");
	condition_done(&condition);
}

int test_condition(void);

int test_condition(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logic_is_of_three_values),
		cmocka_unit_test(tests_of_a_reading),
		cmocka_unit_test(sources_agree),
		cmocka_unit_test(what_is_stale_is_unknown),
		cmocka_unit_test(for_counts_from_reading_to_reading),
		cmocka_unit_test(what_was_so_before_is_not_known),
		cmocka_unit_test(an_unknown_or_a_gap_begins_anew),
		cmocka_unit_test(a_slow_look_counts_for_least),
		cmocka_unit_test(for_rests_on_the_oldest_of_several),
		cmocka_unit_test(samples_are_readings_one_after_the_other),
		cmocka_unit_test(for_begins_with_the_last_sample),
		cmocka_unit_test(for_and_samples_both_have_to_hold),
		cmocka_unit_test(changed_is_within_the_window),
		cmocka_unit_test(a_single_look_knows_nothing_of_time),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(people_are_told_why),
	};

	return cmocka_run_group_tests_name("condition", tests, NULL, NULL);
}
