/* SPDX-License-Identifier: Apache-2.0 */
/* sockets_peer: what both ways of base/sockets make of an address. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SOCKETS_ESTABLISHED 1 /* TCP_ESTABLISHED, netinet/tcp.h: the only state that counts */

/* IPv4 as IPv6 (RFC 4291, 2.5.5.2). Both may be the same place. */
static inline void sockets_map_ipv4(uint8_t to[16], const uint8_t *from)
{
	memmove(to + 12, from, 4);
	memset(to, 0, 10);
	memset(to + 10, 0xff, 2);
}

/* See struct connection. */
static inline bool sockets_is_loopback(const uint8_t local[16], const uint8_t peer[16])
{
	static const uint8_t one[16] = { [15] = 1 };
	static const uint8_t ipv4_127[13] = { [10] = 0xff, 0xff, 127 };

	return memcmp(peer, one, 16) == 0 || memcmp(peer, ipv4_127, 13) == 0 ||
	       memcmp(peer, local, 16) == 0;
}
