/* SPDX-License-Identifier: Apache-2.0 */
/* Why no process is found or signalled, and whether new ones have come. */
#include "tests/unit/fake_proc.h"
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/process_set.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What we are in there, so that others are seen to be elsewhere. */
static void put_own_group(int proc, const char *group)
{
	owned char *folder = mem_format("%d", (int)getpid());

	assert_int_equal(mkdirat(proc, folder, 0755), 0);
	fake_file(proc, (int)getpid() - BASE, "cgroup", group);
}

static void expect_none(int proc, const char *pattern, const char *text)
{
	struct err e = { 0 };
	pid_t pid;

	assert_int_equal(process_find(proc, pattern, &pid, &e), -1);
	assert_int_equal(e.kind, ERR_REMOTE);
	assert_non_null(strstr(e.text, "no process matches"));
	if (!strstr(e.text, text))
		fail_msg("'%s' is not in: %s", text, e.text);
}

static void whether_the_namespace_is_shared_is_told(void **state)
{
	static const struct fake two[] = {
		{ .number = 1, .comm = "pause" },
		{ .number = 2, .comm = "sh" },
		{ 0 },
	};
	owned_fd own = fake_proc(two), others = fake_proc(two), unknown = fake_proc(two);

	(void)state;
	put_own_group(own, "0::/\n");
	fake_file(own, 1, "cgroup", "0::/\n");
	expect_none(own, "game", "shareProcessNamespace: true");
	put_own_group(others, "0::/\n");
	fake_file(others, 1, "cgroup", "0::/../pause\n");
	fake_file(others, 2, "cgroup", "0::/\n");
	expect_none(others, "game", "it has not started");
	/* Without a group of our own there is nothing to tell by. */
	if (getpid() != 1)
		expect_none(unknown, "game", "it has not started");
}

static void a_proc_that_hides_is_told(void **state)
{
	static const struct {
		const char *mounts;
		bool hides;
	} cases[] = {
		{ "proc /proc proc rw,nosuid,hidepid=2 0 0\n", true },
		{ "tmpfs / tmpfs rw 0 0\nproc /proc proc rw,hidepid=invisible,gid=5 0 0\n", true },
		{ "proc /proc proc rw,nosuid 0 0\n", false },
		{ "proc /proc proc rw,hidepid=0 0 0\n", false },
		{ "proc /mnt/proc proc rw,hidepid=2 0 0\n", false },
		{ "", false },
	};
	static const struct fake none[] = { { 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		owned_fd proc = fake_proc(none);
		struct err e = { 0 };
		pid_t pid;

		assert_int_equal(io_replace_file(proc, "self/mounts", cases[i].mounts,
						 strlen(cases[i].mounts), &e),
				 0);
		assert_int_equal(process_find(proc, "game", &pid, &e), -1);
		assert_int_equal(strstr(e.text, "hidepid") != NULL, cases[i].hides);
	}
}

/* SigIgn and NSpid are not in fake_proc()'s status. */
static void put_status(int proc, int number, const char *lines)
{
	owned char *status = mem_format("Name:\tgame\nState:\tS (x)\n%s", lines);

	fake_file(proc, number, "status", status);
}

static void expect_takes(int proc, int number, const char *expected)
{
	struct err e = { 0 };
	int status = process_takes(proc, BASE + number, "it", SIGHUP, &e);

	assert_int_equal(status, expected ? -1 : 0);
	if (expected && !strstr(e.text, expected))
		fail_msg("'%s' is not in: %s", expected, e.text);
}

static void what_a_signal_would_do_is_told(void **state)
{
	static const struct fake games[] = { { .number = 1, .comm = "game" }, { 0 } };
	owned_fd proc = fake_proc(games);

	(void)state;
	put_status(proc, 1, "NSpid:\t9000001\nSigIgn:\t0\nSigCgt:\t1\n");
	expect_takes(proc, 1, NULL);
	put_status(proc, 1, "NSpid:\t9000001\nSigIgn:\t0\nSigCgt:\t2\n");
	expect_takes(proc, 1, "it has no handler for SIGHUP (yet)");
	put_status(proc, 1, "NSpid:\t9000001\nSigIgn:\t1\nSigCgt:\t0\n");
	expect_takes(proc, 1, "it ignores SIGHUP");
	put_status(proc, 1, "NSpid:\t9000001\t1\nSigIgn:\t0\nSigCgt:\t0\n");
	expect_takes(proc, 1, "PID 1 of its process namespace");
	put_status(proc, 1, "NSpid:\t9000001\t11\nSigIgn:\t0\nSigCgt:\t0\n");
	expect_takes(proc, 1, "(yet)");
	put_status(proc, 1, "NSpid:\t9000001\t1\nSigIgn:\t0\nSigCgt:\t1\n");
	expect_takes(proc, 1, NULL);
	put_status(proc, 1, ""); /* gVisor does not tell */
	expect_takes(proc, 1, NULL);
	expect_takes(proc, 2, "may not be read");
}

static void put_stat(int proc, int number, const char *comm, unsigned start)
{
	owned char *stat = mem_format("%d (%s) S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %u "
				      "999 888 777\n",
				      BASE + number, comm, start);

	fake_file(proc, number, "stat", stat);
}

static void new_processes_are_seen(void **state)
{
	static const struct fake games[] = {
		{ .number = 1, .comm = "game" },
		{ .number = 2, .comm = "game", .parent = 1 },
		{ .number = 3, .comm = "other", .parent = 1 },
		{ .number = 4, .comm = "game", .state = 'Z' },
		{ 0 },
	};
	owned_fd proc = fake_proc(games);
	struct process_set before, after;
	struct err e = { 0 };

	(void)state;
	for (int i = 1; i <= 4; i++)
		put_stat(proc, i, "a) b (c 1 2", 100);
	assert_int_equal(process_set_take(proc, "game", &before, &e), 0);
	assert_int_equal(before.count, 2);
	assert_true(before.items[0].start == 100 && before.items[1].start == 100);
	assert_int_equal(process_set_take(proc, "game", &after, &e), 0);
	assert_false(process_set_has_new(&before, &after));
	process_set_done(&after);
	/* The same number, another process. */
	put_stat(proc, 2, "game", 101);
	assert_int_equal(process_set_take(proc, "game", &after, &e), 0);
	assert_int_equal(after.count, 2);
	assert_true(process_set_has_new(&before, &after));
	process_set_done(&before);
	assert_true(process_set_has_new(&before, &after));
	assert_false(process_set_has_new(&after, &before));
	process_set_done(&after);
}

static void the_children_of_a_pid_file_s_process_belong_to_it(void **state)
{
	static const struct fake games[] = {
		{ .number = 1, .comm = "game" },
		{ .number = 2, .comm = "worker", .parent = 1 },
		{ .number = 3, .comm = "script", .parent = 2 },
		{ 0 },
	};
	owned_fd proc = fake_proc(games);
	owned char *pattern = mem_format("pidfile:%s/pid", unit_directory());
	struct process_set set;
	struct err e = { 0 };

	(void)state;
	for (int i = 1; i <= 3; i++)
		put_stat(proc, i, "x", 7);
	assert_int_equal(process_set_take(proc, pattern, &set, &e), 0); /* no such file (yet) */
	assert_int_equal(set.count, 0);
	assert_int_equal(
		io_replace_file(AT_FDCWD, pattern + strlen("pidfile:"), "9000001\n", 8, &e), 0);
	assert_int_equal(process_set_take(proc, pattern, &set, &e), 0);
	assert_int_equal(set.count, 2);
	process_set_done(&set);
	assert_int_equal(io_replace_file(AT_FDCWD, pattern + strlen("pidfile:"), "x", 1, &e), 0);
	assert_int_equal(process_set_take(proc, pattern, &set, &e), -1);
	assert_int_equal(set.count, 0);
}

/* A worker of this process, gone again when its pipe is closed. */
static pid_t start_worker(int ends[2])
{
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		fd_close(&ends[1]);
		_exit((int)io_read(ends[0], &byte, 1));
	}
	return pid;
}

static void real_workers_are_seen(void **state)
{
	owned_fd proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	owned char *path = mem_format("%s/pid", unit_directory());
	owned char *pattern = mem_format("pidfile:%s", path);
	struct process_set before, after;
	struct err e = { 0 };
	int first[2], second[2], status;

	(void)state;
	pid_t old = start_worker(first);
	owned char *number = mem_format("%d\n", (int)old);
	assert_int_equal(io_replace_file(AT_FDCWD, path, number, strlen(number), &e), 0);
	assert_int_equal(process_set_take(proc, pattern, &before, &e), 0);
	assert_int_equal(before.count, 1);
	assert_true(before.items[0].start > 0);
	pid_t new = start_worker(second);
	owned char *next = mem_format("%d\n", (int)new);
	assert_int_equal(io_replace_file(AT_FDCWD, path, next, strlen(next), &e), 0);
	assert_int_equal(process_set_take(proc, pattern, &after, &e), 0);
	assert_int_equal(after.count, 1);
	assert_true(process_set_has_new(&before, &after));
	for (int i = 0; i < 2; i++) {
		fd_close(&first[i]);
		fd_close(&second[i]);
	}
	assert_int_equal(waitpid(old, &status, 0), old);
	assert_int_equal(waitpid(new, &status, 0), new);
	process_set_done(&before);
	process_set_done(&after);
}

int test_process_why(void);

int test_process_why(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whether_the_namespace_is_shared_is_told),
		cmocka_unit_test(a_proc_that_hides_is_told),
		cmocka_unit_test(what_a_signal_would_do_is_told),
		cmocka_unit_test(new_processes_are_seen),
		cmocka_unit_test(the_children_of_a_pid_file_s_process_belong_to_it),
		cmocka_unit_test(real_workers_are_seen),
	};

	return cmocka_run_group_tests_name("process_why", tests, NULL, NULL);
}
