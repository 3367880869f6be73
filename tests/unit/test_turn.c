/* SPDX-License-Identifier: Apache-2.0 */
/* Each pod's moment: the same every time, and a fleet's spread evenly over the window. */
#include "tests/unit/unit.h"

#include "reloader/turn.h"

#include <stdio.h>

static void a_name_has_one_moment(void **state)
{
	(void)state;
	assert_int_equal(turn_moment("gss-2048-0", 60000), turn_moment("gss-2048-0", 60000));
	assert_int_not_equal(turn_moment("gss-2048-0", 60000), turn_moment("gss-2048-1", 60000));
	assert_int_equal(turn_moment("gss-2048-0", 0), 0);
	assert_in_range(turn_moment("", 1000), 0, 999);
}

/* Names of a fleet differ in their last digits alone. */
static void a_fleet_is_spread_evenly(void **state)
{
	unsigned parts[10] = { 0 };
	char name[32];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(name, sizeof(name), "gss-2048-%d", i);
		int64_t moment = turn_moment(name, 60000);

		assert_in_range(moment, 0, 59999);
		parts[moment / 6000]++;
	}
	for (size_t i = 0; i < 10; i++)
		assert_in_range(parts[i], 850, 1150);
}

int test_turn(void);

int test_turn(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_has_one_moment),
		cmocka_unit_test(a_fleet_is_spread_evenly),
	};

	return cmocka_run_group_tests_name("turn", tests, NULL, NULL);
}
