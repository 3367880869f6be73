/* SPDX-License-Identifier: Apache-2.0 */
/* prefix: see prefix.h. */
#include "probe/prefix.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/sockets_peer.h"

#include <arpa/inet.h>
#include <string.h>

#define IPV4_BITS 96 /* in front of an IPv4 address */

/* The first bits of both are the same. */
static bool agree(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	return memcmp(a, b, bytes) == 0 && (rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0);
}

bool prefix_has(const struct prefix *p, const uint8_t address[16])
{
	static const uint8_t ipv4[16] = { [10] = 0xff, 0xff };

	if (p->bits < IPV4_BITS && agree(address, ipv4, IPV4_BITS))
		return false;
	return agree(p->address, address, p->bits);
}

static bool has_no_bits_behind(const struct prefix *p)
{
	struct prefix cut = *p;

	for (unsigned i = p->bits; i < 128; i++)
		cut.address[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	return memcmp(cut.address, p->address, sizeof(cut.address)) == 0;
}

int prefix_parse(const char *text, struct prefix *ret, struct err *e)
{
	size_t length = strcspn(text, "/");
	owned char *address = mem_copy_part(text, length);
	bool ipv4 = inet_pton(AF_INET, address, ret->address) == 1;
	int64_t bits = ipv4 ? 32 : 128;

	if (ipv4)
		sockets_map_ipv4(ret->address, ret->address);
	if ((!ipv4 && inet_pton(AF_INET6, address, ret->address) != 1) ||
	    (text[length] && parse_count(text + length + 1, 1, bits, &bits, e) < 0))
		return err_set(e, ERR_USAGE,
			       "expected an address or a network such as 10.0.0.0/8, got '%s'",
			       text);
	ret->bits = (unsigned)bits + (ipv4 ? IPV4_BITS : 0);
	if (!has_no_bits_behind(ret))
		return err_set(e, ERR_USAGE, "'%s' has bits that are not of its network", text);
	return 0;
}
