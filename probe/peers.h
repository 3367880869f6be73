/* SPDX-License-Identifier: Apache-2.0 */
/* peers: who counts as one that plays, of those who are connected: for source_tcp and source_udp.
 */
#pragma once

#include "base/sockets.h"
#include "probe/prefix.h"

struct list;
struct source;
struct source_settings;

#define PEERS_EXCEPT_MOST 64
#define PEERS_LOOPBACK "loopback" /* in the list: 127.0.0.0/8, ::1, and the pod's own address */

struct peers {
	uint16_t ports[SOCKETS_PORTS_MOST];
	size_t port_count;
	struct prefix except[PEERS_EXCEPT_MOST];
	size_t except_count;
	bool except_loopback; /* whoever is within the pod */
};

/* ports is the list of s that the kind is called after. ERR_USAGE. */
int peers_read(const struct list *ports, const struct source_settings *s, struct peers *ret,
	       struct err *e);

bool peers_count(const struct peers *p, const uint8_t peer[16], bool loopback);

/*
 * Says the number that count() returns, or why it is not known (-1 with e). A list of the kernel
 * can miss one that stays (base/sockets), so fewer than before, or none, is what two of them say.
 * deadline as clock_ms() counts.
 */
void peers_say(struct source *s, const struct list *ports,
	       int64_t (*count)(const struct peers *p, int64_t deadline, struct err *e));
