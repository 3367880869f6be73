/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/fd.h"
#include "base/io.h"
#include "base/list.h"
#include "base/mem.h"
#include "fetch/tree.h"
#include "fetch/tree_walk.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct tree_limits enough = { 1000, 100 };

/* A fresh directory. */
static int tree_new(void)
{
	int fd = open(unit_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void put(int dir, const char *path, const char *content)
{
	owned_fd fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(io_write(fd, content, strlen(content)), 0);
}

static ino_t inode(int dir, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_ino;
}

/* NULL: it is sound. */
static void assert_checked(int tree, const char *error)
{
	struct err e = { 0 };
	int status = tree_check(tree, &enough, &e);

	if (!error) {
		assert_int_equal(status, 0);
		return;
	}
	assert_int_equal(status, -1);
	assert_int_equal(e.kind, ERR_REMOTE);
	if (!strstr(e.text, error))
		fail_msg("expected %s, got %s", error, e.text);
}

static void what_leads_out_is_refused(void **state)
{
	owned_fd tree = tree_new();

	(void)state;
	assert_int_equal(mkdirat(tree, "dir", 0755), 0);
	put(tree, "dir/file", "1");
	assert_int_equal(symlinkat("../dir/./file", tree, "dir/inside"), 0);
	assert_checked(tree, NULL);
	assert_int_equal(symlinkat("../../file", tree, "dir/out"), 0);
	assert_checked(tree, "'dir/out' is a link out of the tree");
	assert_int_equal(unlinkat(tree, "dir/out", 0), 0);
	assert_int_equal(symlinkat("dir/../../x", tree, "through"), 0);
	assert_checked(tree, "'through' is a link out of the tree");
	assert_int_equal(unlinkat(tree, "through", 0), 0);
	put(tree, "dir/..data", "");
	assert_checked(tree, "'dir/..data'");
	assert_int_equal(unlinkat(tree, "dir/..data", 0), 0);
	assert_int_equal(mkfifoat(tree, "dir/pipe", 0600), 0);
	assert_checked(tree, "'dir/pipe' is neither");
}

static void limits_hold(void **state)
{
	owned_fd tree = tree_new();
	const struct tree_limits two = { 10, 2 };
	struct err e = { 0 };

	(void)state;
	put(tree, "a", "12345");
	put(tree, "b", "12345");
	assert_int_equal(tree_check(tree, &two, &e), 0);
	put(tree, "b", "123456");
	assert_int_equal(tree_check(tree, &two, &e), -1);
	assert_non_null(strstr(e.text, "more than 10 bytes"));
	put(tree, "b", "");
	put(tree, "c", "");
	assert_int_equal(tree_check(tree, &two, &e), -1);
	assert_non_null(strstr(e.text, "more than 2 files"));
}

static void set_id_bits_are_gone(void **state)
{
	owned_fd tree = tree_new();
	struct stat st;

	(void)state;
	put(tree, "a", "");
	assert_int_equal(fchmodat(tree, "a", 06755, 0), 0);
	assert_checked(tree, NULL);
	assert_int_equal(fstatat(tree, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void only_what_is_wanted_stays(void **state)
{
	owned_fd tree = tree_new();
	struct list include = { 0 }, exclude = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(mkdirat(tree, "js", 0755), 0);
	assert_int_equal(mkdirat(tree, "css", 0755), 0);
	put(tree, "js/a.js", "");
	put(tree, "js/a.map", "");
	put(tree, "css/c.css", "");
	list_add(&include, "js");
	list_add(&exclude, "*.map");
	assert_int_equal(tree_prune(tree, &include, &exclude, &e), 0);
	assert_true(io_is_there(tree, "js/a.js"));
	assert_false(io_is_there(tree, "js/a.map"));
	assert_false(io_is_there(tree, "css"));
	list_clear(&include);
	list_clear(&exclude);
}

static void what_is_the_same_is_the_same_file(void **state)
{
	owned_fd older = tree_new(), newer = tree_new();
	struct err e = { 0 };
	bool same = true;

	(void)state;
	put(older, "a", "1");
	put(older, "b", "2");
	put(newer, "a", "1");
	put(newer, "b", "3");
	assert_int_equal(tree_settle(newer, older, &same, &e), 0);
	assert_false(same);
	assert_true(inode(newer, "a") == inode(older, "a"));
	assert_false(inode(newer, "b") == inode(older, "b"));
	put(newer, "b", "2");
	assert_int_equal(tree_settle(newer, older, &same, &e), 0);
	assert_true(same);
	assert_false(inode(newer, "b") == inode(older, "b"));
	put(older, "c", "");
	assert_int_equal(tree_settle(newer, older, &same, &e), 0);
	assert_false(same);
	assert_true(inode(newer, "b") == inode(older, "b"));
}

static void a_copy_is_apart(void **state)
{
	owned_fd from = tree_new(), to = tree_new();
	struct err e = { 0 };
	bool same = false;

	(void)state;
	assert_int_equal(mkdirat(from, "dir", 0750), 0);
	put(from, "dir/file", "1");
	assert_int_equal(fchmodat(from, "dir/file", 0755, 0), 0);
	assert_int_equal(symlinkat("file", from, "dir/link"), 0);
	assert_int_equal(tree_copy(from, to, &e), 0);
	owned char *left = tree_version(from, &e);
	owned char *right = tree_version(to, &e);
	assert_string_equal(left, right);
	assert_false(inode(from, "dir/file") == inode(to, "dir/file"));
	assert_int_equal(tree_settle(to, from, &same, &e), 0);
	assert_true(same);
	put(from, "dir/other", "1");
	owned char *changed = tree_version(from, &e);
	assert_string_not_equal(left, changed);
}

static void all_of_it_is_removed(void **state)
{
	owned_fd tree = tree_new();

	(void)state;
	assert_int_equal(mkdirat(tree, "dir", 0755), 0);
	assert_int_equal(mkdirat(tree, "dir/closed", 0755), 0);
	put(tree, "dir/closed/file", "");
	put(tree, "outside", "");
	assert_int_equal(symlinkat("../outside", tree, "dir/link"), 0);
	assert_int_equal(fchmodat(tree, "dir/closed", 0, 0), 0);
	assert_int_equal(tree_remove(tree, "dir"), 0);
	assert_int_equal(tree_remove(tree, "dir"), 0);
	assert_false(io_is_there(tree, "dir"));
	assert_true(io_is_there(tree, "outside"));
}

/* So many directories, one in the other. */
static void put_deep(int dir, unsigned depth)
{
	owned_fd at = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (depth--) {
		assert_int_equal(mkdirat(at, "d", 0755), 0);
		int below = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		put(below, "file", "");
		fd_close(&at);
		at = below;
	}
}

static void what_is_deeper_than_descriptors_is_removed(void **state)
{
	const struct tree_limits many = { 1000, 10000 };
	owned_fd tree = tree_new();
	struct rlimit before;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(mkdirat(tree, "dir", 0755), 0);
	owned_fd dir = openat(tree, "dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put_deep(dir, 3000);
	assert_int_equal(tree_check(tree, &many, &e), -1);
	assert_non_null(strstr(e.text, "more than 256 directories deep"));
	put(dir, "..removed.0", "");
	const struct rlimit few = { 128, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	int status = tree_remove(tree, "dir");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(status, 0);
	assert_false(io_is_there(tree, "dir"));
}

int test_fetch_tree(void);

int test_fetch_tree(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_leads_out_is_refused),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(set_id_bits_are_gone),
		cmocka_unit_test(only_what_is_wanted_stays),
		cmocka_unit_test(what_is_the_same_is_the_same_file),
		cmocka_unit_test(a_copy_is_apart),
		cmocka_unit_test(all_of_it_is_removed),
		cmocka_unit_test(what_is_deeper_than_descriptors_is_removed),
	};

	return cmocka_run_group_tests_name("fetch_tree", tests, NULL, NULL);
}
