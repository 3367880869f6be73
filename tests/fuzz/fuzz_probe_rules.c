/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources and rules, one a line: taken, or refused with a reason; and whatever they are and their
 * sources say, a verdict is a label value.
 */
#include "tests/fuzz/guard.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "probe/probe_plan.h"
#include "probe/settings.h"

#include <stdio.h>

static void add_lines(const char *text, struct probe_settings *to)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		owned char *line = mem_copy_part(text, length);
		struct err e = { 0 };
		bool is_source = source_settings_check(line, &e) == 0;

		MUST(is_source || (e.kind == ERR_USAGE && e.text[0]));
		list_add(is_source ? &to->sources : &to->rules, line);
		text += length + (text[length] == '\n');
	}
}

static void take(struct source *s, int64_t at, size_t what)
{
	static const char *const says[] = { "0", "1", "-1", "PreDelete", "a|b", "" };
	struct reading r = { .at = at, .evidence = what };

	what %= sizeof(says) / sizeof(says[0]);
	(void)snprintf(r.text, sizeof(r.text), "%s", says[what]);
	r.known = r.text[0];
	source_take(s, &r);
}

static void look(const struct probe_plan *plan, const struct condition_view *v)
{
	for (size_t i = 0; i < plan->probe_count; i++) {
		struct rules *r = &plan->probes[i];
		owned_buf why = BUF_INIT(256);

		rules_look(r, v);
		struct verdict verdict = rules_verdict(r, v, plan->source_count);
		MUST(word_is_safe(verdict.word));
		MUST(!verdict.pass || (r->holds && r->holds->pass && !verdict.why[0]));
		condition_why(&r->items[0].when, v, &why);
	}
}

static void run(const struct probe_plan *plan)
{
	owned struct source *sources = mem_alloc((plan->source_count + 1) * sizeof(*sources));
	struct condition_view v = { .sources = sources, .now = 1000 };

	for (size_t i = 0; i < plan->source_count; i++)
		sources[i].settings = &plan->sources[i];
	look(plan, &v);
	for (size_t round = 0; round < 8; round++, v.now += 1500) {
		for (size_t i = 0; i < plan->source_count; i++)
			take(&sources[i], v.now, round / 2 + i);
		look(plan, &v);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = guard_text(data, size);
	struct probe_settings settings = { 0 };
	struct probe_plan plan;
	struct err e = { 0 };

	if (!text)
		return 0;
	add_lines(text, &settings);
	if (probe_plan_read(&settings, NULL, &plan, &e) == 0)
		run(&plan);
	else
		MUST(e.kind == ERR_USAGE && e.text[0]);
	probe_plan_done(&plan);
	list_clear(&settings.sources);
	list_clear(&settings.rules);
	return 0;
}
