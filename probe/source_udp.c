/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_udp: how many UDP flows are on the game's ports, in both directions: the players, and for
 * up to two or three minutes those who have left.
 *
 * UDP has no connections; the kernel knows flows where conntrack is active in this network
 * namespace, and most pods have no rule that makes it so. Its table is empty then, which says
 * nothing: so a datagram of our own has to be in it, for each family that players can come by.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/lines.h"
#include "base/sockets_peer.h"
#include "base/text.h"
#include "probe/conntrack.h"
#include "probe/peers.h"
#include "probe/source_kinds.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define FLOWS "/proc/net/nf_conntrack"

/* A flow of our own. */
struct trace {
	struct flow_end ends[2];
	bool seen;
};

struct tally {
	const struct peers *peers;
	struct trace ipv4, ipv6;
	int64_t count;
	int64_t unanswered;
};

static int check(const struct source_settings *s, struct err *e)
{
	struct peers peers;

	return peers_read(&s->udp, s, &peers, e);
}

/* ---- is it active ---- */

static int bind_to_loopback(int family, struct sockaddr_in6 *place, struct flow_end *ret)
{
	owned_fd fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in *in = (struct sockaddr_in *)place;
	socklen_t length = sizeof(*place);

	*place = (struct sockaddr_in6){ .sin6_family = (sa_family_t)family };
	if (family == AF_INET) {
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		sockets_map_ipv4(ret->address, (const uint8_t *)&in->sin_addr);
	} else {
		place->sin6_addr = in6addr_loopback;
		memcpy(ret->address, &in6addr_loopback, sizeof(ret->address));
	}
	if (fd < 0 || bind(fd, (struct sockaddr *)place, length) < 0 ||
	    getsockname(fd, (struct sockaddr *)place, &length) < 0)
		return -1;
	ret->port = ntohs(place->sin6_port); /* at the same place for IPv4 */
	return fd_take(&fd);
}

/* The flow is in the table when sendto(2) returns: packets of loopback are not queued before. */
static int leave_trace(int family, struct trace *t, struct err *e)
{
	struct sockaddr_in6 from, to;
	owned_fd sender = bind_to_loopback(family, &from, &t->ends[0]);
	owned_fd receiver = bind_to_loopback(family, &to, &t->ends[1]);

	if (sender < 0 || receiver < 0 ||
	    sendto(sender, "", 0, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return err_sys(e, "send to ourselves");
	return 0;
}

static int is_active(const struct trace *t, const char *family, struct err *e)
{
	return t->seen ? 0
		       : err_set(e, ERR_SYSTEM,
				 "conntrack is not active for %s in this network namespace, so UDP "
				 "flows cannot be told: ask the game itself, such as by \"a2s\"",
				 family);
}

static int take_address(char *line, void *user)
{
	/* ADDRESS INTERFACE PREFIX SCOPE FLAGS NAME; a scope of 0 is global, private ones too. */
	for (int i = 0; i < 3; i++)
		(void)strsep(&line, " ");
	if (!line)
		return -1;
	*(bool *)user |= text_starts(line, "00 ");
	return 0;
}

/* Whether anybody can come by IPv6 from outside. */
static int has_ipv6(int64_t deadline, bool *ret, struct err *e)
{
	*ret = false;
	if (lines_each("/proc/net/if_inet6", deadline, take_address, ret, e) < 0)
		return e->sys == ENOENT ? 0 : -1;
	return 0;
}

/* ---- the flows ---- */

static bool is_same_end(const struct flow_end *a, const struct flow_end *b)
{
	return a->port == b->port && memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static bool is_trace(const struct flow *f, struct trace *t)
{
	bool same = is_same_end(&f->ends[FLOW_FROM], &t->ends[0]) &&
		    is_same_end(&f->ends[FLOW_TO], &t->ends[1]);

	t->seen |= same;
	return same;
}

static bool has_port(const struct peers *p, uint16_t port)
{
	for (size_t i = 0; i < p->port_count; i++)
		if (p->ports[i] == port)
			return true;
	return false;
}

static int take_flow(char *line, void *user)
{
	struct tally *t = user;
	struct flow f;
	int found = conntrack_line(line, &f);
	const struct flow_end *local = &f.ends[FLOW_BACK_FROM], *peer = &f.ends[FLOW_FROM];

	if (found <= 0 || is_trace(&f, &t->ipv4) || is_trace(&f, &t->ipv6))
		return found;
	/* The game may have spoken first, as through a NAT that has to be opened. */
	if (!has_port(t->peers, local->port)) {
		local = peer;
		peer = &f.ends[FLOW_BACK_FROM];
	}
	if (has_port(t->peers, local->port) &&
	    peers_count(t->peers, peer->address,
			sockets_is_loopback(local->address, peer->address)))
		++*(f.replied ? &t->count : &t->unanswered);
	return found;
}

static int64_t count(const struct peers *p, int64_t deadline, struct err *e)
{
	struct tally t = { .peers = p };
	bool ipv6;

	if (has_ipv6(deadline, &ipv6, e) < 0 || leave_trace(AF_INET, &t.ipv4, e) < 0 ||
	    (ipv6 && leave_trace(AF_INET6, &t.ipv6, e) < 0))
		return -1;
	if (lines_each(FLOWS, deadline, take_flow, &t, e) < 0)
		return e->sys == EACCES ? err_in(e, "only root and group 0 may list UDP flows")
					: -1;
	if (is_active(&t.ipv4, "IPv4", e) < 0 || (ipv6 && is_active(&t.ipv6, "IPv6", e) < 0))
		return -1;
	/* The game answers by another port, or players have come this moment: not nobody. */
	if (t.count == 0 && t.unanswered)
		return err_set(e, ERR_REMOTE, "%d UDP flows have no answer (yet)",
			       (int)t.unanswered);
	return t.count;
}

static void look(struct source *s)
{
	peers_say(s, &s->settings->udp, count);
}

const struct source_kind source_udp = {
	.name = "udp",
	.takes = "except",
	.check = check,
	.look = look,
};
