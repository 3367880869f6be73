/* SPDX-License-Identifier: Apache-2.0 */
/* panel_holds: how long conditions have held, for a later process of this container. */
#include "probe/panel_holds.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define HEX_SIZE 17

/* Times of CLOCK_MONOTONIC mean the same to every process of a boot, and to no other. */
static int read_boot(struct buf *b)
{
	struct err ignored;

	return io_read_file(AT_FDCWD, BOOT_ID, b, &ignored);
}

static void add_all(struct panel *p, void (*each)(struct condition *c, void *user), void *user)
{
	for (size_t i = 0; i < p->plan.probe_count; i++)
		for (size_t k = 0; k < p->plan.probes[i].count; k++)
			condition_each(&p->plan.probes[i].items[k].when, each, user);
}

static bool is_kept(const struct condition *c)
{
	return c->for_ms && c->hold.since && c->hold.evidence;
}

struct sum {
	uint64_t value, index;
};

static void add_to_sum(struct condition *c, void *user)
{
	struct sum *sum = user;

	sum->index++;
	if (is_kept(c))
		sum->value += (c->hold.evidence ^ (uint64_t)c->hold.since) *
			      (0x9e3779b97f4a7c15U * (2 * sum->index + 1));
}

uint64_t panel_holds_sum(struct panel *p)
{
	struct sum sum = { 0 };

	add_all(p, add_to_sum, &sum);
	return sum.value;
}

struct writer {
	struct json *holds;
	size_t index;
};

static void write_hold(struct condition *c, void *user)
{
	struct writer *w = user;
	char hex[HEX_SIZE];

	w->index++;
	if (!is_kept(c))
		return;
	struct json *one = json_object();
	(void)snprintf(hex, sizeof(hex), "%" PRIx64, c->hold.evidence);
	json_put_number(one, "condition", (double)w->index);
	json_put_number(one, "since", (double)c->hold.since);
	json_put_text(one, "evidence", hex);
	json_add(w->holds, one);
}

char *panel_evidence(struct panel *p)
{
	owned_buf boot = BUF_INIT(64);
	struct writer w = { .holds = json_array() };
	struct json *j = json_object();

	(void)read_boot(&boot);
	json_put_text(j, "boot", boot.data);
	json_put_text(j, "configuration", p->plan.digest);
	add_all(p, write_hold, &w);
	json_put(j, "holds", w.holds);
	char *text = json_print(j, false);
	json_free(j);
	return text;
}

struct reader {
	const struct json *next;
	size_t index;
};

static void read_hold(struct condition *c, void *user)
{
	struct reader *r = user;

	r->index++;
	if (json_count(json_get(r->next, "condition")) != r->index)
		return;
	const char *hex = json_text(json_get(r->next, "evidence"));
	c->hold.saved_since = (int64_t)json_count(json_get(r->next, "since"));
	c->hold.saved_evidence = hex ? strtoull(hex, NULL, 16) : 0;
	r->next = json_next(r->next);
}

void panel_restore(struct panel *p, const char *text)
{
	struct err ignored;
	owned_buf boot = BUF_INIT(64);
	struct json *j = json_read(text, &ignored);
	const char *theirs = json_text(json_get(j, "boot"));
	const char *configuration = json_text(json_get(j, "configuration"));
	const struct json *holds = json_get(j, "holds");
	struct reader r = { .next = json_is_array(holds) ? json_first(holds) : NULL };

	if (theirs && read_boot(&boot) == 0 && text_is(theirs, boot.data) && configuration &&
	    text_is(configuration, p->plan.digest))
		add_all(p, read_hold, &r);
	json_free(j);
}
