/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "fetch/plant.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct plant_look look = { 0644, { .tv_sec = 1000, .tv_nsec = 5 } };
static const struct plant_look folder = { 0755, { .tv_sec = 2000 } };
static const struct plant_look read_only = { 0555, { .tv_sec = 3000 } };

struct bed {
	int root;
	struct plant p;
};

static struct bed new_bed(uint64_t bytes, uint64_t files, uint64_t ratio, uint64_t packed)
{
	const struct unpack_limits most = { bytes, files, ratio };
	int root = open(unit_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(root >= 0);
	return (struct bed){ root, plant_init(root, &most, packed, NULL) };
}

static void end_bed(struct bed *b)
{
	plant_done(&b->p);
	fd_close(&b->root);
}

static int put(struct bed *b, const char *name, const char *content, struct err *e)
{
	if (plant_file(&b->p, name, 0, e) < 0 ||
	    plant_write(&b->p, content, strlen(content), 0, e) < 0)
		return -1;
	return plant_file_end(&b->p, &look, e);
}

static void expect_look(const struct bed *b, const char *name, mode_t mode, time_t mtime)
{
	struct stat st;

	assert_int_equal(fstatat(b->root, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	assert_int_equal(st.st_mtim.tv_sec, mtime);
}

static void directories_keep_their_looks(void **state)
{
	struct bed b = new_bed(1000, 100, 100, 1000);
	struct err e;

	(void)state;
	assert_int_equal(plant_directory(&b.p, "a", &read_only, &e), 0);
	assert_int_equal(put(&b, "a/one", "1", &e), 0);
	assert_int_equal(plant_directory(&b.p, "a/b", &folder, &e), 0);
	assert_int_equal(put(&b, "c/d/two", "2", &e), 0);
	expect_look(&b, "a", 0555, 3000);
	expect_look(&b, "a/b", 0755, 2000);
	/* And when they are met again. */
	assert_int_equal(put(&b, "a/b/three", "3", &e), 0);
	assert_int_equal(put(&b, "a/four", "4", &e), 0);
	assert_int_equal(plant_directory(&b.p, "c", &folder, &e), 0);
	assert_int_equal(plant_directory(&b.p, ".", &folder, &e), 0);
	assert_int_equal(plant_end(&b.p, &e), 0);
	expect_look(&b, "a", 0555, 3000);
	expect_look(&b, "a/b", 0755, 2000);
	expect_look(&b, "a/b/three", 0644, 1000);
	expect_look(&b, "c", 0755, 2000);
	assert_int_equal(b.p.counts.files, 4);
	assert_int_equal(b.p.counts.directories, 4);
	assert_int_equal(b.p.counts.bytes, 4);
	end_bed(&b);
}

static void descriptors_do_not_pile_up(void **state)
{
	struct bed b = new_bed(1 << 20, 10000, 100, 1000);
	char name[32];
	struct err e;
	int before = dup(b.root);

	(void)state;
	(void)close(before);
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "%d/x/y", i);
		assert_int_equal(put(&b, name, "", &e), 0);
	}
	plant_done(&b.p);
	int after = dup(b.root);
	assert_int_equal(after, before);
	(void)close(after);
	end_bed(&b);
}

static void limits_of_count_and_bytes(void **state)
{
	struct bed b = new_bed(10, 4, 100, 1000);
	struct err e;

	(void)state;
	assert_int_equal(put(&b, "a/b", "12345", &e), 0);
	assert_int_equal(plant_hard_link(&b.p, "c", "a/b", &e), 0);
	assert_int_equal(b.p.counts.bytes, 10);
	assert_int_equal(put(&b, "d", "1", &e), -1);
	assert_non_null(strstr(e.text, "more than 10 bytes"));
	assert_int_equal(put(&b, "e", "", &e), -1);
	assert_non_null(strstr(e.text, "more than 4 files"));
	end_bed(&b);
}

static void limits_of_ratio(void **state)
{
	struct bed b = new_bed(UINT64_MAX, 100, 3, 1000);
	const uint64_t free = (uint64_t)10 << 20;
	struct err e;

	(void)state;
	assert_int_equal(ratio_check(&b.p.ratio, free, &e), 0);
	assert_int_equal(ratio_check(&b.p.ratio, free + 2999, &e), 0);
	assert_int_equal(ratio_check(&b.p.ratio, free + 3000, &e), -1);
	assert_int_equal(ratio_check(&b.p.ratio, UINT64_MAX, &e), -1);
	assert_int_equal(plant_file(&b.p, "a", UINT64_MAX, &e), -1);
	assert_int_equal(plant_file(&b.p, "b", 0, &e), 0);
	assert_int_equal(plant_write(&b.p, "x", 1, (uint64_t)INT64_MAX, &e), -1);
	assert_int_equal(plant_write(&b.p, "x", 1, UINT64_MAX, &e), -1);
	/* Nothing was packed: still as much as is free. */
	b.p.ratio.packed = 0;
	assert_int_equal(ratio_check(&b.p.ratio, free, &e), 0);
	assert_int_equal(ratio_check(&b.p.ratio, free + 1, &e), -1);
	end_bed(&b);
}

static void holes(void **state)
{
	struct bed b = new_bed(1 << 20, 10, 100, 1000);
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(plant_file(&b.p, "a", 0, &e), 0);
	assert_int_equal(plant_write(&b.p, "x", 1, 65536, &e), 0);
	assert_int_equal(plant_write(&b.p, "", 0, 131072, &e), 0);
	assert_int_equal(plant_file_end(&b.p, &look, &e), 0);
	assert_int_equal(fstatat(b.root, "a", &st, 0), 0);
	assert_int_equal(st.st_size, 131072);
	assert_int_equal(b.p.counts.bytes, 131072);
	end_bed(&b);
}

/* A directory that somebody puts a link in the place of, while we are below it. */
static void what_others_change_leads_nowhere(void **state)
{
	struct bed b = new_bed(1000, 100, 100, 1000);
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(mkdirat(b.root, "outside", 0755), 0);
	assert_int_equal(put(&b, "a/one", "1", &e), 0);
	assert_int_equal(put(&b, "other", "1", &e), 0);
	assert_int_equal(unlinkat(b.root, "a/one", 0), 0);
	assert_int_equal(unlinkat(b.root, "a", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("outside", b.root, "a"), 0);
	assert_int_equal(put(&b, "a/two", "2", &e), -1);
	assert_int_equal(plant_directory(&b.p, "a", &folder, &e), -1);
	assert_int_equal(fstatat(b.root, "outside/two", &st, 0), -1);
	assert_int_equal(errno, ENOENT);
	end_bed(&b);
}

int test_plant(void);

int test_plant(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directories_keep_their_looks),
		cmocka_unit_test(descriptors_do_not_pile_up),
		cmocka_unit_test(limits_of_count_and_bytes),
		cmocka_unit_test(limits_of_ratio),
		cmocka_unit_test(holes),
		cmocka_unit_test(what_others_change_leads_nowhere),
	};
	return cmocka_run_group_tests_name("plant", tests, NULL, NULL);
}
