/* SPDX-License-Identifier: Apache-2.0 */
/* What an earlier process is said to have kept of its probes: as the whole, and as the holds. */
#include "tests/fuzz/guard.h"

#include "base/err.h"
#include "base/mem.h"
#include "probe/panel.h"
#include "probe/settings.h"

static const char source[] = "{\"name\":\"a\",\"file\":\"/dev/null\"}";
static const char rules[] = "{\"name\":\"p\",\"rules\":[{\"if\":{\"all\":[{\"source\":\"a\","
			    "\"equals\":0,\"for\":\"1s\"},"
			    "{\"source\":\"a\",\"max\":1}],\"for\":\"2s\"},\"result\":\"x\"}]}";

static void check(struct condition *c, void *user)
{
	(void)user;
	MUST(!c->hold.since && c->hold.saved_since >= 0);
	MUST(!c->hold.saved_evidence || c->hold.saved_since);
	c->hold = (struct hold){ 0 };
}

static void restore(struct panel *p, const char *text)
{
	panel_restore(p, text);
	condition_each(&p->plan.probes[0].items[0].when, check, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = guard_text(data, size);
	char *source_items[] = { (char *)source }, *rules_items[] = { (char *)rules };
	const struct probe_settings settings = { .sources = { source_items, 1 },
						 .rules = { rules_items, 1 } };
	struct source_world world = { 0 };
	struct probe_plan plan;
	struct panel panel;
	struct err e = { 0 };

	if (!text)
		return 0;
	world.loop = loop_new(&e);
	MUST(world.loop && probe_plan_read(&settings, NULL, &plan, &e) == 0);
	MUST(panel_init(&panel, &plan, &world, &e) == 0);
	restore(&panel, text);
	owned char *none = panel_evidence(&panel);
	const char *holds = strstr(none, "[]");
	MUST(holds);
	owned char *head = mem_copy_part(none, (size_t)(holds - none));
	owned char *whole = mem_format("%s%s}", head, text);
	restore(&panel, whole);
	panel_done(&panel);
	loop_free(world.loop);
	return 0;
}
