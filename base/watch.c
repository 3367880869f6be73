/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch: see watch.h.
 *
 * A burst: after an event the loop does not listen, and a timer looks every few milliseconds, so
 * that a writer costs us a bounded number of wake-ups however fast it writes. When a look sees
 * nothing the loop listens again, and the timer waits for the quiet to be long enough.
 */
#include "base/watch.h"

#include "base/clock.h"
#include "base/folders.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

#include <sys/epoll.h>

#define DIRECTORIES_PER_TURN 64 /* of the loop */
#define LOOK_MS 2               /* how late the last event of a burst may be noticed */
#define QUIET_PARTS 5           /* of the settle time: one is enough to begin to look at content */

struct watch {
	struct watch_plan plan;
	struct loop *loop;
	struct list roots;
	struct folders folders;
	struct loop_watch events;
	struct loop_timer look; /* armed from a change until it is told */
	struct loop_timer poll;
	bool walking, changed, quiet;
	bool told_failure, told_remote;
	int64_t first, last; /* change of this burst, clock_ms() */
};

bool watch_polls(const struct watch *w)
{
	/* While it is tried again it is not known yet. */
	return w->folders.fd < 0 || w->told_failure || w->folders.remote_path;
}

size_t watch_directories(const struct watch *w)
{
	return w->folders.watched;
}

/* Each once. */
static void tell_polling(struct watch *w)
{
	const struct folders *f = &w->folders;
	bool failed = f->fd < 0;
	char span[CLOCK_TEXT_SIZE];

	clock_span(w->plan.poll_ms, span);
	if (f->remote_path && !w->told_remote)
		log_info("'%s' is on %s, where changes are not told: looking every %s",
			 f->remote_path, f->remote_name, span);
	if (failed && !w->told_failure)
		log_warn("cannot watch for changes, looking every %s instead: %s", span,
			 f->failure.text);
	if (!failed && w->told_failure)
		log_info("changes can be watched again: %zu directories", f->watched);
	w->told_remote = f->remote_path != NULL;
	w->told_failure = failed;
}

static void listen(struct watch *w)
{
	struct folders *f = &w->folders;

	w->events.fd = f->fd;
	if (f->fd >= 0 && loop_watch_start(w->loop, &w->events, EPOLLIN, &f->failure) < 0)
		folders_drop(f);
}

/* The descriptor that is listened to may have been given back, and be another's by now. */
static void stop_listening(struct watch *w)
{
	if (w->events.fd >= 0 && w->events.fd == w->folders.fd)
		loop_watch_stop(w->loop, &w->events);
}

static void look_in(struct watch *w, int64_t ms)
{
	loop_timer_start(w->loop, &w->look, ms);
}

static void tell(struct watch *w, bool was_quiet)
{
	if (!was_quiet && w->plan.on_quiet)
		w->plan.on_quiet(w->plan.owner);
	w->plan.on_change(w->plan.owner);
}

static void end_burst(struct watch *w)
{
	bool changed = w->changed, quiet = w->quiet;

	w->changed = w->quiet = false;
	listen(w);
	tell_polling(w);
	if (!watch_polls(w) && !w->folders.missing)
		loop_timer_stop(w->loop, &w->poll);
	else if (!w->poll.armed)
		loop_timer_start(w->loop, &w->poll, w->plan.poll_ms);
	if (changed)
		tell(w, quiet);
}

static int64_t min_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* One more change, or the first. */
static void note_change(struct watch *w)
{
	w->last = clock_ms();
	if (!w->changed)
		w->first = w->last;
	w->changed = true;
	w->quiet = false;
}

static void begin_burst(struct watch *w)
{
	w->first = w->last = clock_ms();
	stop_listening(w);
	look_in(w, 0);
}

/* Reads events; false when there was none that matters. */
static bool see_events(struct watch *w)
{
	bool in_burst = w->look.armed;

	if (w->walking)
		return true;
	if (folders_read(&w->folders, in_burst ? FOLDERS_ALL : w->plan.events))
		note_change(w);
	else if (in_burst || !w->folders.stale)
		return false;
	stop_listening(w);
	look_in(w, LOOK_MS);
	return true;
}

static void on_events(struct loop_watch *watch, uint32_t events)
{
	(void)events;
	(void)see_events(watch->owner);
}

bool watch_is_busy(struct watch *w)
{
	(void)see_events(w);
	return w->changed || w->walking;
}

int64_t watch_began(const struct watch *w)
{
	return w->first;
}

int64_t watch_ended(const struct watch *w)
{
	return w->last;
}

/* What is told is watched by then, so that the next change is told too. */
static void begin_walk(struct watch *w)
{
	folders_begin_walk(&w->folders);
	w->walking = true;
	look_in(w, 0);
}

static void walk_on(struct watch *w)
{
	w->walking = folders_walk(&w->folders, DIRECTORIES_PER_TURN);
	/* What was written in a new directory before it was watched is taken as old as the event.
	 */
	if (!w->walking && w->folders.found_new && !w->changed)
		note_change(w);
	bool late = clock_ms() >= w->first + w->plan.longest_ms;
	if (!w->walking && (late || !w->changed))
		end_burst(w);
	else
		look_in(w, 0);
}

/* Whether the burst may go on; else it is time to tell. */
static bool waits_on(struct watch *w, bool more)
{
	int64_t now = clock_ms(), cap = w->first + w->plan.longest_ms;
	int64_t left = min_of(w->last + w->plan.settle_ms, cap) - now;
	int64_t quiet = w->last + w->plan.settle_ms / QUIET_PARTS - now;

	if (left > 0 && more) {
		look_in(w, min_of(left, LOOK_MS));
	} else if (left > 0 && quiet > 0) {
		listen(w);
		look_in(w, min_of(left, quiet));
	} else if (w->folders.stale) {
		begin_walk(w);
	} else if (left > 0) {
		if (!w->quiet && w->plan.on_quiet)
			w->plan.on_quiet(w->plan.owner);
		w->quiet = true;
		listen(w);
		look_in(w, left);
	} else if (cap > now && w->plan.holds && w->plan.holds(w->plan.owner)) {
		listen(w);
		look_in(w, min_of(cap - now, w->plan.settle_ms / QUIET_PARTS + 1));
	} else {
		return false;
	}
	return true;
}

static void on_look(struct loop_timer *t)
{
	struct watch *w = t->owner;

	if (w->walking) {
		walk_on(w);
		return;
	}
	bool more = folders_read(&w->folders, FOLDERS_ALL);
	if (more)
		note_change(w);
	if (w->changed && waits_on(w, more))
		return;
	if (w->folders.stale)
		begin_walk(w);
	else
		end_burst(w);
}

/* What could not be watched perhaps can be now. */
static void on_poll(struct loop_timer *t)
{
	struct watch *w = t->owner;

	loop_timer_start(w->loop, &w->poll, w->plan.poll_ms);
	if (w->look.armed)
		return;
	if (w->folders.fd < 0 || w->folders.missing) {
		w->changed = watch_polls(w);
		w->folders.stale = true;
		begin_burst(w);
	} else {
		tell(w, false);
	}
}

int watch_events(const char *words, uint32_t *events, struct err *e)
{
	return folders_kinds(words, events, e);
}

uint32_t watch_idle_events(uint32_t events)
{
	return folders_idle_kinds(events);
}

struct watch *watch_new(struct loop *l, const struct watch_plan *plan)
{
	struct watch *w = mem_alloc(sizeof(*w));

	w->plan = *plan;
	w->loop = l;
	for (size_t i = 0; i < plan->roots->count; i++)
		list_add(&w->roots, plan->roots->items[i]);
	w->plan.events &= ~watch_idle_events(plan->events);
	if (!w->plan.events)
		w->plan.events = FOLDERS_ALL;
	w->folders = folders_init(&w->roots, plan->exclude);
	w->events = (struct loop_watch){ .fd = -1, .on_event = on_events, .owner = w };
	w->look = (struct loop_timer){ .on_time = on_look, .owner = w };
	w->poll = (struct loop_timer){ .on_time = on_poll, .owner = w };
	folders_begin_walk(&w->folders);
	while (folders_walk(&w->folders, DIRECTORIES_PER_TURN))
		continue;
	if (plan->prove && folders_prove(&w->folders))
		note_change(w);
	if (w->changed || w->folders.stale)
		begin_burst(w);
	else
		end_burst(w);
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	loop_timer_stop(w->loop, &w->look);
	loop_timer_stop(w->loop, &w->poll);
	stop_listening(w);
	folders_done(&w->folders);
	list_clear(&w->roots);
	free(w);
}
