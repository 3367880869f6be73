/* SPDX-License-Identifier: Apache-2.0 */
/* What callers rely on; the archives themselves are in fetch_unpack.bats. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "fetch/growing.h"
#include "fetch/unpack.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK 512
#define BLOCKS 4 /* of new_archive() */

/* The block that begins a file in a tar, as POSIX has it. */
static void put_header(int fd, const char *name, char type, unsigned size)
{
	char block[BLOCK] = "";
	unsigned sum = 0;

	(void)snprintf(block, 100, "%s", name);
	(void)snprintf(block + 100, 8, "%07o", 0644U);
	(void)snprintf(block + 124, 12, "%011o", size);
	(void)snprintf(block + 136, 12, "%011o", 1000U);
	block[156] = type;
	(void)snprintf(block + 257, 6, "ustar");
	memset(block + 263, '0', 2);
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)block[i];
	(void)snprintf(block + 148, 7, "%06o", sum);
	assert_int_equal(io_write(fd, block, BLOCK), 0);
}

static int new_archive(const char *name, char type)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);
	char block[BLOCK] = "content";

	assert_true(fd >= 0);
	put_header(fd, name, type, 7);
	assert_int_equal(io_write(fd, block, BLOCK), 0);
	memset(block, 0, BLOCK);
	assert_int_equal(io_write(fd, block, BLOCK), 0);
	assert_int_equal(io_write(fd, block, BLOCK), 0);
	return fd;
}

static void a_file_comes_out(void **state)
{
	const struct unpack_limits most = unpack_usual_limits();
	owned_fd archive = new_archive("a/file", '0');
	owned_fd tree = open(unit_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct rlimit before, after;
	struct unpack_counts counts;
	struct err e = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
	/* Wherever the descriptor stands. */
	if (unpack(archive, "x.tar", tree, &most, clock_ms() + 60000, &counts, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(counts.files, 1);
	assert_int_equal(counts.directories, 1);
	assert_int_equal(counts.links, 0);
	assert_int_equal(counts.bytes, 7);
	assert_int_equal(fstatat(tree, "a/file", &st, 0), 0);
	assert_int_equal(st.st_size, 7);
	assert_int_equal(st.st_mtime, 1000);
	assert_int_equal(getrlimit(RLIMIT_DATA, &after), 0);
	assert_true(before.rlim_cur == after.rlim_cur && before.rlim_max == after.rlim_max);
}

static void what_is_refused_is_named(void **state)
{
	const struct unpack_limits most = unpack_usual_limits();
	owned_fd archive = new_archive("a/pipe", '6');
	owned_fd tree = open(unit_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct unpack_counts counts;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(unpack(archive, "x.tar", tree, &most, 0, &counts, &e), -1);
	assert_int_equal(e.kind, ERR_REMOTE);
	assert_string_equal(e.text, "'x.tar': 'a/pipe': it is a pipe");
	owned_fd other = new_archive("a/file", '0');
	assert_int_equal(unpack(other, "x.tar", tree, &most, 1, &counts, &e), -1);
	assert_int_equal(e.kind, ERR_DEADLINE);
	assert_int_equal(unpack(tree, "x.tar", tree, &most, 0, &counts, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
}

/* A process that tells of one block after the other, of so many. */
static void tell_slowly(struct growing *g, int blocks)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return;
	for (int i = 1; i <= blocks; i++) {
		clock_pause(10);
		growing_has(g, (int64_t)i * BLOCK);
	}
	clock_pause(10);
	growing_end(g);
	_exit(0);
}

/* What is in the file but was not told of is not read. */
static int unpack_told(int blocks, const char *name, struct err *e)
{
	const struct unpack_limits most = unpack_usual_limits();
	struct growing *g =
		mmap(NULL, sizeof(*g), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	owned_fd archive = new_archive(name, '0');
	owned_fd tree = open(unit_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct unpack_counts counts;
	int status;

	assert_true(g != MAP_FAILED);
	tell_slowly(g, blocks);
	status = unpack_growing(archive, g, "x.tar", tree, &most, clock_ms() + 60000, &counts, e);
	assert_true(status < 0 || counts.bytes == 7);
	assert_true(wait(NULL) > 0);
	assert_int_equal(munmap(g, sizeof(*g)), 0);
	return status;
}

static void what_still_comes_is_waited_for(void **state)
{
	struct err e = { 0 };

	(void)state;
	if (unpack_told(BLOCKS, "all", &e) < 0)
		fail_msg("%s", e.text);
	for (int blocks = 1; blocks < BLOCKS - 1; blocks++) {
		owned char *name = mem_format("cut%d", blocks);

		assert_int_equal(unpack_told(blocks, name, &e), -1);
		assert_int_equal(e.kind, ERR_REMOTE);
	}
	assert_int_equal(unpack_told(0, "nothing", &e), -1);
	assert_string_equal(e.text, "'x.tar': it is no tar, tar.gz, tar.zst or zip");
}

static void names_of_archives(void **state)
{
	(void)state;
	assert_true(unpack_is_name("a.tar"));
	assert_true(unpack_is_name("a.tar.gz"));
	assert_true(unpack_is_name("a.tgz"));
	assert_true(unpack_is_name("a.tar.zst"));
	assert_true(unpack_is_name("a.tzst"));
	assert_true(unpack_is_name("http://x/a.zip"));
	assert_false(unpack_is_name("a.gz"));
	assert_false(unpack_is_name("a.tar.xz"));
	assert_false(unpack_is_name("tar"));
	assert_false(unpack_is_name(""));
}

int test_unpack(void);

int test_unpack(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_comes_out),
		cmocka_unit_test(what_is_refused_is_named),
		cmocka_unit_test(what_still_comes_is_waited_for),
		cmocka_unit_test(names_of_archives),
	};
	return cmocka_run_group_tests_name("unpack", tests, NULL, NULL);
}
