/* SPDX-License-Identifier: Apache-2.0 */
/* conntrack: see conntrack.h; ct_seq_show() of Linux, net/netfilter/nf_conntrack_standalone.c. */
#include "probe/conntrack.h"

#include "base/err.h"
#include "base/parse.h"
#include "base/sockets_peer.h"
#include "base/text.h"

#include <arpa/inet.h>

#define FLOW_WORDS ((size_t)2 * FLOW_ENDS) /* an address and a port each */

static const char *next_word(char **rest)
{
	const char *word;

	do
		word = strsep(rest, " ");
	while (word && !*word);
	return word ? word : "";
}

static int read_address(const char *text, bool ipv6, uint8_t ret[16])
{
	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, text, ret) != 1)
		return -1;
	if (!ipv6)
		sockets_map_ipv4(ret, ret);
	return 0;
}

/*
 * "src=ADDRESS dst=ADDRESS sport=PORT dport=PORT [UNREPLIED]", and the same of the answers, with
 * other words between and behind.
 */
static int read_ends(char *rest, bool ipv6, struct flow *ret)
{
	static const char *const keys[] = { "src=", "dst=", "sport=", "dport=" };
	size_t count = 0;
	struct err e;
	int64_t port;

	ret->replied = true;
	for (const char *word; *(word = next_word(&rest));) {
		const char *key = keys[count % 4];
		const char *value = word + strlen(key);
		struct flow_end *end = &ret->ends[count / 4 * 2 + count % 2];

		if (text_is(word, "[UNREPLIED]"))
			ret->replied = false;
		if (count == FLOW_WORDS || !text_starts(word, key))
			continue;
		if (count % 4 < 2) {
			if (read_address(value, ipv6, end->address) < 0)
				return -1;
		} else {
			if (parse_count(value, 0, UINT16_MAX, &port, &e) < 0)
				return -1;
			end->port = (uint16_t)port;
		}
		count++;
	}
	return count == FLOW_WORDS ? 1 : -1;
}

int conntrack_line(char *line, struct flow *ret)
{
	char *rest = line;
	const char *family = next_word(&rest);
	bool ipv6 = text_is(family, "ipv6");

	(void)next_word(&rest); /* the family's number */
	const char *protocol = next_word(&rest);
	if (!*next_word(&rest)) /* and the protocol's */
		return -1;
	if (!text_is(protocol, "udp"))
		return 0;
	return ipv6 || text_is(family, "ipv4") ? read_ends(rest, ipv6, ret) : -1;
}
