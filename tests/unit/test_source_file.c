/* SPDX-License-Identifier: Apache-2.0 */
/* What a file says. A writer beside it is in tests/system/probe_local.bats. */
#include "tests/unit/look.h"
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *folder;

static void put(const char *name, const char *bytes, size_t count)
{
	owned char *path = mem_format("%s/%s", folder, name);
	struct err e = { 0 };

	assert_int_equal(io_replace_file(AT_FDCWD, path, bytes, count, &e), 0);
}

static void expect(const char *name, const char *more, bool known, const char *text)
{
	owned char *settings =
		mem_format("{\"name\":\"s\",\"file\":\"%s/%s\"%s}", folder, name, more);

	look_once_expect(settings, known, text);
}

static void its_content_without_blanks_is_said(void **state)
{
	(void)state;
	folder = unit_directory();
	put("state", "PreDelete", 9);
	expect("state", "", true, "PreDelete");
	put("state", "PreDelete\n", 10);
	expect("state", "", true, "PreDelete");
	put("state", " \tPre Delete\r\n\n", 15);
	expect("state", "", true, "Pre Delete");
}

static void a_place_in_json_is_said(void **state)
{
	static const char json[] = "{\"players\": {\"online\": 3}, \"state\": \"idle\"}\r\n";

	(void)state;
	folder = unit_directory();
	put("info", json, sizeof(json) - 1);
	expect("info", ",\"json\":\"/players/online\"", true, "3");
	expect("info", ",\"json\":\"/state\"", true, "idle");
	expect("info", ",\"json\":\"/players\"", false, "at /players");
	expect("info", ",\"json\":\"/none\"", false, "at /none");
	put("info", json, 20);
	expect("info", ",\"json\":\"/state\"", false, "");
}

static void what_is_no_text_is_unknown(void **state)
{
	owned char *large = mem_alloc((size_t)64 * 1024 + 1);

	(void)state;
	folder = unit_directory();
	expect("none", "", false, "No such file");
	put("empty", "", 0);
	expect("empty", "", false, "says nothing");
	put("blank", "\n", 1);
	expect("blank", "", false, "says nothing");
	put("zero", "a\0b", 3);
	expect("zero", "", false, "zero byte");
	memset(large, 'x', (size_t)64 * 1024 + 1);
	put("large", large, (size_t)64 * 1024);
	expect("large", "", false, "more than 127 bytes");
	put("large", large, (size_t)64 * 1024 + 1);
	expect("large", "", false, "larger than the limit");
	expect("empty/none", "", false, "Not a directory");
	put("long", large, 128);
	expect("long", "", false, "more than 127 bytes");
	put("long", large, 127);
	large[127] = '\0';
	expect("long", "", true, large);
}

static void what_is_no_file_is_unknown(void **state)
{
	(void)state;
	folder = unit_directory();
	owned char *pipe = mem_format("%s/pipe", folder), *link = mem_format("%s/loop", folder);

	expect(".", "", false, "not a regular file");
	expect(".", ",\"age\":true", false, "not a regular file");
	assert_int_equal(mkfifo(pipe, 0600), 0);
	expect("pipe", "", false, "not a regular file");
	expect("pipe", ",\"age\":true", false, "not a regular file");
	/* Also while somebody writes into it. */
	owned_fd both = open(pipe, O_RDWR | O_CLOEXEC);
	assert_int_equal(io_write(both, "5\n", 2), 0);
	expect("pipe", "", false, "not a regular file");
	assert_int_equal(symlink("loop", link), 0);
	expect("loop", "", false, "ymbolic link");
	look_once_expect("{\"name\":\"s\",\"file\":\"/dev/zero\"}", false, "not a regular file");
}

static void set_age(const char *name, time_t seconds)
{
	owned char *path = mem_format("%s/%s", folder, name);
	struct timespec times[2];

	assert_int_equal(clock_gettime(CLOCK_REALTIME, &times[0]), 0);
	times[0].tv_sec -= seconds;
	times[1] = times[0];
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void its_age_is_said(void **state)
{
	struct looker l;

	(void)state;
	folder = unit_directory();
	owned char *settings =
		mem_format("{\"name\":\"s\",\"file\":\"%s/beat\",\"age\":true}", folder);
	put("beat", "", 0);
	set_age("beat", 1000);
	look_open(&l, settings);
	assert_true(look(&l)->known);
	long age = strtol(l.reading.text, NULL, 10);
	assert_true(age >= 1000 && age < 1000 + 600);
	assert_true(l.reading.evidence == 0);
	set_age("beat", -1000); /* the clock was put back, or it is another machine's */
	look_expect(&l, false, "in the future");
	set_age("beat", 0);
	assert_true(look(&l)->known);
	look_close(&l);
	expect("none", ",\"age\":true", false, "No such file");
}

static void evidence_is_of_the_file(void **state)
{
	struct looker l;

	(void)state;
	folder = unit_directory();
	owned char *path = mem_format("%s/state", folder);
	owned char *settings = mem_format("{\"name\":\"s\",\"file\":\"%s\"}", path);
	put("state", "a", 1);
	look_open(&l, settings);
	look_expect(&l, true, "a");
	uint64_t first = l.reading.evidence;
	assert_true(first != 0);
	look_expect(&l, true, "a");
	assert_true(l.reading.evidence == first);
	/* In place, perhaps within the same tick of the file system's clock. */
	owned_fd fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(io_write(fd, "b", 1), 0);
	look_expect(&l, true, "b");
	assert_true(l.reading.evidence != first);
	/* The same content, another file. */
	put("state", "a", 1);
	look_expect(&l, true, "a");
	assert_true(l.reading.evidence != first && l.reading.evidence != 0);
	look_close(&l);
	/* What has no history is no evidence. */
	look_open(&l, "{\"name\":\"s\",\"file\":\"/proc/self/comm\"}");
	assert_true(look(&l)->known);
	assert_true(l.reading.evidence == 0);
	look_close(&l);
}

static void links_of_a_volume_are_followed(void **state)
{
	(void)state;
	folder = unit_directory();
	owned char *one = mem_format("%s/..1", folder), *two = mem_format("%s/..2", folder);
	owned char *data = mem_format("%s/..data", folder), *new = mem_format("%s/..new", folder);
	owned char *state_file = mem_format("%s/state", folder);

	assert_int_equal(mkdir(one, 0755), 0);
	assert_int_equal(mkdir(two, 0755), 0);
	put("..1/state", "None", 4);
	put("..2/state", "PreDelete", 9);
	assert_int_equal(symlink("..1", data), 0);
	assert_int_equal(symlink("..data/state", state_file), 0);
	expect("state", "", true, "None");
	assert_int_equal(symlink("..2", new), 0);
	assert_int_equal(rename(new, data), 0);
	expect("state", "", true, "PreDelete");
	assert_int_equal(unlink(data), 0);
	expect("state", "", false, "No such file");
}

static void wrong_settings_are_refused(void **state)
{
	(void)state;
	look_refused("{\"name\":\"s\",\"file\":\"\"}", "file");
	look_refused("{\"name\":\"s\",\"file\":\"a\",\"age\":true,\"json\":\"/a\"}", "both");
	look_refused("{\"name\":\"s\",\"file\":\"a\",\"sum\":true}", "does nothing");
}

int test_source_file(void);

int test_source_file(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_content_without_blanks_is_said),
		cmocka_unit_test(a_place_in_json_is_said),
		cmocka_unit_test(what_is_no_text_is_unknown),
		cmocka_unit_test(what_is_no_file_is_unknown),
		cmocka_unit_test(its_age_is_said),
		cmocka_unit_test(evidence_is_of_the_file),
		cmocka_unit_test(links_of_a_volume_are_followed),
		cmocka_unit_test(wrong_settings_are_refused),
	};

	return cmocka_run_group_tests_name("source_file", tests, NULL, NULL);
}
