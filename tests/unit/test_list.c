/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/list.h"

#include <stdio.h>

static void items_keep_their_order(void **state)
{
	struct list l = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "item %d", i);
		list_add(&l, text);
		assert_int_equal(l.count, i + 1);
		assert_null(l.items[i + 1]);
	}
	assert_string_equal(l.items[0], "item 0");
	assert_string_equal(l.items[57], "item 57");
	assert_string_equal(l.items[99], "item 99");
	list_clear(&l);
}

static void a_copy_is_kept(void **state)
{
	struct list l = { 0 };
	char text[] = "abc";

	(void)state;
	list_add(&l, text);
	text[0] = 'x';
	assert_string_equal(l.items[0], "abc");
	list_clear(&l);
}

static void clearing_leaves_an_empty_list(void **state)
{
	struct list l = { 0 };

	(void)state;
	list_clear(&l);
	list_add(&l, "");
	assert_string_equal(l.items[0], "");
	list_clear(&l);
	assert_null(l.items);
	assert_int_equal(l.count, 0);
	list_add(&l, "again");
	assert_int_equal(l.count, 1);
	assert_string_equal(l.items[0], "again");
	list_clear(&l);
}

int test_list(void);

int test_list(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_keep_their_order),
		cmocka_unit_test(a_copy_is_kept),
		cmocka_unit_test(clearing_leaves_an_empty_list),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
