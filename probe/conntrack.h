/* SPDX-License-Identifier: Apache-2.0 */
/* conntrack: UDP flows as the kernel lists them in /proc/net/nf_conntrack. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct flow_end {
	uint8_t address[16]; /* in6_addr; IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
};

/* Of its first datagram; and of the answers, which differ where addresses are translated. */
enum flow_ends { FLOW_FROM, FLOW_TO, FLOW_BACK_FROM, FLOW_BACK_TO, FLOW_ENDS };

struct flow {
	struct flow_end ends[FLOW_ENDS];
	bool replied; /* both directions have been seen */
};

/* One line, which is changed: 1 and *ret for UDP, 0 for others, -1 for what it cannot have. */
int conntrack_line(char *line, struct flow *ret);
