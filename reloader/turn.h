/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn: when a reload may begin.
 *
 *   spread  a fleet that was updated together does not reload in one second: each pod has its own
 *           moment in the window, which its name decides
 *   idle    not while somebody is connected to the game's ports, or before a probe says so
 *
 * What cannot be counted is not idle. While it waits for idle it looks every few seconds; otherwise
 * it sleeps.
 */
#pragma once

#include "base/loop.h"
#include "base/sockets.h"
#include "reloader/cost.h"

struct reload_probes;
struct reload_settings;

struct turn {
	struct loop *loop;
	const struct reload_settings *settings;
	const struct reload_probes *probes;
	void (*on_turn)(struct turn *t);
	void *owner;

	uint16_t ports[SOCKETS_PORTS_MOST]; /* the game's */
	size_t port_count;
	bool no_spread;      /* it is no update of a fleet */
	char waits_for[160]; /* for people; "" when it does not wait */
	int64_t began, spread_ends;
	struct loop_timer timer;
};

/* on_turn, owner and probes are set before. settings are kept. */
void turn_init(struct turn *t, struct loop *l, const struct reload_settings *s);

/* Calls on_turn once, perhaps from inside. One that waits goes on waiting, as long as before. */
void turn_wait(struct turn *t);

void turn_cancel(struct turn *t);

/* Who is connected to the game's ports, to be counted. */
struct cost turn_cost(const struct turn *t);

/* The pod's moment in a window of that many milliseconds: always the same one for a name. */
int64_t turn_moment(const char *pod, int64_t window_ms);
