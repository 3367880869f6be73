/* SPDX-License-Identifier: Apache-2.0 */
/* condition: see condition.h. */
#include "probe/condition.h"

#include "base/mem.h"
#include "base/pattern.h"
#include "base/text.h"
#include "probe/number.h"

/* ---- readings ---- */

static const struct reading *reading_of(const struct condition *c, size_t i,
					const struct condition_view *v)
{
	return source_reading(&v->sources[c->sources[i]], v->now);
}

static enum truth truth_of(bool holds)
{
	return holds ? TRUTH_YES : TRUTH_NO;
}

static enum truth same(const struct reading *a, const struct reading *b)
{
	double x, y;

	if (!a->known || !b->known)
		return TRUTH_UNKNOWN;
	if (number_parse(a->text, &x) && number_parse(b->text, &y))
		return truth_of(x >= y && x <= y);
	return truth_of(text_is(a->text, b->text));
}

static enum truth agree(const struct condition *c, const struct condition_view *v)
{
	enum truth all = TRUTH_YES;

	for (size_t i = 1; i < c->source_count; i++) {
		enum truth one = same(reading_of(c, 0, v), reading_of(c, i, v));

		if (one == TRUTH_NO)
			return TRUTH_NO;
		if (one == TRUTH_UNKNOWN)
			all = TRUTH_UNKNOWN;
	}
	return all;
}

/* What was read before looking began may have been anything. */
static enum truth changed(const struct condition *c, const struct condition_view *v)
{
	const struct source *s = &v->sources[c->sources[0]];

	int64_t since = s->changed_at > s->steady_since ? s->changed_at : s->steady_since;

	if (v->direct || !s->steady_since)
		return TRUTH_UNKNOWN;
	if (s->changed_at && s->last.at - s->changed_at <= c->window_ms)
		return TRUTH_YES;
	return s->last.from - since >= c->window_ms ? TRUTH_NO : TRUTH_UNKNOWN;
}

static enum truth test(const struct condition *c, const struct condition_view *v)
{
	const struct reading *r = reading_of(c, 0, v);
	double number;

	if (!r->known)
		return TRUTH_UNKNOWN;
	if (c->kind == CONDITION_CHANGED)
		return changed(c, v);
	if (c->kind == CONDITION_MATCHES)
		return truth_of(pattern_fits_line(c->text, r->text));
	if (c->text)
		return truth_of(text_is(r->text, c->text));
	/* What is no number is neither more nor less. */
	if (!number_parse(r->text, &number))
		return TRUTH_UNKNOWN;
	return truth_of(number >= c->least && number <= c->most);
}

/* ---- how long ---- */

/* NOLINTNEXTLINE(misc-no-recursion): at most CONDITION_DEPTH_MOST deep */
void condition_each(struct condition *c, void (*each)(struct condition *c, void *user), void *user)
{
	each(c, user);
	for (size_t i = 0; i < c->count; i++)
		condition_each(&c->parts[i], each, user);
}

struct basis {
	const struct condition_view *view;
	int64_t confirmed_at; /* when the oldest look it rests on began; 0: one is missing */
	int64_t newest_at;    /* when the newest ended */
	uint64_t evidence;
	bool complete;
};

static void add_basis(struct condition *c, void *user)
{
	struct basis *b = user;

	for (size_t i = 0; i < c->source_count; i++) {
		const struct reading *r = &b->view->sources[c->sources[i]].last;

		/* When within its look it saw what it says, nobody knows. */
		if (r->from < b->confirmed_at)
			b->confirmed_at = r->from;
		if (r->at > b->newest_at)
			b->newest_at = r->at;
		b->complete = b->complete && r->known && r->evidence;
		b->evidence = (b->evidence ^ r->evidence) * 0x9e3779b97f4a7c15U;
	}
}

static struct basis basis_of(struct condition *c, const struct condition_view *v)
{
	struct basis b = { .view = v, .confirmed_at = INT64_MAX, .complete = true };

	condition_each(c, add_basis, &b);
	if (!b.complete)
		b.evidence = 0;
	return b;
}

static void begin(struct hold *h, const struct condition *c, const struct condition_view *v,
		  const struct basis *b)
{
	h->since = b->newest_at;
	h->looks = c->source_count ? v->sources[c->sources[0]].looks : 0;
	h->seen_to_begin = c->truth == TRUTH_NO;
	/* Nothing has happened to what it rests on while nobody looked. */
	if (h->saved_evidence && h->saved_evidence == b->evidence && h->saved_since < h->since)
		h->since = h->saved_since;
	h->saved_evidence = 0;
}

static enum truth hold(struct condition *c, enum truth now, const struct condition_view *v)
{
	struct hold *h = &c->hold;
	struct basis b = basis_of(c, v);
	bool long_enough, often_enough;

	if (v->direct)
		return now == TRUTH_NO ? TRUTH_NO : TRUTH_UNKNOWN;
	if (now != TRUTH_YES) {
		h->since = 0;
		h->evidence = 0;
		if (now == TRUTH_NO || b.confirmed_at > 0)
			h->saved_evidence = 0;
		return now;
	}
	if (!h->since)
		begin(h, c, v, &b);
	h->evidence = b.evidence;
	long_enough = b.confirmed_at - h->since >= c->for_ms;
	often_enough = !c->samples ||
		       (int64_t)(v->sources[c->sources[0]].looks - h->looks) + 1 >= c->samples;
	if (long_enough && often_enough)
		return TRUTH_YES;
	return h->seen_to_begin ? TRUTH_NO : TRUTH_UNKNOWN;
}

/* ---- all of it ---- */

static enum truth opposite(enum truth t)
{
	return t == TRUTH_UNKNOWN ? t : truth_of(t == TRUTH_NO);
}

/* What one part decides alone: a no for "all", a yes for "any". */
static enum truth parts(const struct condition *c, enum truth decides)
{
	enum truth all = opposite(decides);

	for (size_t i = 0; i < c->count; i++) {
		if (c->parts[i].truth == decides)
			return decides;
		if (c->parts[i].truth == TRUTH_UNKNOWN)
			all = TRUTH_UNKNOWN;
	}
	return all;
}

static enum truth look_now(const struct condition *c, const struct condition_view *v)
{
	switch (c->kind) {
	case CONDITION_ALL:
		return parts(c, TRUTH_NO);
	case CONDITION_ANY:
		return parts(c, TRUTH_YES);
	case CONDITION_NOT:
		return opposite(c->parts[0].truth);
	case CONDITION_AGREE:
		return agree(c, v);
	case CONDITION_EQUALS:
	case CONDITION_MATCHES:
	case CONDITION_RANGE:
	case CONDITION_CHANGED:
		break;
	}
	return test(c, v);
}

/* NOLINTNEXTLINE(misc-no-recursion): at most CONDITION_DEPTH_MOST deep */
enum truth condition_look(struct condition *c, const struct condition_view *v)
{
	enum truth now;

	/* All of them, whatever the first ones decide: each counts how long it has held. */
	for (size_t i = 0; i < c->count; i++)
		(void)condition_look(&c->parts[i], v);
	now = look_now(c, v);
	if (c->for_ms || c->samples)
		now = hold(c, now, v);
	c->truth = now;
	return now;
}

/* NOLINTNEXTLINE(misc-no-recursion): at most CONDITION_DEPTH_MOST deep */
void condition_done(struct condition *c)
{
	for (size_t i = 0; i < c->count; i++)
		condition_done(&c->parts[i]);
	free(c->parts);
	free(c->sources);
	free(c->text);
	*c = (struct condition){ 0 };
}
