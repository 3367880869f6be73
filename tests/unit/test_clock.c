/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/clock.h"

#include <ctype.h>
#include <string.h>

static void spans_read_well(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} spans[] = {
		{ 0, "0ms" },          { 1, "1ms" },
		{ 350, "350ms" },      { 999, "999ms" },
		{ 1000, "1s" },        { 2500, "2.5s" },
		{ 12345, "12.35s" },   { 59990, "59.99s" },
		{ 60000, "1m00s" },    { 200000, "3m20s" },
		{ 3599999, "59m59s" }, { 3600000, "1h00m" },
		{ 5400000, "1h30m" },  { 86400000, "24h00m" },
		{ -5, "-5ms" },        { INT64_MAX, "2562047788015h12m" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		char text[CLOCK_TEXT_SIZE];

		assert_string_equal(clock_span(spans[i].ms, text), spans[i].text);
	}
}

static void a_stamp_has_one_form(void **state)
{
	static const char form[] = "0000-00-00T00:00:00.000Z";
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	assert_ptr_equal(clock_stamp(text), text);
	assert_int_equal(strlen(text), strlen(form));
	for (size_t i = 0; form[i]; i++) {
		if (form[i] == '0')
			assert_true(isdigit((unsigned char)text[i]));
		else
			assert_int_equal(text[i], form[i]);
	}
}

static void time_does_not_go_back(void **state)
{
	int64_t before = clock_ms();

	(void)state;
	assert_true(before > 0);
	assert_true(clock_ms() >= before);
}

/* A thousand pods that start at once do not ask at once. */
static void a_jittered_time_is_a_fifth_sooner_or_later(void **state)
{
	int64_t least = INT64_MAX, most = 0;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		int64_t span = clock_jittered(300000);

		assert_in_range(span, 240000, 360000);
		least = span < least ? span : least;
		most = span > most ? span : most;
	}
	assert_in_range(least, 240000, 243000);
	assert_in_range(most, 357000, 360000);
	assert_int_equal(clock_jittered(0), 0);
	assert_in_range(clock_jittered(1), 0, 1);
	assert_in_range(clock_jittered(INT64_C(31536000000)), INT64_C(25228800000),
			INT64_C(37843200000));
}

int test_clock(void);

int test_clock(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_read_well),
		cmocka_unit_test(a_stamp_has_one_form),
		cmocka_unit_test(time_does_not_go_back),
		cmocka_unit_test(a_jittered_time_is_a_fifth_sooner_or_later),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
