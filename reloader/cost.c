/* SPDX-License-Identifier: Apache-2.0 */
/* cost: see cost.h. */
#include "reloader/cost.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/sockets.h"

#define TIMEOUT_MS 1000
#define ROOM_AT_FIRST 256
#define THERE ((uint64_t)1)

/* The highest bit gives its place to THERE; the kernel counts cookies from both ends of 64 bits,
 * never that far. */
static uint64_t entry_of(const struct connection *connection)
{
	return connection->identity << 1;
}

static int by_identity(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a & ~THERE, other = *(const uint64_t *)b & ~THERE;

	return (one > other) - (one < other);
}

static void follow_none(void *user)
{
	struct cost *c = user;

	c->count = 0;
	c->truncated = false;
}

static void follow(const struct connection *connection, void *user)
{
	struct cost *c = user;

	if (connection->loopback && !c->with_loopback)
		return;
	if (c->count == COST_CONNECTIONS_MOST) {
		c->truncated = true;
		return;
	}
	if (c->count == c->room) {
		c->room = c->room ? 2 * c->room : ROOM_AT_FIRST;
		c->followed = mem_resize(c->followed, c->room, sizeof(*c->followed));
	}
	c->followed[c->count++] = entry_of(connection);
}

/* The kernel shows one twice when the table changes at the wrong moment. */
static void sort_followed(struct cost *c)
{
	size_t kept = 0;

	if (c->count)
		qsort(c->followed, c->count, sizeof(*c->followed), by_identity);
	for (size_t i = 0; i < c->count; i++)
		if (kept == 0 || c->followed[kept - 1] != c->followed[i])
			c->followed[kept++] = c->followed[i];
	c->count = kept;
}

static int look(struct cost *c, void (*begin)(void *user),
		void (*seen)(const struct connection *connection, void *user))
{
	const struct sockets_look asked = {
		.ports = c->ports,
		.port_count = c->port_count,
		.timeout_ms = TIMEOUT_MS,
		.begin = begin,
		.seen = seen,
		.user = c,
	};

	return sockets_each(&asked, &c->e);
}

void cost_before(struct cost *c)
{
	c->way = look(c, follow_none, follow);
	c->unknown = c->way < 0;
	if (c->unknown)
		c->count = 0;
	sort_followed(c);
	c->before = c->count;
	c->cut = 0;
}

/* What was found to be there stays so when the list is read anew. */
static void find_again(void *user)
{
	(void)user;
}

static void find(const struct connection *connection, void *user)
{
	struct cost *c = user;
	uint64_t wanted = entry_of(connection);
	uint64_t *found =
		c->count ? bsearch(&wanted, c->followed, c->count, sizeof(wanted), by_identity)
			 : NULL;

	if (found)
		*found |= THERE;
}

static size_t count_gone(const struct cost *c)
{
	size_t gone = 0;

	for (size_t i = 0; i < c->count; i++)
		gone += !(c->followed[i] & THERE);
	return gone;
}

void cost_after(struct cost *c)
{
	if (c->unknown)
		return;
	for (size_t i = 0; i < c->count; i++)
		c->followed[i] &= ~THERE;
	c->cut = c->count;
	/* A list can miss one that is there (base/sockets): gone is what two lists have not. */
	for (int i = 0; i < 2 && c->cut && !c->unknown; i++) {
		int way = look(c, find_again, find);

		if (way >= 0 && way != c->way)
			(void)err_set(&c->e, ERR_SYSTEM,
				      "connections could be listed another way than before");
		c->unknown = way != c->way;
		c->cut = count_gone(c);
	}
}

void cost_done(struct cost *c)
{
	free(c->followed);
	c->followed = NULL;
	c->count = c->room = 0;
}

char *cost_text(const struct cost *c)
{
	owned_buf ports = BUF_INIT(512);

	if (c->unknown)
		return mem_format("connections cut: unknown: %s", c->e.text);
	for (size_t i = 0; i < c->port_count; i++)
		(void)buf_add_format(&ports, "%s%u", i ? ", " : "", c->ports[i]);
	return mem_format("cut %s%zu of %s%zu connections to %s%s", c->truncated ? "at least " : "",
			  c->cut, c->truncated ? "more than " : "", c->before,
			  c->port_count == 0   ? "every port"
			  : c->port_count == 1 ? "port "
					       : "ports ",
			  ports.data);
}
