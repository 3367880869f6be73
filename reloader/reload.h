/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload: see to it that the game has reloaded the newest version.
 *
 * One try at a time, always for the newest version; tries are repeated, with growing and jittered
 * pauses, until one succeeds or the version's deadline has passed. A version that arrives while a
 * try is under way is tried right after it, whatever its outcome.
 */
#pragma once

#include "base/loop.h"
#include "reloader/trigger.h"

enum reload_state {
	RELOAD_NONE,         /* nothing to do yet */
	RELOAD_OWED,         /* to be sent, or to be sent again */
	RELOAD_SENT,         /* a try is under way */
	RELOAD_ACKNOWLEDGED, /* the game says it has reloaded */
	RELOAD_REFUSED,      /* the deadline passed: nothing more is tried by itself */
};

const char *reload_state_name(enum reload_state state);

struct reload {
	struct loop *loop;
	struct trigger *trigger;
	int64_t timeout_ms, deadline_ms, backoff_ms;
	void (*on_change)(struct reload *r); /* the state changed, or a try failed */
	void *owner;

	enum reload_state state;
	struct trigger_key wanted, sent;
	unsigned attempts; /* for the wanted version */
	bool unreachable;  /* all tries for it so far failed, since nothing could be reached */
	struct err last;   /* why the last try failed */
	char *output;      /* what its command said */
	int64_t pause_ms, began, first_sent_at, acknowledged_at; /* clock_ms(), 0: not yet */
	struct loop_timer timer;
};

/* Takes trigger over. r's settings, on_change and owner are set before. */
void reload_init(struct reload *r, struct loop *l, struct trigger *trigger);
void reload_done(struct reload *r);

/* The game has to reload this version; an older one is forgotten. */
void reload_request(struct reload *r, const struct trigger_key *key);

/* Begins again with a version that was refused. False when there is none. */
bool reload_again(struct reload *r);
