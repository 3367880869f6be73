/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_watch: a source that changes is synced again.
 *
 * The watch only says that it is time to look; what has changed is the sync's to find out, so one
 * event too many costs a scan, and neither a publication nor a reload.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/watch.h"
#include "sidecar/run.h"
#include "sync/layer.h"
#include "sync/layers.h"

int run_watch_check(const struct config *c, struct err *e)
{
	const struct source_watch_settings *s = &c->watch;
	char settle[CLOCK_TEXT_SIZE], longest[CLOCK_TEXT_SIZE];

	if (s->settle == 0)
		return err_set(e, ERR_USAGE, "%s: expected a time longer than 0",
			       config_origin(c, "watch-settle"));
	if (s->poll == 0)
		return err_set(e, ERR_USAGE, "%s: expected a time longer than 0",
			       config_origin(c, "watch-poll"));
	if (s->longest < s->settle)
		return err_set(e, ERR_USAGE, "watch-settle (%s) is longer than watch-longest (%s)",
			       clock_span(s->settle, settle), clock_span(s->longest, longest));
	return 0;
}

/* The directories whose changes matter. */
static void watch_roots(const struct config *c, struct list *ret)
{
	for (size_t i = 0; i < c->sync.sources.count; i++) {
		if (layers_awaits(c->sync.sources.items[i]))
			continue;
		owned char *directory = layer_directory(c->sync.sources.items[i]);

		list_add(ret, directory);
	}
}

static void on_change(void *owner)
{
	run_sync_again(owner);
}

void run_watch_start(struct run *r)
{
	const struct source_watch_settings *s = &r->config->watch;
	struct list roots = { 0 };

	if (!s->on)
		return;
	watch_roots(r->config, &roots);
	const struct watch_plan plan = {
		.roots = &roots,
		.settle_ms = s->settle,
		.longest_ms = s->longest,
		.poll_ms = s->poll,
		.on_change = on_change,
		.owner = r,
	};
	r->watch = watch_new(r->loop, &plan);
	list_clear(&roots);
}

void run_watch_stop(struct run *r)
{
	watch_free(r->watch);
	r->watch = NULL;
}

const char *run_watch_mode(const struct run *r)
{
	if (!r->watch)
		return "off";
	return watch_polls(r->watch) ? "polling" : "events";
}
