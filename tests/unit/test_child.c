/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/child.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Only a broken program waits this long. */
#define PATIENCE_MS 20000

struct ending {
	struct child child;
	int calls, status;
};

static void on_exit_of(struct child *c, int status)
{
	struct ending *end = c->owner;

	assert_int_equal(c->pid, 0);
	end->calls++;
	end->status = status;
}

static struct child_plan plan_of(const char *const *argv)
{
	return (struct child_plan){ .argv = argv, .in = -1, .out = -1, .err = -1, .pass = -1 };
}

static void start(struct ending *end, const struct child_plan *plan)
{
	struct err e = { 0 };

	*end = (struct ending){ .child = { .on_exit = on_exit_of, .owner = end } };
	assert_int_equal(child_start(&end->child, plan, &e), 0);
	assert_true(end->child.pid > 0);
}

/* Until that one has ended; it is left for child_reap(). */
static void await_end(pid_t pid)
{
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void run_to_end(struct ending *end, const struct child_plan *plan)
{
	start(end, plan);
	await_end(end->child.pid);
	child_reap();
	assert_int_equal(end->calls, 1);
	assert_int_equal(end->child.pid, 0);
}

/* Up to the end of the pipe: that of the last process that has it. */
static void read_to_end(int fd, struct buf *b)
{
	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		char chunk[256];

		assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
		ssize_t got = read(fd, chunk, sizeof(chunk));
		assert_true(got >= 0);
		if (got == 0)
			return;
		assert_int_equal(buf_add(b, chunk, (size_t)got), 0);
	}
}

static void exit_statuses_are_told(void **state)
{
	static const char *const argv[] = { "sh", "-c", "exit 3", NULL };
	static const char *const well[] = { "true", NULL };
	struct child_plan plan = plan_of(argv), good = plan_of(well);
	struct ending end;

	(void)state;
	run_to_end(&end, &plan);
	assert_int_equal(end.status, 3);
	run_to_end(&end, &good);
	assert_int_equal(end.status, 0);
	child_reap();
	assert_int_equal(end.calls, 1);
}

static void ends_by_signals_are_told(void **state)
{
	static const char *const argv[] = { "sh", "-c", "kill -TERM $$", NULL };
	static const char *const waits[] = { "sleep", "1000", NULL };
	struct child_plan plan = plan_of(argv), sleeping = plan_of(waits);
	struct ending end;

	(void)state;
	run_to_end(&end, &plan);
	assert_int_equal(end.status, 128 + SIGTERM);
	start(&end, &sleeping);
	child_signal(&end.child, SIGKILL);
	await_end(end.child.pid);
	child_reap();
	assert_int_equal(end.status, 128 + SIGKILL);
	child_signal(&end.child, SIGKILL); /* it has ended: nobody gets it */
}

static void what_cannot_be_started_is_an_error(void **state)
{
	owned char *file = mem_format("%s/data", unit_directory());
	const char *const missing[] = { "/nowhere/program", NULL };
	const char *const unknown[] = { "no-such-program-here", NULL };
	const char *const data[] = { file, NULL };
	struct child_plan plans[] = { plan_of(missing), plan_of(unknown), plan_of(data) };
	static const int errors[] = { ENOENT, ENOENT, EACCES };
	struct ending end = { .child = { .on_exit = on_exit_of, .owner = &end } };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(io_replace_file(AT_FDCWD, file, "x", 1, &e), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(child_start(&end.child, &plans[i], &e), -1);
		assert_int_equal(e.kind, ERR_SYSTEM);
		assert_int_equal(e.sys, errors[i]);
		assert_int_equal(end.child.pid, 0);
		if (i == 0)
			assert_string_equal(e.text, "start '/nowhere/program': No such file or "
						    "directory");
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* none is left to be reaped */
	assert_int_equal(errno, ECHILD);
	child_reap();
	assert_int_equal(end.calls, 0);
}

static void output_goes_where_it_should(void **state)
{
	static const char *const argv[] = { "sh", "-c", "echo out; echo err >&2", NULL };
	struct child_plan plan = plan_of(argv);
	owned_buf both = BUF_INIT(100), out = BUF_INIT(100), err = BUF_INIT(100);
	struct ending end;
	int first[2], second[2];

	(void)state;
	assert_int_equal(pipe2(first, O_CLOEXEC), 0);
	plan.out = first[1];
	run_to_end(&end, &plan);
	fd_close(&first[1]);
	read_to_end(first[0], &both);
	assert_string_equal(both.data, "out\nerr\n");
	fd_close(&first[0]);

	assert_int_equal(pipe2(first, O_CLOEXEC), 0);
	assert_int_equal(pipe2(second, O_CLOEXEC), 0);
	plan.out = first[1];
	plan.err = second[1];
	run_to_end(&end, &plan);
	fd_close(&first[1]);
	fd_close(&second[1]);
	read_to_end(first[0], &out);
	read_to_end(second[0], &err);
	assert_string_equal(out.data, "out\n");
	assert_string_equal(err.data, "err\n");
	fd_close(&first[0]);
	fd_close(&second[0]);
}

static void input_is_nothing_or_what_was_given(void **state)
{
	static const char *const argv[] = { "sh", "-c", "read -r x || exit 9; test \"$x\" = hello",
					    NULL };
	struct child_plan plan = plan_of(argv);
	struct ending end;
	int ends[2];

	(void)state;
	run_to_end(&end, &plan);
	assert_int_equal(end.status, 9);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], "hello\n", 6), 6);
	plan.in = ends[0];
	run_to_end(&end, &plan);
	assert_int_equal(end.status, 0);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

static void only_the_passed_descriptor_stays_open(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	owned char *script = mem_format("test -e /proc/self/fd/%d && ! test -e /proc/self/fd/%d",
					ends[1], ends[0]);
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct child_plan plan = plan_of(argv);
	struct ending end;

	plan.pass = ends[1];
	run_to_end(&end, &plan);
	assert_int_equal(end.status, 0);
	assert_int_equal(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
	plan.pass = -1;
	run_to_end(&end, &plan);
	assert_int_equal(end.status, 1);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

/* The shell starts a process that has the pipe too, says so, and waits for it. */
static const char *const family[] = { "sh", "-c", "sleep 1000 & echo $!; wait", NULL };

static pid_t read_number(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char line[32];
	size_t length = 0;

	do {
		assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
		assert_int_equal(read(fd, line + length, 1), 1);
	} while (line[length] != '\n' && ++length < sizeof(line) - 1);
	line[length] = '\0';
	assert_int_equal(line[strspn(line, "0123456789")], 0);
	return (pid_t)strtol(line, NULL, 10);
}

static void a_group_is_killed_whole_and_orphans_are_reaped(void **state)
{
	struct child_plan plan = plan_of(family);
	owned_buf rest = BUF_INIT(100);
	struct ending end;
	int ends[2];

	(void)state;
	/* qemu has no such call: there somebody else reaps the grandchild. */
	bool reaper = prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
	assert_true(reaper || errno == EINVAL);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	plan.out = ends[1];
	plan.own_group = true;
	start(&end, &plan);
	fd_close(&ends[1]);
	pid_t grandchild = read_number(ends[0]);
	assert_int_equal(getpgid(end.child.pid), end.child.pid);
	assert_int_equal(getpgid(grandchild), end.child.pid);
	pid_t child = end.child.pid;
	child_signal(&end.child, SIGKILL);
	read_to_end(ends[0], &rest);
	await_end(child);
	child_reap();
	assert_int_equal(end.calls, 1);
	assert_int_equal(end.status, 128 + SIGKILL);
	/* It may have become ours only now: then it is reaped now. */
	if (reaper && kill(grandchild, 0) == 0) {
		await_end(grandchild);
		child_reap();
	}
	if (reaper) {
		assert_int_equal(kill(grandchild, 0), -1);
		assert_int_equal(errno, ESRCH);
		assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	}
	fd_close(&ends[0]);
}

static void a_forgotten_child_is_an_orphan(void **state)
{
	static const char *const argv[] = { "true", NULL };
	struct child_plan plan = plan_of(argv);
	struct ending first, second;

	(void)state;
	start(&first, &plan);
	start(&second, &plan);
	pid_t pid = first.child.pid;
	child_forget(&first.child);
	assert_int_equal(first.child.pid, 0);
	await_end(pid);
	await_end(second.child.pid);
	child_reap();
	assert_int_equal(first.calls, 0);
	assert_int_equal(second.calls, 1);
	assert_int_equal(waitpid(pid, NULL, 0), -1);
	assert_int_equal(errno, ECHILD);
}

static void start_another(struct child *c, int status)
{
	static const char *const argv[] = { "sh", "-c", "exit 5", NULL };
	const struct child_plan plan = plan_of(argv);
	struct err e;

	on_exit_of(c, status);
	c->on_exit = on_exit_of;
	assert_int_equal(child_start(c, &plan, &e), 0);
}

static void another_may_be_started_when_one_ends(void **state)
{
	static const char *const argv[] = { "true", NULL };
	struct child_plan plan = plan_of(argv);
	struct ending end;

	(void)state;
	start(&end, &plan);
	end.child.on_exit = start_another;
	await_end(end.child.pid);
	child_reap();
	while (end.calls < 2) {
		await_end(end.child.pid);
		child_reap();
	}
	assert_int_equal(end.status, 5);
}

int test_child(void);

int test_child(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_statuses_are_told),
		cmocka_unit_test(ends_by_signals_are_told),
		cmocka_unit_test(what_cannot_be_started_is_an_error),
		cmocka_unit_test(output_goes_where_it_should),
		cmocka_unit_test(input_is_nothing_or_what_was_given),
		cmocka_unit_test(only_the_passed_descriptor_stays_open),
		cmocka_unit_test(a_group_is_killed_whole_and_orphans_are_reaped),
		cmocka_unit_test(a_forgotten_child_is_an_orphan),
		cmocka_unit_test(another_may_be_started_when_one_ends),
	};

	return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
