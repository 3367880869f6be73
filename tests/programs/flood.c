/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood: COUNT clients at once, all connected before the first one asks.
 *
 *   flood PORT COUNT none|same|each   POST /reload, without a key, all with one, each with its own;
 *                                     prints a line for each: its status, the number of the run
 *                                     that served it, and when it asked, in nanoseconds
 *   flood PORT COUNT hold             half a request, then a byte now and then, until it is killed;
 *                                     connects again when it is thrown out
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MOST 10000
#define ANSWER_MOST 8192
#define PATIENCE_MS 60000
#define DRIP_MS 20

struct client {
	int64_t asked;
	size_t length;
	char answer[ANSWER_MOST];
};

static struct client *clients;
static struct pollfd *polls;
static int port, count;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int connected(void)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons((uint16_t)port),
					.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		fail("connect");
	return fd;
}

static void ask(int i, const char *keys)
{
	char request[256], key[64] = "";

	if (strcmp(keys, "same") == 0)
		(void)snprintf(key, sizeof(key), "Idempotency-Key: one\r\n");
	else if (strcmp(keys, "each") == 0)
		(void)snprintf(key, sizeof(key), "Idempotency-Key: key-%d\r\n", i);
	int length = snprintf(request, sizeof(request),
			      "POST /reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
			      "Accept: application/json\r\nContent-Length: 0\r\n%s\r\n",
			      key);
	clients[i].asked = now();
	if (write(polls[i].fd, request, (size_t)length) != length)
		fail("write");
}

/* True when its answer is whole. */
static int read_answer(int i)
{
	struct client *c = &clients[i];
	ssize_t got = read(polls[i].fd, c->answer + c->length, ANSWER_MOST - 1 - c->length);

	if (got > 0)
		c->length += (size_t)got;
	if (got > 0 && c->length < ANSWER_MOST - 1)
		return 0;
	(void)close(polls[i].fd);
	polls[i].fd = -1;
	return 1;
}

static void read_answers(void)
{
	for (int left = count; left;) {
		if (poll(polls, (nfds_t)count, PATIENCE_MS) <= 0)
			fail("no answer");
		for (int i = 0; i < count; i++)
			if (polls[i].fd >= 0 && polls[i].revents)
				left -= read_answer(i);
	}
}

static void print_answers(void)
{
	for (int i = 0; i < count; i++) {
		const char *answer = clients[i].answer, *run = strstr(answer, "\"run\":");

		(void)printf("%.3s %ld %lld\n", answer[0] ? answer + 9 : "end",
			     run ? strtol(run + 6, NULL, 10) : 0L, (long long)clients[i].asked);
	}
}

static void hold(void)
{
	static const char half[] = "POST /reload HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";

	for (int i = 0; i < count; i++)
		if (write(polls[i].fd, half, sizeof(half) - 1) < 0)
			fail("write");
	(void)printf("holding\n");
	(void)fflush(stdout);
	for (int i = 0;; i = (i + 1) % count) {
		if (send(polls[i].fd, "x", 1, MSG_NOSIGNAL) < 0) {
			(void)close(polls[i].fd);
			polls[i].fd = connected();
			(void)send(polls[i].fd, half, sizeof(half) - 1, MSG_NOSIGNAL);
		}
		(void)poll(NULL, 0, DRIP_MS);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	port = (int)strtol(argv[1], NULL, 10);
	count = (int)strtol(argv[2], NULL, 10);
	if (count < 1 || count > CLIENTS_MOST)
		return 2;
	clients = calloc((size_t)count, sizeof(*clients));
	polls = calloc((size_t)count, sizeof(*polls));
	if (!clients || !polls)
		return 1;
	for (int i = 0; i < count; i++)
		polls[i] = (struct pollfd){ .fd = connected(), .events = POLLIN };
	if (strcmp(argv[3], "hold") == 0)
		hold();
	for (int i = 0; i < count; i++)
		ask(i, argv[3]);
	read_answers();
	print_answers();
	return 0;
}
