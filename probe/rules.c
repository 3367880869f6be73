/* SPDX-License-Identifier: Apache-2.0 */
/* rules: see rules.h. */
#include "probe/rules.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define REFRESH_LEAST_MS 60000

/* ---- from JSON ---- */

static bool is_source(const char *name, void *user)
{
	const struct condition_names *names = user;

	for (size_t i = 0; i < names->count; i++)
		if (text_is(names->items[i].name, name)) {
			names->used[i] = true;
			return true;
		}
	return false;
}

static int check_members(const struct json *j, const char *words, struct err *e)
{
	for (const struct json *m = json_first(j); m; m = json_next(m)) {
		if (!text_has_word(words, json_key(m)))
			return err_set(e, ERR_USAGE, "\"%s\": no setting of a %s has this name",
				       json_key(m), text_has_word(words, "if") ? "rule" : "probe");
		if (json_get(j, json_key(m)) != m)
			return err_set(e, ERR_USAGE, "\"%s\": it is there twice", json_key(m));
	}
	return 0;
}

static int read_refresh(const struct json *j, struct rule *ret, struct err *e)
{
	if (!j)
		return 0;
	if (!json_text(j) || parse_duration(json_text(j), &ret->refresh_ms, e) < 0 ||
	    ret->refresh_ms < REFRESH_LEAST_MS)
		return err_set(e, ERR_USAGE, "\"refresh\": expected a time of 1m or more");
	if (strlen(ret->result) + strlen(RULES_REFRESHED) > WORD_MOST)
		return err_set(e, ERR_USAGE, "\"result\": too long to be refreshed");
	return 0;
}

static int read_rule(const struct json *j, const struct condition_names *names, struct rule *ret,
		     struct err *e)
{
	const struct json *pass = json_get(j, "pass");

	if (!json_is_object(j))
		return err_set(e, ERR_USAGE, "expected a JSON object");
	if (check_members(j, "if result pass refresh", e) < 0)
		return -1;
	if (!json_text(json_get(j, "result")))
		return err_set(e, ERR_USAGE, "expected a \"result\", a word such as \"idle\"");
	ret->result = mem_copy(json_text(json_get(j, "result")));
	ret->pass = true;
	if (pass && !json_bool(pass, &ret->pass))
		return err_set(e, ERR_USAGE, "\"pass\": expected true or false");
	if (word_check(ret->result, is_source, (void *)names, e) < 0 ||
	    read_refresh(json_get(j, "refresh"), ret, e) < 0)
		return -1;
	if (ret->pass && text_is(ret->result, RULES_UNKNOWN))
		return err_set(e, ERR_USAGE, "\"result\": \"" RULES_UNKNOWN "\" cannot pass");
	ret->always = !json_get(j, "if");
	return ret->always ? 0 : condition_read(json_get(j, "if"), names, &ret->when, e);
}

/* A rule that asks what an earlier one asked has its answer already. */
static int check_new(const struct json *list, const struct json *rule, struct err *e)
{
	const struct json *when = json_get(rule, "if");
	owned char *text = when ? json_print(when, false) : NULL;
	int number = 1;

	for (const struct json *j = json_first(list); text && j != rule; j = json_next(j)) {
		owned char *other = json_get(j, "if") ? json_print(json_get(j, "if"), false) : NULL;

		if (other && text_is(other, text))
			return err_set(e, ERR_USAGE,
				       "it can never be reached: rule %d has the same \"if\"",
				       number);
		number++;
	}
	return 0;
}

static int read_list(const struct json *list, const struct condition_names *names,
		     struct rules *ret, struct err *e)
{
	for (const struct json *j = json_first(list); j; j = json_next(j)) {
		if (ret->count == RULES_MOST)
			return err_set(e, ERR_USAGE, "more than %d rules", RULES_MOST);
		if (ret->count && ret->items[ret->count - 1].always)
			return err_set(e, ERR_USAGE,
				       "rule %zu can never be reached: the one before has no "
				       "\"if\"",
				       ret->count + 1);
		ret->items = mem_resize(ret->items, ret->count + 1, sizeof(*ret->items));
		ret->items[ret->count] = (struct rule){ 0 };
		ret->count++;
		if (read_rule(j, names, &ret->items[ret->count - 1], e) < 0 ||
		    check_new(list, j, e) < 0)
			return err_in(e, "rule %zu", ret->count);
	}
	return 0;
}

static int read_object(const struct json *j, const struct condition_names *names, struct rules *ret,
		       struct err *e)
{
	const char *name = json_text(json_get(j, "name"));
	const struct json *list = json_get(j, "rules");

	if (!json_is_object(j) || !name || !word_is_safe(name))
		return err_set(e, ERR_USAGE,
			       "expected a \"name\" of letters, digits, -, _ and ., and \"rules\"");
	ret->name = mem_copy(name);
	if (!json_is_array(list) || !json_first(list))
		return err_set(e, ERR_USAGE, "expected \"rules\", a list");
	return check_members(j, "name rules", e) < 0 ? -1 : read_list(list, names, ret, e);
}

int rules_read(const char *text, const struct condition_names *names, struct rules *ret,
	       struct err *e)
{
	struct json *j = json_read(text, e);
	int status = -1;

	*ret = (struct rules){ 0 };
	if (j)
		status = read_object(j, names, ret, e);
	if (status < 0 && ret->name)
		(void)err_in(e, "probe \"%s\"", ret->name);
	json_free(j);
	return status;
}

void rules_done(struct rules *r)
{
	for (size_t i = 0; i < r->count; i++) {
		condition_done(&r->items[i].when);
		free(r->items[i].result);
	}
	free(r->items);
	free(r->used);
	free(r->name);
	*r = (struct rules){ 0 };
}

/* ---- a verdict ---- */

void rules_look(struct rules *r, const struct condition_view *v)
{
	const struct rule *holds = NULL;
	bool reached = true; /* all before are known not to hold */

	for (size_t i = 0; i < r->count; i++) {
		struct rule *rule = &r->items[i];

		rule->truth = rule->always ? TRUTH_YES : condition_look(&rule->when, v);
		if (reached && rule->truth == TRUTH_YES)
			holds = rule;
		reached = reached && rule->truth == TRUTH_NO;
	}
	if (holds != r->holds || !r->since)
		r->since = v->now;
	r->holds = holds;
}

struct values {
	const struct condition_view *view;
	size_t count;
};

static const char *value_of(const char *name, void *user)
{
	const struct values *values = user;

	for (size_t i = 0; i < values->count; i++) {
		const struct source *s = &values->view->sources[i];
		const struct reading *r = source_reading(s, values->view->now);

		if (text_is(s->settings->name, name))
			return r->known ? r->text : NULL;
	}
	return NULL;
}

static struct verdict unknown(const char *why)
{
	struct verdict v = { .word = RULES_UNKNOWN };

	(void)snprintf(v.why, sizeof(v.why), "%s", why);
	return v;
}

/* For whoever is on call: what has to be known first. */
static struct verdict nothing_holds(const struct rules *r, const struct condition_view *v)
{
	owned_buf why = BUF_INIT((size_t)4096);

	for (size_t i = 0; i < r->count && !why.length; i++) {
		if (r->items[i].truth != TRUTH_UNKNOWN)
			continue;
		(void)buf_add_format(&why, "rule %zu: ", i + 1);
		condition_why(&r->items[i].when, v, &why);
	}
	return unknown(why.length ? why.data : "no rule holds");
}

struct verdict rules_verdict(const struct rules *r, const struct condition_view *v,
			     size_t source_count)
{
	struct values values = { v, source_count };
	struct verdict verdict = { 0 };
	struct err e;

	if (!r->holds)
		return nothing_holds(r, v);
	owned_buf word = BUF_INIT((size_t)(WORD_MOST + 1) * READING_TEXT_SIZE);
	if (word_fill(r->holds->result, value_of, &values, &word, &e) < 0)
		return unknown(e.text);
	verdict.pass = r->holds->pass;
	(void)snprintf(verdict.word, sizeof(verdict.word), "%s", word.data);
	if (r->holds->refresh_ms && (v->now - r->since) / r->holds->refresh_ms % 2) {
		(void)buf_add_text(&word, RULES_REFRESHED);
		if (!word_is_safe(word.data))
			return unknown("the refreshed word is too long");
		(void)snprintf(verdict.word, sizeof(verdict.word), "%s", word.data);
	}
	return verdict;
}
