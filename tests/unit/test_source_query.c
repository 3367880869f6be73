/* SPDX-License-Identifier: Apache-2.0 */
/* source_query: looks at games in the same loop, that answer well, late, badly or not at all. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/mem.h"
#include "probe/source.h"
#include "tests/unit/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define HEAD "\xff\xff\xff\xff"
#define BYTES(text) (text), sizeof(text) - 1
#define INFO_OF(counts)                                               \
	HEAD "I\x11name\0map\0folder\0game\0\xb8\x01" counts "dl\0\1" \
	     "1.0\0"
#define INFO INFO_OF("\5\x20\2")
#define NOBODY INFO_OF("\0\x20\0")
#define REQUEST_SIZE 25 /* of A2S_INFO, without a challenge */
#define PACKET "\x25\0\x23{\"players\":{\"max\":20,\"online\":3}}  "

struct game {
	struct loop *loop;
	struct loop_watch watch; /* what it listens on */
	struct loop_timer drip;
	uint16_t port;
	void (*on_request)(struct game *g, size_t length);
	unsigned requests;
	struct sockaddr_in from; /* the last one */
	char request[100];
	int stream; /* the last connection */
	unsigned sent;
};

static void answer(struct game *g, const char *bytes, size_t length)
{
	assert_int_equal(
		sendto(g->watch.fd, bytes, length, 0, (struct sockaddr *)&g->from, sizeof(g->from)),
		length);
}

static void on_datagram(struct loop_watch *w, uint32_t events)
{
	struct game *g = w->owner;
	socklen_t size = sizeof(g->from);
	ssize_t length = recvfrom(w->fd, g->request, sizeof(g->request), 0,
				  (struct sockaddr *)&g->from, &size);

	(void)events;
	assert_true(length > 0);
	g->requests++;
	g->on_request(g, (size_t)length);
}

static void on_connection(struct loop_watch *w, uint32_t events)
{
	struct game *g = w->owner;

	(void)events;
	fd_close(&g->stream);
	g->stream = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(g->stream >= 0);
	g->requests++;
	g->on_request(g, 0);
}

static void start_game(struct game *g, int type, void (*on_request)(struct game *g, size_t length))
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(a);
	struct err e;

	*g = (struct game){ .on_request = on_request, .stream = -1 };
	g->loop = loop_new(&e);
	g->watch.owner = g;
	g->watch.on_event = type == SOCK_DGRAM ? on_datagram : on_connection;
	if (type == SOCK_STREAM) {
		g->watch.fd = net_listen(AF_INET, "127.0.0.1", &g->port);
	} else {
		g->watch.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(g->watch.fd, (struct sockaddr *)&a, size), 0);
		assert_int_equal(getsockname(g->watch.fd, (struct sockaddr *)&a, &size), 0);
		g->port = ntohs(a.sin_port);
	}
	assert_int_equal(loop_watch_start(g->loop, &g->watch, EPOLLIN, &e), 0);
}

static void end_game(struct game *g)
{
	loop_timer_stop(g->loop, &g->drip);
	fd_close(&g->watch.fd);
	fd_close(&g->stream);
	loop_free(g->loop);
}

static void on_reading(struct source *s, const struct reading *r)
{
	s->last = *r;
	loop_stop(s->world->loop, 0);
}

/* Looks so often, and says what the last reading is, or why there is none. */
static const char *look(struct game *g, const char *kind, const char *timeout, unsigned times)
{
	static struct reading last;
	struct source_settings settings;
	struct source_world world = { .loop = g->loop };
	struct source s;
	struct err e;
	owned char *text = mem_format(
		"{\"name\":\"n\",\"%s\":\"127.0.0.1:%u\",\"every\":\"1ms\",\"timeout\":\"%s\"}",
		kind, g->port, timeout);

	if (source_settings_read(text, &settings, &e) < 0 ||
	    source_open(&s, &settings, &world, &e) < 0)
		fail_msg("%s", e.text);
	s.on_reading = on_reading;
	source_start(&s, times > 1);
	for (unsigned i = 0; i < times; i++) {
		(void)loop_run(g->loop);
		assert_false(s.looking);
	}
	last = s.last;
	source_close(&s);
	source_settings_done(&settings);
	return last.known ? last.text : last.why;
}

/* ---- datagrams ---- */

static void say_info(struct game *g, size_t length)
{
	assert_int_equal(length, REQUEST_SIZE);
	answer(g, BYTES(INFO));
}

static void want_two_challenges(struct game *g, size_t length)
{
	static const char *const answers[] = { HEAD "Aab\0c", HEAD "Azzzz" };

	if (g->requests < 3)
		answer(g, answers[g->requests - 1], 9);
	else
		answer(g, BYTES(INFO));
	if (g->requests == 3)
		assert_memory_equal(g->request + length - 4, "zzzz", 4);
	assert_int_equal(length, g->requests == 1 ? REQUEST_SIZE : REQUEST_SIZE + 4);
}

static void want_ever_more(struct game *g, size_t length)
{
	char challenge[10];

	(void)length;
	(void)snprintf(challenge, sizeof(challenge), HEAD "A%04u", g->requests);
	answer(g, challenge, 9);
}

static void say_nothing(struct game *g, size_t length)
{
	(void)g;
	(void)length;
}

static void say_info_at_the_second(struct game *g, size_t length)
{
	if (g->requests == 2)
		say_info(g, length);
}

/* Someone else is first, and says that nobody is there. */
static void let_another_answer(struct game *g, size_t length)
{
	owned_fd other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(sendto(other, BYTES(NOBODY), 0, (struct sockaddr *)&g->from, sizeof(g->from)) >
			    0 ||
		    errno == ECONNREFUSED);
	say_info(g, length);
}

static void say_empty(struct game *g, size_t length)
{
	(void)length;
	answer(g, "", 0);
}

static void say_status_of_quake(struct game *g, size_t length)
{
	(void)length;
	answer(g, BYTES(HEAD "statusResponse\n\\a\\b\n1 50 \"x\"\n0 0 \"Sarge\"\n"));
}

/* Answers the second look, after the first one has got its answer at last: that nobody is there. */
static void be_late(struct game *g, size_t length)
{
	static struct sockaddr_in first;
	struct sockaddr_in now = g->from;

	if (g->requests == 1)
		first = now;
	if (now.sin_port == first.sin_port)
		return;
	g->from = first;
	answer(g, BYTES(NOBODY));
	g->from = now;
	say_info(g, length);
}

static void datagrams(void **state)
{
	static const struct {
		const char *kind, *timeout;
		void (*on_request)(struct game *g, size_t length);
		const char *said;
		unsigned requests; /* 0: as many as it takes */
	} games[] = {
		{ "a2s", "60s", say_info, "5", 1 },
		{ "a2s", "60s", want_two_challenges, "5", 3 },
		{ "a2s", "60s", want_ever_more, "it asks for another challenge each time", 8 },
		{ "a2s", "6s", say_info_at_the_second, "5", 2 },
		{ "a2s", "300ms", say_nothing, "no answer within 300ms", 0 },
		{ "a2s", "60s", let_another_answer, "5", 1 },
		{ "a2s", "60s", say_empty, "the answer is not A2S", 1 },
		{ "a2s", "60s", say_status_of_quake, "the answer is not A2S", 1 },
		{ "quake3", "60s", say_status_of_quake, "2", 1 },
		{ "quake3", "60s", say_empty, "the answer is no statusResponse", 1 },
	};
	struct game g;

	(void)state;
	for (size_t i = 0; i < sizeof(games) / sizeof(games[0]); i++) {
		start_game(&g, SOCK_DGRAM, games[i].on_request);
		assert_string_equal(look(&g, games[i].kind, games[i].timeout, 1), games[i].said);
		if (games[i].requests)
			assert_int_equal(g.requests, games[i].requests);
		end_game(&g);
	}
}

/* What comes for a look that has ended does not count for the next one. */
static void late_answer(void **state)
{
	struct game g;

	(void)state;
	start_game(&g, SOCK_DGRAM, be_late);
	assert_string_equal(look(&g, "a2s", "1s", 2), "5");
	end_game(&g);
}

static void nothing_listens(void **state)
{
	static const char *const kinds[] = { "a2s", "quake3", "minecraft" };
	struct game g;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		start_game(&g, i == 2 ? SOCK_STREAM : SOCK_DGRAM, say_nothing);
		loop_watch_stop(g.loop, &g.watch);
		fd_close(&g.watch.fd);
		assert_non_null(
			strstr(look(&g, kinds[i], "60s", 2), "nothing listens on 127.0.0."));
		end_game(&g);
	}
}

/* ---- streams ---- */

static void send_bytes(struct game *g, const char *bytes, size_t length)
{
	assert_int_equal(send(g->stream, bytes, length, MSG_NOSIGNAL), length);
}

static void say_status(struct game *g, size_t length)
{
	(void)length;
	send_bytes(g, BYTES(PACKET));
}

static void say_half(struct game *g, size_t length)
{
	(void)length;
	send_bytes(g, PACKET, 20);
	assert_int_equal(shutdown(g->stream, SHUT_WR), 0);
}

static void on_drip(struct loop_timer *t)
{
	struct game *g = t->owner;

	/* It may have been hung up on. */
	if (g->sent < sizeof(PACKET) - 1 &&
	    send(g->stream, PACKET + g->sent++, 1, MSG_NOSIGNAL) == 1)
		loop_timer_start(g->loop, t, 20);
}

static void drip_status(struct game *g, size_t length)
{
	(void)length;
	g->drip = (struct loop_timer){ .on_time = on_drip, .owner = g };
	on_drip(&g->drip);
}

/* More than there may be, as fast as it is taken. */
static void on_flow(struct loop_timer *t)
{
	static const char nothing[1000];
	struct game *g = t->owner;
	ssize_t sent = send(g->stream, nothing, sizeof(nothing), MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent > 0 || (sent < 0 && errno == EAGAIN))
		loop_timer_start(g->loop, t, 1);
}

static void flow(struct game *g, size_t length)
{
	(void)length;
	g->drip = (struct loop_timer){ .on_time = on_flow, .owner = g };
	send_bytes(g, "\xff\xff\xff\x7f", 4);
	on_flow(&g->drip);
}

static void streams(void **state)
{
	static const struct {
		const char *timeout;
		void (*on_request)(struct game *g, size_t length);
		const char *said;
	} games[] = {
		{ "60s", say_status, "3" },
		{ "60s", drip_status, "3" },
		{ "200ms", drip_status, "no answer within 200ms" },
		{ "200ms", say_nothing, "no answer within 200ms" },
		{ "60s", say_half, "the answer is not whole" },
		{ "60s", flow, "the answer is no status of Minecraft" },
	};
	struct game g;

	(void)state;
	for (size_t i = 0; i < sizeof(games) / sizeof(games[0]); i++) {
		start_game(&g, SOCK_STREAM, games[i].on_request);
		assert_string_equal(look(&g, "minecraft", games[i].timeout, 1), games[i].said);
		end_game(&g);
	}
}

/* ---- settings ---- */

static void settings(void **state)
{
	static const struct {
		const char *text;
		bool fits;
	} all[] = {
		{ "\"a2s\":\"127.0.0.1:27015\"", true },
		{ "\"a2s\":\"[::1]:27015\",\"bots\":\"without\"", true },
		{ "\"quake3\":\"localhost:27960\",\"bots\":\"with\"", true },
		{ "\"minecraft\":\"127.0.0.1:25565\"", true },
		{ "\"minecraft\":\"127.0.0.1:25565\",\"bots\":\"with\"", false },
		{ "\"a2s\":\"127.0.0.1:0\"", false },
		{ "\"a2s\":\"127.0.0.1\"", false },
		{ "\"a2s\":\"unix:/run/game\"", false },
		{ "\"a2s\":\"game.example:27015\"", false },
		{ "\"a2s\":\"\"", false },
		{ "\"a2s\":\"127.0.0.1:1\",\"quake3\":\"127.0.0.1:1\"", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		owned char *text = mem_format("{\"name\":\"n\",%s}", all[i].text);
		struct err e;

		assert_int_equal(source_settings_check(text, &e), all[i].fits ? 0 : -1);
	}
}

int test_source_query(void);

int test_source_query(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams),       cmocka_unit_test(late_answer),
		cmocka_unit_test(nothing_listens), cmocka_unit_test(streams),
		cmocka_unit_test(settings),
	};

	return cmocka_run_group_tests_name("source_query", tests, NULL, NULL);
}
