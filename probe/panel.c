/* SPDX-License-Identifier: Apache-2.0 */
/* panel: see panel.h. */
#include "probe/panel.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/http_client.h"
#include "base/mem.h"
#include "base/text.h"
#include "probe/panel_holds.h"

static struct condition_view view_of(const struct panel *p)
{
	return (struct condition_view){ p->sources, clock_ms(), p->direct };
}

static void look_at_rules(struct panel *p)
{
	struct condition_view v = view_of(p);

	for (size_t i = 0; i < p->plan.probe_count; i++)
		rules_look(&p->plan.probes[i], &v);
}

/* A word that only follows its numbers is no news. */
static void tell_verdicts(struct panel *p)
{
	struct condition_view v = view_of(p);

	for (size_t i = 0; i < p->plan.probe_count; i++) {
		struct rules *r = &p->plan.probes[i];
		struct verdict verdict = rules_verdict(r, &v, p->plan.source_count);
		struct told now = { r->holds, !verdict.why[0] };

		if (now.holds == p->told[i].holds && now.known == p->told[i].known)
			continue;
		p->told[i] = now;
		p->on_verdict(p->owner, r, &verdict);
	}
}

static void tell_evidence(struct panel *p)
{
	uint64_t now = panel_holds_sum(p);

	if (p->evidence_told && now == p->evidence)
		return;
	p->evidence = now;
	p->evidence_told = true;
	p->on_evidence(p->owner);
}

void panel_evidence_lost(struct panel *p)
{
	p->evidence_told = false;
}

static void on_reading(struct source *s, const struct reading *r)
{
	struct panel *p = s->owner;

	/* First what it was like until now: a reading may have gone stale unseen. */
	look_at_rules(p);
	source_take(s, r);
	look_at_rules(p);
	if (p->on_verdict)
		tell_verdicts(p);
	if (p->on_evidence)
		tell_evidence(p);
	if (p->direct && --p->waiting == 0 && p->on_complete)
		p->on_complete(p->owner);
}

int panel_init(struct panel *p, struct probe_plan *plan, const struct source_world *world,
	       struct err *e)
{
	*p = (struct panel){ .plan = *plan, .world = *world };
	*plan = (struct probe_plan){ 0 };
	p->sources = mem_alloc((p->plan.source_count + 1) * sizeof(*p->sources));
	p->told = mem_alloc((p->plan.probe_count + 1) * sizeof(*p->told));
	for (size_t i = 0; i < p->plan.source_count; i++) {
		if (source_open(&p->sources[i], &p->plan.sources[i], &p->world, e) < 0) {
			(void)err_in(e, "source \"%s\"", p->plan.sources[i].name);
			panel_done(p);
			return -1;
		}
		p->sources[i].on_reading = on_reading;
		p->sources[i].owner = p;
	}
	return 0;
}

void panel_done(struct panel *p)
{
	for (size_t i = 0; i < p->plan.source_count; i++)
		source_close(&p->sources[i]);
	if (p->world.http)
		http_client_free(p->world.http);
	probe_plan_done(&p->plan);
	free(p->sources);
	free(p->told);
	*p = (struct panel){ 0 };
}

void panel_start(struct panel *p, bool direct)
{
	p->direct = direct;
	for (size_t i = 0; i < p->plan.source_count; i++)
		p->waiting += p->plan.used[i];
	for (size_t i = 0; i < p->plan.source_count; i++)
		if (p->plan.used[i])
			source_start(&p->sources[i], !direct);
}

struct verdict panel_verdict(struct panel *p, struct rules *r)
{
	struct condition_view v = view_of(p);

	rules_look(r, &v);
	return rules_verdict(r, &v, p->plan.source_count);
}

int64_t panel_seen_from(const struct panel *p, const struct rules *r)
{
	int64_t from = clock_ms();

	for (size_t i = 0; i < p->plan.source_count; i++)
		if (r->used[i] && p->sources[i].last.from < from)
			from = p->sources[i].last.from;
	return from;
}
