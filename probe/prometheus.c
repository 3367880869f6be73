/* SPDX-License-Identifier: Apache-2.0 */
/* prometheus: see prometheus.h. */
#include "probe/prometheus.h"

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "probe/number.h"

static const char *text_of(const struct json *object, const char *key)
{
	const char *text = json_text(json_get(object, key));

	return text ? text : "";
}

/* [TIME, "TEXT"]; NULL: it is something else. */
static const char *point(const struct json *j)
{
	const struct json *second = json_at(j, "/1");
	double time;

	return second && json_is_array(j) && !json_next(second) &&
			       json_number(json_at(j, "/0"), &time)
		       ? json_text(second)
		       : NULL;
}

static int read_number(const char *text, double *ret, struct err *e)
{
	return number_parse(text, ret) ? 0 : err_set(e, ERR_REMOTE, "its value is '%.40s'", text);
}

/*
 * Prometheus 2.48 to 2.53 have what is only worth knowing among the warnings too. VictoriaMetrics
 * says isPartial.
 */
static int check_whole(const struct json *j, struct err *e)
{
	const struct json *warnings = json_get(j, "warnings");
	bool partial = false;

	(void)json_bool(json_get(j, "isPartial"), &partial);
	if (partial)
		return err_set(e, ERR_REMOTE, "the answer is partial");
	if (!warnings)
		return 0;
	for (const struct json *w = json_first(warnings); w; w = json_next(w)) {
		const char *text = json_text(w);

		if (!text || !text_starts(text, "PromQL info"))
			return err_set(e, ERR_REMOTE, "warning: %s", text ? text : "");
	}
	return 0;
}

static int read_vector(const struct json *result, struct prometheus_value *ret, struct err *e)
{
	const struct json *series = json_first(result);
	size_t count = 0;

	for (const struct json *s = series; s; s = json_next(s))
		count++;
	ret->empty = count == 0;
	if (count == 0)
		return 0;
	if (count > 1)
		return err_set(e, ERR_REMOTE, "the query has %zu series, expected one", count);
	const char *text = point(json_get(series, "value"));
	return text ? read_number(text, &ret->number, e)
		    : err_set(e, ERR_REMOTE, "the series has no number");
}

static int read_result(const struct json *j, struct prometheus_value *ret, struct err *e)
{
	const struct json *data = json_get(j, "data");
	const struct json *result = json_get(data, "result");
	const char *type = text_of(data, "resultType");
	const char *text = point(result);

	if (text_is(type, "vector") && json_is_array(result))
		return read_vector(result, ret, e);
	if (text_is(type, "scalar") && text)
		return read_number(text, &ret->number, e);
	if (text_is(type, "string") && text) {
		ret->text = mem_copy(text);
		return 0;
	}
	return err_set(e, ERR_REMOTE, "it has a result of type '%.40s'", type);
}

int prometheus_read(int status, const char *body, struct prometheus_value *ret, struct err *e)
{
	struct json *j = json_read(body, e);
	const char *says = text_of(j, "status");
	int read = -1;

	*ret = (struct prometheus_value){ 0 };
	if (text_is(says, "error"))
		(void)err_set(e, ERR_REMOTE, "%s: %s", text_of(j, "errorType"),
			      text_of(j, "error"));
	else if (status != 200)
		(void)err_set(e, ERR_REMOTE, "it answered %d", status);
	else if (!j)
		(void)err_in(e, "the answer");
	else if (!text_is(says, "success"))
		(void)err_set(e, ERR_REMOTE, "the answer is not one of Prometheus");
	else if (check_whole(j, e) == 0)
		read = read_result(j, ret, e);
	json_free(j);
	return read;
}
