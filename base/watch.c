/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch: see watch.h.
 *
 * After the first event of a burst the loop no longer listens; a timer looks a few times per settle
 * time whether there was more. So a writer costs us some wake-ups a second, however fast it writes.
 */
#include "base/watch.h"

#include "base/clock.h"
#include "base/folders.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

#include <sys/epoll.h>

#define DIRECTORIES_PER_TURN 64 /* of the loop */
#define LOOKS_PER_SETTLE 5

struct watch {
	struct watch_plan plan;
	struct loop *loop;
	struct list roots;
	struct folders folders;
	struct loop_watch events;
	struct loop_timer look; /* armed from a change until it is told */
	struct loop_timer poll;
	bool walking, changed;
	bool told_failure, told_remote;
	int64_t first, last; /* change of this burst, clock_ms() */
};

bool watch_polls(const struct watch *w)
{
	return w->folders.fd < 0 || w->folders.remote_path;
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

/* The burst is over. */
static void listen_again(struct watch *w)
{
	struct folders *f = &w->folders;

	w->changed = false;
	w->events.fd = f->fd;
	if (f->fd >= 0 && loop_watch_start(w->loop, &w->events, EPOLLIN, &f->failure) < 0)
		folders_drop(f);
	tell_polling(w);
	if (!watch_polls(w) && !f->missing)
		loop_timer_stop(w->loop, &w->poll);
	else if (!w->poll.armed)
		loop_timer_start(w->loop, &w->poll, w->plan.poll_ms);
}

static int64_t min_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* False when it is time to tell. */
static bool waits_on(struct watch *w)
{
	int64_t left =
		min_of(w->last + w->plan.settle_ms, w->first + w->plan.longest_ms) - clock_ms();

	if (left <= 0)
		return false;
	loop_timer_start(w->loop, &w->look, min_of(left, w->plan.settle_ms / LOOKS_PER_SETTLE + 1));
	return true;
}

static void begin_burst(struct watch *w)
{
	w->first = w->last = clock_ms();
	if (w->folders.fd >= 0)
		loop_watch_stop(w->loop, &w->events);
	loop_timer_start(w->loop, &w->look, 0);
}

static void on_events(struct loop_watch *watch, uint32_t events)
{
	struct watch *w = watch->owner;

	(void)events;
	if (!folders_read(&w->folders))
		return;
	w->changed = true;
	begin_burst(w);
}

/* Whether there was one since the last look. */
static bool sees_change(struct watch *w)
{
	if (!w->walking)
		return folders_read(&w->folders);
	w->walking = folders_walk(&w->folders, DIRECTORIES_PER_TURN);
	return !w->walking && w->folders.found_new;
}

static void on_look(struct loop_timer *t)
{
	struct watch *w = t->owner;

	if (sees_change(w)) {
		w->changed = true;
		w->last = clock_ms();
	}
	if (!w->walking && w->changed && waits_on(w))
		return;
	/* What is told is watched by then, so that the next change is told too. */
	if (!w->walking && w->folders.stale) {
		folders_begin_walk(&w->folders);
		w->walking = true;
	}
	if (w->walking) {
		loop_timer_start(w->loop, &w->look, 0);
		return;
	}
	bool changed = w->changed;
	listen_again(w);
	if (changed)
		w->plan.on_change(w->plan.owner);
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
		w->plan.on_change(w->plan.owner);
	}
}

struct watch *watch_new(struct loop *l, const struct watch_plan *plan)
{
	struct watch *w = mem_alloc(sizeof(*w));

	w->plan = *plan;
	w->loop = l;
	for (size_t i = 0; i < plan->roots->count; i++)
		list_add(&w->roots, plan->roots->items[i]);
	w->folders = folders_init(&w->roots, plan->ignored);
	w->events = (struct loop_watch){ .fd = -1, .on_event = on_events, .owner = w };
	w->look = (struct loop_timer){ .on_time = on_look, .owner = w };
	w->poll = (struct loop_timer){ .on_time = on_poll, .owner = w };
	folders_begin_walk(&w->folders);
	while (folders_walk(&w->folders, DIRECTORIES_PER_TURN))
		continue;
	listen_again(w);
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	loop_timer_stop(w->loop, &w->look);
	loop_timer_stop(w->loop, &w->poll);
	if (w->folders.fd >= 0)
		loop_watch_stop(w->loop, &w->events);
	folders_done(&w->folders);
	list_clear(&w->roots);
	free(w);
}
