/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/address.h"
#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/setting.h"

#include <string.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

struct values {
	char *text;
	struct list list;
	int64_t duration, count;
	bool flag;
	int choice;
	struct address address;
	int signal;
	struct status_range status;
	char *url;
};

#define AT(member) offsetof(struct values, member)

static const char *const choices[] = { "in-place", "data", NULL };

static const struct setting rows[] = {
	[SETTING_TEXT] = { .name = "text", .type = SETTING_TEXT, .offset = AT(text) },
	[SETTING_LIST] = { .name = "list", .type = SETTING_LIST, .offset = AT(list) },
	[SETTING_DURATION] = { .name = "duration",
			       .type = SETTING_DURATION,
			       .offset = AT(duration) },
	[SETTING_COUNT] = { .name = "count", .type = SETTING_COUNT, .offset = AT(count) },
	[SETTING_FLAG] = { .name = "flag", .type = SETTING_FLAG, .offset = AT(flag) },
	[SETTING_CHOICE] = { .name = "choice",
			     .type = SETTING_CHOICE,
			     .offset = AT(choice),
			     .choices = choices },
	[SETTING_ADDRESS] = { .name = "address", .type = SETTING_ADDRESS, .offset = AT(address) },
	[SETTING_SIGNAL] = { .name = "signal", .type = SETTING_SIGNAL, .offset = AT(signal) },
	[SETTING_STATUS] = { .name = "status", .type = SETTING_STATUS, .offset = AT(status) },
	[SETTING_URL] = { .name = "url", .type = SETTING_URL, .offset = AT(url) },
};

static void clear_all(struct values *v)
{
	for (size_t i = 0; i < LEN(rows); i++)
		setting_clear(&rows[i], v);
}

static void assert_shown(enum setting_type type, const char *text, const char *shown)
{
	struct values v = { 0 };
	struct err e = { 0 };

	assert_int_equal(setting_set(&rows[type], &v, text, &e), 0);
	owned char *seen = setting_show(&rows[type], &v);
	assert_string_equal(seen, shown);
	clear_all(&v);
}

static void assert_refused(enum setting_type type, const char *text)
{
	struct values v = { 0 };
	struct err e = { 0 };

	assert_int_equal(setting_set(&rows[type], &v, text, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_true(e.text[0] != '\0');
	clear_all(&v);
}

static void values_are_shown_as_written(void **state)
{
	(void)state;
	assert_shown(SETTING_TEXT, "a b", "a b");
	assert_shown(SETTING_LIST, "a", "a");
	assert_shown(SETTING_LIST, "a\nb c\n\nd\n", "a\nb c\nd");
	assert_shown(SETTING_DURATION, "0", "0s");
	assert_shown(SETTING_DURATION, "1500ms", "1500ms");
	assert_shown(SETTING_DURATION, "90s", "90s");
	assert_shown(SETTING_DURATION, "5m", "300s");
	assert_shown(SETTING_COUNT, "0", "0");
	assert_shown(SETTING_COUNT, "1099511627776", "1099511627776");
	assert_shown(SETTING_FLAG, "true", "true");
	assert_shown(SETTING_FLAG, "false", "false");
	assert_shown(SETTING_CHOICE, "in-place", "in-place");
	assert_shown(SETTING_CHOICE, "data", "data");
	assert_shown(SETTING_ADDRESS, "localhost:80", "127.0.0.1:80");
	assert_shown(SETTING_ADDRESS, "unix:/a", "unix:/a");
	assert_shown(SETTING_SIGNAL, "hup", "SIGHUP");
	assert_shown(SETTING_STATUS, "200", "200");
	assert_shown(SETTING_STATUS, "200-299", "200-299");
	assert_shown(SETTING_URL, "http://h/x", "http://h/x");
	assert_shown(SETTING_URL, "https://[::1]:8/x", "https://[::1]:8/x");
}

static void wrong_values_are_refused(void **state)
{
	(void)state;
	assert_refused(SETTING_TEXT, "");
	assert_refused(SETTING_LIST, "");
	assert_refused(SETTING_LIST, "\n\n");
	assert_refused(SETTING_DURATION, "5");
	assert_refused(SETTING_DURATION, "");
	assert_refused(SETTING_COUNT, "-1");
	assert_refused(SETTING_COUNT, "1099511627777");
	assert_refused(SETTING_FLAG, "");
	assert_refused(SETTING_FLAG, "True");
	assert_refused(SETTING_FLAG, "1");
	assert_refused(SETTING_FLAG, "yes");
	assert_refused(SETTING_CHOICE, "");
	assert_refused(SETTING_CHOICE, "Data");
	assert_refused(SETTING_CHOICE, "dat");
	assert_refused(SETTING_ADDRESS, "nowhere");
	assert_refused(SETTING_SIGNAL, "0");
	assert_refused(SETTING_STATUS, "20");
	assert_refused(SETTING_URL, "");
	assert_refused(SETTING_URL, "ftp://h/");
	assert_refused(SETTING_URL, "h/x");
	assert_refused(SETTING_URL, "http://");
	assert_refused(SETTING_URL, "http:///x");
	assert_refused(SETTING_URL, "http://:80/");
	assert_refused(SETTING_URL, "http://?q");
	assert_refused(SETTING_URL, "http://h/a b");
	assert_refused(SETTING_URL, "http://h/\n");
	assert_refused(SETTING_URL, "HTTP://h/");
}

static void a_choice_names_what_there_is(void **state)
{
	struct values v = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(setting_set(&rows[SETTING_CHOICE], &v, "x", &e), -1);
	assert_string_equal(e.text, "expected one of in-place, data, got 'x'");
}

static void what_is_not_set_is_not_shown(void **state)
{
	static const bool always[] = {
		[SETTING_DURATION] = true, [SETTING_COUNT] = true, [SETTING_FLAG] = true,
		[SETTING_CHOICE] = true,   [SETTING_URL] = false,
	};
	struct values v = { 0 };

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		owned char *seen = setting_show(&rows[i], &v);

		assert_int_equal(seen != NULL, always[i]);
	}
}

static void clearing_unsets(void **state)
{
	static const struct {
		enum setting_type type;
		const char *text;
	} set[] = {
		{ SETTING_TEXT, "a" },
		{ SETTING_LIST, "a\nb" },
		{ SETTING_ADDRESS, "unix:/a" },
		{ SETTING_URL, "http://h" },
	};
	struct values v = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < LEN(set); i++) {
		assert_int_equal(setting_set(&rows[set[i].type], &v, set[i].text, &e), 0);
		setting_clear(&rows[set[i].type], &v);
		assert_null(setting_show(&rows[set[i].type], &v));
		setting_clear(&rows[set[i].type], &v);
	}
}

static void setting_again_replaces_but_a_list_grows(void **state)
{
	struct values v = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(setting_set(&rows[SETTING_TEXT], &v, "a", &e), 0);
	assert_int_equal(setting_set(&rows[SETTING_TEXT], &v, "b", &e), 0);
	assert_string_equal(v.text, "b");
	assert_int_equal(setting_set(&rows[SETTING_TEXT], &v, "", &e), -1);
	assert_string_equal(v.text, "b");
	assert_int_equal(setting_set(&rows[SETTING_ADDRESS], &v, "unix:/a", &e), 0);
	assert_int_equal(setting_set(&rows[SETTING_ADDRESS], &v, "unix:/b", &e), 0);
	assert_string_equal(v.address.text, "/b");
	assert_int_equal(setting_set(&rows[SETTING_LIST], &v, "a", &e), 0);
	assert_int_equal(setting_set(&rows[SETTING_LIST], &v, "b", &e), 0);
	assert_int_equal(v.list.count, 2);
	assert_string_equal(v.list.items[1], "b");
	clear_all(&v);
}

static void an_empty_item_is_an_error_later_too(void **state)
{
	struct values v = { 0 };
	struct err e = { 0 };
	int first = setting_set(&rows[SETTING_LIST], &v, "a", &e);
	int second = setting_set(&rows[SETTING_LIST], &v, "", &e);

	(void)state;
	clear_all(&v);
	assert_int_equal(first, 0);
	assert_int_equal(second, -1);
}

static void what_is_too_long_is_refused(void **state)
{
	size_t most = (size_t)64 * 1024;
	owned char *text = mem_alloc(most + 2);
	struct values v = { 0 };
	struct err e = { 0 };

	(void)state;
	memset(text, 'x', most + 1);
	assert_int_equal(setting_set(&rows[SETTING_TEXT], &v, text, &e), -1);
	assert_string_equal(e.text, "longer than 65536 bytes");
	text[most] = '\0';
	assert_int_equal(setting_set(&rows[SETTING_TEXT], &v, text, &e), 0);
	assert_int_equal(strlen(v.text), most);
	clear_all(&v);
}

static void secrets_are_not_shown(void **state)
{
	struct setting secret = rows[SETTING_TEXT], secret_list = rows[SETTING_LIST];
	struct values v = { 0 };
	struct err e;

	(void)state;
	secret.secret = secret_list.secret = true;
	assert_null(setting_show(&secret, &v));
	assert_int_equal(setting_set(&secret, &v, "hunter2", &e), 0);
	assert_int_equal(setting_set(&secret_list, &v, "Authorization: hunter2", &e), 0);
	owned char *shown = setting_show(&secret, &v);
	owned char *shown_list = setting_show(&secret_list, &v);
	assert_string_equal(shown, "(set)");
	assert_string_equal(shown_list, "(set)");
	clear_all(&v);
}

static void urls_are_shown_without_secrets(void **state)
{
	static const struct {
		const char *url, *shown;
	} urls[] = {
		{ "http://h", "http://h" },
		{ "http://h:80/a/b", "http://h:80/a/b" },
		{ "http://user:pw@h/x", "http://h/x" },
		{ "http://user@h:80", "http://h:80" },
		{ "http://a@b@c/x", "http://c/x" },
		{ "http://a:b@c:d@h", "http://h" },
		{ "http://a@/x", "http:///x" },
		{ "http://:@h/x", "http://h/x" },
		{ "http://h/a@b", "http://h/a@b" },
		{ "http://u:p@h/a@b@c", "http://h/a@b@c" },
		{ "http://h/x?token=1", "http://h/x?..." },
		{ "http://h?token=1", "http://h?..." },
		{ "http://h/x?", "http://h/x?..." },
		{ "http://h/x?a?b", "http://h/x?..." },
		{ "http://h/x?m=a@b", "http://h/x?..." },
		{ "http://h?u:p@x", "http://h?..." },
		{ "http://h/x#token", "http://h/x?..." },
		{ "http://h#u:p@x", "http://h?..." },
		{ "http://u:p@h/x?q#f", "http://h/x?..." },
		{ "https://u:p@[::1]:8/x", "https://[::1]:8/x" },
		{ "http://h/x://y@z", "http://h/x://y@z" },
		{ "http://u:p://x@h/", "http://u:p://x@h/" }, /* its host ends at the slash */
		{ "u:p@h/x", "h/x" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(urls); i++) {
		owned char *shown = setting_url_shown(urls[i].url);

		assert_string_equal(shown, urls[i].shown);
	}
}

static void a_set_url_is_shown_without_secrets(void **state)
{
	(void)state;
	assert_shown(SETTING_URL, "http://user:pw@h/x?token=1", "http://h/x?...");
}

int test_setting(void);

int test_setting(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_shown_as_written),
		cmocka_unit_test(wrong_values_are_refused),
		cmocka_unit_test(a_choice_names_what_there_is),
		cmocka_unit_test(what_is_not_set_is_not_shown),
		cmocka_unit_test(clearing_unsets),
		cmocka_unit_test(setting_again_replaces_but_a_list_grows),
		cmocka_unit_test(an_empty_item_is_an_error_later_too),
		cmocka_unit_test(what_is_too_long_is_refused),
		cmocka_unit_test(secrets_are_not_shown),
		cmocka_unit_test(urls_are_shown_without_secrets),
		cmocka_unit_test(a_set_url_is_shown_without_secrets),
	};

	return cmocka_run_group_tests_name("setting", tests, NULL, NULL);
}
