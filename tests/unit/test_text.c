/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "base/text.h"

static void assert_printable(const char *bytes, const char *expected)
{
	owned char *shown = text_printable(bytes);

	assert_string_equal(shown, expected);
}

static void plain_text_stays(void **state)
{
	(void)state;
	assert_printable("", "");
	assert_printable("levels/a.bin", "levels/a.bin");
	assert_printable(" ~!\"'{}", " ~!\"'{}");
}

static void control_bytes_are_written_out(void **state)
{
	(void)state;
	assert_printable("a\nb", "a\\nb");
	assert_printable("a\tb", "a\\tb");
	assert_printable("a\\b", "a\\\\b");
	assert_printable("\\n", "\\\\n");
	assert_printable("\r", "\\x0d");
	assert_printable("\001\037", "\\x01\\x1f");
	assert_printable("\033[31m", "\\x1b[31m");
	assert_printable("\177", "\\x7f");
}

static void valid_utf8_stays(void **state)
{
	(void)state;
	assert_printable("\303\251", "\303\251");                 /* U+00E9 */
	assert_printable("\302\240", "\302\240");                 /* U+00A0 */
	assert_printable("\337\277", "\337\277");                 /* U+07FF */
	assert_printable("\340\240\200", "\340\240\200");         /* U+0800 */
	assert_printable("\355\237\277", "\355\237\277");         /* U+D7FF */
	assert_printable("\356\200\200", "\356\200\200");         /* U+E000 */
	assert_printable("\357\277\277", "\357\277\277");         /* U+FFFF */
	assert_printable("\360\220\200\200", "\360\220\200\200"); /* U+10000 */
	assert_printable("\364\217\277\277", "\364\217\277\277"); /* U+10FFFF */
	assert_printable("\346\227\245\346\234\254", "\346\227\245\346\234\254");
}

static void overlong_forms_are_bytes(void **state)
{
	(void)state;
	assert_printable("\300\200", "\\xc0\\x80");
	assert_printable("\300\257", "\\xc0\\xaf");
	assert_printable("\301\277", "\\xc1\\xbf");
	assert_printable("\340\200\257", "\\xe0\\x80\\xaf");
	assert_printable("\340\237\277", "\\xe0\\x9f\\xbf");
	assert_printable("\360\200\200\257", "\\xf0\\x80\\x80\\xaf");
	assert_printable("\360\217\277\277", "\\xf0\\x8f\\xbf\\xbf");
}

static void surrogates_and_what_is_beyond_are_bytes(void **state)
{
	(void)state;
	assert_printable("\355\240\200", "\\xed\\xa0\\x80");          /* U+D800 */
	assert_printable("\355\277\277", "\\xed\\xbf\\xbf");          /* U+DFFF */
	assert_printable("\364\220\200\200", "\\xf4\\x90\\x80\\x80"); /* U+110000 */
	assert_printable("\365\200\200\200", "\\xf5\\x80\\x80\\x80");
	assert_printable("\370\210\200\200\200", "\\xf8\\x88\\x80\\x80\\x80");
	assert_printable("\376\377", "\\xfe\\xff");
}

static void broken_sequences_are_bytes(void **state)
{
	(void)state;
	assert_printable("\200", "\\x80");
	assert_printable("\277x", "\\xbfx");
	assert_printable("\303", "\\xc3");
	assert_printable("\303(", "\\xc3(");
	assert_printable("\342\202", "\\xe2\\x82");
	assert_printable("\342\202x", "\\xe2\\x82x");
	assert_printable("\360\237\230", "\\xf0\\x9f\\x98");
	assert_printable("\303\303\251", "\\xc3\303\251");
	assert_printable("\303\n", "\\xc3\\n");
}

/* U+0080 to U+009F: U+0085 ends a line, and a terminal takes U+009B for the begin of a command. */
static void control_characters_are_written_out(void **state)
{
	(void)state;
	assert_printable("a\302\205b", "a\\xc2\\x85b");
	assert_printable("\302\233"
			 "31m",
			 "\\xc2\\x9b31m");
	assert_printable("\302\200\302\237", "\\xc2\\x80\\xc2\\x9f");
}

static void every_byte_becomes_printable(void **state)
{
	(void)state;
	for (int byte = 1; byte < 256; byte++) {
		const char text[] = { (char)byte, '\0' };
		owned char *shown = text_printable(text);

		for (const char *at = shown; *at; at++)
			assert_in_range((unsigned char)*at, 0x20, 0x7e);
	}
}

static void comparisons(void **state)
{
	(void)state;
	assert_true(text_is("a", "a"));
	assert_false(text_is("a", "A"));
	assert_false(text_is("a", "ab"));
	assert_true(text_starts("abc", "ab"));
	assert_true(text_starts("abc", ""));
	assert_false(text_starts("ab", "abc"));
	assert_true(text_ends("abc", "bc"));
	assert_true(text_ends("abc", ""));
	assert_true(text_ends("abc", "abc"));
	assert_false(text_ends("bc", "abc"));
	assert_false(text_ends("", "c"));
}

static void last_parts(void **state)
{
	(void)state;
	assert_string_equal(text_last_part("a/b/c"), "c");
	assert_string_equal(text_last_part("c"), "c");
	assert_string_equal(text_last_part("a/"), "");
	assert_string_equal(text_last_part("/a"), "a");
	assert_string_equal(text_last_part(""), "");
}

static void sizes(void **state)
{
	char text[TEXT_SIZE_ROOM];

	(void)state;
	assert_string_equal(text_size(0, text), "0 B");
	assert_string_equal(text_size(999, text), "999 B");
	assert_string_equal(text_size(1000, text), "1.0 kB");
	assert_string_equal(text_size(1234567, text), "1.2 MB");
	assert_string_equal(text_size(999949, text), "999.9 kB");
	assert_string_equal(text_size(999950, text), "1.0 MB");
	assert_string_equal(text_size(2500000000ULL, text), "2.5 GB");
	assert_string_equal(text_size(18446744073709551615ULL, text), "18446744.1 TB");
}

int test_text(void);

int test_text(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_stays),
		cmocka_unit_test(control_bytes_are_written_out),
		cmocka_unit_test(valid_utf8_stays),
		cmocka_unit_test(overlong_forms_are_bytes),
		cmocka_unit_test(surrogates_and_what_is_beyond_are_bytes),
		cmocka_unit_test(broken_sequences_are_bytes),
		cmocka_unit_test(control_characters_are_written_out),
		cmocka_unit_test(every_byte_becomes_printable),
		cmocka_unit_test(comparisons),
		cmocka_unit_test(last_parts),
		cmocka_unit_test(sizes),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
