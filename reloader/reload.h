/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload: see to it that the game has reloaded the newest version.
 *
 *   owed -> sent -> acknowledged | unproven | refused
 *
 * When it is the version's turn (reloader/turn.h) the triggers are tried, each until it succeeds or
 * the version's deadline has passed. A trigger starts when the one before it has been answered,
 * well or badly: the order is kept, and a bad one holds up nobody. When all have succeeded and a
 * proof is wanted (reloader/proof.h), it decides. What it cost the players is counted a while after
 * (reloader/cost.h).
 *
 * A version that arrives while tries are under way is begun when these have ended, whatever came of
 * them.
 */
#pragma once

#include "reloader/cost.h"
#include "reloader/probes.h"
#include "reloader/tries.h"
#include "reloader/trigger_list.h"
#include "reloader/turn.h"

enum reload_state {
	RELOAD_NONE,         /* nothing to do yet */
	RELOAD_OWED,         /* to be sent, or to be sent again */
	RELOAD_SENT,         /* a try is under way, or its proof is being looked for */
	RELOAD_ACKNOWLEDGED, /* the game says it has reloaded, and there is proof if it is wanted */
	RELOAD_UNPROVEN,     /* it says so, but the proof did not come in time */
	RELOAD_REFUSED,      /* the deadline passed */
};

const char *reload_state_name(enum reload_state state);

struct proof;

struct reload {
	struct loop *loop;
	const struct reload_settings *settings;
	int64_t deadline_ms;                 /* how long a version's triggers are tried */
	void (*on_change)(struct reload *r); /* the state changed, or a try failed */
	void (*on_cost)(struct reload *r);   /* cost is there; NULL: no matter */
	struct reload_probes probes;
	void *owner;

	enum reload_state state;
	struct trigger_key wanted;
	struct trigger_list triggers;
	struct tries *tries; /* one for each trigger */
	size_t started;      /* so many of them, for the wanted version */
	bool again;          /* the wanted version is another than that of the tries under way */
	bool proving;
	char *name; /* of all triggers, for people; NULL: there is none, and no reload */

	struct turn turn;
	struct proof *proof;      /* NULL: not wanted */
	struct err unproven;      /* why */
	struct cost cost;         /* of the last reload that was counted; ports NULL: none */
	char counted[40];         /* the digest of what it was the reload of */
	bool counting;            /* it is not known yet */
	struct loop_timer counts; /* when it is */
	int64_t began, first_sent_at, acknowledged_at; /* clock_ms(), 0: not yet */
};

/*
 * Takes triggers over, also on failure. deadline_ms, on_change, on_cost, probes and owner are set
 * before. s is kept, not copied. -1 with e.
 */
int reload_init(struct reload *r, struct loop *l, const struct reload_settings *s,
		const struct trigger_list *triggers, struct err *e);
void reload_done(struct reload *r);

/* The game has to reload this version; an older one is forgotten. */
void reload_request(struct reload *r, const struct trigger_key *key);

/* Begins at once with a version that was refused or not proven. False when there is none. */
bool reload_again(struct reload *r);

/* The wanted version is acknowledged from before: there is nothing to do. */
void reload_is_known(struct reload *r, const struct trigger_key *key);

/* The trigger that people want to know about: the first that has not succeeded, or the last. */
const struct tries *reload_behind(const struct reload *r);

/* Why the wanted version is not acknowledged; "" when no try has failed. */
const char *reload_last_error(const struct reload *r);
