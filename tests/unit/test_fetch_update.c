/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/json.h"
#include "base/mem.h"
#include "fetch/update.h"

#include <string.h>

#define CONFIGURED                                                                     \
	"[{\"name\": \"patch\", \"http\": \"https://me:pw@Files.example.com/1.tar\", " \
	"\"into\": \"js\"},"                                                           \
	" {\"name\": \"rules\", \"git\": \"https://git.example.com/r.git\", "          \
	"\"ref\": \"main\", \"token-file\": \"/t\"}]"

/* What becomes of the configured sources, on one line; NULL with e. */
static char *apply(const char *pushed, struct err *e)
{
	owned char *text = mem_format("{\"pushed\": %s, \"sources\": [\"patch\", \"rules\", "
				      "\"update\", \"new\"], \"hosts\": [\"cdn.example.com\", "
				      "\"http://local:8080\"]}",
				      pushed);
	struct json *update = json_read(text, e), *sources = json_read(CONFIGURED, e);
	struct json *result = update_apply(update, json_get(update, "pushed"), sources, e);
	char *ret = result ? json_print(result, false) : NULL;

	json_free(result);
	json_free(sources);
	json_free(update);
	return ret;
}

static char *one_source(const char *members)
{
	return mem_format("{\"version\": \"2\", \"sources\": [{%s}]}", members);
}

static void what_is_pushed_wins_and_all_else_stays(void **state)
{
	struct err e = { 0 };
	owned char *pushed =
		one_source("\"name\": \"patch\", \"http\": \"https://files.example.com/2.tar\"");
	owned char *got = apply(pushed, &e);

	(void)state;
	assert_non_null(got);
	assert_non_null(strstr(got, "{\"into\":\"js\",\"name\":\"patch\","
				    "\"http\":\"https://files.example.com/2.tar\"}"));
	assert_non_null(strstr(got, "\"token-file\":\"/t\""));
	owned char *ref = one_source("\"name\": \"rules\", \"ref\": \"v2\"");
	owned char *with_ref = apply(ref, &e);
	assert_non_null(strstr(with_ref, "\"git\":\"https://git.example.com/r.git\""));
	assert_non_null(strstr(with_ref, "\"ref\":\"v2\""));
	assert_null(strstr(with_ref, "main"));
}

static void what_is_not_configured_lies_on_top(void **state)
{
	struct err e = { 0 };
	owned char *pushed = one_source("\"name\": \"new\", \"http\": \"http://LOCAL:8080/x\"");
	owned char *got = apply(pushed, &e);
	owned char *by_url = apply("{\"version\": \"2\", \"url\": \"https://cdn.example.com/x\", "
				   "\"sha256\": \"00\"}",
				   &e);

	(void)state;
	assert_non_null(got);
	assert_string_equal(strrchr(got, '{'),
			    "{\"name\":\"new\",\"http\":\"http://LOCAL:8080/x\"}]");
	assert_non_null(by_url);
	assert_string_equal(strrchr(by_url, '{'),
			    "{\"name\":\"update\",\"http\":\"https://cdn.example.com/x\","
			    "\"sha256\":\"00\"}]");
}

static void places_are_only_those_that_are_allowed(void **state)
{
	static const char *const refused[] = {
		"http://files.example.com/2.tar", /* another scheme */
		"https://files.example.com:444/2.tar",
		"https://files.example.com.evil.org/2.tar",
		"https://evil.org/?https://files.example.com/",
		"https://evil.org#https://files.example.com/",
		"https://files.example.com@evil.org/2.tar",
		"https://files.example.com\\\\@evil.org/2.tar",
		"https://files.example.com%2f@evil.org/",
		"http://cdn.example.com/x",
		"https://local:8080/x",
		"http://local:80801/x",
		"file:///etc/passwd",
		"files.example.com/x",
		"https:///x",
		"https://",
		"",
		"ext::sh -c true",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct err e = { 0 };
		owned char *members =
			mem_format("\"name\": \"patch\", \"http\": \"%s\"", refused[i]);
		owned char *pushed = one_source(members);
		owned char *got = apply(pushed, &e);

		if (got)
			fail_msg("'%s' was let through", refused[i]);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

static void nothing_of_this_machine_can_be_pushed(void **state)
{
	static const char *const refused[] = {
		"\"archive\": \"/x.tar\"",
		"\"command\": [\"sh\"]",
		"\"headers-file\": \"/etc/shadow\"",
		"\"key-file\": \"/k\"",
		"\"ca-file\": \"/c\"",
		"\"token-file\": \"/t\"",
		"\"public-key\": \"/p\"",
		"\"endpoint\": \"https://evil.org\"",
		"\"into\": \"..\"",
		"\"most-bytes\": 1",
		"\"timeout\": \"1h\"",
		"\"signature\": \"/etc/passwd\"",
		"\"signature\": \"https://evil.org/x.sig\"",
		"\"http\": 7",
		"\"http\": null",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct err e = { 0 };
		owned char *members = mem_format("\"name\": \"patch\", %s", refused[i]);
		owned char *pushed = one_source(members);
		owned char *got = apply(pushed, &e);

		if (got)
			fail_msg("%s was let through", refused[i]);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

static void other_shapes_are_refused(void **state)
{
	static const char *const refused[] = {
		"null",
		"[]",
		"\"x\"",
		"{}",
		"{\"version\": \"\", \"sources\": [{\"name\": \"patch\"}]}",
		"{\"version\": 2, \"sources\": [{\"name\": \"patch\"}]}",
		"{\"version\": \"2\"}",
		"{\"version\": \"2\", \"sources\": []}",
		"{\"version\": \"2\", \"sources\": {}}",
		"{\"version\": \"2\", \"sources\": [1]}",
		"{\"version\": \"2\", \"sources\": [{}]}",
		"{\"version\": \"2\", \"sources\": [{\"name\": \"other\"}]}",
		"{\"version\": \"2\", \"sources\": [{\"name\": \"new\"}]}",
		"{\"version\": \"2\", \"sources\": [{\"name\": \"patch\"}, {\"name\": \"patch\"}]}",
		"{\"version\": \"2\", \"sources\": [{\"name\": \"patch\"}], \"url\": \"x\"}",
		"{\"version\": \"2\", \"url\": \"https://cdn.example.com/x\"}",
		"{\"version\": \"2\", \"url\": \"https://evil.org/x\", \"sha256\": \"00\"}",
		"{\"version\": \"2\", \"url\": \"https://cdn.example.com/x\", \"into\": \"x\"}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct err e = { 0 };
		owned char *got = apply(refused[i], &e);

		if (got)
			fail_msg("%s was let through", refused[i]);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

int test_fetch_update(void);

int test_fetch_update(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_pushed_wins_and_all_else_stays),
		cmocka_unit_test(what_is_not_configured_lies_on_top),
		cmocka_unit_test(places_are_only_those_that_are_allowed),
		cmocka_unit_test(nothing_of_this_machine_can_be_pushed),
		cmocka_unit_test(other_shapes_are_refused),
	};

	return cmocka_run_group_tests_name("fetch_update", tests, NULL, NULL);
}
