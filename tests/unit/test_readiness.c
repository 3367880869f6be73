/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "probe/readiness.h"

/*
 * All 64 combinations. Bits of the index: 1 waiting for the lock, 2 published, 4 sync failed,
 * 8 reload wanted, 16 acknowledged, 32 refused.
 */
#define LOCK "another sidecar still has the target"
#define SYNC "the sync is not finished"
#define FAIL "the sync failed"
#define DONE "ready"
#define OWED "the reload is not acknowledged yet"
#define LOST "the game did not acknowledge the reload"

static const char *const reasons[64] = {
	/* neither a reload nor an acknowledgement */
	SYNC,
	LOCK,
	DONE,
	LOCK,
	FAIL,
	LOCK,
	DONE,
	LOCK,
	/* a reload wanted */
	SYNC,
	LOCK,
	OWED,
	LOCK,
	FAIL,
	LOCK,
	OWED,
	LOCK,
	/* acknowledged without being wanted */
	SYNC,
	LOCK,
	DONE,
	LOCK,
	FAIL,
	LOCK,
	DONE,
	LOCK,
	/* wanted and acknowledged */
	SYNC,
	LOCK,
	DONE,
	LOCK,
	FAIL,
	LOCK,
	DONE,
	LOCK,
	/* refused without being wanted */
	SYNC,
	LOCK,
	DONE,
	LOCK,
	FAIL,
	LOCK,
	DONE,
	LOCK,
	/* wanted and refused */
	SYNC,
	LOCK,
	LOST,
	LOCK,
	FAIL,
	LOCK,
	LOST,
	LOCK,
	/* acknowledged and refused without being wanted */
	SYNC,
	LOCK,
	DONE,
	LOCK,
	FAIL,
	LOCK,
	DONE,
	LOCK,
	/* wanted, acknowledged, refused */
	SYNC,
	LOCK,
	DONE,
	LOCK,
	FAIL,
	LOCK,
	DONE,
	LOCK,
};

static void the_whole_table(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		const struct readiness_facts facts = {
			.waiting_for_lock = i & 1,
			.published = i & 2,
			.sync_failed = i & 4,
			.reload_wanted = i & 8,
			.acknowledged = i & 16,
			.refused = i & 32,
		};
		const char *reason = NULL;
		bool ready = readiness_verdict(&facts, &reason);

		assert_string_equal(reason, reasons[i]);
		assert_int_equal(ready, reasons[i][0] == 'r');
	}
}

int test_readiness(void);

int test_readiness(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_table),
	};

	return cmocka_run_group_tests_name("readiness", tests, NULL, NULL);
}
