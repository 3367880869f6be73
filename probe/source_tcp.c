/* SPDX-License-Identifier: Apache-2.0 */
/* source_tcp: how many established TCP connections are on the game's ports. */
#include "base/clock.h"
#include "base/err.h"
#include "probe/peers.h"
#include "probe/source_kinds.h"

struct tally {
	const struct peers *peers;
	int64_t count;
};

static int check(const struct source_settings *s, struct err *e)
{
	struct peers peers;

	return peers_read(&s->tcp, s, &peers, e);
}

static void begin(void *user)
{
	((struct tally *)user)->count = 0;
}

static void seen(const struct connection *c, void *user)
{
	struct tally *t = user;

	t->count += peers_count(t->peers, c->peer, c->loopback);
}

static int64_t count(const struct peers *p, int64_t deadline, struct err *e)
{
	struct tally t = { .peers = p };
	const struct sockets_look asked = {
		.ports = p->ports,
		.port_count = p->port_count,
		.timeout_ms = deadline - clock_ms(),
		.begin = begin,
		.seen = seen,
		.user = &t,
	};

	return sockets_each(&asked, e) < 0 ? -1 : t.count;
}

static void look(struct source *s)
{
	peers_say(s, &s->settings->tcp, count);
}

const struct source_kind source_tcp = {
	.name = "tcp",
	.takes = "except",
	.check = check,
	.look = look,
};
