/* SPDX-License-Identifier: Apache-2.0 */
/* prefix: a network or one address, "10.0.0.0/8", "2001:db8::/32", "192.0.2.1" (RFC 4632). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

struct prefix {
	uint8_t address[16]; /* in6_addr; IPv4 as ::ffff:a.b.c.d */
	unsigned bits;       /* of these, so 96 more for IPv4 */
};

/*
 * Strict: every bit behind the prefix is 0 (10.0.0.1/8 may be meant as one address), and /0, which
 * is everybody, is none. ERR_USAGE.
 */
int prefix_parse(const char *text, struct prefix *ret, struct err *e);

/* Address as above. A prefix of IPv6 has no IPv4 address in it, though ::/64 has their bits. */
bool prefix_has(const struct prefix *p, const uint8_t address[16]);
