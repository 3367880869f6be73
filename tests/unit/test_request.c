/* SPDX-License-Identifier: Apache-2.0 */
/* request: the settings of the kinds of sources that ask by HTTP. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "probe/source_settings.h"

#include <stdio.h>
#include <string.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* A source of that name with these members. */
static int check(const char *members, struct err *e)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "{\"name\":\"asked\",%s}", members);
	return source_settings_check(text, e);
}

static void sound_settings_are_taken(void **state)
{
	static const char *const good[] = {
		"\"prometheus\":\"http://h:9090\",\"query\":\"up\"",
		"\"prometheus\":\"https://u:p@h/prefix/\",\"query\":\"up\",\"empty\":\"zero\"",
		"\"prometheus\":\"http://h\",\"query\":\"up\",\"headers\":[\"X-Scope-OrgID: 1\"]",
		"\"http\":\"http://h/info?a=b\",\"ca-file\":\"/ca\",\"token-file\":\"/token\"",
		"\"http\":\"http://h/info\",\"json\":\"/a\",\"every\":\"1s\"",
		"\"http\":\"http://h/info\",\"status\":true",
		"\"metrics\":\"http://h/metrics\",\"sample\":\"a{b=\\\"c\\\"}\"",
		"\"metrics\":\"http://h/metrics\",\"sample\":\"a\",\"sum\":true",
	};

	(void)state;
	for (size_t i = 0; i < LEN(good); i++) {
		struct err e;

		if (check(good[i], &e) < 0)
			fail_msg("%s: %s", good[i], e.text);
	}
}

static void others_are_refused_by_name(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "\"prometheus\":\"http://h\"", "\"prometheus\" needs a \"query\"" },
		{ "\"prometheus\":\"h:9090\",\"query\":\"up\"", "expected a URL" },
		{ "\"prometheus\":\"http://h/?a=secret\",\"query\":\"up\"", "/api/v1/query" },
		{ "\"prometheus\":\"http://h/#a\",\"query\":\"up\"", "/api/v1/query" },
		{ "\"prometheus\":\"http://h\",\"query\":\"up\",\"sum\":true", "\"sum\"" },
		{ "\"prometheus\":\"http://h\",\"query\":\"up\",\"empty\":\"none\"", "empty" },
		{ "\"prometheus\":\"http://h\",\"http\":\"http://h\"", "both" },
		{ "\"http\":\"http://h\",\"query\":\"up\"", "\"query\"" },
		{ "\"http\":\"http://h\",\"json\":\"/a\",\"status\":true", "\"status\"" },
		{ "\"http\":\"http://h\",\"headers\":[\"secret\"]", "expected a header" },
		{ "\"http\":\"http://h\",\"headers\":[\"a: b\\r\\nsecret: d\"]",
		  "expected a header" },
		{ "\"metrics\":\"http://h\"", "\"metrics\" needs a \"sample\"" },
		{ "\"metrics\":\"http://h\",\"sample\":\"sum(a)\"", "\"sample\"" },
		{ "\"metrics\":\"http://h\",\"sample\":\"a\",\"json\":\"/a\"", "\"json\"" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		struct err e = { 0 };

		assert_int_equal(check(bad[i].text, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_non_null(strstr(e.text, "asked"));
		if (!strstr(e.text, bad[i].why))
			fail_msg("%s: %s", bad[i].text, e.text);
		assert_null(strstr(e.text, "secret"));
	}
}

int test_request(void);

int test_request(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_settings_are_taken),
		cmocka_unit_test(others_are_refused_by_name),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
