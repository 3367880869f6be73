/* SPDX-License-Identifier: Apache-2.0 */
/* watcher: see watcher.h. */
#include "reloader/watcher.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/pattern.h"
#include "base/text.h"
#include "base/watch.h"
#include "reloader/content.h"
#include "reloader/publication.h"
#include "reloader/runner.h"

#include <string.h>

#define PAUSE_LEAST_MS 1000
#define PAUSE_MOST_MS 60000
#define OWN_DOINGS_MOST 4

struct watcher {
	struct watcher_plan plan;
	struct loop *loop;
	struct list roots;   /* without slashes at their ends */
	struct list exclude; /* and our state directories */
	struct watch *watch;
	struct content *content;
	struct loop_timer rescan;
	struct loop_timer again; /* to look once more: is it quiet, is the pause over */

	bool started;         /* the first look is over, or the content has changed before that */
	bool known;           /* the game has loaded this, or is about to: */
	struct digest loaded; /* what was reloaded last */

	/* A look at the content: */
	bool told;      /* is to be judged */
	bool burst;     /* follows events, and not a timer */
	bool sure;      /* sees no content that is just being written: events would have said so */
	bool next;      /* has to be followed by another one, since there were more events, */
	bool next_told; /* which is to be judged */
	/* If not sure: */
	bool unsure;        /* there was something new */
	struct digest seen; /* this, for the first time then: */
	int64_t seen_since, unsure_since;

	struct runner_request request;
	bool asked, ask_again;
	int64_t ended;       /* our last reload, clock_ms() */
	int64_t pause_ms;    /* the last one before a reload; 0: none */
	unsigned own_doings; /* changes in a row that may have been made by our reloads */
	char *culprit;       /* the path that changed in the last of them; NULL: none */
	char last_change[CLOCK_TEXT_SIZE];
};

/* ---- settings ---- */

static int check_events(const char *item, struct err *e)
{
	uint32_t events = 0;

	return watch_events(item, &events, e);
}

static const struct setting rows[] = {
	{ .name = "watch",
	  .value = "DIR",
	  .type = SETTING_LIST,
	  .offset = offsetof(struct watcher_settings, roots),
	  .help = "Reload when what this directory holds has changed; may be given several "
		  "times." },
	{ .name = "watch-events",
	  .value = "WORDS",
	  .type = SETTING_LIST,
	  .offset = offsetof(struct watcher_settings, events),
	  .check = check_events,
	  .help = "Look only after these events: inotifywait's words, with commas between; may be "
		  "given several times. Not set: after any." },
	{ .name = "watch-exclude",
	  .value = "PATTERN",
	  .type = SETTING_LIST,
	  .offset = offsetof(struct watcher_settings, exclude),
	  .check = pattern_check,
	  .help = "What does not count below a watched directory: a name (`*.log`) or a path "
		  "(`cache/*`); may be given several times." },
	{ .name = "watch-rescan",
	  .value = "TIME",
	  .type = SETTING_DURATION,
	  .offset = offsetof(struct watcher_settings, rescan),
	  .standard = "10m",
	  .help = "How often to compare the content of watched directories although nothing was "
		  "told. 0s: never." },
};
const struct setting_group watcher_rows = SETTING_GROUP(rows);

/* ---- metrics ---- */

static struct metric changes = { .name = "gs_sidecar_watch_changes_total",
				 .help = "Changes of content in watched directories.",
				 .kind = METRIC_COUNTER };
static struct metric reloads = { .name = "gs_sidecar_watch_reloads_total",
				 .help = "Reloads that the watch has asked for.",
				 .kind = METRIC_COUNTER };
static struct metric polling = { .name = "gs_sidecar_watch_polling",
				 .help = "1 while directories are watched by looking every now "
					 "and then.",
				 .kind = METRIC_GAUGE };
static struct metric files = { .name = "gs_sidecar_watch_files",
			       .help = "Files in watched directories.",
			       .kind = METRIC_GAUGE };

/* ---- reloads ---- */

static void look_in(struct watcher *w, int64_t ms)
{
	loop_timer_start(w->loop, &w->again, ms);
}

static void look(struct watcher *w, bool sure)
{
	w->told = true;
	w->burst = false;
	w->sure = sure && !watch_polls(w->watch);
	content_begin(w->content);
}

static int64_t longer_pause(struct watcher *w)
{
	w->pause_ms = w->pause_ms ? 2 * w->pause_ms : PAUSE_LEAST_MS;
	if (w->pause_ms > PAUSE_MOST_MS)
		w->pause_ms = PAUSE_MOST_MS;
	return w->pause_ms;
}

static void ask(struct watcher *w)
{
	loop_timer_stop(w->loop, &w->again);
	w->ask_again = w->asked;
	if (w->asked)
		return;
	w->asked = true;
	reloads.value++;
	(void)runner_ask(w->plan.runner, &w->request);
}

static void on_reloaded(struct runner_request *request, const struct runner_outcome *outcome)
{
	struct watcher *w = request->owner;
	char span[CLOCK_TEXT_SIZE];

	w->asked = false;
	w->ended = clock_ms();
	if (w->ask_again) {
		ask(w);
	} else if (!outcome->done) {
		w->known = false;
		look_in(w, longer_pause(w));
		log_warn("what has changed is not loaded, next try in %s",
			 clock_span(w->pause_ms, span));
	} else if (!w->own_doings) {
		w->pause_ms = 0;
	}
}

/* ---- judging ---- */

/*
 * While a gs-sidecar publishes, and without events until the same was there for the settle time. A
 * state directory below may have been met by this look only: the watch could not be held for it.
 */
static bool may_be_half(struct watcher *w, const struct digest *now)
{
	bool published = content_is_published(w->content);
	int64_t at = clock_ms();

	if (w->sure && !published)
		return false;
	if (!w->unsure)
		w->unsure_since = w->burst ? watch_began(w->watch) : at;
	if (!w->unsure || published || !digest_equal(&w->seen, now))
		w->seen_since = at;
	w->seen = *now;
	w->unsure = (published || at - w->seen_since < w->plan.settle_ms) &&
		    at - w->unsure_since < w->plan.longest_ms;
	if (w->unsure)
		look_in(w, w->plan.settle_ms + 1);
	return w->unsure;
}

/* Whether it came so close to our last reload that this may have made it. */
static bool is_own_doing(const struct watcher *w)
{
	return w->ended + w->plan.settle_ms >= watch_began(w->watch) || w->asked;
}

/*
 * What a reload has changed makes one more. Should that one change the same path, or should it go
 * on like that with others, they get slow.
 */
static bool has_to_wait(struct watcher *w)
{
	const char *newest = content_newest(w->content);
	owned char *before = mem_take(w->culprit);
	char span[CLOCK_TEXT_SIZE];

	if (!is_own_doing(w)) {
		w->own_doings = 0;
		w->pause_ms = 0;
		return false;
	}
	w->culprit = mem_copy(newest);
	if (w->again.armed)
		return true;
	bool same = before && *newest && text_is(before, newest);
	if (++w->own_doings <= (same ? 1 : OWN_DOINGS_MOST))
		return false;
	look_in(w, longer_pause(w));
	log_warn("each reload changes '%s', which is watched: next one in %s", newest,
		 clock_span(w->pause_ms, span));
	return true;
}

/* A reload that began after the last event has loaded all of it, whoever asked for it. */
static bool is_loaded_already(const struct watcher *w)
{
	const struct runner *r = w->plan.runner;

	return w->burst && w->sure && !r->running && r->last.done &&
	       r->began > watch_ended(w->watch);
}

static void judge(struct watcher *w)
{
	const struct digest now = content_digest(w->content);
	const char *newest = content_newest(w->content);

	w->told = false;
	if (w->known && digest_equal(&now, &w->loaded)) {
		w->unsure = false;
		return;
	}
	if (may_be_half(w, &now))
		return;
	w->unsure = false;
	bool done = is_loaded_already(w);
	if (!done && w->burst && w->sure && has_to_wait(w))
		return;
	if (!digest_equal(&now, &w->loaded)) {
		changes.value++;
		clock_stamp(w->last_change);
	}
	w->known = true;
	w->loaded = now;
	if (done)
		return;
	log_info("watched content has changed%s%s: reloading", *newest ? ", last of all " : "",
		 newest);
	ask(w);
}

static void look_after_burst(struct watcher *w)
{
	w->burst = true;
	w->sure = !watch_polls(w->watch);
	content_begin(w->content);
}

static void on_looked(void *owner)
{
	struct watcher *w = owner;

	files.value = (double)content_files(w->content);
	polling.value = watch_polls(w->watch);
	/* What is there at the start is what the game loads, unless it has changed meanwhile. */
	if (!w->started && !watch_is_busy(w->watch)) {
		w->known = true;
		w->loaded = content_digest(w->content);
	}
	w->started = true;
	if (w->told)
		judge(w);
	if (!w->next)
		return;
	w->told = w->next_told;
	w->next = w->next_told = false;
	look_after_burst(w);
}

/* ---- when to look ---- */

static void on_quiet(void *owner)
{
	struct watcher *w = owner;

	if (!w->started && watch_polls(w->watch))
		return;
	w->started = true;
	/* What was told before has to be judged, or a busy writer could put that off for ever. */
	w->next = w->told && w->burst && content_is_looking(w->content);
	if (w->next)
		return;
	w->told = false;
	look_after_burst(w);
}

static void on_change(void *owner)
{
	struct watcher *w = owner;

	if (!w->started)
		return;
	if (w->next) {
		w->next_told = true;
		return;
	}
	w->told = true;
	if (!content_is_looking(w->content))
		judge(w);
}

static bool holds(void *owner)
{
	const struct watcher *w = owner;

	return content_is_published(w->content);
}

static void on_again(struct loop_timer *t)
{
	struct watcher *w = t->owner;

	if (content_is_looking(w->content) || watch_is_busy(w->watch))
		look_in(w, w->plan.settle_ms);
	else
		look(w, !w->unsure);
}

static void on_rescan(struct loop_timer *t)
{
	struct watcher *w = t->owner;

	loop_timer_start(w->loop, t, w->plan.settings->rescan);
	if (!w->again.armed && !content_is_looking(w->content) && !watch_is_busy(w->watch))
		look(w, false);
}

/* ---- life ---- */

static void copy_roots(struct watcher *w)
{
	const struct list *roots = &w->plan.settings->roots;

	for (size_t i = 0; i < roots->count; i++) {
		owned char *root = mem_copy(roots->items[i]);

		for (size_t length = strlen(root); length > 1 && root[length - 1] == '/'; length--)
			root[length - 1] = '\0';
		list_add(&w->roots, root);
	}
}

static uint32_t chosen_events(const struct watcher_settings *s)
{
	uint32_t events = 0;
	struct err e;

	for (size_t i = 0; i < s->events.count; i++)
		(void)watch_events(s->events.items[i], &events, &e);
	if (watch_idle_events(events))
		log_info("the events access, open and close_nowrite are left out: content does not "
			 "change by them");
	return events;
}

static void start_watch(struct watcher *w)
{
	const struct watcher_settings *s = w->plan.settings;
	const struct watch_plan plan = {
		.roots = &w->roots,
		.exclude = &w->exclude,
		.events = chosen_events(s),
		.prove = true,
		.settle_ms = w->plan.settle_ms,
		.longest_ms = w->plan.longest_ms,
		.poll_ms = w->plan.poll_ms,
		.on_change = on_change,
		.on_quiet = on_quiet,
		.holds = holds,
		.owner = w,
	};
	owned char *names = list_join(&w->roots, ", ");

	for (size_t i = 0; i < s->exclude.count; i++)
		list_add(&w->exclude, s->exclude.items[i]);
	list_add(&w->exclude, PUBLICATION_STATE);
	list_add(&w->exclude, PUBLICATION_STATE "-*");
	w->watch = watch_new(w->loop, &plan);
	if (!watch_polls(w->watch))
		log_info("watching %s: directories: %zu", names, watch_directories(w->watch));
}

struct watcher *watcher_new(struct loop *l, const struct watcher_plan *plan)
{
	if (!plan->settings->roots.count)
		return NULL;
	struct watcher *w = mem_alloc(sizeof(*w));

	w->plan = *plan;
	w->loop = l;
	w->ended = INT64_MIN / 2;
	w->again = (struct loop_timer){ .on_time = on_again, .owner = w };
	w->rescan = (struct loop_timer){ .on_time = on_rescan, .owner = w };
	w->request = (struct runner_request){ .on_done = on_reloaded, .owner = w };
	copy_roots(w);
	const struct content_plan content = {
		.roots = &w->roots,
		.exclude = &plan->settings->exclude,
		.on_done = on_looked,
		.owner = w,
	};
	w->content = content_new(l, &content);
	start_watch(w);
	content_begin(w->content);
	if (plan->settings->rescan)
		loop_timer_start(l, &w->rescan, plan->settings->rescan);
	metric_list(&changes);
	metric_list(&reloads);
	metric_list(&polling);
	metric_list(&files);
	return w;
}

void watcher_free(struct watcher *w)
{
	if (!w)
		return;
	loop_timer_stop(w->loop, &w->again);
	loop_timer_stop(w->loop, &w->rescan);
	watch_free(w->watch);
	content_free(w->content);
	list_clear(&w->roots);
	list_clear(&w->exclude);
	free(w->culprit);
	free(w);
}

void watcher_add_status(struct json *status, void *watcher)
{
	const struct watcher *w = watcher;

	if (!w)
		return;
	struct json *j = json_object();
	json_put(status, "watch", j);
	json_put_text(j, "mode", watch_polls(w->watch) ? "polling" : "events");
	json_put_number(j, "directories", (double)watch_directories(w->watch));
	json_put_number(j, "files", (double)content_files(w->content));
	json_put_number(j, "changes", changes.value);
	json_put_number(j, "reloads", reloads.value);
	json_put_text(j, "last_change", w->last_change[0] ? w->last_change : NULL);
}
