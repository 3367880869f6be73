/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sockets: who is connected: the established TCP connections on local ports of this network
 * namespace, IPv4 and IPv6.
 *
 * The kernel is asked by sock_diag(7), and picks by port and state itself: connections on other
 * ports never cross into user space. Where that is denied (gVisor, seccomp profiles, a kernel
 * without the module), /proc/net/tcp and /proc/net/tcp6 are read instead.
 *
 * Established means TCP_ESTABLISHED and nothing else. A listening socket is no connection; a
 * half-closed one (CLOSE_WAIT: the peer has said that it is done; FIN_WAIT: our side has) is a
 * player that has left or was sent away, however long the rest of the game holds on to it.
 *
 * The list is not one moment: connections that come and go while it is read may be in it or not,
 * and rarely one is seen twice, or one that stays is missed because its neighbour in the kernel's
 * table went. Who decides by one being absent asks twice (reloader/cost).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define SOCKETS_PORTS_MOST 64

struct connection {
	/*
	 * The same number for the same connection, never 0. From the kernel it is the socket's
	 * cookie, which is not used again before the machine restarts (SO_COOKIE in socket(7)).
	 * /proc has none; from there it is a hash of both ends, so that one that was closed and
	 * opened again from the same port of the same peer looks like the same. (Its inode would
	 * not do: it is 0 until the connection is accepted.)
	 */
	uint64_t identity;
	uint8_t peer[16]; /* in6_addr; IPv4 as ::ffff:a.b.c.d */
	uint16_t peer_port, local_port;
	/* From this pod itself: 127.0.0.0/8, ::1, or a peer that has the local end's own address.
	 */
	bool loopback;
};

struct sockets_look {
	const uint16_t *ports; /* at most SOCKETS_PORTS_MOST; none: every port */
	size_t port_count;
	int64_t timeout_ms;
	/*
	 * Called first, and again each time the list has to be read anew: forget what was seen.
	 * seen() is called for each connection; c is valid during the call.
	 */
	void (*begin)(void *user);
	void (*seen)(const struct connection *c, void *user);
	void *user;
};

/* Where the list came from; identities of one have nothing to do with those of the other. */
enum sockets_way {
	SOCKETS_BY_DIAG,
	SOCKETS_BY_PROC,
};

/*
 * Reads the list, blocking for about 10 ms per 50,000 connections that are on these ports. The way
 * that it came, or -1 with e: then nothing is known, and what was seen is no count.
 */
int sockets_each(const struct sockets_look *look, struct err *e);
