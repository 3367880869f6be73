/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/log.h"
#include "sidecar/progress.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const struct sync_progress some = { 11600, 20000, 1219000000, 2100000000 };

static void assert_bar(struct sync_progress now, int64_t ms, size_t columns, const char *expected)
{
	char text[PROGRESS_ROOM];

	progress_bar("syncing", &now, ms, columns, text);
	assert_string_equal(text, expected);
}

static void assert_line(struct sync_progress now, int64_t ms, const char *expected)
{
	char text[PROGRESS_ROOM];

	progress_line("syncing", &now, ms, text);
	assert_string_equal(text, expected);
}

static void a_bar_says_all_there_is_room_for(void **state)
{
	(void)state;
	assert_bar(some, 3929, 200,
		   "syncing  [#########.......]  58 %  11,600/20,000 files  1.2 of 2.1 GB  "
		   "310 MB/s  3 s left");
	assert_bar(
		some, 3929, 80,
		"syncing  [###...]  58 %  11,600/20,000 files  1.2 of 2.1 GB  310 MB/s  3 s left");
	assert_bar(
		some, 3929, 79,
		"syncing  [########.......]  58 %  11,600/20,000 files  1.2 of 2.1 GB  3 s left");
	assert_bar(some, 3929, 60, "syncing  [#########.......]  58 %  1.2 of 2.1 GB  3 s left");
	assert_bar(some, 3929, 40, "syncing  [######......]  58 %  3 s left");
	assert_bar(some, 3929, 39, "58 %");
	assert_bar(some, 3929, 5, "58 %");
	assert_bar(some, 3929, 4, "58 ");
	assert_bar(some, 3929, 1, "");
	assert_bar(some, 3929, 0, "");
}

static void a_line_says_all(void **state)
{
	(void)state;
	assert_line(some, 3929,
		    "syncing: 58 %, 11600 of 20000 files, 1.2 of 2.1 GB, 310 MB/s, 3s left");
	assert_line(some, 393000,
		    "syncing: 58 %, 11600 of 20000 files, 1.2 of 2.1 GB, 3.1 MB/s, 4m45s left");
}

static void without_bytes_files_count(void **state)
{
	struct sync_progress now = { 1, 4, 0, 0 };

	(void)state;
	assert_line(now, 1000, "syncing: 25 %, 1 of 4 files, 3s left");
	assert_bar(now, 100000, 80, "syncing  [####............]  25 %  1/4 files  5m00s left");
	now.files = 4;
	assert_line(now, 1000, "syncing: 100 %, 4 of 4 files");
}

static void what_is_unknown_is_not_said(void **state)
{
	(void)state;
	assert_line((struct sync_progress){ 0 }, 0, "syncing: 0 %, 0 files");
	assert_line((struct sync_progress){ 7, 0, 3000, 0 }, 1000,
		    "syncing: 0 %, 7 files, 3.0 kB, 3.0 kB/s");
	assert_line((struct sync_progress){ 0, 3, 0, 2000 }, 5000,
		    "syncing: 0 %, 0 of 3 files, 0 B of 2.0 kB");
	assert_line((struct sync_progress){ 1, 3, 1000, 2000 }, 0,
		    "syncing: 50 %, 1 of 3 files, 1.0 of 2.0 kB");
	assert_line((struct sync_progress){ 1, 3, 1000, 2000 }, -5,
		    "syncing: 50 %, 1 of 3 files, 1.0 of 2.0 kB");
	/* It would take years. */
	assert_line((struct sync_progress){ 0, 3, 1000, 2000000000000 }, 1000,
		    "syncing: 0 %, 0 of 3 files, 1.0 kB of 2.0 TB, 1.0 kB/s");
}

static void a_hundred_percent_is_all(void **state)
{
	(void)state;
	assert_line((struct sync_progress){ 2, 3, 2000, 2000 }, 1000,
		    "syncing: 99 %, 2 of 3 files, 2.0 of 2.0 kB, 2.0 kB/s");
	assert_line((struct sync_progress){ 3, 3, 1999999, 2000000 }, 1000,
		    "syncing: 99 %, 3 of 3 files, 2.0 of 2.0 MB, 2.0 MB/s, 1s left");
	assert_line((struct sync_progress){ 3, 3, 2000, 2000 }, 1000,
		    "syncing: 100 %, 3 of 3 files, 2.0 of 2.0 kB, 2.0 kB/s");
	/* The source grew. */
	assert_line((struct sync_progress){ 4, 3, 3000, 2000 }, 1000,
		    "syncing: 100 %, 4 of 3 files, 3.0 of 2.0 kB, 3.0 kB/s");
}

static void every_number_and_width_makes_a_bar(void **state)
{
	static const uint64_t numbers[] = {
		0, 1, 999, 1000, 123456789, UINT64_MAX - 1, UINT64_MAX
	};
	static const int64_t times[] = { INT64_MIN, 0, 1, 1000, INT64_MAX };
	enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };
	char text[PROGRESS_ROOM];

	(void)state;
	for (size_t i = 0; i < (size_t)NUMBERS * NUMBERS * NUMBERS * NUMBERS; i++)
		for (size_t j = 0; j < sizeof(times) / sizeof(times[0]); j++) {
			struct sync_progress now = { numbers[i % NUMBERS],
						     numbers[i / NUMBERS % NUMBERS],
						     numbers[i / NUMBERS / NUMBERS % NUMBERS],
						     numbers[i / NUMBERS / NUMBERS / NUMBERS] };
			size_t columns = i % 210;

			progress_bar("syncing", &now, times[j], columns, text);
			assert_true(strlen(text) < (columns ? columns : 1));
			assert_null(strpbrk(text, "-"));
			assert_true(!strstr(text, "nan") && !strstr(text, "inf"));
			progress_line("syncing", &now, times[j], text);
			assert_true(strlen(text) < PROGRESS_ROOM - 1);
			assert_null(strpbrk(text, "-"));
			assert_true(!strstr(text, "nan") && !strstr(text, "inf"));
		}
}

/* stderr is another file for a while, and what came out is read back. */
static int kept_stderr, reader;

static void replace_stderr(int instead, int read_from)
{
	(void)fflush(stderr);
	kept_stderr = dup(STDERR_FILENO);
	reader = read_from;
	if (instead < 0 || read_from < 0 || kept_stderr < 0 || dup2(instead, STDERR_FILENO) < 0)
		abort();
	(void)close(instead);
}

/* Read when the last writer is gone: a terminal passes it on when it likes. */
static void stderr_again(char *said, size_t room)
{
	size_t length = 0;
	ssize_t count;

	(void)dup2(kept_stderr, STDERR_FILENO);
	(void)close(kept_stderr);
	while ((count = read(reader, said + length, room - 1 - length)) > 0)
		length += (size_t)count;
	said[length] = '\0';
	(void)close(reader);
}

static void to_terminal(unsigned short columns)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	struct winsize size = { .ws_row = 25, .ws_col = columns };

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    ioctl(master, TIOCSWINSZ, &size) < 0)
		abort();
	replace_stderr(open(ptsname(master), O_RDWR | O_NOCTTY), master);
}

static void to_pipe(void)
{
	int ends[2];

	if (pipe(ends) < 0)
		abort();
	replace_stderr(ends[1], ends[0]);
}

/* As if it had begun so long ago, and were shown for the first time. */
static void show_after(struct progress *p, int64_t ms, const struct sync_progress *now)
{
	p->began = p->shown = clock_ms() - ms;
	progress_show(p, now);
}

static void a_terminal_gets_a_bar(void **state)
{
	struct progress p;
	char said[4096];

	(void)state;
	(void)setenv("TERM", "xterm", 1);
	to_terminal(38);
	progress_init(&p, "syncing");
	progress_show(&p, &some);
	show_after(&p, 200, &some); /* too soon */
	log_warn("before");
	show_after(&p, 1000, &some);
	progress_show(&p, &some); /* too often */
	log_warn("between");
	progress_end(&p);
	log_warn("behind");
	progress_end(&p);
	stderr_again(said, sizeof(said));

	/* Stamps are of one length. */
	for (char *at = said; (at = strstr(at, " warn  ")); at++)
		memmove(at - strlen("2026-11-20T10:15:30.123Z"), at, strlen(at) + 1);
	assert_string_equal(said, " warn  gs-sidecar: before\r\n"
				  "\r\033[K58 %"
				  "\r\033[K warn  gs-sidecar: between\r\n58 %"
				  "\r\033[K"
				  " warn  gs-sidecar: behind\r\n");
}

static void an_unknown_width_is_80(void **state)
{
	struct progress p;
	char said[4096];

	(void)state;
	to_terminal(0);
	progress_init(&p, "syncing");
	show_after(&p, 4000, &(struct sync_progress){ 111, 222, 0, 0 });
	progress_end(&p);
	stderr_again(said, sizeof(said));
	assert_string_equal(said, "\r\033[Ksyncing  [########........]  50 %  111/222 files  "
				  "4 s left\r\033[K");
}

static void elsewhere_it_is_logged(void **state)
{
	struct progress p;
	char said[4096];

	(void)state;
	to_pipe();
	progress_init(&p, "syncing");
	show_after(&p, 4000, &some);
	show_after(&p, 5500, &some);
	progress_show(&p, &some);
	progress_end(&p);
	stderr_again(said, sizeof(said));
	assert_non_null(strstr(said, " info  gs-sidecar: syncing: 58 %, 11600 of 20000 files, "));
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	assert_null(strpbrk(said, "\r\033"));
}

static void not_every_terminal_gets_a_bar(void **state)
{
	char said[64];
	bool json, quiet, dumb, unknown;

	(void)state;
	to_terminal(80);
	log_setup("test", LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	json = log_on_terminal();
	log_setup("test", LOG_FORMAT_TEXT, LOG_LEVEL_WARN);
	quiet = log_on_terminal();
	log_setup("gs-sidecar", LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	(void)setenv("TERM", "dumb", 1);
	dumb = log_on_terminal();
	(void)unsetenv("TERM");
	unknown = log_on_terminal();
	stderr_again(said, sizeof(said));
	assert_false(json);
	assert_false(quiet);
	assert_false(dumb);
	assert_true(unknown);
}

int test_progress(void);

int test_progress(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bar_says_all_there_is_room_for),
		cmocka_unit_test(a_line_says_all),
		cmocka_unit_test(without_bytes_files_count),
		cmocka_unit_test(what_is_unknown_is_not_said),
		cmocka_unit_test(a_hundred_percent_is_all),
		cmocka_unit_test(every_number_and_width_makes_a_bar),
		cmocka_unit_test(a_terminal_gets_a_bar),
		cmocka_unit_test(an_unknown_width_is_80),
		cmocka_unit_test(elsewhere_it_is_logged),
		cmocka_unit_test(not_every_terminal_gets_a_bar),
	};

	return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
