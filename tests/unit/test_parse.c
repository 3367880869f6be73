/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/parse.h"

#include <limits.h>
#include <signal.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static void durations_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "1ms", 1 },
		{ "250ms", 250 },
		{ "10s", 10000 },
		{ "5m", 300000 },
		{ "1h", 3600000 },
		{ "1.5s", 1500 },
		{ "0.25s", 250 },
		{ "0.5m", 30000 },
		{ "007s", 7000 },
		{ "2147483647ms", INT32_MAX },
		{ "596h", 2145600000 },
	};
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < LEN(good); i++) {
		int64_t ms = -1;

		assert_int_equal(parse_duration(good[i].text, &ms, &e), 0);
		assert_int_equal(ms, good[i].ms);
	}
}

static void other_durations_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"s",
		"ms",
		".",
		".5s",
		"-1s",
		"+1s",
		"1",
		"10",
		"1.5",
		" 1s",
		"1s ",
		"1 s",
		"1s\n",
		"1S",
		"1sec",
		"1d",
		"1us",
		"1m30s",
		"1e5",
		"1e5s",
		"1e1s",
		"inf",
		"infs",
		"nan",
		"nans",
		"0x1",
		"0x1s",
		"0x1p3s",
		"1..5s",
		"1.5.5s",
		"1,5s",
		"597h",
		"35792m",
		"2147484s",
		"2147483648ms",
		"99999999999999999999s",
		"99999999999999999999999999999999999999h",
		"1s1s",
		"٣s",
	};
	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		struct err e = { 0 };
		int64_t ms = 77;

		assert_int_equal(parse_duration(bad[i], &ms, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_int_equal(ms, 77);
	}
}

static void a_bare_zero_is_written_in_digits(void **state)
{
	static const char *const bad[] = { "0x0", "0X0", "0e5", "0e", "0x", "0x0p1", "0E-9" };

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		struct err e = { 0 };
		int64_t ms = 77;

		assert_int_equal(parse_duration(bad[i], &ms, &e), -1);
		assert_int_equal(ms, 77);
	}
}

static void the_message_says_what_was_expected(void **state)
{
	struct err e = { 0 };
	int64_t value;

	(void)state;
	assert_int_equal(parse_duration("soon", &value, &e), -1);
	assert_string_equal(e.text, "expected a duration such as 250ms, 10s, 5m or 1h (at most "
				    "596h), got 'soon'");
	assert_int_equal(parse_count("x", 1, 9, &value, &e), -1);
	assert_string_equal(e.text, "expected a number from 1 to 9, got 'x'");
}

static void counts_are_read(void **state)
{
	struct err e = { 0 };
	int64_t value = -1;

	(void)state;
	assert_int_equal(parse_count("0", 0, 9, &value, &e), 0);
	assert_int_equal(value, 0);
	assert_int_equal(parse_count("9", 0, 9, &value, &e), 0);
	assert_int_equal(value, 9);
	assert_int_equal(parse_count("010", 0, 10, &value, &e), 0);
	assert_int_equal(value, 10);
	assert_int_equal(parse_count("9223372036854775807", 0, INT64_MAX, &value, &e), 0);
	assert_int_equal(value, INT64_MAX);
}

static void other_counts_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"-1",
		"+1",
		"-0",
		" 1",
		"1 ",
		"1\n",
		"1.0",
		"1e1",
		"0x10",
		"1k",
		"one",
		"inf",
		"101",
		"9223372036854775808",
		"0",
		"4",
		"99999999999999999999999999",
	};

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		struct err e = { 0 };
		int64_t value = 77;

		assert_int_equal(parse_count(bad[i], 5, 100, &value, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_int_equal(value, 77);
	}
}

static void signals_are_read(void **state)
{
	static const struct {
		const char *text;
		int number;
	} good[] = {
		{ "HUP", SIGHUP },
		{ "SIGHUP", SIGHUP },
		{ "hup", SIGHUP },
		{ "sighup", SIGHUP },
		{ "SigUsr1", SIGUSR1 },
		{ "USR2", SIGUSR2 },
		{ "1", 1 },
		{ "15", SIGTERM },
		{ "64", 64 },
		{ "WINCH", SIGWINCH },
		{ "kill", SIGKILL },
		{ "040", 40 },
	};
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < LEN(good); i++) {
		int number = 0;

		assert_int_equal(parse_signal(good[i].text, &number, &e), 0);
		assert_int_equal(number, good[i].number);
	}
}

static void other_signals_are_refused(void **state)
{
	static const char *const bad[] = { "",     "0",   "65",       "-1",     "HUP ",
					   " HUP", "SIG", "HU",       "HUPP",   "SIGSIGHUP",
					   "1 ",   "0x1", "SIGRTMIN", "RTMIN+1" };

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		struct err e = { 0 };
		int number = 77;

		assert_int_equal(parse_signal(bad[i], &number, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_int_equal(number, 77);
	}
}

static void every_signal_keeps_its_name(void **state)
{
	(void)state;
	for (int number = 1; number <= 31; number++) {
		struct err e;
		int again = 0;

		assert_int_equal(parse_signal(signal_name(number), &again, &e), 0);
		assert_int_equal(again, number);
	}
	assert_string_equal(signal_name(SIGHUP), "SIGHUP");
	assert_string_equal(signal_name(SIGIO), "SIGIO");
	assert_string_equal(signal_name(40), "signal 40");
}

static void status_ranges_are_read(void **state)
{
	struct status_range range = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(parse_status_range("200", &range, &e), 0);
	assert_int_equal(range.least, 200);
	assert_int_equal(range.most, 200);
	assert_int_equal(parse_status_range("200-299", &range, &e), 0);
	assert_int_equal(range.least, 200);
	assert_int_equal(range.most, 299);
	assert_int_equal(parse_status_range("100-599", &range, &e), 0);
	assert_int_equal(range.least, 100);
	assert_int_equal(range.most, 599);
	assert_int_equal(parse_status_range("204-204", &range, &e), 0);
	assert_int_equal(range.most, 204);
}

static void other_status_ranges_are_refused(void **state)
{
	static const char *const bad[] = {
		"",         "2",         "20",      "099",     "600",         "2000",     "2xx",
		" 200",     "200 ",      "200-",    "-299",    "200-29",      "200-2999", "299-200",
		"200--299", "200 - 299", "200-600", "099-200", "200-299,304", "+200",     "200-+29",
	};

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		struct status_range range = { 7, 7 };
		struct err e = { 0 };

		assert_int_equal(parse_status_range(bad[i], &range, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_int_equal(range.least, 7);
	}
}

static void headers_are_checked(void **state)
{
	static const char *const good[] = { "A: b", "X-Scope-OrgID:1", "a:", "A: b\tc: \xc3\xa9" };
	static const char *const bad[] = {
		"", "A", ":", ": b", "A B: c", "A\n: b", "A: b\r\nC: d", "(A): b"
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < LEN(good); i++)
		assert_int_equal(parse_header(good[i], &e), 0);
	for (size_t i = 0; i < LEN(bad); i++) {
		assert_int_equal(parse_header(bad[i], &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_string_equal(e.text, "expected a header, 'NAME: VALUE'");
	}
}

int test_parse(void);

int test_parse(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(other_durations_are_refused),
		cmocka_unit_test(a_bare_zero_is_written_in_digits),
		cmocka_unit_test(the_message_says_what_was_expected),
		cmocka_unit_test(counts_are_read),
		cmocka_unit_test(other_counts_are_refused),
		cmocka_unit_test(signals_are_read),
		cmocka_unit_test(other_signals_are_refused),
		cmocka_unit_test(every_signal_keeps_its_name),
		cmocka_unit_test(status_ranges_are_read),
		cmocka_unit_test(other_status_ranges_are_refused),
		cmocka_unit_test(headers_are_checked),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
