/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY 300000

static int open_fresh_directory(void)
{
	int dir = open(unit_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	return dir;
}

static void assert_holds(int dir, const char *name, const char *expected)
{
	owned_buf b = BUF_INIT(1000);
	struct err e = { 0 };

	assert_int_equal(io_read_file(dir, name, &b, &e), 0);
	assert_string_equal(b.data, expected);
}

static size_t count_names(int dir)
{
	DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;
	size_t count = 0;

	assert_non_null(d);
	while ((entry = readdir(d)))
		count += entry->d_name[0] != '.';
	(void)closedir(d);
	return count;
}

/* Writes all bytes into the pipe, more than it holds. */
static _Noreturn void write_many(int fd)
{
	char bytes[MANY];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)('a' + i % 26);
	_exit(io_write(fd, bytes, sizeof(bytes)) < 0);
}

static void a_pipe_gives_pieces_and_all_is_read(void **state)
{
	owned_buf b = BUF_INIT(MANY);
	struct err e = { 0 };
	int ends[2], status;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0)
		write_many(ends[1]);
	owned_fd reading = ends[0];
	(void)close(ends[1]);
	assert_int_equal(io_read_all(reading, &b, &e), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(b.length, MANY);
	for (size_t i = 0; i < b.length; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
}

static void reading_ends_at_the_end_or_the_count(void **state)
{
	char bytes[8] = "........";
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	owned_fd reading = ends[0], writing = ends[1];
	assert_int_equal(io_write(writing, "abcdef", 6), 0);
	assert_int_equal(io_read(reading, bytes, 4), 4);
	assert_memory_equal(bytes, "abcd....", 8);
	fd_close(&writing);
	assert_int_equal(io_read(reading, bytes, sizeof(bytes)), 2);
	assert_memory_equal(bytes, "ef", 2);
	assert_int_equal(io_read(reading, bytes, sizeof(bytes)), 0);
}

static void failures_keep_errno(void **state)
{
	owned_buf b = BUF_INIT(10);
	struct err e = { 0 };
	char byte;

	(void)state;
	errno = 0;
	assert_int_equal(io_read(-1, &byte, 1), -1);
	assert_int_equal(errno, EBADF);
	errno = 0;
	assert_int_equal(io_write(-1, "x", 1), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(io_read_all(-1, &b, &e), -1);
	assert_int_equal(e.sys, EBADF);
	assert_int_equal(e.kind, ERR_SYSTEM);
}

static void the_limit_is_exact(void **state)
{
	owned_fd dir = open_fresh_directory();
	struct err e = { 0 };

	(void)state;
	assert_int_equal(io_replace_file(dir, "f", "12345", 5, &e), 0);
	owned_buf enough = BUF_INIT(5), little = BUF_INIT(4);
	assert_int_equal(io_read_file(dir, "f", &enough, &e), 0);
	assert_string_equal(enough.data, "12345");
	assert_int_equal(io_read_file(dir, "f", &little, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_string_equal(e.text, "'f': larger than the limit of 4 bytes");
}

static void what_is_missing_is_told(void **state)
{
	owned_fd dir = open_fresh_directory();
	owned_buf b = BUF_INIT(10);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(io_read_file(dir, "none", &b, &e), -1);
	assert_int_equal(e.sys, ENOENT);
	assert_string_equal(e.text, "open 'none': No such file or directory");
	assert_int_equal(io_read_file(dir, ".", &b, &e), -1);
	assert_int_equal(e.sys, EISDIR);
}

static void a_file_is_replaced_whole(void **state)
{
	owned_fd dir = open_fresh_directory();
	struct err e = { 0 };
	struct stat before, after;

	(void)state;
	assert_int_equal(io_replace_file(dir, "f", "old", 3, &e), 0);
	owned_fd old = openat(dir, "f", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(old, &before), 0);
	assert_int_equal(before.st_mode, S_IFREG | 0600);
	assert_int_equal(io_replace_file(dir, "f", "newer", 5, &e), 0);
	assert_holds(dir, "f", "newer");
	assert_int_equal(fstatat(dir, "f", &after, 0), 0);
	assert_true(before.st_ino != after.st_ino);
	owned_buf b = BUF_INIT(10);
	assert_int_equal(io_read_all(old, &b, &e), 0);
	assert_string_equal(b.data, "old");
	assert_int_equal(count_names(dir), 1);
}

static void a_longer_rest_of_a_crash_does_not_show(void **state)
{
	owned_fd dir = open_fresh_directory();
	struct err e = { 0 };

	(void)state;
	owned_fd left = openat(dir, "f.new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(io_write(left, "0123456789", 10), 0);
	assert_int_equal(io_replace_file(dir, "f", "abc", 3, &e), 0);
	assert_holds(dir, "f", "abc");
	assert_int_equal(count_names(dir), 1);
}

static void a_link_in_the_way_is_not_followed(void **state)
{
	owned_fd dir = open_fresh_directory();
	struct err e = { 0 };

	(void)state;
	assert_int_equal(io_replace_file(dir, "other", "mine", 4, &e), 0);
	assert_int_equal(symlinkat("other", dir, "f.new"), 0);
	assert_int_equal(io_replace_file(dir, "f", "abc", 3, &e), -1);
	assert_int_equal(e.sys, ELOOP);
	assert_holds(dir, "other", "mine");
	assert_int_equal(io_replace_file(dir, "f", "abc", 3, &e), 0);
	assert_holds(dir, "f", "abc");
}

static void a_directory_stays_and_nothing_is_left(void **state)
{
	owned_fd dir = open_fresh_directory();
	struct err e = { 0 };

	(void)state;
	assert_int_equal(mkdirat(dir, "f", 0755), 0);
	assert_int_equal(io_replace_file(dir, "f", "abc", 3, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_int_equal(e.sys, EISDIR);
	assert_string_equal(e.text, "write 'f': Is a directory");
	assert_int_equal(count_names(dir), 1);
}

static int replace_on_a_full_disk(int dir)
{
	const struct rlimit most = { 10, 10 };
	struct err e = { 0 };

	if (setrlimit(RLIMIT_FSIZE, &most) < 0 || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return 1;
	if (io_replace_file(dir, "f", "0123456789abcdef", 16, &e) == 0)
		return 2;
	return e.sys == EFBIG ? 0 : 3;
}

static void the_old_file_outlives_a_failed_write(void **state)
{
	owned_fd dir = open_fresh_directory();
	struct err e = { 0 };
	int status;

	(void)state;
	assert_int_equal(io_replace_file(dir, "f", "old", 3, &e), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(replace_on_a_full_disk(dir));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_holds(dir, "f", "old");
	assert_int_equal(count_names(dir), 1);
}

static void what_is_no_file_is_not_waited_for(void **state)
{
	owned char *pipe = mem_format("%s/pipe", unit_directory());
	owned char *link = mem_format("%s/link", unit_directory());
	owned_buf b = BUF_INIT(16);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_int_equal(symlink("nowhere", link), 0);
	assert_int_equal(io_read_regular(AT_FDCWD, pipe, &b, &e), -1);
	assert_non_null(strstr(e.text, "is not a file"));
	assert_int_equal(io_read_regular(AT_FDCWD, link, &b, &e), -1);
	assert_int_equal(e.sys, ELOOP);
	assert_true(io_is_there(AT_FDCWD, link));
	assert_true(io_is_there(AT_FDCWD, pipe));
	assert_false(io_is_there(AT_FDCWD, "no such name"));
}

int test_io(void);

int test_io(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_file_is_not_waited_for),
		cmocka_unit_test(a_pipe_gives_pieces_and_all_is_read),
		cmocka_unit_test(reading_ends_at_the_end_or_the_count),
		cmocka_unit_test(failures_keep_errno),
		cmocka_unit_test(the_limit_is_exact),
		cmocka_unit_test(what_is_missing_is_told),
		cmocka_unit_test(a_file_is_replaced_whole),
		cmocka_unit_test(a_longer_rest_of_a_crash_does_not_show),
		cmocka_unit_test(a_link_in_the_way_is_not_followed),
		cmocka_unit_test(a_directory_stays_and_nothing_is_left),
		cmocka_unit_test(the_old_file_outlives_a_failed_write),
	};

	return cmocka_run_group_tests_name("io", tests, NULL, NULL);
}
