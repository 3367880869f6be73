/* SPDX-License-Identifier: Apache-2.0 */
/* Connections, processes and commands as sources; UDP is in tests/system/probe_local.bats. */
#include "tests/unit/fake_proc.h"
#include "tests/unit/look.h"
#include "tests/unit/net.h"
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/process_why.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- tcp ---- */

static void expect_tcp(uint16_t port, const char *more, const char *text)
{
	owned char *settings =
		mem_format("{\"name\":\"s\",\"timeout\":\"60s\",\"tcp\":[%u]%s}", port, more);

	look_once_expect(settings, true, text);
}

static void connections_are_counted(void **state)
{
	uint16_t port, other_port;
	owned_fd listener = net_listen(AF_INET6, NULL, &port), one = -1, two = -1, three = -1;
	owned_fd other = net_listen(AF_INET, "127.0.0.1", &other_port);

	(void)state;
	expect_tcp(port, "", "0");
	owned_fd first = net_connect(listener, AF_INET, "127.0.0.2", "127.0.0.1", port, &one);
	owned_fd second = net_connect(listener, AF_INET, "127.0.0.3", "127.0.0.1", port, &two);
	owned_fd third = net_connect(listener, AF_INET6, NULL, "::1", port, &three);
	assert_true(first >= 0 && second >= 0 && third >= 0 && other >= 0);
	expect_tcp(port, "", "3");
	expect_tcp(port, ",\"except\":[\"loopback\"]", "0");
	expect_tcp(other_port, "", "0");
	expect_tcp(port, ",\"except\":[\"127.0.0.2\"]", "2");
	expect_tcp(port, ",\"except\":[\"127.0.0.0/8\"]", "1");
	expect_tcp(port, ",\"except\":[\"::/64\"]", "2");
	expect_tcp(port, ",\"except\":[\"::1\",\"127.0.0.2/31\"]", "0");
	expect_tcp(port, ",\"except\":[\"10.0.0.0/8\"]", "3");
}

/* A list that is read a second time, since it has fewer, tells the same. */
static void fewer_than_before_are_counted(void **state)
{
	uint16_t port;
	owned_fd listener = net_listen(AF_INET, "127.0.0.1", &port), one = -1, two = -1;
	owned_fd first = net_connect(listener, AF_INET, NULL, "127.0.0.1", port, &one);
	owned_fd second = net_connect(listener, AF_INET, NULL, "127.0.0.1", port, &two);
	owned char *settings =
		mem_format("{\"name\":\"s\",\"timeout\":\"60s\",\"tcp\":[%u]}", port);
	int64_t end = clock_ms() + 20000;
	struct looker l;

	(void)state;
	look_open(&l, settings);
	look_expect(&l, true, "2");
	fd_close(&second);
	fd_close(&two);
	while (!text_is(look(&l)->text, "1") && clock_ms() < end)
		clock_pause(5);
	look_expect(&l, true, "1");
	look_close(&l);
	assert_true(first >= 0);
}

static void wrong_peers_are_refused(void **state)
{
	(void)state;
	look_refused("{\"name\":\"s\",\"tcp\":[]}", "1 to 64 ports");
	look_refused("{\"name\":\"s\",\"udp\":[]}", "1 to 64 ports");
	look_refused("{\"name\":\"s\",\"tcp\":[0]}", "0");
	look_refused("{\"name\":\"s\",\"tcp\":[70000]}", "70000");
	look_refused("{\"name\":\"s\",\"tcp\":[1],\"except\":[\"10.0.0.1/8\"]}", "10.0.0.1/8");
	look_refused("{\"name\":\"s\",\"udp\":[1],\"except\":[\"example.org\"]}", "example.org");
}

/* ---- process ---- */

static void real_processes_are_counted(void **state)
{
	const char *directory = unit_directory();
	owned char *path = mem_format("%s/pid", directory);
	owned char *settings = mem_format("{\"name\":\"s\",\"process\":\"pidfile:%s\"}", path);
	struct looker l;
	struct err e = { 0 };
	int ends[2], status;
	char byte;

	(void)state;
	look_open(&l, settings);
	look_expect(&l, false, "No such file");
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		fd_close(&ends[1]);
		_exit((int)io_read(ends[0], &byte, 1));
	}
	owned char *number = mem_format("%d\n", (int)pid);
	assert_int_equal(io_replace_file(AT_FDCWD, path, number, strlen(number), &e), 0);
	look_expect(&l, true, "1");
	/* Another may come and go while nobody looks. */
	assert_true(l.reading.evidence == 0);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* One was seen, so others like it would be. */
	look_expect(&l, true, "0");
	assert_true(l.reading.evidence == 0);
	assert_int_equal(unlink(path), 0);
	look_expect(&l, false, "No such file");
	look_close(&l);
}

static void expect_sure(int proc, const char *pattern, bool seen_before, const char *unsure)
{
	struct err e = { 0 };
	int status = process_none_is_sure(proc, pattern, seen_before, &e);

	assert_int_equal(status, unsure ? -1 : 0);
	if (unsure && !strstr(e.text, unsure))
		fail_msg("'%s' is not in: %s", unsure, e.text);
}

static void put_group(int proc, int pid, const char *group)
{
	owned char *folder = mem_format("%d", pid);

	(void)mkdirat(proc, folder, 0755);
	fake_file(proc, pid - BASE, "cgroup", group);
	fake_file(proc, pid - BASE, "comm", "x\n");
}

static void whether_none_is_none_is_told(void **state)
{
	static const struct fake others[] = { { .number = 1, .comm = "sh" }, { 0 } };
	owned_fd alone = fake_proc(others), shared = fake_proc(others), hidden = fake_proc(others),
		 debugged = fake_proc(others), unreadable = fake_proc(others);
	static const char mounts[] = "proc /proc proc rw,hidepid=2 0 0\n";
	struct err e = { 0 };

	(void)state;
	if (getpid() == 1)
		fail_msg("PID 1 is to be another one");
	put_group(alone, getpid(), "0::/\n");
	put_group(alone, 1, "0::/\n");
	expect_sure(alone, "game", false, "shareProcessNamespace");
	expect_sure(alone, "game", true, NULL);
	put_group(shared, getpid(), "0::/\n");
	put_group(shared, 1, "0::/../pause\n");
	expect_sure(shared, "game", false, NULL);
	/* Who debugs our container is of another one, and PID 1 is ours. */
	put_group(debugged, getpid(), "0::/\n");
	put_group(debugged, 1, "0::/\n");
	put_group(debugged, BASE + 1, "0::/../debugger\n");
	expect_sure(debugged, "game", false, "shareProcessNamespace");
	put_group(hidden, getpid(), "0::/\n");
	put_group(hidden, 1, "0::/../pause\n");
	assert_int_equal(io_replace_file(hidden, "self/mounts", mounts, strlen(mounts), &e), 0);
	expect_sure(hidden, "game", true, "hidepid");
	expect_sure(unreadable, "game", true, "cannot be read");
}

/* ---- command ---- */

#define COMMAND(more, words) "{\"name\":\"s\"," more "\"command\":[" words "]}"
#define SHELL(script) COMMAND("\"timeout\":\"60s\",", "\"sh\",\"-c\",\"" script "\"")

static void its_stdout_is_said(void **state)
{
	(void)state;
	look_once_expect(SHELL("echo 12"), true, "12");
	look_once_expect(SHELL("echo noise >&2; echo 12; echo noise >&2"), true, "12");
	look_once_expect(SHELL("seq 1 100000 >&2; echo 12"), true, "12");
	look_once_expect(SHELL("printf ' 12\\\\r\\\\n'"), true, "12");
	look_once_expect(SHELL("seq 1 100 | tr '\\\\n' ' '; sleep 0; printf x") /* long */, false,
			 "more than 127 bytes");
	/* A process that goes on with it open is not waited for. */
	look_once_expect(SHELL("sleep 50 & echo 7"), true, "7");
	look_once_expect(
		COMMAND("\"timeout\":\"60s\",\"json\":\"/a/1\",", "\"echo\",\"{\\\"a\\\":[1,2]}\""),
		true, "2");
}

static size_t open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	if (!dir)
		fail_msg("/proc/self/fd cannot be read");
	while (dir && io_next_entry(dir))
		count++;
	if (dir)
		(void)closedir(dir);
	return count;
}

/* What it leaves behind would pile up, look by look. */
static void nothing_is_kept_of_what_it_leaves_behind(void **state)
{
	struct looker l;
	size_t before;

	(void)state;
	look_open(&l, SHELL("sleep 50 & echo 7"));
	look_expect(&l, true, "7");
	before = open_descriptors();
	look_expect(&l, true, "7");
	assert_int_equal(open_descriptors(), before);
	look_close(&l);
}

static void whatever_else_is_unknown(void **state)
{
	(void)state;
	look_once_expect(SHELL("echo 0; echo first >&2; echo the reason >&2; exit 3"), false,
			 "'sh' ended with status 3: the reason");
	look_once_expect(SHELL("echo 0; exit 1"), false, "'sh' ended with status 1: 0");
	look_once_expect(SHELL("echo 0; kill -9 $$"), false, "'sh' ended with status 137");
	look_once_expect(SHELL("true"), false, "says nothing");
	look_once_expect(SHELL("echo 0 >&2"), false, "says nothing");
	look_once_expect(SHELL("printf '1\\\\0002'"), false, "zero byte");
	look_once_expect(SHELL("seq 1 20000"), false, "more than 32768 bytes");
	look_once_expect(SHELL("head -c 32769 /dev/zero"), false, "more than 32768 bytes");
	look_once_expect(COMMAND("", "\"/no/such/program\""), false, "/no/such/program");
	look_once_expect(COMMAND("\"timeout\":\"60s\",\"json\":\"/a\",", "\"echo\",\"{\""), false,
			 "");
}

static bool is_gone(pid_t pid)
{
	owned char *path = mem_format("/proc/%d/stat", (int)pid);
	char stat[256] = "";
	owned_fd fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || io_read(fd, stat, sizeof(stat) - 1) <= 0 || strstr(stat, ") Z") ||
	       strstr(stat, ") X");
}

static void its_group_is_killed_at_the_deadline(void **state)
{
	static const char *const scripts[] = {
		"echo waiting >&2; sleep 50 & echo $! >pid; wait",
		"sleep 50 & echo $! >pid; exec yes",
	};
	int64_t end = clock_ms() + 60000;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		owned char *directory = mem_copy(unit_directory());
		owned char *path = mem_format("%s/pid", directory);
		owned char *settings =
			mem_format(COMMAND("\"timeout\":\"5s\",", "\"sh\",\"-c\",\"cd %s; %s\""),
				   directory, scripts[i]);
		struct looker l;

		look_open(&l, settings);
		assert_false(look(&l)->known);
		/* What it said is told unless it takes too long to die. */
		if (!strstr(l.reading.why, "no answer within") &&
		    !strstr(l.reading.why, i == 0 ? "was killed: waiting" : "was killed: y"))
			fail_msg("%s", l.reading.why);
		look_close(&l);
		owned_fd fd = open(path, O_RDONLY | O_CLOEXEC);
		char number[16] = "";
		assert_true(io_read(fd, number, sizeof(number) - 1) > 0);
		pid_t pid = (pid_t)strtol(number, NULL, 10);
		assert_true(pid > 1);
		while (!is_gone(pid) && clock_ms() < end)
			clock_pause(10);
		assert_true(is_gone(pid));
	}
}

static void it_is_looked_at_again(void **state)
{
	struct looker l;

	(void)state;
	look_open(&l, SHELL("echo 5"));
	look_expect(&l, true, "5");
	look_expect(&l, true, "5");
	look_close(&l);
	look_refused(COMMAND("", ""), "command");
	look_refused(COMMAND("", "\"\""), "command");
}

/* Closed while it runs: nothing is said, and nothing is left. */
static void a_running_command_is_given_up(void **state)
{
	struct looker l;

	(void)state;
	look_open(&l, SHELL("exec sleep 50"));
	source_start(&l.source, false);
	assert_int_equal(l.source.looks, 0);
	look_close(&l);
	assert_int_equal(l.source.looks, 0);
	assert_int_equal(l.reading.at, 0);
}

int test_local(void);

int test_local(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_are_counted),
		cmocka_unit_test(fewer_than_before_are_counted),
		cmocka_unit_test(wrong_peers_are_refused),
		cmocka_unit_test(real_processes_are_counted),
		cmocka_unit_test(whether_none_is_none_is_told),
		cmocka_unit_test(its_stdout_is_said),
		cmocka_unit_test(nothing_is_kept_of_what_it_leaves_behind),
		cmocka_unit_test(whatever_else_is_unknown),
		cmocka_unit_test(its_group_is_killed_at_the_deadline),
		cmocka_unit_test(it_is_looked_at_again),
		cmocka_unit_test(a_running_command_is_given_up),
	};

	return cmocka_run_group_tests_name("local", tests, NULL, NULL);
}
