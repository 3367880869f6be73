/* SPDX-License-Identifier: Apache-2.0 */
/* condition_read: from JSON to a condition. */
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "base/text.h"
#include "probe/condition.h"

#include <math.h>
#include <string.h>

struct reader {
	const struct condition_names *names;
	int depth;
	struct err *e;
};

/* What makes a condition what it is, and what goes with it. */
static const char *const forms[] = { "all", "any", "not", "agree", "source" };
static const char *const tests[] = { "equals", "matches", "min", "max", "changed" };
static const char *const extras[] = { "for", "samples" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_one_of(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(words[i], word))
			return true;
	return false;
}

static int add_source(struct reader *r, struct condition *c, const struct json *name)
{
	const struct condition_names *names = r->names;

	for (size_t i = 0; i < names->count; i++) {
		if (!text_is(names->items[i].name, json_text(name)))
			continue;
		names->used[i] = true;
		c->sources = mem_resize(c->sources, c->source_count + 1, sizeof(*c->sources));
		c->sources[c->source_count++] = i;
		return 0;
	}
	return err_set(r->e, ERR_USAGE, "no source is called \"%s\"",
		       json_text(name) ? json_text(name) : "?");
}

static int read_one(struct reader *r, const struct json *j, struct condition *ret);

/* NOLINTNEXTLINE(misc-no-recursion): at most CONDITION_DEPTH_MOST deep */
static int read_parts(struct reader *r, const struct json *array, struct condition *c)
{
	if (!json_is_array(array) || !json_first(array))
		return err_set(r->e, ERR_USAGE, "expected a list of conditions");
	for (const struct json *j = json_first(array); j; j = json_next(j)) {
		if (c->count == CONDITION_PARTS_MOST)
			return err_set(r->e, ERR_USAGE, "more than %d conditions in a list",
				       CONDITION_PARTS_MOST);
		c->parts = mem_resize(c->parts, c->count + 1, sizeof(*c->parts));
		c->parts[c->count] = (struct condition){ 0 };
		c->count++;
		if (read_one(r, j, &c->parts[c->count - 1]) < 0)
			return -1;
	}
	return 0;
}

static int read_agree(struct reader *r, const struct json *array, struct condition *c)
{
	c->kind = CONDITION_AGREE;
	if (json_is_array(array))
		for (const struct json *j = json_first(array); j; j = json_next(j))
			if (add_source(r, c, j) < 0)
				return -1;
	return c->source_count > 1 ? 0
				   : err_set(r->e, ERR_USAGE,
					     "\"agree\": expected a list of two sources or more");
}

/* NOLINTNEXTLINE(misc-no-recursion): at most CONDITION_DEPTH_MOST deep */
static int read_form(struct reader *r, const struct json *j, struct condition *c)
{
	const char *form = json_key(j);

	if (text_is(form, "source"))
		return add_source(r, c, j);
	if (text_is(form, "agree"))
		return read_agree(r, j, c);
	if (text_is(form, "not")) {
		c->kind = CONDITION_NOT;
		c->parts = mem_alloc(sizeof(*c->parts));
		c->count = 1;
		return read_one(r, j, c->parts);
	}
	c->kind = text_is(form, "all") ? CONDITION_ALL : CONDITION_ANY;
	return read_parts(r, j, c);
}

static int read_number(struct reader *r, const struct json *j, double *ret)
{
	return json_number(j, ret)
		       ? 0
		       : err_set(r->e, ERR_USAGE, "\"%s\": expected a number", json_key(j));
}

static int read_duration(struct reader *r, const struct json *j, int64_t *ret)
{
	if (!json_text(j) || parse_duration(json_text(j), ret, r->e) < 0 || !*ret)
		return err_set(r->e, ERR_USAGE, "\"%s\": expected a time such as \"10s\"",
			       json_key(j));
	return 0;
}

static int read_equals(struct reader *r, const struct json *j, struct condition *c)
{
	bool flag;

	c->kind = CONDITION_EQUALS;
	if (json_number(j, &c->least)) {
		c->most = c->least;
		return 0;
	}
	if (json_bool(j, &flag))
		c->text = mem_copy(flag ? "true" : "false");
	else if (json_text(j))
		c->text = mem_copy(json_text(j));
	return c->text ? 0
		       : err_set(r->e, ERR_USAGE, "\"equals\": expected a text, number or flag");
}

static int read_test(struct reader *r, const struct json *j, struct condition *c)
{
	const char *test = json_key(j);

	if (text_is(test, "equals"))
		return read_equals(r, j, c);
	if (text_is(test, "matches")) {
		c->kind = CONDITION_MATCHES;
		c->text = json_text(j) ? mem_copy(json_text(j)) : NULL;
		return c->text ? 0 : err_set(r->e, ERR_USAGE, "\"matches\": expected a pattern");
	}
	if (text_is(test, "changed")) {
		c->kind = CONDITION_CHANGED;
		return read_duration(r, j, &c->window_ms);
	}
	c->kind = CONDITION_RANGE;
	return read_number(r, j, text_is(test, "min") ? &c->least : &c->most);
}

static int read_extra(struct reader *r, const struct json *j, struct condition *c)
{
	double number;

	if (text_is(json_key(j), "for"))
		return read_duration(r, j, &c->for_ms);
	if (read_number(r, j, &number) < 0)
		return -1;
	c->samples = number >= 1 && number <= 1000 ? (int64_t)number : 0;
	return c->samples
		       ? 0
		       : err_set(r->e, ERR_USAGE, "\"samples\": expected a count from 1 to 1000");
}

/* Exactly one form; of a source exactly one test, "min" and "max" being one. */
static int check_shape(struct reader *r, const struct json *j)
{
	size_t is[COUNT(forms)] = { 0 }, shapes = 0, tested = 0;

	for (size_t i = 0; i < COUNT(forms); i++)
		shapes += is[i] = json_get(j, forms[i]) != NULL;
	for (size_t i = 0; i < COUNT(tests); i++)
		tested += json_get(j, tests[i]) != NULL;
	if (json_get(j, "min") && json_get(j, "max"))
		tested--;
	if (shapes != 1)
		return err_set(r->e, ERR_USAGE,
			       "expected one of \"source\", \"all\", \"any\", \"not\" and "
			       "\"agree\" in a condition");
	if (tested != is[COUNT(forms) - 1])
		return err_set(r->e, ERR_USAGE,
			       "expected one of \"equals\", \"matches\", \"min\" and \"max\", and "
			       "\"changed\" with a \"source\", and only there");
	if (json_get(j, "samples") && !is[COUNT(forms) - 1])
		return err_set(r->e, ERR_USAGE, "\"samples\" goes with a \"source\"");
	return 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): at most CONDITION_DEPTH_MOST deep */
static int read_members(struct reader *r, const struct json *j, struct condition *ret)
{
	for (const struct json *m = json_first(j); m; m = json_next(m)) {
		const char *key = json_key(m);
		int status = -1;

		if (json_get(j, key) != m)
			return err_set(r->e, ERR_USAGE, "\"%s\": it is there twice", key);
		if (is_one_of(forms, COUNT(forms), key))
			status = read_form(r, m, ret);
		else if (is_one_of(tests, COUNT(tests), key))
			status = read_test(r, m, ret);
		else if (is_one_of(extras, COUNT(extras), key))
			status = read_extra(r, m, ret);
		else
			(void)err_set(r->e, ERR_USAGE, "\"%s\": no condition has this", key);
		if (status < 0)
			return -1;
	}
	return 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): at most CONDITION_DEPTH_MOST deep */
static int read_one(struct reader *r, const struct json *j, struct condition *ret)
{
	int status;

	ret->least = -HUGE_VAL;
	ret->most = HUGE_VAL;
	if (!json_is_object(j))
		return err_set(r->e, ERR_USAGE, "expected a condition, a JSON object");
	if (r->depth == CONDITION_DEPTH_MOST)
		return err_set(r->e, ERR_USAGE, "conditions deeper than %d", CONDITION_DEPTH_MOST);
	if (check_shape(r, j) < 0)
		return -1;
	r->depth++;
	status = read_members(r, j, ret);
	r->depth--;
	if (status == 0 && ret->least > ret->most)
		return err_set(r->e, ERR_USAGE, "\"min\" is more than \"max\"");
	return status;
}

int condition_read(const struct json *j, const struct condition_names *names, struct condition *ret,
		   struct err *e)
{
	struct reader r = { .names = names, .e = e };

	*ret = (struct condition){ 0 };
	return read_one(&r, j, ret);
}
