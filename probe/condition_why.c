/* SPDX-License-Identifier: Apache-2.0 */
/* condition_why: what a person reads about a condition. */
#include "base/buf.h"
#include "base/clock.h"
#include "probe/condition.h"
#include "probe/number.h"

#include <math.h>

static void add_wanted(const struct condition *c, struct buf *b)
{
	char least[NUMBER_TEXT_SIZE], most[NUMBER_TEXT_SIZE], span[CLOCK_TEXT_SIZE];

	if (c->kind == CONDITION_CHANGED)
		(void)buf_add_format(b, "changed within %s", clock_span(c->window_ms, span));
	else if (c->text)
		(void)buf_add_format(b, "%s '%s'", c->kind == CONDITION_MATCHES ? "match" : "equal",
				     c->text);
	else if (c->kind == CONDITION_EQUALS)
		(void)buf_add_format(b, "equal %s", number_text(c->least, least));
	else if (!isfinite(c->least))
		(void)buf_add_format(b, "at most %s", number_text(c->most, most));
	else if (!isfinite(c->most))
		(void)buf_add_format(b, "at least %s", number_text(c->least, least));
	else
		(void)buf_add_format(b, "from %s to %s", number_text(c->least, least),
				     number_text(c->most, most));
}

static void add_readings(const struct condition *c, const struct condition_view *v, struct buf *b)
{
	for (size_t i = 0; i < c->source_count; i++) {
		const struct source *s = &v->sources[c->sources[i]];
		const struct reading *r = source_reading(s, v->now);

		(void)buf_add_format(b, "%s%s is %s%s%s", i ? ", " : "", s->settings->name,
				     r->known ? "'" : "unknown: ", r->known ? r->text : r->why,
				     r->known ? "'" : "");
	}
}

/* The part that decided, or the first that could not be told. */
static const struct condition *deciding(const struct condition *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->kind != CONDITION_NOT && c->parts[i].truth == c->truth)
			return &c->parts[i];
	return c->count ? c->parts : NULL;
}

static void add_hold(const struct condition *c, const struct condition_view *v, struct buf *b)
{
	char held[CLOCK_TEXT_SIZE], wanted[CLOCK_TEXT_SIZE];

	if (v->direct)
		(void)buf_add_format(b, ", and only 'run' knows for how long");
	else if (c->for_ms)
		(void)buf_add_format(b, " for %s of %s", clock_span(v->now - c->hold.since, held),
				     clock_span(c->for_ms, wanted));
	else
		(void)buf_add_format(b, ", not yet %d times", (int)c->samples);
}

/* NOLINTNEXTLINE(misc-no-recursion): at most CONDITION_DEPTH_MOST deep */
void condition_why(const struct condition *c, const struct condition_view *v, struct buf *b)
{
	const struct condition *part = deciding(c);
	bool waits =
		(c->for_ms || c->samples) && c->truth != TRUTH_YES && (c->hold.since || v->direct);

	if (part) {
		if (c->kind == CONDITION_NOT)
			(void)buf_add_text(b, "not: ");
		condition_why(part, v, b);
	} else {
		add_readings(c, v, b);
		if (c->kind == CONDITION_AGREE) {
			(void)buf_add_text(b, ", to agree");
		} else {
			(void)buf_add_text(b, ", wanted: ");
			add_wanted(c, b);
		}
	}
	if (waits)
		add_hold(c, v, b);
}
