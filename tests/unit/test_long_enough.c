/* SPDX-License-Identifier: Apache-2.0 */
/*
 * long_enough: random conditions over random histories, beside a slow model that keeps all of
 * the history and works out each truth anew from it, by the words of condition.h.
 */
#include "tests/unit/bench.h"
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>

#define ROUNDS 300
#define EVENTS 40
#define DEPTH 2
#define INSTANTS_MOST (2 * EVENTS + 1)

/* All that there was to see at one time. */
struct instant {
	int64_t now;
	struct source sources[BENCH_SOURCES];
};

static struct instant *history; /* INSTANTS_MOST of them */
static size_t instants;

static uint64_t state_of_random;

static unsigned below(unsigned limit)
{
	state_of_random = state_of_random * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(state_of_random >> 33) % limit;
}

/* ---- the model ---- */

static enum truth model(const struct condition *c, size_t at);

/* NOLINTNEXTLINE(misc-no-recursion): as deep as DEPTH */
static enum truth model_now(const struct condition *c, size_t at)
{
	const struct source *s = c->source_count ? &history[at].sources[c->sources[0]] : NULL;
	size_t yes = 0, no = 0;

	if (s) {
		if (!s->last.at || !s->last.known || history[at].now - s->last.at > BENCH_STALE_MS)
			return TRUTH_UNKNOWN;
		return s->last.text[0] == '1' ? TRUTH_YES : TRUTH_NO;
	}
	for (size_t i = 0; i < c->count; i++) {
		yes += model(&c->parts[i], at) == TRUTH_YES;
		no += model(&c->parts[i], at) == TRUTH_NO;
	}
	if (c->kind == CONDITION_NOT)
		return yes ? TRUTH_NO : no ? TRUTH_YES : TRUTH_UNKNOWN;
	if (c->kind == CONDITION_ALL)
		return no ? TRUTH_NO : yes == c->count ? TRUTH_YES : TRUTH_UNKNOWN;
	return yes ? TRUTH_YES : no == c->count ? TRUTH_NO : TRUTH_UNKNOWN;
}

struct span {
	int64_t oldest_began, newest_ended;
};

/* NOLINTNEXTLINE(misc-no-recursion): as deep as DEPTH */
static void add_span(const struct condition *c, size_t at, struct span *span)
{
	for (size_t i = 0; i < c->source_count; i++) {
		const struct source *s = &history[at].sources[c->sources[i]];
		int64_t began = s->last.from;

		if (began < span->oldest_began)
			span->oldest_began = began;
		if (s->last.at > span->newest_ended)
			span->newest_ended = s->last.at;
	}
	for (size_t i = 0; i < c->count; i++)
		add_span(&c->parts[i], at, span);
}

static struct span span_at(const struct condition *c, size_t at)
{
	struct span span = { .oldest_began = INT64_MAX };

	add_span(c, at, &span);
	return span;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as DEPTH */
static enum truth model(const struct condition *c, size_t at)
{
	enum truth now = model_now(c, at);
	size_t first = at;

	if (now != TRUTH_YES || !(c->for_ms || c->samples))
		return now;
	while (first && model_now(c, first - 1) == TRUTH_YES)
		first--;
	int64_t held = span_at(c, at).oldest_began - span_at(c, first).newest_ended;
	int64_t times = 1;
	if (c->source_count)
		times += (int64_t)(history[at].sources[c->sources[0]].looks -
				   history[first].sources[c->sources[0]].looks);
	if (held >= c->for_ms && times >= c->samples)
		return TRUTH_YES;
	return first && model(c, first - 1) == TRUTH_NO ? TRUTH_NO : TRUTH_UNKNOWN;
}

/* ---- what is random ---- */

/* NOLINTNEXTLINE(misc-no-recursion): as deep as DEPTH */
static void random_condition(struct buf *b, int depth)
{
	static const char *const kinds[] = { "all", "any", "not" };
	unsigned kind = depth ? below(4) : 3;

	if (kind == 3) {
		(void)buf_add_format(b, "{\"source\":\"%c\",\"equals\":1", 'a' + (int)below(3));
		if (below(2))
			(void)buf_add_format(b, ",\"samples\":%u", 1 + below(4));
	} else {
		(void)buf_add_format(b, "{\"%s\":%s", kinds[kind], kind < 2 ? "[" : "");
		random_condition(b, depth - 1);
		if (kind < 2) {
			(void)buf_add_text(b, ",");
			random_condition(b, depth - 1);
			(void)buf_add_text(b, "]");
		}
	}
	if (below(2))
		(void)buf_add_format(b, ",\"for\":\"%us\"", 1 + below(4));
	(void)buf_add_text(b, "}");
}

static void compare(struct bench *b, struct condition *c, const char *text)
{
	const struct condition_view v = bench_view(b);
	struct instant *i = &history[instants++];

	i->now = b->now;
	for (size_t k = 0; k < BENCH_SOURCES; k++)
		i->sources[k] = b->sources[k];
	enum truth truth = condition_look(c, &v), expected = model(c, instants - 1);
	if (truth != expected)
		fail_msg("%s: at %lld it is %d, expected %d", text, (long long)b->now, truth,
			 expected);
}

static void random_history(struct condition *c, struct bench *b, const char *text)
{
	instants = 0;
	for (int event = 0; event < EVENTS; event++) {
		/* Mostly in time, sometimes as late as makes it stale. */
		b->now += below(8) ? 100 + below(900) : below(5000);
		compare(b, c, text);
		if (!below(6))
			continue;
		unsigned said = below(12);
		bench_say(b, below(3), below(300), !said ? NULL : said < 3 ? "0" : "1");
		compare(b, c, text);
	}
}

static void as_the_model_says(void **state)
{
	(void)state;
	history = mem_alloc(INSTANTS_MOST * sizeof(*history));
	state_of_random = 20261121;
	for (int round = 0; round < ROUNDS; round++) {
		owned_buf text = BUF_INIT(4096);
		struct condition c;
		struct bench b;
		struct err e = { 0 };

		random_condition(&text, DEPTH);
		struct json *j = json_read(text.data, &e);
		bench_init(&b);
		if (!j || condition_read(j, &b.names, &c, &e) < 0)
			fail_msg("%s: %s", text.data, e.text);
		random_history(&c, &b, text.data);
		condition_done(&c);
		json_free(j);
	}
	free(history);
}

int test_long_enough(void);

int test_long_enough(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_model_says),
	};

	return cmocka_run_group_tests_name("long_enough", tests, NULL, NULL);
}
