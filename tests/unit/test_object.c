/* SPDX-License-Identifier: Apache-2.0 */
/* object: setting_object, JSON objects whose members are settings. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/json.h"
#include "base/list.h"
#include "base/setting_object.h"

#include <stddef.h>
#include <string.h>

struct values {
	char *text;
	int64_t time;
	bool flag;
	struct list list;
};

static const struct setting rows[] = {
	{ .name = "x-text", .type = SETTING_TEXT, .offset = offsetof(struct values, text) },
	{ .name = "x-time",
	  .type = SETTING_DURATION,
	  .standard = "2s",
	  .offset = offsetof(struct values, time) },
};
static const struct setting more[] = {
	{ .name = "x-flag", .type = SETTING_FLAG, .offset = offsetof(struct values, flag) },
	{ .name = "x-list", .type = SETTING_LIST, .offset = offsetof(struct values, list) },
};
static const struct setting_group group = SETTING_GROUP(rows), second = SETTING_GROUP(more);
static const struct setting_group *const groups[] = { &group, &second };
static const struct setting_object object = {
	.what = "a thing",
	.groups = groups,
	.count = 2,
	.prefix = 2,
	.size = sizeof(struct values),
};

static int set(struct values *v, const char *text, struct err *e)
{
	struct json *j = json_read(text, e);

	if (!j)
		fail_msg("no JSON: %s", text);
	setting_object_init(&object, v);
	int status = setting_object_set(&object, v, j, e);
	json_free(j);
	return status;
}

static void members_are_settings(void **state)
{
	struct values v;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(set(&v, "{\"list\":[\"a\",1,2.5,true],\"flag\":true,\"text\":7}", &e), 0);
	assert_string_equal(v.text, "7");
	assert_int_equal(v.time, 2000);
	assert_true(v.flag);
	assert_int_equal(v.list.count, 4);
	assert_string_equal(v.list.items[2], "2.5");
	assert_string_equal(v.list.items[3], "true");
	setting_object_clear(&object, &v);
	assert_null(v.text);
	assert_int_equal(v.list.count, 0);
	assert_int_equal(set(&v, "{\"list\":\"a\",\"time\":\"5s\"}", &e), 0);
	assert_int_equal(v.list.count, 1);
	assert_int_equal(v.time, 5000);
	setting_object_clear(&object, &v);
}

static void mistakes_name_the_member(void **state)
{
	static const char *const mistakes[][2] = {
		{ "1", "expected a JSON object" },
		{ "{\"x-text\":\"a\"}", "\"x-text\": no setting of a thing has this name" },
		{ "{\"\":\"a\"}", "\"\": no setting" },
		{ "{\"Text\":\"a\"}", "\"Text\": no setting" },
		{ "{\"text\":\"a\",\"text\":\"a\"}", "\"text\": it is there twice" },
		{ "{\"text\":null}", "\"text\": expected a text or a number" },
		{ "{\"text\":{}}", "\"text\": expected a text or a number" },
		{ "{\"list\":[null]}", "\"list\": expected a text or a number" },
		{ "{\"list\":[[]]}", "\"list\": expected a text or a number" },
		{ "{\"time\":5}", "\"time\": " },
		{ "{\"time\":\"soon\"}", "\"time\": " },
		{ "{\"flag\":\"perhaps\"}", "\"flag\": " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct values v;
		struct err e = { 0 };

		if (set(&v, mistakes[i][0], &e) == 0 || e.kind != ERR_USAGE ||
		    strncmp(e.text, mistakes[i][1], strlen(mistakes[i][1])) != 0)
			fail_msg("%s: expected '%s', got '%s'", mistakes[i][0], mistakes[i][1],
				 e.text);
		setting_object_clear(&object, &v);
	}
}

int test_object(void);

int test_object(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_settings),
		cmocka_unit_test(mistakes_name_the_member),
	};

	return cmocka_run_group_tests_name("object", tests, NULL, NULL);
}
