/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tries: one trigger, tried for a version until it succeeds or the version's time is up, with
 * growing and jittered pauses in between.
 */
#pragma once

#include "base/loop.h"
#include "reloader/trigger.h"

enum tries_state {
	TRIES_NONE,      /* not begun */
	TRIES_PAUSED,    /* the next one comes by itself */
	TRIES_UNDER_WAY, /* one is being made */
	TRIES_DONE,
	TRIES_GIVEN_UP,
};

struct tries {
	struct loop *loop;
	struct trigger *trigger;
	int64_t timeout_ms;                /* of one */
	int64_t backoff_ms;                /* the longest pause */
	void (*on_start)(struct tries *t); /* one has been sent */
	void (*on_end)(struct tries *t);   /* and has ended: see state */
	void *owner;

	enum tries_state state;
	struct trigger_key key;
	unsigned count;
	bool unreachable;   /* all of them failed, since nothing could be reached */
	struct err last;    /* why the last one that failed did */
	char *output;       /* what its command said; NULL: nothing */
	int64_t began, end; /* clock_ms() */
	int64_t sent_at;    /* the first one; 0: none yet */
	int64_t pause_ms;
	struct loop_timer timer;
};

/* Takes trigger over. The settings, on_start, on_end and owner are set before. */
void tries_init(struct tries *t, struct loop *l, struct trigger *trigger);
void tries_done(struct tries *t);

/* The first one is made from the loop, not from inside. None may be under way. */
void tries_begin(struct tries *t, const struct trigger_key *key, int64_t end);

/* No further ones. One that is under way is let end; on_end is called then. */
void tries_stop(struct tries *t);

/* Lists the metrics of all tries. */
void tries_list_metrics(void);
