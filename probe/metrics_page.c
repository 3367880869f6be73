/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics_page: see metrics_page.h.
 *
 * Nothing is copied and no escape undone: a quote, a backslash and a newline can be written in one
 * way only, so that label values are the same when their letters are.
 */
#include "probe/metrics_page.h"

#include "base/err.h"
#include "probe/number.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MOST 64

struct word {
	const char *at;
	size_t length;
};

struct label {
	struct word name, value;
};

struct series {
	struct word name;
	const char *labels; /* the first, or the closing brace */
};

static bool same(const struct word *a, const struct word *b)
{
	return a->length == b->length && memcmp(a->at, b->at, a->length) == 0;
}

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

/* The name of a metric may have colons. All three return what follows, or NULL: malformed. */
static const char *read_name(const char *at, bool metric, struct word *ret)
{
	static const char letters[] = ":_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz";

	*ret = (struct word){ at, strspn(at, letters + !metric) };
	return ret->length && !isdigit((unsigned char)*at) ? skip_blanks(at + ret->length) : NULL;
}

static const char *read_label(const char *at, struct label *ret)
{
	at = read_name(at, false, &ret->name);
	if (!at || *at != '=')
		return NULL;
	at = skip_blanks(at + 1);
	if (*at++ != '"')
		return NULL;
	ret->value.at = at;
	for (; *at != '"'; at++) {
		if (*at == '\\' && !strchr("\\\"n", *++at))
			return NULL;
		if (!*at || *at == '\n')
			return NULL;
	}
	ret->value.length = (size_t)(at - ret->value.at);
	at = skip_blanks(at + 1);
	if (*at == ',')
		return skip_blanks(at + 1);
	return *at == '}' ? at : NULL;
}

static const char *read_series(const char *at, struct series *ret)
{
	struct label l;

	at = read_name(at, true, &ret->name);
	ret->labels = "}";
	if (!at || *at != '{')
		return at;
	at = skip_blanks(at + 1);
	for (ret->labels = at; at && *at != '}';)
		at = read_label(at, &l);
	return at ? skip_blanks(at + 1) : NULL;
}

/* NaN and infinities, which are well-formed, are returned as they are. */
static const char *read_number(const char *at, double *ret)
{
	char text[NUMBER_MOST], *end;
	size_t length = strcspn(at, " \t\n");

	if (!length || length >= sizeof(text))
		return NULL;
	memcpy(text, at, length);
	text[length] = '\0';
	if (!number_parse(text, ret)) {
		*ret = strtod(text, &end);
		if (*end || isfinite(*ret))
			return NULL;
	}
	return skip_blanks(at + length);
}

/* A line with a sample, whole. */
static bool read_sample(const char *line, struct series *ret, double *ret_value)
{
	const char *at = read_series(line, ret);
	double time;

	if (at)
		at = read_number(at, ret_value);
	if (at && *at != '\n' && *at != '#')
		at = read_number(at, &time);
	return at && (*at == '\n' || *at == '#');
}

/* 1: the series has the label with that value; 0: not; -1: it has the label twice. */
static int has(const struct series *s, const struct label *wanted)
{
	struct word value = { "", 0 };
	struct label l;
	int count = 0;

	for (const char *at = s->labels; *at != '}';) {
		at = read_label(at, &l);
		if (!same(&l.name, &wanted->name))
			continue;
		value = l.value;
		count++;
	}
	return count > 1 ? -1 : same(&value, &wanted->value);
}

static int fits(const struct series *s, const struct series *wanted)
{
	int answer = same(&s->name, &wanted->name);
	struct label l;

	for (const char *at = wanted->labels; answer == 1 && *at != '}';) {
		at = read_label(at, &l);
		answer = has(s, &l);
	}
	return answer;
}

int metrics_page_check(const char *sample, struct err *e)
{
	struct series s;
	const char *end = read_series(sample, &s);

	return end && !*end ? 0
			    : err_set(e, ERR_USAGE,
				      "\"sample\": expected it as the page writes it, NAME or "
				      "NAME{LABEL=\"VALUE\",...}");
}

static int conclude(double value, size_t count, bool sum, struct err *e)
{
	if (count == 0)
		return err_set(e, ERR_REMOTE, "no sample fits");
	if (count > 1 && !sum)
		return err_set(e, ERR_REMOTE, "%zu samples fit, expected one", count);
	return isfinite(value) ? 0 : err_set(e, ERR_REMOTE, "its value is not a number");
}

int metrics_page_read(const char *page, const char *sample, bool sum, double *ret, struct err *e)
{
	struct series wanted = { .labels = "}" }, s;
	size_t count = 0, number = 1;
	double value;

	(void)read_series(sample, &wanted);
	*ret = 0;
	for (const char *line; *page; number++) {
		line = skip_blanks(page);
		page = strchr(line, '\n');
		int fit = *line == '#' || *line == '\n'           ? 0
			  : page && read_sample(line, &s, &value) ? fits(&s, &wanted)
								  : -1;
		if (fit < 0 || !page)
			return err_set(e, ERR_REMOTE, "line %zu is malformed or cut", number);
		page++;
		if (!fit)
			continue;
		if (sum && value < 0)
			return err_set(e, ERR_REMOTE, "line %zu is negative: no sum", number);
		*ret += value;
		count++;
	}
	return conclude(*ret, count, sum, e);
}
