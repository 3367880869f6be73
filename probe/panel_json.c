/* SPDX-License-Identifier: Apache-2.0 */
/* panel_json: all that a panel knows, for people and for /probes. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "probe/panel.h"

#define WHY_MOST ((size_t)4096)

static struct json *source_json(const struct source *s, int64_t now)
{
	const struct reading *r = source_reading(s, now);
	struct json *j = json_object();

	json_put_text(j, "source", s->settings->name);
	json_put_text(j, "kind", s->kind->name);
	json_put_text(j, "reading", r->known ? r->text : NULL);
	json_put_text(j, "unknown", r->known ? NULL : r->why);
	if (s->last.at)
		json_put_number(j, "age_ms", (double)(now - s->last.at));
	json_put_number(j, "looks", (double)s->looks);
	json_put_number(j, "failures", (double)s->failures);
	json_put_number(j, "took_ms", (double)(s->last.at - s->last.from));
	return j;
}

static struct json *rule_json(const struct rule *rule, const struct condition_view *v)
{
	static const char *const truths[] = {
		[TRUTH_UNKNOWN] = "unknown",
		[TRUTH_NO] = "no",
		[TRUTH_YES] = "yes",
	};
	owned_buf why = BUF_INIT(WHY_MOST);
	struct json *j = json_object();

	if (rule->always)
		(void)buf_add_text(&why, "whenever it is reached");
	else
		condition_why(&rule->when, v, &why);
	json_put_text(j, "result", rule->result);
	json_put_bool(j, "pass", rule->pass);
	json_put_text(j, "holds", truths[rule->truth]);
	json_put_text(j, "why", why.data);
	return j;
}

static struct json *probe_json(struct panel *p, struct rules *r, const struct condition_view *v)
{
	struct verdict verdict = panel_verdict(p, r);
	struct json *j = json_object(), *list = json_array();

	json_put_text(j, "probe", r->name);
	json_put_text(j, "result", verdict.word);
	json_put_bool(j, "pass", verdict.pass);
	json_put_text(j, "unknown", verdict.why[0] ? verdict.why : NULL);
	json_put_number(j, "rule", r->holds ? (double)(r->holds - r->items + 1) : 0);
	json_put_number(j, "since_ms", (double)(v->now - r->since));
	for (size_t i = 0; i < r->count; i++)
		json_add(list, rule_json(&r->items[i], v));
	json_put(j, "rules", list);
	return j;
}

struct json *panel_json(struct panel *p, const struct rules *only)
{
	const struct condition_view v = { p->sources, clock_ms(), p->direct };
	struct json *j = json_object(), *probes = json_array(), *sources = json_array();

	for (size_t i = 0; i < p->plan.probe_count; i++)
		if (!only || only == &p->plan.probes[i])
			json_add(probes, probe_json(p, &p->plan.probes[i], &v));
	for (size_t i = 0; i < p->plan.source_count; i++)
		if (p->plan.used[i])
			json_add(sources, source_json(&p->sources[i], v.now));
	json_put(j, "probes", probes);
	json_put(j, "sources", sources);
	return j;
}
