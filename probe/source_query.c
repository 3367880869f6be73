/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_query: the players that a game says it has, by its own query protocol: a2s, minecraft,
 * quake3.
 *
 * Each look has a socket of its own, connected to the game, so that no datagram of anybody else
 * counts, and no late answer to an earlier look.
 */
#include "base/address.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/mem.h"
#include "probe/a2s.h"
#include "probe/minecraft.h"
#include "probe/quake3.h"
#include "probe/source_kinds.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define DATAGRAM_MOST 65535
#define STREAM_READ ((size_t)4096)
#define TRIES 3       /* datagrams get lost */
#define ROUNDS_MOST 8 /* each answer to one of the tries may be a challenge */

struct protocol {
	const struct source_kind *kind;
	int type; /* of socket */
	query_ask *ask;
	query_read *read;
};

static const struct protocol protocols[] = {
	{ &source_a2s, SOCK_DGRAM, a2s_ask, a2s_read },
	{ &source_minecraft, SOCK_STREAM, minecraft_ask, minecraft_read },
	{ &source_quake3, SOCK_DGRAM, quake3_ask, quake3_read },
};

struct query {
	struct source *source;
	const struct protocol *protocol;
	struct address address;
	/* Of the look that is under way: */
	struct loop_watch watch;
	struct loop_timer again;
	struct buf request, answer;
	unsigned rounds; /* requests sent, but for those that were only sent again */
};

static int parse(const struct source_settings *s, struct address *ret, struct err *e)
{
	const char *text = s->a2s ? s->a2s : s->minecraft ? s->minecraft : s->quake3;

	if (address_parse(text, ret, e) == 0 && ret->kind == ADDRESS_TCP && ret->port)
		return 0;
	address_done(ret);
	return err_set(e, ERR_USAGE,
		       "\"%s\": expected HOST:PORT such as 127.0.0.1:27015 (names are not looked "
		       "up), got '%s'",
		       s->kind->name, text);
}

static int check(const struct source_settings *s, struct err *e)
{
	struct address a = { 0 };

	if (parse(s, &a, e) < 0)
		return -1;
	address_done(&a);
	return 0;
}

/* ---- one look ---- */

static void end(struct query *q)
{
	struct loop *l = q->source->world->loop;

	loop_timer_stop(l, &q->again);
	if (q->watch.fd >= 0)
		loop_watch_stop(l, &q->watch);
	fd_close(&q->watch.fd);
	buf_done(&q->request);
	buf_done(&q->answer);
	q->rounds = 0;
}

static void fail(struct query *q, const struct err *e)
{
	end(q);
	source_fail(q->source, e);
}

static enum query_step failed_call(const struct query *q, struct err *e)
{
	if (errno == EAGAIN || errno == EINTR)
		return QUERY_MORE;
	if (errno == ECONNREFUSED)
		return err_set(e, ERR_REMOTE, "nothing listens on %s", q->address.text);
	return err_sys(e, "ask %s", q->address.text);
}

static enum query_step ask(struct query *q, struct err *e)
{
	struct loop *l = q->source->world->loop;

	/* An error of connect(2), or of the datagram before, comes here. A new socket has room. */
	if (send(q->watch.fd, q->request.data, q->request.length, MSG_NOSIGNAL) < 0)
		return failed_call(q, e);
	if (q->protocol->type == SOCK_DGRAM)
		loop_timer_start(l, &q->again, q->source->settings->timeout / TRIES + 1);
	return loop_watch_start(l, &q->watch, EPOLLIN, e) < 0 ? QUERY_BAD : QUERY_MORE;
}

static enum query_step ask_next(struct query *q, struct err *e)
{
	if (++q->rounds > ROUNDS_MOST)
		return err_set(e, ERR_REMOTE, "it asks for another challenge each time");
	return ask(q, e);
}

static enum query_step receive(struct query *q, unsigned *ret_players, struct err *e)
{
	const struct protocol *p = q->protocol;
	bool datagrams = p->type == SOCK_DGRAM;
	size_t most = datagrams ? DATAGRAM_MOST : STREAM_READ;

	if (datagrams)
		buf_clear(&q->answer);
	char *space = buf_space(&q->answer, most);
	ssize_t length = space ? recv(q->watch.fd, space, most, 0) : 0;
	if (length < 0)
		return failed_call(q, e);
	if (length == 0 && !datagrams)
		return err_set(e, ERR_REMOTE, "the answer is not whole");
	buf_grown(&q->answer, (size_t)length);
	enum query_step step = p->read(&q->answer, q->source->settings->bots == SOURCE_BOTS_WITH,
				       &q->request, ret_players, e);
	return step == QUERY_MORE && datagrams ? ask_next(q, e) : step;
}

static void on_event(struct loop_watch *w, uint32_t events)
{
	struct query *q = w->owner;
	unsigned players;
	struct err e;

	(void)events;
	enum query_step step = q->rounds ? receive(q, &players, &e) : ask_next(q, &e);
	if (step == QUERY_BAD)
		fail(q, &e);
	if (step != QUERY_DONE)
		return;
	end(q);
	source_say_number(q->source, players);
}

static void on_again(struct loop_timer *t)
{
	struct query *q = t->owner;
	struct err e;

	if (ask(q, &e) == QUERY_BAD)
		fail(q, &e);
}

static void look(struct source *s)
{
	struct query *q = s->own;
	struct err e;

	q->answer = BUF_INIT(MINECRAFT_ANSWER_MOST + 2 * STREAM_READ);
	q->request = BUF_INIT(DATAGRAM_MOST);
	q->protocol->ask(&q->request, &q->address);
	if (address_connect(&q->address, q->protocol->type, &q->watch.fd, &e) < 0 ||
	    loop_watch_start(s->world->loop, &q->watch, EPOLLOUT, &e) < 0)
		fail(q, &e);
}

static void cancel(struct source *s)
{
	end(s->own);
}

/* ---- life ---- */

static int open_query(struct source *s, struct err *e)
{
	const struct protocol *p = protocols;
	struct address a = { 0 };

	if (parse(s->settings, &a, e) < 0)
		return -1;
	while (p->kind != s->settings->kind)
		p++;
	struct query *q = s->own = mem_alloc(sizeof(*q));
	*q = (struct query){ .source = s, .protocol = p, .address = a };
	q->watch = (struct loop_watch){ .fd = -1, .on_event = on_event, .owner = q };
	q->again = (struct loop_timer){ .on_time = on_again, .owner = q };
	return 0;
}

static void close_query(struct source *s)
{
	struct query *q = s->own;

	address_done(&q->address);
	free(q);
}

#define KIND(word, others)                                                             \
	{                                                                              \
		.name = (word), .takes = (others), .check = check, .open = open_query, \
		.look = look, .cancel = cancel, .close = close_query,                  \
	}

const struct source_kind source_a2s = KIND("a2s", "bots");
const struct source_kind source_minecraft = KIND("minecraft", "");
const struct source_kind source_quake3 = KIND("quake3", "bots");
