/* SPDX-License-Identifier: Apache-2.0 */
/* loop: see loop.h. */
#include "base/loop.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>

#define BATCH_SIZE 16

struct loop {
	int epoll;
	struct loop_timer *timers;
	struct epoll_event batch[BATCH_SIZE];
	int batch_at, batch_length;
	bool stopping;
	int status;
};

struct loop *loop_new(struct err *e)
{
	struct loop *l = mem_alloc(sizeof(*l));

	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		(void)err_sys(e, "epoll_create1");
		free(l);
		return NULL;
	}
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	fd_close(&l->epoll);
	free(l);
}

int loop_watch_start(struct loop *l, struct loop_watch *w, uint32_t events, struct err *e)
{
	struct epoll_event event = { .events = events, .data.ptr = w };

	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, w->fd, &event) == 0)
		return 0;
	if (errno == EEXIST && epoll_ctl(l->epoll, EPOLL_CTL_MOD, w->fd, &event) == 0)
		return 0;
	return err_sys(e, "epoll_ctl");
}

void loop_watch_stop(struct loop *l, struct loop_watch *w)
{
	(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	/* It may already be in the batch in flight, and its memory may go next. */
	for (int i = l->batch_at; i < l->batch_length; i++)
		if (l->batch[i].data.ptr == w)
			l->batch[i].data.ptr = NULL;
}

void loop_timer_start(struct loop *l, struct loop_timer *t, int64_t ms)
{
	struct loop_timer **place = &l->timers;

	loop_timer_stop(l, t);
	t->at = clock_ms() + ms;
	t->armed = true;
	while (*place && (*place)->at <= t->at)
		place = &(*place)->next;
	t->next = *place;
	*place = t;
}

void loop_timer_stop(struct loop *l, struct loop_timer *t)
{
	if (!t->armed)
		return;
	for (struct loop_timer **place = &l->timers; *place; place = &(*place)->next) {
		if (*place == t) {
			*place = t->next;
			break;
		}
	}
	t->armed = false;
}

static int wait_time(const struct loop *l)
{
	if (!l->timers)
		return -1;

	int64_t ms = l->timers->at - clock_ms();
	if (ms < 0)
		return 0;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

static void fire_timers(struct loop *l)
{
	int64_t now = clock_ms();

	while (!l->stopping && l->timers && l->timers->at <= now) {
		struct loop_timer *t = l->timers;

		loop_timer_stop(l, t);
		t->on_time(t);
	}
}

static void fire_watches(struct loop *l)
{
	for (l->batch_at = 0; !l->stopping && l->batch_at < l->batch_length;) {
		struct epoll_event *event = &l->batch[l->batch_at++];
		struct loop_watch *w = event->data.ptr;

		if (w)
			w->on_event(w, event->events);
	}
	l->batch_at = l->batch_length = 0;
}

int loop_run(struct loop *l)
{
	l->stopping = false;
	while (!l->stopping) {
		int count = epoll_wait(l->epoll, l->batch, BATCH_SIZE, wait_time(l));

		l->batch_length = count > 0 ? count : 0;
		fire_timers(l);
		fire_watches(l);
	}
	return l->status;
}

void loop_stop(struct loop *l, int status)
{
	l->stopping = true;
	l->status = status;
}
