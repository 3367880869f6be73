/* SPDX-License-Identifier: Apache-2.0 */
/*
 * players: a game server and those who play on it, in one process.
 *
 *   players [-u [-m | -f]] [-n COUNT] FROM TO PORT
 *
 * COUNT players come from the address FROM to TO:PORT and stay until the program ends: by TCP, or
 * with -u by UDP, where each says something ten times a second and is answered. -m: the server is
 * mute. -f: the server speaks first. Prints "ready" when all are there.
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define COUNT_MOST 10000

static int sockets[COUNT_MOST];
static long count = 1;
static int type = SOCK_STREAM, mute, first;

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

struct place {
	struct sockaddr_storage address;
	socklen_t length;
};

static struct place place_of(const char *address, const char *port)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *found;
	struct place p = { .length = 0 };

	if (getaddrinfo(address, port, &hints, &found) != 0)
		fail(address);
	p.length = found->ai_addrlen;
	memcpy(&p.address, found->ai_addr, p.length);
	freeaddrinfo(found);
	return p;
}

static int bound(const struct place *p)
{
	int fd = socket(p->address.ss_family, type, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&p->address, p->length) < 0)
		fail("bind");
	return fd;
}

static void answer_all(int server)
{
	struct place from = { .length = sizeof(from.address) };
	char text[16];

	while (recvfrom(server, text, sizeof(text), MSG_DONTWAIT, (struct sockaddr *)&from.address,
			&from.length) > 0) {
		if (!mute)
			(void)sendto(server, "yes", 3, 0, (struct sockaddr *)&from.address,
				     from.length);
		from.length = sizeof(from.address);
	}
}

static void speak_to_all(int server)
{
	for (long i = 0; i < count; i++) {
		struct place p = { .length = sizeof(p.address) };

		if (getsockname(sockets[i], (struct sockaddr *)&p.address, &p.length) < 0 ||
		    sendto(server, "hello", 5, 0, (struct sockaddr *)&p.address, p.length) < 0)
			fail("speak first");
	}
}

static void play_by_udp(int server)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	char text[16];

	for (int round = 0;; round++) {
		if (first && round == 0)
			speak_to_all(server);
		for (long i = 0; i < count; i++) {
			(void)send(sockets[i], "here", 4, 0);
			(void)recv(sockets[i], text, sizeof(text), MSG_DONTWAIT);
		}
		answer_all(server);
		if (round == 0)
			(void)dprintf(STDOUT_FILENO, "ready\n");
		(void)nanosleep(&pause, NULL);
	}
}

int main(int argc, char **argv)
{
	struct rlimit files;
	int option;

	while ((option = getopt(argc, argv, "umfn:")) != -1) {
		if (option == 'n')
			count = strtol(optarg, NULL, 10);
		else if (option == 'u')
			type = SOCK_DGRAM;
		else if (option == 'm')
			mute = 1;
		else if (option == 'f')
			first = 1;
		else
			return 2;
	}
	if (argc - optind != 3 || count < 0 || count > COUNT_MOST)
		return 2;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	struct place from = place_of(argv[optind], "0"),
		     to = place_of(argv[optind + 1], argv[optind + 2]);
	int server = bound(&to);
	if (type == SOCK_STREAM && listen(server, 1024) < 0)
		fail("listen");
	for (long i = 0; i < count; i++) {
		sockets[i] = bound(&from);
		if (connect(sockets[i], (struct sockaddr *)&to.address, to.length) < 0)
			fail("connect");
		if (type == SOCK_STREAM && accept(server, NULL, NULL) < 0)
			fail("accept");
	}
	if (type == SOCK_DGRAM)
		play_by_udp(server);
	(void)dprintf(STDOUT_FILENO, "ready\n");
	(void)pause();
	return 0;
}
