/* SPDX-License-Identifier: Apache-2.0 */
/* Which process is meant, and signalling it. */
#include "tests/unit/fake_proc.h"
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void assert_found(int proc, const char *pattern, int number)
{
	struct err e = { 0 };
	pid_t pid = 0;

	if (process_find(proc, pattern, &pid, &e) < 0)
		fail_msg("'%s': %s", pattern, e.text);
	assert_int_equal(pid, BASE + number);
}

static void assert_not_found(int proc, const char *pattern)
{
	owned char *expected = mem_format("no process matches '%s'", pattern);
	struct err e = { 0 };
	pid_t pid = 77;

	assert_int_equal(process_find(proc, pattern, &pid, &e), -1);
	assert_int_equal(e.kind, ERR_REMOTE);
	assert_memory_equal(e.text, expected, strlen(expected));
	assert_int_equal(pid, 77);
}

static const struct fake game[] = {
	{ 1, 0, "pause", "/pause", LINE("/pause"), NULL, 0 },
	{ 2, 0, "node", "/usr/local/bin/node", LINE("node\0server.js\0--port=1"), NULL, 0 },
	{ 3, 0, "a-very-long-nam", "/opt/a-very-long-name-of-a-game",
	  LINE("/opt/a-very-long-name-of-a-game\0-x"), NULL, 0 },
	{ 4, 0, "other-user", NULL, LINE("/srv/bin/hidden\0-v"), NULL, 0 },
	{ 5, 0, "replaced", "/usr/bin/replaced (deleted)", LINE("replaced"), NULL, 0 },
	{ 6, 0, "kthreadd", NULL, NULL, 0, NULL, 0 },
	{ 7, 0, "sh", "/bin/dash", LINE("sh\0-c\0node server.js"), NULL, 0 },
	{ 0, 0, NULL, NULL, NULL, 0, NULL, 0 },
};

static void names_are_exact(void **state)
{
	owned_fd proc = fake_proc(game);

	(void)state;
	assert_found(proc, "node", 2);
	assert_found(proc, "pause", 1);
	assert_found(proc, "replaced", 5);
	assert_found(proc, "kthreadd", 6);
	assert_found(proc, "dash", 7);
	assert_found(proc, "sh", 7);
	assert_found(proc, "hidden", 4);
	assert_found(proc, "other-user", 4);
	assert_not_found(proc, "nod");
	assert_not_found(proc, "node ");
	assert_not_found(proc, "server.js");
	assert_not_found(proc, "Node");
	assert_not_found(proc, "n*");
	assert_not_found(proc, "bin/node");
}

static void comm_has_15_letters(void **state)
{
	owned_fd proc = fake_proc(game);

	(void)state;
	assert_found(proc, "a-very-long-name-of-a-game", 3);
	assert_found(proc, "a-very-long-nam", 3);
	assert_not_found(proc, "a-very-long-name");
	assert_not_found(proc, "a-very-long-na");
}

static void a_path_is_the_executable_s(void **state)
{
	owned_fd proc = fake_proc(game);

	(void)state;
	assert_found(proc, "/usr/local/bin/node", 2);
	assert_found(proc, "/usr/bin/replaced", 5);
	assert_found(proc, "/pause", 1);
	assert_not_found(proc, "/usr/bin/node");
	assert_not_found(proc, "/usr/local/bin/nod");
	assert_not_found(proc, "/usr/local/bin/");
	assert_not_found(proc, "/srv/bin/hidden");
}

static void a_command_line_is_matched_whole(void **state)
{
	owned_fd proc = fake_proc(game);

	(void)state;
	assert_found(proc, "argv:node server.js --port=1", 2);
	assert_found(proc, "argv:node * --port=?", 2);
	assert_found(proc, "argv:* server.js --*", 2);
	assert_found(proc, "argv:sh -c node server.js", 7);
	assert_found(proc, "argv:/opt/*-game -[xyz]", 3);
	assert_not_found(proc, "argv:node server.js");
	assert_not_found(proc, "argv:server.js*");
	assert_not_found(proc, "argv:kthreadd");
	assert_not_found(proc, "argv:");
}

static const struct fake nginx[] = {
	{ 1, 0, "sh", "/bin/dash", LINE("sh\0-c\0nginx"), NULL, 0 },
	{ 10, 1, "nginx", "/usr/sbin/nginx",
	  LINE("nginx: master process /usr/sbin/nginx -g daemon off;"), NULL, 0 },
	{ 11, 10, "nginx", "/usr/sbin/nginx", LINE("nginx: worker process\0\0\0\0\0"), NULL, 0 },
	{ 12, 10, "nginx", "/usr/sbin/nginx", LINE("nginx: worker process\0\0\0\0\0"), NULL, 0 },
	{ 0, 0, NULL, NULL, NULL, 0, NULL, 0 },
};

static void the_master_is_meant(void **state)
{
	owned_fd proc = fake_proc(nginx);

	(void)state;
	assert_found(proc, "nginx", 10);
	assert_found(proc, "/usr/sbin/nginx", 10);
	assert_found(proc, "argv:nginx: *", 10);
	assert_found(proc, "argv:nginx: master process*", 10);
}

static void several_are_an_error(void **state)
{
	static const struct fake two[] = {
		{ 1, 0, "init", NULL, NULL, 0, NULL, 0 },
		{ 20, 1, "game", NULL, NULL, 0, NULL, 0 },
		{ 21, 1, "game", NULL, NULL, 0, NULL, 0 },
		{ 22, 21, "game", NULL, NULL, 0, NULL, 0 },
		{ 0, 0, NULL, NULL, NULL, 0, NULL, 0 },
	};
	owned_fd proc = fake_proc(two);
	struct err e = { 0 };
	pid_t pid;

	(void)state;
	assert_int_equal(process_find(proc, "game", &pid, &e), -1);
	assert_int_equal(e.kind, ERR_REMOTE);
	/* They come in the order of the directory. */
	if (strstr(e.text, "(9000020,"))
		assert_string_equal(e.text, "2 processes match 'game' (9000020, 9000021): make it "
					    "exact, or use pidfile:");
	else
		assert_string_equal(e.text, "2 processes match 'game' (9000021, 9000020): make it "
					    "exact, or use pidfile:");
}

/* Daemons write their title over their arguments and fill up with zero bytes. */
static void zero_bytes_at_the_end_of_a_title_do_not_count(void **state)
{
	static const struct fake worker[] = {
		{ 11, 0, "nginx", NULL, LINE("nginx: worker process\0\0\0\0\0"), NULL, 0 },
		{ 0, 0, NULL, NULL, NULL, 0, NULL, 0 },
	};
	owned_fd proc = fake_proc(worker);

	(void)state;
	assert_found(proc, "argv:nginx: worker process", 11);
}

/* It has ended; its parent has just not asked for its exit status. */
static void a_zombie_is_not_meant(void **state)
{
	static const struct fake restarted[] = {
		{ 1, 0, "sh", NULL, NULL, 0, NULL, 0 },
		{ 30, 1, "game", NULL, NULL, 0, NULL, 'Z' },
		{ 31, 1, "game", "/game", LINE("/game"), NULL, 0 },
		{ 0, 0, NULL, NULL, NULL, 0, NULL, 0 },
	};
	owned_fd proc = fake_proc(restarted);

	(void)state;
	assert_found(proc, "game", 31);
}

static void this_process_is_never_meant(void **state)
{
	const struct fake own[] = {
		{ (int)getpid() - BASE, 0, "gs-sidecar", NULL, NULL, 0, NULL, 0 },
		{ 0, 0, NULL, NULL, NULL, 0, NULL, 0 },
	};
	owned_fd proc = fake_proc(own);

	(void)state;
	assert_not_found(proc, "gs-sidecar");
}

static void a_pid_file_is_read(void **state)
{
	static const struct {
		const char *text;
		int pid;
	} files[] = {
		{ "123\n", 123 },   { "123", 123 }, { "123 \n", 123 }, { "1\nmore\n", 1 },
		{ "123\r\n", 123 }, { "", 0 },      { "\n", 0 },       { "0\n", 0 },
		{ "-1\n", 0 },      { "x\n", 0 },   { "12x\n", 0 },    { "2147483648\n", 0 }
	};
	owned char *path = mem_format("%s/pid", unit_directory());
	owned char *pattern = mem_format("pidfile:%s", path);

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct err e = { 0 };
		pid_t pid = 0;

		assert_int_equal(
			io_replace_file(AT_FDCWD, path, files[i].text, strlen(files[i].text), &e),
			0);
		assert_int_equal(process_find(-1, pattern, &pid, &e), files[i].pid ? 0 : -1);
		assert_int_equal(pid, files[i].pid);
	}
}

/* It is written when the game has started: until then the game is not there yet. */
static void a_missing_pid_file_means_not_there_yet(void **state)
{
	owned char *pattern = mem_format("pidfile:%s/none", unit_directory());
	struct err e = { 0 };
	pid_t pid;

	(void)state;
	assert_int_equal(process_find(-1, pattern, &pid, &e), -1);
	assert_int_equal(e.kind, ERR_REMOTE);
}

static void handlers_are_known(void **state)
{
	static const struct fake catching[] = {
		{ 1, 0, "some", NULL, NULL, 0, "0000000000004001", 0 }, /* HUP and TERM */
		{ 2, 0, "none", NULL, NULL, 0, NULL, 0 },
		{ 3, 0, "last", NULL, NULL, 0, "8000000000000000", 0 },
		{ 0, 0, NULL, NULL, NULL, 0, NULL, 0 },
	};
	owned_fd proc = fake_proc(catching);

	(void)state;
	assert_int_equal(process_catches(proc, BASE + 1, SIGHUP), 1);
	assert_int_equal(process_catches(proc, BASE + 1, SIGTERM), 1);
	assert_int_equal(process_catches(proc, BASE + 1, SIGINT), 0);
	assert_int_equal(process_catches(proc, BASE + 1, 64), 0);
	assert_int_equal(process_catches(proc, BASE + 2, SIGHUP), 0);
	assert_int_equal(process_catches(proc, BASE + 3, 64), 1);
	assert_int_equal(process_catches(proc, BASE + 3, 63), 0);
	assert_int_equal(process_catches(proc, BASE + 5, SIGHUP), -1);
}

static void a_name_cannot_forge_a_field(void **state)
{
	static const struct fake forging[] = {
		{ 1, 0, "x\\nSigCgt:\\tff", NULL, NULL, 0, NULL, 0 },
		{ 0, 0, NULL, NULL, NULL, 0, NULL, 0 },
	};
	owned_fd proc = fake_proc(forging);

	(void)state;
	assert_int_equal(process_catches(proc, BASE + 1, SIGHUP), 0);
}

static void nobody_is_signalled_who_is_not_there(void **state)
{
	static const struct fake gone[] = {
		{ 1, 0, "game", NULL, NULL, 0, "ffffffffffffffff", 0 },
		{ 0, 0, NULL, NULL, NULL, 0, NULL, 0 },
	};
	owned_fd proc = fake_proc(gone);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(process_signal(proc, "game", SIGHUP, &e), -1);
	assert_true(e.kind == ERR_REMOTE ||
		    e.sys == EINVAL); /* its number is above every real one */
}

static void end_with_7(int number)
{
	(void)number;
	_exit(7);
}

/* A program that installs its handler when it is told to, and says so. */
static pid_t start_game(int told, int say)
{
	pid_t pid = fork();
	char byte;

	if (pid != 0)
		return pid;
	if (io_read(told, &byte, 1) == 1) {
		const struct sigaction handle = { .sa_handler = end_with_7 };

		(void)sigaction(SIGWINCH, &handle, NULL);
		(void)io_write(say, "x", 1);
		for (;;)
			(void)pause();
	}
	_exit(1);
}

static void a_signal_is_sent_to_who_has_a_handler(void **state)
{
	owned char *path = mem_format("%s/pid", unit_directory());
	owned char *pattern = mem_format("pidfile:%s", path);
	owned_fd proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e = { 0 };
	int tell[2], hear[2], status;
	char byte;

	(void)state;
	assert_int_equal(pipe(tell), 0);
	assert_int_equal(pipe(hear), 0);
	pid_t started = start_game(tell[0], hear[1]);
	owned char *text = mem_format("%d\n", (int)started);
	assert_int_equal(io_replace_file(AT_FDCWD, path, text, strlen(text), &e), 0);
	assert_int_equal(process_signal(proc, pattern, SIGWINCH, &e), -1);
	assert_int_equal(e.kind, ERR_REMOTE);
	owned char *expected = mem_format("process %d ('%s') has no handler for SIGWINCH (yet)",
					  (int)started, pattern);
	assert_string_equal(e.text, expected);
	assert_int_equal(io_write(tell[1], "x", 1), 0);
	assert_int_equal(io_read(hear[0], &byte, 1), 1);
	assert_int_equal(process_signal(proc, pattern, SIGWINCH, &e), 0);
	assert_int_equal(waitpid(started, &status, 0), started);
	assert_int_equal(WEXITSTATUS(status), 7);
	for (int i = 0; i < 2; i++) {
		fd_close(&tell[i]);
		fd_close(&hear[i]);
	}
}

/* A game that is PID 1 of its own namespace writes a number that is ours here. */
static void our_own_number_in_a_pid_file_is_not_meant(void **state)
{
	owned char *path = mem_format("%s/pid", unit_directory());
	owned char *pattern = mem_format("pidfile:%s", path);
	owned char *text = mem_format("%d\n", (int)getpid());
	struct err e = { 0 };
	pid_t pid;

	(void)state;
	assert_int_equal(io_replace_file(AT_FDCWD, path, text, strlen(text), &e), 0);
	assert_int_equal(process_find(AT_FDCWD, pattern, &pid, &e), -1);
	assert_int_equal(e.kind, ERR_REMOTE);
	assert_non_null(strstr(e.text, "shareProcessNamespace"));
}

int test_process(void);

int test_process(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_exact),
		cmocka_unit_test(comm_has_15_letters),
		cmocka_unit_test(a_path_is_the_executable_s),
		cmocka_unit_test(a_command_line_is_matched_whole),
		cmocka_unit_test(the_master_is_meant),
		cmocka_unit_test(several_are_an_error),
		cmocka_unit_test(zero_bytes_at_the_end_of_a_title_do_not_count),
		cmocka_unit_test(a_zombie_is_not_meant),
		cmocka_unit_test(this_process_is_never_meant),
		cmocka_unit_test(a_pid_file_is_read),
		cmocka_unit_test(a_missing_pid_file_means_not_there_yet),
		cmocka_unit_test(handlers_are_known),
		cmocka_unit_test(a_name_cannot_forge_a_field),
		cmocka_unit_test(nobody_is_signalled_who_is_not_there),
		cmocka_unit_test(a_signal_is_sent_to_who_has_a_handler),
		cmocka_unit_test(our_own_number_in_a_pid_file_is_not_meant),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
