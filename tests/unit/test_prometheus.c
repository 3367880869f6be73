/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/mem.h"
#include "probe/prometheus.h"

#include <string.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define ANSWER(data) "{\"status\":\"success\",\"data\":" data "}"
#define VECTOR(series) ANSWER("{\"resultType\":\"vector\",\"result\":[" series "]}")
#define SERIES(value) \
	"{\"metric\":{\"__name__\":\"players\"},\"value\":[1700000000.5,\"" value "\"]}"
#define ONE VECTOR(SERIES("3"))

struct number {
	const char *body;
	double number;
};

static const struct number numbers[] = {
	{ ONE, 3 },
	{ VECTOR(SERIES("0")), 0 },
	{ VECTOR(SERIES("-4")), -4 },
	{ VECTOR(SERIES("2.5")), 2.5 },
	{ VECTOR(SERIES("1e+21")), 1e21 },
	{ VECTOR("{\"metric\":{},\"value\":[0,\"7\"]}"), 7 },
	{ ANSWER("{\"resultType\":\"scalar\",\"result\":[1,\"12\"]}"), 12 },
	{ " \n" ONE "\n", 3 },
	/* What is worth knowing, as of Prometheus 3 and as of 2.48. */
	{ "{\"status\":\"success\",\"infos\":[\"PromQL info: not a counter\"],\"data\":{"
	  "\"resultType\":\"scalar\",\"result\":[1,\"12\"]}}",
	  12 },
	{ "{\"status\":\"success\",\"warnings\":[\"PromQL info: not a counter\"],\"data\":{"
	  "\"resultType\":\"scalar\",\"result\":[1,\"12\"]}}",
	  12 },
	{ "{\"status\":\"success\",\"isPartial\":false,\"warnings\":[],\"data\":{"
	  "\"resultType\":\"scalar\",\"result\":[1,\"12\"]}}",
	  12 },
};

static void one_number_is_read(void **state)
{
	struct prometheus_value v;
	struct err e;

	(void)state;
	for (size_t i = 0; i < LEN(numbers); i++) {
		if (prometheus_read(200, numbers[i].body, &v, &e) < 0)
			fail_msg("%s: %s", numbers[i].body, e.text);
		assert_false(v.empty);
		assert_null(v.text);
		assert_true(v.number >= numbers[i].number && v.number <= numbers[i].number);
	}
}

static void a_text_is_read(void **state)
{
	struct prometheus_value v;
	struct err e;

	(void)state;
	assert_int_equal(
		prometheus_read(200,
				ANSWER("{\"resultType\":\"string\",\"result\":[1,\"a\\\"b\"]}"), &v,
				&e),
		0);
	owned char *text = v.text;
	assert_string_equal(text, "a\"b");
	assert_false(v.empty);
}

static void no_result_is_told_apart(void **state)
{
	struct prometheus_value v;
	struct err e;

	(void)state;
	assert_int_equal(prometheus_read(200, VECTOR(""), &v, &e), 0);
	assert_true(v.empty);
	assert_null(v.text);
}

struct refused {
	int status;
	const char *body, *why;
};

static const struct refused refused[] = {
	{ 200, VECTOR(SERIES("NaN")), "its value is 'NaN'" },
	{ 200, VECTOR(SERIES("+Inf")), "its value is '+Inf'" },
	{ 200, VECTOR(SERIES("-Inf")), "its value is '-Inf'" },
	{ 200, VECTOR(SERIES("1e999")), "its value is '1e999'" },
	{ 200, VECTOR(SERIES("")), "its value is ''" },
	{ 200, VECTOR(SERIES(" 3")), "its value is ' 3'" },
	{ 200, VECTOR(SERIES("0]")), "its value is '0]'" },
	{ 200, VECTOR(SERIES("0x10")), "its value is '0x10'" },
	{ 200, ANSWER("{\"resultType\":\"scalar\",\"result\":[1,\"NaN\"]}"), "its value is 'NaN'" },
	{ 200, VECTOR(SERIES("0") "," SERIES("0")), "the query has 2 series, expected one" },
	{ 200, VECTOR("{\"metric\":{},\"histogram\":[1,{\"count\":\"0\"}]}"),
	  "the series has no number" },
	{ 200, VECTOR("{\"metric\":{},\"value\":[1,0]}"), "the series has no number" },
	{ 200, VECTOR("{\"metric\":{},\"value\":[1]}"), "the series has no number" },
	{ 200, VECTOR("{\"metric\":{},\"value\":[\"1\",\"0\"]}"), "the series has no number" },
	{ 200, VECTOR("{\"metric\":{},\"value\":[1,\"0\",\"5\"]}"), "the series has no number" },
	{ 200, VECTOR("{\"metric\":{},\"value\":{\"0\":1,\"1\":\"0\"}}"),
	  "the series has no number" },
	{ 200, VECTOR("null"), "the series has no number" },
	{ 200, VECTOR("[]"), "the series has no number" },
	{ 200, ANSWER("{\"resultType\":\"matrix\",\"result\":[]}"),
	  "it has a result of type 'matrix'" },
	{ 200, ANSWER("{\"resultType\":\"vector\",\"result\":null}"),
	  "it has a result of type 'vector'" },
	{ 200, ANSWER("{\"resultType\":\"vector\",\"result\":{}}"),
	  "it has a result of type 'vector'" },
	{ 200, ANSWER("{\"resultType\":\"vector\"}"), "it has a result of type 'vector'" },
	{ 200, ANSWER("{\"result\":[]}"), "it has a result of type ''" },
	{ 200, ANSWER("[]"), "it has a result of type ''" },
	{ 200, "{\"status\":\"success\"}", "it has a result of type ''" },
	{ 200, "{\"data\":{\"resultType\":\"vector\",\"result\":[]}}",
	  "the answer is not one of Prometheus" },
	{ 200, "[]", "the answer is not one of Prometheus" },
	{ 200, "0", "the answer is not one of Prometheus" },
	{ 200, "null", "the answer is not one of Prometheus" },
	{ 200, "", "the answer: not valid JSON near line 1" },
	{ 200, "<html>\n0\n</html>", "the answer: not valid JSON near line 1" },
	{ 200, ONE ONE, "the answer: not valid JSON near line 1" },
	{ 200, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error\"}",
	  "bad_data: parse error" },
	{ 422, "{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"too many\"}",
	  "execution: too many" },
	{ 503, "{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"timed out\"}",
	  "timeout: timed out" },
	{ 400, "no", "it answered 400" },
	{ 503, "", "it answered 503" },
	{ 500, ONE, "it answered 500" },
	{ 404, "{}", "it answered 404" },
	{ 302, "<a href=/>", "it answered 302" },
	{ 204, "", "it answered 204" },
	/* Thanos with a store that is away; VictoriaMetrics with a node that is away. */
	{ 200,
	  "{\"status\":\"success\",\"warnings\":[\"No StoreAPIs matched\"],\"data\":{"
	  "\"resultType\":\"vector\",\"result\":[]}}",
	  "warning: No StoreAPIs matched" },
	{ 200,
	  "{\"status\":\"success\",\"warnings\":[\"PromQL info: so\",\"one is away\"],\"data\":{"
	  "\"resultType\":\"vector\",\"result\":[]}}",
	  "warning: one is away" },
	{ 200,
	  "{\"status\":\"success\",\"warnings\":[0],\"data\":{"
	  "\"resultType\":\"vector\",\"result\":[]}}",
	  "warning: " },
	{ 200,
	  "{\"status\":\"success\",\"isPartial\":true,\"data\":{"
	  "\"resultType\":\"vector\",\"result\":[]}}",
	  "the answer is partial" },
};

static void everything_else_is_refused_with_the_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(refused); i++) {
		struct prometheus_value v;
		struct err e = { 0 };

		if (prometheus_read(refused[i].status, refused[i].body, &v, &e) == 0)
			fail_msg("taken: %s", refused[i].body);
		assert_string_equal(e.text, refused[i].why);
		assert_null(v.text);
	}
}

/* Wherever it was cut. */
static void no_part_of_an_answer_is_a_value(void **state)
{
	static const char *const whole[] = { ONE, VECTOR(""), VECTOR(SERIES("10")) };

	(void)state;
	for (size_t i = 0; i < LEN(whole); i++)
		for (size_t length = 0; length < strlen(whole[i]); length++) {
			owned char *part = mem_copy_part(whole[i], length);
			struct prometheus_value v;
			struct err e;

			assert_int_equal(prometheus_read(200, part, &v, &e), -1);
		}
}

int test_prometheus(void);

int test_prometheus(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_number_is_read),
		cmocka_unit_test(a_text_is_read),
		cmocka_unit_test(no_result_is_told_apart),
		cmocka_unit_test(everything_else_is_refused_with_the_reason),
		cmocka_unit_test(no_part_of_an_answer_is_a_value),
	};

	return cmocka_run_group_tests_name("prometheus", tests, NULL, NULL);
}
