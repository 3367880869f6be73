/* SPDX-License-Identifier: Apache-2.0 */
/* probe_plan: see probe_plan.h. */
#include "probe/probe_plan.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "probe/settings.h"

#include <string.h>

static int add_source(struct probe_plan *p, const char *text, struct err *e)
{
	struct source_settings *new = &p->sources[p->source_count];

	if (source_settings_read(text, new, e) < 0)
		return -1;
	p->source_count++;
	for (size_t i = 0; i + 1 < p->source_count; i++)
		if (text_is(p->sources[i].name, new->name))
			return err_set(e, ERR_USAGE, "source \"%s\": it is there twice", new->name);
	return 0;
}

static int add_probe(struct probe_plan *p, const char *text, const char *only, struct err *e)
{
	owned bool *used = mem_alloc(p->source_count + 1);
	const struct condition_names names = { p->sources, p->source_count, used };
	struct rules new;
	int status = rules_read(text, &names, &new, e);

	if (status == 0 && probe_plan_find(p, new.name))
		status = err_set(e, ERR_USAGE, "probe \"%s\": it is there twice", new.name);
	if (status < 0 || (only && !text_is(only, new.name))) {
		rules_done(&new);
		return status;
	}
	for (size_t i = 0; i < p->source_count; i++)
		p->used[i] |= used[i];
	new.used = mem_take(used);
	p->probes[p->probe_count++] = new;
	return 0;
}

static void add_list(struct digest_stream *stream, const struct list *l)
{
	for (size_t i = 0; i < l->count; i++)
		digest_add(stream, l->items[i], strlen(l->items[i]) + 1);
}

static void set_digest(struct probe_plan *p, const struct probe_settings *s)
{
	struct digest_stream *stream = digest_new();
	struct digest digest;

	add_list(stream, &s->sources);
	add_list(stream, &s->rules);
	digest = digest_result(stream);
	digest_free(stream);
	(void)digest_text(&digest, p->digest);
}

int probe_plan_read(const struct probe_settings *s, const char *only, struct probe_plan *ret,
		    struct err *e)
{
	*ret = (struct probe_plan){ 0 };
	set_digest(ret, s);
	if (s->sources.count > PROBE_PLAN_SOURCES_MOST || s->rules.count > PROBE_PLAN_PROBES_MOST)
		return err_set(e, ERR_USAGE, "more than %d sources or %d probes",
			       PROBE_PLAN_SOURCES_MOST, PROBE_PLAN_PROBES_MOST);
	ret->sources = mem_alloc((s->sources.count + 1) * sizeof(*ret->sources));
	ret->used = mem_alloc(s->sources.count + 1);
	ret->probes = mem_alloc((s->rules.count + 1) * sizeof(*ret->probes));
	for (size_t i = 0; i < s->sources.count; i++)
		if (add_source(ret, s->sources.items[i], e) < 0)
			return err_in(e, "probe-source");
	for (size_t i = 0; i < s->rules.count; i++)
		if (add_probe(ret, s->rules.items[i], only, e) < 0)
			return err_in(e, "probe-rules");
	return 0;
}

void probe_plan_done(struct probe_plan *p)
{
	for (size_t i = 0; i < p->source_count; i++)
		source_settings_done(&p->sources[i]);
	for (size_t i = 0; i < p->probe_count; i++)
		rules_done(&p->probes[i]);
	free(p->sources);
	free(p->used);
	free(p->probes);
	*p = (struct probe_plan){ 0 };
}

struct rules *probe_plan_find(const struct probe_plan *p, const char *name)
{
	for (size_t i = 0; i < p->probe_count; i++)
		if (text_is(p->probes[i].name, name))
			return &p->probes[i];
	return NULL;
}
