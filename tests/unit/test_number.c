/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/text.h"
#include "probe/number.h"

static void what_is_a_number(void **state)
{
	static const struct {
		const char *text;
		double number;
	} numbers[] = {
		{ "0", 0 },       { "-0", 0 },      { "16", 16 },
		{ "+3", 3 },      { "007", 7 },     { "0.25", 0.25 },
		{ ".5", 0.5 },    { "5.", 5 },      { "1e3", 1000 },
		{ "1E-2", 0.01 }, { "-2.5", -2.5 }, { "9007199254740993", 9007199254740992.0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		double number = -1;

		if (!number_parse(numbers[i].text, &number))
			fail_msg("'%s' is a number", numbers[i].text);
		assert_true(number >= numbers[i].number && number <= numbers[i].number);
	}
}

static void what_is_none(void **state)
{
	static const char *const texts[] = {
		"",    " 0", "0 ",    "0\n",    "0x0",    "nan", "NaN",   "inf", "-Inf", "infinity",
		"1e",  "e1", "1e400", "-1e400", "1e-400", "0,0", "1 000", "0b0", "0p0",  "--0",
		"+-0", "+",  ".",     "-",      "0.0.0",  "1-2", "zero",  "0;",  "null", "true",
	};
	double number;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (number_parse(texts[i], &number))
			fail_msg("'%s' is no number, not %g", texts[i], number);
}

static void as_short_as_it_goes(void **state)
{
	char text[NUMBER_TEXT_SIZE];

	(void)state;
	assert_string_equal(number_text(3, text), "3");
	assert_string_equal(number_text(0.25, text), "0.25");
	assert_string_equal(number_text(-1, text), "-1");
	assert_string_equal(number_text(1234567890123, text), "1234567890123");
}

int test_number(void);

int test_number(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_a_number),
		cmocka_unit_test(what_is_none),
		cmocka_unit_test(as_short_as_it_goes),
	};

	return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
