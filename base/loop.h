/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop: one epoll loop with timers; the whole resident program is callbacks from it.
 *
 * Watches and timers live inside their owners: the loop allocates nothing and never frees them.
 * Both may be started and stopped from any callback, also their own. With no timer armed the loop
 * sleeps until a descriptor speaks: an idle program never wakes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct loop;

struct loop_watch {
	int fd;
	void (*on_event)(struct loop_watch *, uint32_t events);
	void *owner;
};

struct loop_timer {
	void (*on_time)(struct loop_timer *);
	void *owner;
	int64_t at; /* clock_ms() */
	bool armed;
	struct loop_timer *next; /* the loop's list, soonest first */
};

/* NULL with e. */
struct loop *loop_new(struct err *e);
void loop_free(struct loop *l);

/* events as in epoll_ctl(2), level triggered. Starting a started watch changes its events. */
int loop_watch_start(struct loop *l, struct loop_watch *w, uint32_t events, struct err *e);
void loop_watch_stop(struct loop *l, struct loop_watch *w);

/* Calls on_time once, after ms milliseconds; an armed timer is moved. */
void loop_timer_start(struct loop *l, struct loop_timer *t, int64_t ms);
void loop_timer_stop(struct loop *l, struct loop_timer *t);

/* Runs until loop_stop(); returns its status. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int status);
