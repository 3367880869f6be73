/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>

static void it_is_set(void **state)
{
	struct err e = { .sys = 5 };

	(void)state;
	assert_int_equal(err_set(&e, ERR_REMOTE, "%s says %d", "peer", 7), -1);
	assert_int_equal(e.kind, ERR_REMOTE);
	assert_int_equal(e.sys, 0);
	assert_string_equal(e.text, "peer says 7");
}

static void the_system_is_quoted(void **state)
{
	struct err e = { 0 };

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "open '%s'", "a"), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_int_equal(e.sys, ENOENT);
	assert_string_equal(e.text, "open 'a': No such file or directory");
}

static void context_comes_in_front(void **state)
{
	struct err e = { 0 };

	(void)state;
	errno = EACCES;
	(void)err_sys(&e, "open 'b'");
	assert_int_equal(err_in(&e, "source '%s'", "/a"), -1);
	(void)err_in(&e, "sync");
	assert_string_equal(e.text, "sync: source '/a': open 'b': Permission denied");
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_int_equal(e.sys, EACCES);
}

static void a_long_text_is_cut_and_terminated(void **state)
{
	char long_text[2000];
	struct err e = { 0 };

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	memset(e.text, 'y', sizeof(e.text));
	(void)err_set(&e, ERR_USAGE, "%s", long_text);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	memset(e.text, 'y', sizeof(e.text));
	errno = ENOSPC;
	(void)err_sys(&e, "%s", long_text);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_int_equal(e.sys, ENOSPC);
	(void)err_in(&e, "%s", "front");
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_memory_equal(e.text, "front: xxx", 10);
	(void)err_in(&e, "%s", long_text);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_memory_equal(e.text, "xxxxxxxxxx", 10);
}

/* 508 bytes and ": No such..." */
static void the_cut_may_be_anywhere(void **state)
{
	(void)state;
	for (int length = 480; length < 520; length++) {
		char text[520];
		struct err e = { 0 };

		memset(text, 'z', sizeof(text));
		text[length < 519 ? length : 519] = '\0';
		errno = ENOENT;
		(void)err_sys(&e, "%s", text);
		size_t whole = strlen(text) + strlen(": No such file or directory");
		assert_int_equal(strlen(e.text),
				 whole < sizeof(e.text) ? whole : sizeof(e.text) - 1);
	}
}

static void each_kind_has_its_exit_status(void **state)
{
	static const enum err_kind kinds[] = { ERR_NONE, ERR_USAGE, ERR_DEADLINE, ERR_SYSTEM,
					       ERR_REMOTE };
	static const int statuses[] = { 0, 2, 3, 4, 5 };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct err e = { .kind = kinds[i] };

		assert_int_equal(err_exit_status(&e), statuses[i]);
	}
}

int test_err(void);

int test_err(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_set),
		cmocka_unit_test(the_system_is_quoted),
		cmocka_unit_test(context_comes_in_front),
		cmocka_unit_test(a_long_text_is_cut_and_terminated),
		cmocka_unit_test(the_cut_may_be_anywhere),
		cmocka_unit_test(each_kind_has_its_exit_status),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
