/* SPDX-License-Identifier: Apache-2.0 */
/* local_watch: see local_watch.h. */
#include "sidecar/local_watch.h"

#include "base/err.h"
#include "reloader/watcher.h"
#include "sidecar/config.h"
#include "sidecar/run.h"

int local_watch_check(const struct config *c, struct err *e)
{
	const struct watcher_settings *s = &c->watcher;

	if (!s->roots.count && (s->events.count || s->exclude.count))
		return err_set(e, ERR_USAGE, "%s is set, but not watch: --watch DIR",
			       s->events.count ? "watch-events" : "watch-exclude");
	return run_watch_check(c, e);
}

struct watcher *local_watch_new(struct loop *l, const struct config *c, struct runner *runner)
{
	const struct watcher_plan plan = {
		.settings = &c->watcher,
		.settle_ms = c->watch.settle,
		.longest_ms = c->watch.longest,
		.poll_ms = c->watch.poll,
		.runner = runner,
	};

	return watcher_new(l, &plan);
}
