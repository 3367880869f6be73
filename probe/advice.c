/* SPDX-License-Identifier: Apache-2.0 */
/* advice: see advice.h. */
#include "probe/advice.h"

#include "base/mem.h"
#include "base/text.h"
#include "probe/probe_plan.h"

#include <string.h>
#include <strings.h>

/* Words that somebody lets a server be deleted for. */
#define DESTRUCTIVE "done drained empty idle Kill WaitToBeDeleted"

static const char *const ops_states[] = { "None", "WaitToBeDeleted", "Maintaining", "Allocated",
					  "Kill" };

struct adviser {
	const struct probe_plan *plan;
	const struct rules *probe;
	const struct rule *rule;
	void (*tell)(const char *text);
	bool zero, waits; /* the rule asks for zero, and for how long */
};

static void tell_of_rule(const struct adviser *a, const char *text)
{
	owned char *line = mem_format("probe \"%s\", rule %d (%s): %s", a->probe->name,
				      (int)(a->rule - a->probe->items) + 1, a->rule->result, text);

	a->tell(line);
}

static void note_condition(struct condition *c, void *user)
{
	struct adviser *a = user;

	a->waits |= c->for_ms || c->samples;
	a->zero |= (c->kind == CONDITION_EQUALS || c->kind == CONDITION_RANGE) && !c->text &&
		   c->most <= 0 && c->most >= 0;
}

/* A text that is another one at each look is an event and two updates of API objects each time. */
static bool follows_age(const struct adviser *a)
{
	for (size_t i = 0; i < a->plan->source_count; i++) {
		owned char *name = mem_format("{%s}", a->plan->sources[i].name);

		if (a->plan->sources[i].age && strstr(a->rule->result, name))
			return true;
	}
	return false;
}

static void advise_on_rule(struct adviser *a, struct rule *rule)
{
	a->rule = rule;
	a->zero = a->waits = false;
	condition_each(&rule->when, note_condition, a);
	if (!rule->pass && text_has_word(DESTRUCTIVE, rule->result))
		tell_of_rule(a, "with \"pass\": false its action would be for state false, which "
				"every container that starts has: let it pass");
	if (rule->pass && a->zero && !a->waits)
		tell_of_rule(a, "one look at zero is enough for it, without \"for\" or "
				"\"samples\"");
	if (a->waits && rule != &a->probe->items[a->probe->count - 1] &&
	    a->probe->items[a->probe->count - 1].always &&
	    text_has_word(DESTRUCTIVE, a->probe->items[a->probe->count - 1].result))
		tell_of_rule(a, "until it has held for so long, the last rule speaks, whose word "
				"lets go");
	if (rule->always && rule->pass && text_has_word(DESTRUCTIVE, rule->result))
		tell_of_rule(a, "it lets go whenever nothing before holds, by a count below zero "
				"too: say in an \"if\" what it needs");
	if (follows_age(a))
		tell_of_rule(a, "its word changes all the time, which is an event each time");
	for (size_t i = 0; i < sizeof(ops_states) / sizeof(ops_states[0]); i++)
		if (strcasecmp(rule->result, ops_states[i]) == 0 &&
		    !text_is(rule->result, ops_states[i])) {
			owned char *text = mem_format("OKG's opsState is spelt %s", ops_states[i]);

			tell_of_rule(a, text);
		}
}

void advice_give(const struct probe_plan *p, void (*tell)(const char *text))
{
	struct adviser a = { .plan = p, .tell = tell };

	if (p->probe_count > 1)
		tell("more than one probe: kruise-daemon keeps one answer for a container, so "
		     "probes that say the same hide each other for up to 10 minutes: one probe "
		     "with several words is better");
	for (size_t i = 0; i < p->source_count; i++) {
		owned char *line =
			mem_format("source \"%s\": no rule names it", p->sources[i].name);

		if (!p->used[i])
			tell(line);
	}
	for (size_t i = 0; i < p->probe_count; i++) {
		a.probe = &p->probes[i];
		for (size_t k = 0; k < a.probe->count; k++)
			advise_on_rule(&a, &a.probe->items[k]);
	}
}
