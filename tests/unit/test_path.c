/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/mem.h"
#include "fetch/path.h"

#include <stdio.h>
#include <string.h>

static void expect_path(const char *name, const char *path)
{
	struct err e;
	owned char *got = path_sound(name, &e);

	if (!got || strcmp(got, path) != 0)
		fail_msg("'%s': got '%s', expected '%s'", name, got ? got : e.text, path);
}

static void expect_refused(const char *name, const char *why)
{
	struct err e = { 0 };
	owned char *got = path_sound(name, &e);

	if (got)
		fail_msg("'%s' was taken as '%s'", name, got);
	if (!strstr(e.text, why))
		fail_msg("'%s': '%s' does not say '%s'", name, e.text, why);
	assert_int_equal(e.kind, ERR_REMOTE);
}

static void names_that_stay(void **state)
{
	(void)state;
	expect_path("a", "a");
	expect_path("./a//b/", "a/b");
	expect_path("a/./././b/.", "a/b");
	expect_path(".", "");
	expect_path("./", "");
	expect_path("a/.hidden", "a/.hidden");
	expect_path("a.../b..", "a.../b..");
	expect_path("a\\..\\b", "a\\..\\b");
	expect_path(" ", " ");
	expect_path("\xff\n", "\xff\n");
}

static void names_that_do_not(void **state)
{
	(void)state;
	expect_refused("", "empty");
	expect_refused("/", "absolute");
	expect_refused("/a", "absolute");
	expect_refused("//a", "absolute");
	expect_refused("..", "part '..'");
	expect_refused("../a", "part '..'");
	expect_refused("a/..", "part '..'");
	expect_refused("a/../b", "part '..'");
	expect_refused("./..", "part '..'");
	expect_refused("..a", "begins with '..'");
	expect_refused("a/...", "begins with '..'");
}

static void names_at_their_limits(void **state)
{
	char part[258], deep[2 * PATH_DEPTH_MOST + 3], name[PATH_LENGTH_MOST + 2];

	(void)state;
	memset(part, 'n', sizeof(part));
	part[255] = '\0';
	expect_path(part, part);
	part[255] = 'n';
	part[256] = '\0';
	expect_refused(part, "256 bytes, more than 255");
	for (size_t i = 0; i < sizeof(deep); i += 2)
		memcpy(deep + i, "d/", i + 2 <= sizeof(deep) ? 2 : 1);
	deep[2 * PATH_DEPTH_MOST - 1] = '\0';
	expect_path(deep, deep);
	deep[2 * PATH_DEPTH_MOST - 1] = '/';
	deep[2 * PATH_DEPTH_MOST + 1] = '\0';
	expect_refused(deep, "129 parts, more than 128");
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 200 == 199 ? '/' : 'x';
	name[PATH_LENGTH_MOST] = '\0';
	expect_path(name, name);
	name[PATH_LENGTH_MOST] = 'x';
	name[PATH_LENGTH_MOST + 1] = '\0';
	expect_refused(name, "too long");
}

static void links(void **state)
{
	(void)state;
	assert_true(path_link_stays("a", 0));
	assert_true(path_link_stays("a/b", 0));
	assert_true(path_link_stays(".", 0));
	assert_true(path_link_stays("./a", 0));
	assert_true(path_link_stays("..", 1));
	assert_true(path_link_stays("../a", 1));
	assert_true(path_link_stays("./.././../a/", 2));
	assert_true(path_link_stays("..a/...", 0));
	assert_false(path_link_stays("", 3));
	assert_false(path_link_stays("/", 3));
	assert_false(path_link_stays("/a", 3));
	assert_false(path_link_stays("..", 0));
	assert_false(path_link_stays("../..", 1));
	assert_false(path_link_stays("../../a", 1));
	assert_false(path_link_stays("a/..", 3));
	assert_false(path_link_stays("../a/../b", 3));
}

int test_path(void);

int test_path(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_stay),
		cmocka_unit_test(names_that_do_not),
		cmocka_unit_test(names_at_their_limits),
		cmocka_unit_test(links),
	};
	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
