/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cost: what a reload cost the players: how many of the connections that were there before it are
 * gone after it.
 *
 *   struct cost c = { .ports = ports, .port_count = 1 };
 *   cost_before(&c);
 *   ... the reload ...
 *   cost_after(&c);
 *   cost_done(&c);
 *
 * Connections are told apart by their kernel cookies (base/sockets), so one that was cut and came
 * back is one that was cut. A player who left of their own accord meanwhile counts as cut as well:
 * from outside the two look the same, so the shorter the time between, the truer the number.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COST_CONNECTIONS_MOST 262144 /* 2 MiB: 8 bytes each, while it is open */

struct cost {
	/* By the caller, who keeps the ports. */
	const uint16_t *ports;
	size_t port_count; /* at most SOCKETS_PORTS_MOST; none: every port */
	/*
	 * Count those from within the pod as well. They are left out otherwise: our own request to
	 * reload is one of them, and kubelet's do not come that way.
	 */
	bool with_loopback;

	/* What is known. */
	bool unknown;  /* e says why; the numbers mean nothing then, and are no zero */
	size_t before; /* connections that were there */
	size_t cut;    /* of those: how many are gone */
	/* There were more than COST_CONNECTIONS_MOST: only so many were followed, cut is "at
	 * least". */
	bool truncated;
	struct err e;

	/* Private. */
	uint64_t *followed; /* sorted; in the lowest bit: it is still there */
	size_t count, room;
	int way;
};

/* Sets before, and cut to 0. Blocks for the time of one list, at most a second. */
void cost_before(struct cost *c);

/*
 * Sets cut. May be called again: a server that closes the connections of its old workers some time
 * after the reload has not cut them at once.
 */
void cost_after(struct cost *c);

/* Frees what was followed; the numbers stay. */
void cost_done(struct cost *c);

/* For people, on the heap: "cut 7 of 100 connections to port 3000". */
char *cost_text(const struct cost *c);
