/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/mem.h"

#include <string.h>

static void an_empty_one_is_a_text(void **state)
{
	owned_buf b = BUF_INIT(10);

	(void)state;
	assert_string_equal(b.data, "");
	assert_int_equal(b.length, 0);
	buf_clear(&b);
	buf_done(&b);
	assert_string_equal(b.data, "");
	assert_int_equal(buf_nothing[0], 0);
}

static void the_limit_is_exact(void **state)
{
	owned_buf b = BUF_INIT(5);

	(void)state;
	assert_int_equal(buf_add(&b, "abc", 3), 0);
	assert_int_equal(buf_add(&b, "def", 3), -1);
	assert_string_equal(b.data, "abc");
	assert_int_equal(b.length, 3);
	assert_int_equal(buf_add_text(&b, "de"), 0);
	assert_string_equal(b.data, "abcde");
	assert_int_equal(b.length, 5);
	assert_int_equal(buf_add(&b, "f", 1), -1);
	assert_int_equal(buf_add(&b, "", 0), 0);
	assert_int_equal(buf_add_format(&b, "%d", 7), -1);
	assert_null(buf_space(&b, 1));
	assert_string_equal(b.data, "abcde");
}

static void nothing_fits_into_a_limit_of_zero(void **state)
{
	owned_buf b = BUF_INIT(0);

	(void)state;
	assert_int_equal(buf_add(&b, "a", 1), -1);
	assert_int_equal(buf_add_text(&b, ""), 0);
	assert_string_equal(b.data, "");
}

static void a_huge_count_is_over_the_limit(void **state)
{
	owned_buf b = BUF_INIT(100);

	(void)state;
	assert_int_equal(buf_add_text(&b, "abc"), 0);
	assert_null(buf_space(&b, SIZE_MAX));
	assert_null(buf_space(&b, SIZE_MAX - 2));
	assert_null(buf_space(&b, 98));
	assert_non_null(buf_space(&b, 97));
}

static void it_grows_and_stays_terminated(void **state)
{
	owned_buf b = BUF_INIT(100000);

	(void)state;
	for (size_t i = 0; i < 100000; i++) {
		assert_int_equal(buf_add(&b, "x", 1), 0);
		assert_int_equal(b.data[i + 1], 0);
	}
	assert_int_equal(b.length, 100000);
	assert_int_equal(strlen(b.data), 100000);
	assert_int_equal(buf_add(&b, "x", 1), -1);
}

static void bytes_may_be_zero(void **state)
{
	owned_buf b = BUF_INIT(100);

	(void)state;
	assert_int_equal(buf_add(&b, "a\0b", 3), 0);
	assert_int_equal(b.length, 3);
	assert_memory_equal(b.data, "a\0b", 4);
	assert_int_equal(buf_add_format(&b, "%c%s", 0, "c"), 0);
	assert_int_equal(b.length, 5);
	assert_memory_equal(b.data, "a\0b\0c", 6);
}

static void formats_are_added(void **state)
{
	owned_buf b = BUF_INIT(8);

	(void)state;
	assert_int_equal(buf_add_format(&b, "%s-%d", "ab", 12), 0);
	assert_string_equal(b.data, "ab-12");
	assert_int_equal(buf_add_format(&b, "%s", "3456"), -1);
	assert_string_equal(b.data, "ab-12");
	assert_int_equal(buf_add_format(&b, "%s", "345"), 0);
	assert_string_equal(b.data, "ab-12345");
}

static void space_is_used_as_far_as_it_was(void **state)
{
	owned_buf b = BUF_INIT(1000);

	(void)state;
	char *space = buf_space(&b, 500);
	assert_non_null(space);
	memset(space, 'y', 500);
	buf_grown(&b, 2);
	assert_string_equal(b.data, "yy");
}

static void clearing_empties_it(void **state)
{
	owned_buf b = BUF_INIT(100);

	(void)state;
	assert_int_equal(buf_add_text(&b, "abc"), 0);
	buf_clear(&b);
	assert_string_equal(b.data, "");
	assert_int_equal(b.length, 0);
	assert_int_equal(buf_add_text(&b, "d"), 0);
	assert_string_equal(b.data, "d");
}

static void taking_hands_the_text_over(void **state)
{
	struct buf b = BUF_INIT(100);

	(void)state;
	owned char *nothing = buf_take(&b);
	assert_string_equal(nothing, "");
	assert_ptr_not_equal(nothing, buf_nothing);
	assert_int_equal(buf_add_text(&b, "abc"), 0);
	owned char *text = buf_take(&b);
	assert_string_equal(text, "abc");
	assert_string_equal(b.data, "");
	assert_int_equal(b.length, 0);
	assert_int_equal(buf_add_text(&b, "def"), 0);
	assert_string_equal(text, "abc");
	buf_done(&b);
}

int test_buf(void);

int test_buf(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_one_is_a_text),
		cmocka_unit_test(the_limit_is_exact),
		cmocka_unit_test(nothing_fits_into_a_limit_of_zero),
		cmocka_unit_test(a_huge_count_is_over_the_limit),
		cmocka_unit_test(it_grows_and_stays_terminated),
		cmocka_unit_test(bytes_may_be_zero),
		cmocka_unit_test(formats_are_added),
		cmocka_unit_test(space_is_used_as_far_as_it_was),
		cmocka_unit_test(clearing_empties_it),
		cmocka_unit_test(taking_hands_the_text_over),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
