/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

static struct json *read_good(const char *text)
{
	struct err e = { 0 };
	struct json *j = json_read(text, &e);

	assert_non_null(j);
	return j;
}

static void it_is_printed(void **state)
{
	struct json *j = json_object(), *inner = json_object();

	(void)state;
	json_put_text(j, "text", "a\"b");
	json_put_text(j, "nothing", NULL);
	json_put_number(j, "number", 12);
	json_put_bool(j, "yes", true);
	json_put_bool(inner, "no", false);
	json_put(j, "object", inner);
	owned char *text = json_print(j, false);
	assert_string_equal(text, "{\"text\":\"a\\\"b\",\"nothing\":null,\"number\":12,\"yes\":"
				  "true,\"object\":{\"no\":false}}");
	json_free(j);
}

static void people_get_lines(void **state)
{
	struct json *j = json_object();

	(void)state;
	json_put_number(j, "n", 1);
	owned char *text = json_print(j, true);
	assert_string_equal(text, "{\n\t\"n\":\t1\n}\n");
	json_free(j);
}

static void odd_names_are_made_valid(void **state)
{
	struct json *j = json_object();

	(void)state;
	json_put_text(j, "t", "a\nb\xff");
	owned char *text = json_print(j, false);
	assert_string_equal(text, "{\"t\":\"a\\nb\\\\xff\"}");
	json_free(j);
}

static void whole_numbers_are_exact(void **state)
{
	struct json *j = json_object();

	(void)state;
	json_put_number(j, "n", 999999999999999.0);
	owned char *text = json_print(j, false);
	assert_string_equal(text, "{\"n\":999999999999999}");
	json_free(j);
}

static void values_are_told_apart(void **state)
{
	struct json *j = read_good("{\"t\":\"x\",\"n\":1.5,\"b\":false,\"o\":{},\"a\":[],\"z\":"
				   "null}");
	double number = 0;
	bool flag = true;

	(void)state;
	assert_string_equal(json_text(json_get(j, "t")), "x");
	assert_null(json_text(json_get(j, "n")));
	assert_true(json_number(json_get(j, "n"), &number));
	assert_true(number == 1.5);
	assert_false(json_number(json_get(j, "t"), &number));
	assert_true(json_bool(json_get(j, "b"), &flag));
	assert_false(flag);
	assert_false(json_bool(json_get(j, "n"), &flag));
	assert_true(json_is_object(json_get(j, "o")));
	assert_false(json_is_object(json_get(j, "a")));
	assert_true(json_is_array(json_get(j, "a")));
	assert_false(json_is_array(json_get(j, "z")));
	json_free(j);
}

static void what_is_missing_is_nothing(void **state)
{
	struct json *j = read_good("{\"a\":[1]}");
	double number;
	bool flag;

	(void)state;
	assert_null(json_get(j, "b"));
	assert_null(json_get(j, "A"));
	assert_null(json_get(json_get(j, "a"), "b"));
	assert_null(json_get(NULL, "b"));
	assert_null(json_text(NULL));
	assert_false(json_number(NULL, &number));
	assert_false(json_bool(NULL, &flag));
	assert_false(json_is_object(NULL));
	assert_false(json_is_array(NULL));
	json_free(j);
}

static void members_come_in_order_and_doubles_too(void **state)
{
	struct json *j = read_good("{\"b\":1,\"a\":2,\"b\":3}");
	const struct json *m = json_first(j);
	double number = 0;

	(void)state;
	assert_string_equal(json_key(m), "b");
	m = json_next(m);
	assert_string_equal(json_key(m), "a");
	m = json_next(m);
	assert_string_equal(json_key(m), "b");
	assert_true(json_number(m, &number) && number == 3);
	assert_null(json_next(m));
	assert_true(json_number(json_get(j, "b"), &number) && number == 1);
	json_free(j);
}

static void damaged_texts_are_refused(void **state)
{
	static const char *const bad[] = {
		"",           " ",         "{",           "}",       "{\"a\"", "{\"a\":}",
		"{\"a\":1,}", "{a:1}",     "{'a':1}",     "[1,]",    "[1 2]",  "\"a",
		"tru",        "nul",       "1 2",         "{} x",    "{}{}",   "{}\n//",
		"[1]]",       "\"\\u12\"", "\"\\ud800\"", "\"\\x\"", "+1",     "-",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };

		assert_null(json_read(bad[i], &e));
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

static void blanks_around_are_fine(void **state)
{
	struct json *j = read_good(" \n{ } \n");

	(void)state;
	assert_true(json_is_object(j));
	assert_null(json_first(j));
	json_free(j);
}

static void the_line_is_named(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_null(json_read("{\n\"a\": 1,\n\"b\": x\n}", &e));
	assert_string_equal(e.text, "not valid JSON near line 3");
}

static char *nested(const char *open, const char *close, size_t depth)
{
	struct buf b = BUF_INIT(1000000);

	for (size_t i = 0; i < depth; i++)
		assert_int_equal(buf_add_text(&b, open), 0);
	for (size_t i = 0; i < depth; i++)
		assert_int_equal(buf_add_text(&b, close), 0);
	return buf_take(&b);
}

static void deep_nesting_is_refused(void **state)
{
	owned char *arrays = nested("[", "]", 2000);
	owned char *objects = nested("{\"a\":", "}", 2000);
	owned char *open = nested("[", "", 100000);
	owned char *fine = nested("[", "]", 100);
	struct err e = { 0 };

	(void)state;
	assert_null(json_read(arrays, &e));
	assert_null(json_read(objects, &e));
	assert_null(json_read(open, &e));
	json_free(read_good(fine));
}

/* A text would be cut there, and a name be another one. */
static void a_zero_byte_in_a_text_is_refused(void **state)
{
	struct err e = { 0 };
	struct json *j = json_read("{\"a\":\"/app\\u0000/js\"}", &e);
	bool refused = j == NULL;

	(void)state;
	json_free(j);
	assert_true(refused);
}

static void freeing_nothing_is_fine(void **state)
{
	(void)state;
	json_free(NULL);
}

/* The document and most of the pointers of RFC 6901, section 5. */
static void a_pointer_leads_to_a_value(void **state)
{
	static const char document[] =
		"{\"foo\": [\"bar\", \"baz\"], \"\": 0, \"a/b\": 1, \"c%d\": 2, \"k\\\"l\": 6, "
		"\" \": 7, \"m~n\": 8, \"~1\": 9, \"deep\": [{\"x\": [[5]]}]}";
	static const struct {
		const char *pointer;
		double number;
	} numbers[] = {
		{ "/", 0 },  { "/a~1b", 1 }, { "/c%d", 2 }, { "/k\"l", 6 },
		{ "/ ", 7 }, { "/m~0n", 8 }, { "/~01", 9 }, { "/deep/0/x/0/0", 5 },
	};
	static const char *const nowhere[] = { "/foo/2",        "/foo/00",  "/foo/-1",
					       "/foo/-",        "/foo/",    "/nope",
					       "foo",           "/foo/0/x", "/foo/9999999999",
					       "/deep/0/x/0/0/" };
	struct err e;
	struct json *j = json_read(document, &e);
	double number;

	(void)state;
	assert_non_null(j);
	assert_ptr_equal(json_at(j, ""), j);
	assert_string_equal(json_text(json_at(j, "/foo/0")), "bar");
	assert_true(json_is_array(json_at(j, "/foo")));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_true(json_number(json_at(j, numbers[i].pointer), &number));
		assert_int_equal((int)number, (int)numbers[i].number);
	}
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
		assert_null(json_at(j, nowhere[i]));
	json_free(j);
}

int test_json(void);

int test_json(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_printed),
		cmocka_unit_test(people_get_lines),
		cmocka_unit_test(odd_names_are_made_valid),
		cmocka_unit_test(whole_numbers_are_exact),
		cmocka_unit_test(values_are_told_apart),
		cmocka_unit_test(what_is_missing_is_nothing),
		cmocka_unit_test(members_come_in_order_and_doubles_too),
		cmocka_unit_test(damaged_texts_are_refused),
		cmocka_unit_test(blanks_around_are_fine),
		cmocka_unit_test(the_line_is_named),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(a_zero_byte_in_a_text_is_refused),
		cmocka_unit_test(freeing_nothing_is_fine),
		cmocka_unit_test(a_pointer_leads_to_a_value),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
