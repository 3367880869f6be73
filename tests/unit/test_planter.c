/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "fetch/planter.h"

#include <fcntl.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static const struct plant_look look = { 0644, { .tv_sec = 1000 } };

struct bed {
	int root;
	struct plant plant;
	struct planter *p;
};

static void begin(struct bed *b)
{
	const struct unpack_limits most = unpack_usual_limits();

	b->root = open(unit_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(b->root >= 0);
	b->plant = plant_init(b->root, &most, 1000, NULL);
	b->p = planter_new(&b->plant);
}

/* What became of it. */
static int end(struct bed *b, struct err *e)
{
	int status = planter_end(b->p, e);

	plant_done(&b->plant);
	fd_close(&b->root);
	return status;
}

static int put(struct bed *b, const char *name)
{
	struct err e;

	if (planter_file(b->p, name, 1, &e) < 0 || planter_write(b->p, "x", 1, 0, false, &e) < 0)
		return -1;
	return planter_file_end(b->p, &look, &e);
}

static void count(void *owner)
{
	++*(size_t *)owner;
}

static void a_failure_is_heard_of_and_all_is_told(void **state)
{
	struct bed b;
	struct err e = { 0 };
	size_t told = 0, asked = 0;
	int status = 0;

	(void)state;
	begin(&b);
	planter_start(b.p, NULL);
	assert_int_equal(put(&b, "a"), 0);
	(void)put(&b, "a");
	for (int64_t until = clock_ms() + PATIENCE_MS; status == 0 && clock_ms() < until; asked++)
		status = planter_tell(b.p, count, &told);
	assert_int_equal(status, -1);
	assert_int_equal(put(&b, "b"), -1);
	assert_int_equal(end(&b, &e), -1);
	assert_string_equal(e.text, "'a': the archive has it twice");
	assert_int_equal(told, asked);
}

static void an_entry_that_was_begun_before_has_its_name(void **state)
{
	struct bed b;
	struct err e = { 0 };

	(void)state;
	begin(&b);
	assert_int_equal(planter_file(b.p, "large", 0, &e), 0);
	planter_start(b.p, "large");
	(void)planter_write(b.p, "x", 1, UINT64_MAX, false, &e);
	assert_int_equal(end(&b, &e), -1);
	assert_string_equal(e.text, "'large': it is larger than any file");
}

static void without_a_thread_all_is_done_at_once(void **state)
{
	struct bed b;
	struct err e = { 0 };
	size_t told = 0;

	(void)state;
	begin(&b);
	assert_int_equal(put(&b, "a"), 0);
	assert_int_equal(faccessat(b.root, "a", F_OK, 0), 0);
	assert_int_equal(put(&b, "a"), -1);
	assert_int_equal(planter_tell(b.p, count, &told), 0);
	assert_int_equal(told, 1);
	assert_int_equal(end(&b, &e), 0);
}

int test_planter(void);

int test_planter(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_is_heard_of_and_all_is_told),
		cmocka_unit_test(an_entry_that_was_begun_before_has_its_name),
		cmocka_unit_test(without_a_thread_all_is_done_at_once),
	};
	return cmocka_run_group_tests_name("planter", tests, NULL, NULL);
}
