/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/mem.h"
#include "probe/metrics_page.h"

#include <string.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The example of the format's own page, and what OpenMetrics adds. */
static const char page[] =
	"# HELP http_requests_total The total number of HTTP requests.\n"
	"# TYPE http_requests_total counter\n"
	"http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n"
	"http_requests_total{method=\"post\",code=\"400\"}    3 1395066363000\n"
	"\n"
	"# Escaping in label values:\n"
	"msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot find "
	"file:\\n\\\"FILE.TXT\\\"\"} 1.458255915e9\n"
	"# Minimalistic line:\n"
	"metric_without_timestamp_and_labels 12.47\n"
	"# A weird metric from before the epoch:\n"
	"something_weird{problem=\"division by zero\"} +Inf -3982045\n"
	"http_request_duration_seconds_bucket{le=\"+Inf\"} 144320\n"
	"rpc_duration_seconds{quantile=\"0.01\"} NaN\n"
	"# \tno comment\n"
	" \t players { mode = \"ctf\" , map=\"a,b}\" , } \t 4 \t\n"
	"players{mode=\"dm\"} 5\n"
	"players{} 6\n"
	"bots{mode=\"ctf\"} -1\n"
	"bots{mode=\"dm\"} 1\n"
	"foo_bucket{le=\"1\"} 8 1520879607.789 # {trace_id=\"KOO5S4vxi0o\"} 0.67\n"
	"foo_total 17.0 # {} 1\n"
	"a:b 1\n"
	"twice 0\n"
	"twice 0\n"
	"# EOF\n";

struct found {
	const char *sample;
	bool sum;
	double value;
};

static const struct found found[] = {
	{ "http_requests_total{code=\"400\"}", false, 3 },
	{ "http_requests_total{code=\"200\",method=\"post\"}", false, 1027 },
	{ "http_requests_total", true, 1030 },
	{ "metric_without_timestamp_and_labels", false, 12.47 },
	{ "msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\"}", false, 1458255915 },
	{ "msdos_file_access_time_seconds{error=\"Cannot find file:\\n\\\"FILE.TXT\\\"\"}", false,
	  1458255915 },
	{ "players{mode=\"ctf\"}", false, 4 },
	{ "players{map=\"a,b}\"}", false, 4 },
	{ "players { mode = \"dm\", } ", false, 5 },
	/* As in PromQL, a label that is not there is empty. */
	{ "players{mode=\"\"}", false, 6 },
	{ "players{map=\"\"}", true, 11 },
	{ "players", true, 15 },
	{ "players{}", true, 15 },
	{ "bots{mode=\"ctf\"}", false, -1 },
	{ "foo_bucket", false, 8 },
	{ "foo_total", false, 17 },
	{ "a:b", true, 1 },
	{ "http_request_duration_seconds_bucket{le=\"+Inf\"}", false, 144320 },
};

static void a_sample_is_found(void **state)
{
	double value;
	struct err e;

	(void)state;
	for (size_t i = 0; i < LEN(found); i++) {
		assert_int_equal(metrics_page_check(found[i].sample, &e), 0);
		if (metrics_page_read(page, found[i].sample, found[i].sum, &value, &e) < 0)
			fail_msg("%s: %s", found[i].sample, e.text);
		if (value < found[i].value || value > found[i].value)
			fail_msg("%s: %g", found[i].sample, value);
	}
}

struct missed {
	const char *sample, *why;
	bool sum;
};

static const struct missed missed[] = {
	{ "nothing", "no sample fits", false },
	{ "nothing", "no sample fits", true },
	{ "player", "no sample fits", true },
	{ "playerss", "no sample fits", true },
	{ "players{mode=\"ct\"}", "no sample fits", true },
	{ "players{mode=\"ctf\",map=\"b\"}", "no sample fits", true },
	{ "players{team=\"red\"}", "no sample fits", true },
	{ "players", "3 samples fit, expected one", false },
	{ "twice", "2 samples fit, expected one", false },
	{ "something_weird", "its value is not a number", false },
	{ "something_weird", "its value is not a number", true },
	{ "rpc_duration_seconds", "its value is not a number", false },
	{ "rpc_duration_seconds", "its value is not a number", true },
	{ "bots", "line 18 is negative: no sum", true },
};

static void what_is_not_one_number_is_refused(void **state)
{
	double value;

	(void)state;
	for (size_t i = 0; i < LEN(missed); i++) {
		struct err e = { 0 };

		assert_int_equal(
			metrics_page_read(page, missed[i].sample, missed[i].sum, &value, &e), -1);
		assert_string_equal(e.text, missed[i].why);
	}
}

static void a_malformed_line_anywhere_spoils_the_page(void **state)
{
	static const char *const lines[] = {
		"other",
		"other{",
		"other{}",
		"other{} ",
		"other 1 2 3",
		"other 1 # x\nother",
		"other one",
		"other 0x10",
		"other 1_000",
		"other 1,5",
		"other 1\r",
		"other -",
		"other 1e",
		"other 3 now",
		"other nano",
		"other-name 3",
		"9lives 3",
		"{a=\"b\"} 3",
		"{\"other\",a=\"b\"} 3",
		"other{a=b} 3",
		"other{a=\"b} 3",
		"other{a=\"b\\\"} 3",
		"other{a=\"b\\t\"} 3",
		"other{a=\"b\"c=\"d\"} 3",
		"other{a=\"b\",,} 3",
		"other{,} 3",
		"other{a:b=\"c\"} 3",
		"other{9=\"c\"} 3",
		"other{=\"c\"} 3",
		"other{a} 3",
		"<html>",
		"{\"json\": 3}",
		"other 00000000000000000000000000000000000000000000000000000000000000003",
		"\x1f\x8b\x08",
		"players{mode=\"a\",mode=\"\"} 3",
	};

	(void)state;
	for (size_t i = 0; i < LEN(lines); i++) {
		owned char *after = mem_format("players 1\n%s\n", lines[i]);
		owned char *before = mem_format("%s\nplayers 1\n", lines[i]);
		struct err e;
		double value;

		if (metrics_page_read(after, "players{mode=\"\"}", true, &value, &e) == 0 ||
		    metrics_page_read(before, "players{mode=\"\"}", true, &value, &e) == 0)
			fail_msg("taken: %s", lines[i]);
		assert_non_null(strstr(e.text, "is malformed"));
	}
}

/* Cut within a line it says nothing, in the last one too: "players 1" of "players 12". */
static void a_page_that_was_cut_says_nothing(void **state)
{
	struct err e;
	double value;

	(void)state;
	for (size_t length = 1; length < strlen(page); length++) {
		owned char *part = mem_copy_part(page, length);

		if (part[length - 1] == '\n')
			continue;
		assert_int_equal(metrics_page_read(part, "http_requests_total", true, &value, &e),
				 -1);
	}
	assert_int_equal(metrics_page_read("players 1", "players", false, &value, &e), -1);
	assert_string_equal(e.text, "line 1 is malformed or cut");
	assert_int_equal(metrics_page_read("", "players", true, &value, &e), -1);
	assert_string_equal(e.text, "no sample fits");
}

static void a_sum_beyond_all_numbers_is_none(void **state)
{
	struct err e;
	double value;

	(void)state;
	assert_int_equal(
		metrics_page_read("a{x=\"1\"} 1.7e308\na 1.7e308\n", "a", true, &value, &e), -1);
	assert_string_equal(e.text, "its value is not a number");
}

static void what_is_asked_for_is_checked(void **state)
{
	static const char *const bad[] = {
		"",       "{}",          "a b",           "a{",           "a{b}",
		"a{b=c}", "a{b=~\"c\"}", "a{b!=\"c\"}",   "a{b=\"c\"} 3", "sum(a)",
		"a[5m]",  "a{b='c'}",    "a{b=\"c\nd\"}", "a{b=\"c\"}\n", "a\n",
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		if (metrics_page_check(bad[i], &e) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

int test_metrics(void);

int test_metrics(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sample_is_found),
		cmocka_unit_test(what_is_not_one_number_is_refused),
		cmocka_unit_test(a_malformed_line_anywhere_spoils_the_page),
		cmocka_unit_test(a_page_that_was_cut_says_nothing),
		cmocka_unit_test(a_sum_beyond_all_numbers_is_none),
		cmocka_unit_test(what_is_asked_for_is_checked),
	};

	return cmocka_run_group_tests_name("metrics_page", tests, NULL, NULL);
}
