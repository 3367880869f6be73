/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer: an HTTP server that behaves as its mode says, well or badly.
 *
 *   peer [-a ADDRESS] [-p PORT] [-u ABSTRACT-NAME] MODE RECORD
 *
 * MODE is one of those below, status-NNN, raw-FILE: what it says, head and all, or @FILE: the mode
 * that the file names at the moment of each request. The port is printed as "port N", then a line
 * for every request; the last request is in RECORD as it came.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUEST_MOST 65536

static const char *mode, *record;

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* False when the other side has gone. */
static int say(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t sent = write(fd, text, left);

		if (sent <= 0)
			return 0;
		text += sent;
		left -= (size_t)sent;
	}
	return 1;
}

static void say_status(int fd, int status)
{
	char head[128];

	(void)snprintf(head, sizeof(head), "HTTP/1.1 %d Whatever\r\nContent-Length: 3\r\n\r\nno\n",
		       status);
	(void)say(fd, head);
}

static void wait_for_end(int fd)
{
	char byte;

	while (read(fd, &byte, 1) > 0)
		continue;
}

static void say_slowly(int fd, const char *text)
{
	for (char one[2] = ""; *text; text++) {
		one[0] = *text;
		if (!say(fd, one))
			return;
		(void)sleep(1);
	}
}

static void say_file(int fd, const char *path)
{
	static char bytes[REQUEST_MOST];
	int file = open(path, O_RDONLY);
	ssize_t got = 1;

	if (file < 0)
		fail(path);
	while (got > 0) {
		got = read(file, bytes, sizeof(bytes));
		for (ssize_t sent = 0, once = 1; sent < got; sent += once) {
			once = write(fd, bytes + sent, (size_t)(got - sent));
			if (once <= 0)
				return;
		}
	}
}

static void behave(int fd, const char *how)
{
	static const char page[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab\r\n";

	if (strcmp(how, "ok") == 0) {
		(void)say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	} else if (strcmp(how, "empty") == 0) {
		(void)say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	} else if (strcmp(how, "nothing-to-say") == 0) {
		(void)say(fd, "HTTP/1.1 204 No Content\r\n\r\n");
	} else if (strcmp(how, "chunked") == 0) {
		(void)say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			      "2\r\nok\r\n1\r\n!\r\n0\r\n\r\n");
		wait_for_end(fd);
	} else if (strcmp(how, "no-length") == 0) {
		(void)say(fd, "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\nok");
	} else if (strcmp(how, "no-length-open") == 0) {
		(void)say(fd, "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\nok");
		wait_for_end(fd);
	} else if (strcmp(how, "old") == 0) {
		(void)say(fd, "HTTP/1.0 200 OK\r\n\r\nok");
	} else if (strcmp(how, "interim") == 0) {
		(void)say(fd, "HTTP/1.1 102 Processing\r\n\r\n");
		(void)usleep(100000);
		(void)say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	} else if (strcmp(how, "ready") == 0) {
		(void)say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"ready\":true}");
	} else if (strcmp(how, "redirect") == 0) {
		(void)say(fd, "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n");
	} else if (strcmp(how, "upgrade") == 0) {
		(void)say(fd, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
			      "Upgrade: websocket\r\n\r\n");
		wait_for_end(fd);
	} else if (strcmp(how, "hang") == 0) {
		wait_for_end(fd);
	} else if (strcmp(how, "close") == 0) {
		return;
	} else if (strcmp(how, "garbage") == 0) {
		(void)say(fd, "\x01\x02SSH-2.0-dropbear\r\n\r\n");
	} else if (strcmp(how, "slow") == 0) {
		say_slowly(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	} else if (strcmp(how, "endless-body") == 0) {
		if (say(fd, "HTTP/1.1 200 OK\r\n\r\n"))
			while (say(fd, page))
				continue;
	} else if (strcmp(how, "endless-headers") == 0) {
		if (say(fd, "HTTP/1.1 200 OK\r\n"))
			while (say(fd, "X-More: ") && say(fd, page))
				continue;
	} else if (strncmp(how, "raw-", 4) == 0) {
		say_file(fd, how + 4);
	} else if (strncmp(how, "status-", 7) == 0) {
		say_status(fd, (int)strtol(how + 7, NULL, 10));
	} else {
		(void)fprintf(stderr, "peer: unknown mode '%s'\n", how);
		say_status(fd, 599);
	}
}

/* What follows a header's name, on the heap; "" when it is not there. */
static char *header(const char *request, const char *name)
{
	const char *line = request;

	while ((line = strstr(line, "\r\n"))) {
		line += 2;
		if (strncasecmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') {
			line += strlen(name) + 1;
			line += strspn(line, " ");
			return strndup(line, strcspn(line, "\r"));
		}
	}
	return strdup("");
}

/* Head and body of one request; 0 when the other side went away before. */
static size_t read_request(int fd, char *request)
{
	size_t length = 0;

	for (;;) {
		ssize_t got = read(fd, request + length, REQUEST_MOST - 1 - length);

		if (got <= 0)
			return 0;
		length += (size_t)got;
		request[length] = '\0';
		const char *end = strstr(request, "\r\n\r\n");
		if (!end)
			continue;
		char *body = header(request, "Content-Length");
		size_t wanted = (size_t)(end + 4 - request) + strtoul(body, NULL, 10);
		free(body);
		if (length >= wanted)
			return length;
	}
}

static void write_record(const char *request, size_t length)
{
	char *temporary;

	if (asprintf(&temporary, "%s.%d", record, (int)getpid()) < 0)
		fail("asprintf");
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, request, length) != (ssize_t)length ||
	    rename(temporary, record) < 0)
		fail(record);
	(void)close(fd);
}

static void serve(int fd)
{
	static char request[REQUEST_MOST];
	char how[64] = "";
	size_t length = read_request(fd, request);

	if (!length)
		return;
	if (mode[0] == '@') {
		int file = open(mode + 1, O_RDONLY);
		ssize_t got = file < 0 ? -1 : read(file, how, sizeof(how) - 1);

		if (got < 0)
			fail(mode);
		how[strcspn(how, "\n")] = '\0';
	} else {
		(void)snprintf(how, sizeof(how), "%s", mode);
	}
	write_record(request, length);
	char *digest = header(request, "X-GS-Digest");
	char *key = header(request, "Idempotency-Key");
	(void)dprintf(STDOUT_FILENO, "request %.*s digest=%s key=%s\n", (int)strcspn(request, "\r"),
		      request, digest, key);
	behave(fd, how);
}

static int listen_on(const char *address, int port, const char *abstract)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr *where = (struct sockaddr *)&in;
	socklen_t length = sizeof(in);
	int on = 1;

	if (abstract) {
		(void)snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "%s", abstract);
		where = (struct sockaddr *)&un;
		length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(abstract));
	} else if (inet_pton(AF_INET6, address, &in6.sin6_addr) == 1) {
		where = (struct sockaddr *)&in6;
		length = sizeof(in6);
	} else if (inet_pton(AF_INET, address, &in.sin_addr) != 1) {
		errno = EINVAL;
		fail(address);
	}
	int fd = socket(where->sa_family, SOCK_STREAM, 0);
	if (fd < 0)
		fail("socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, where, length) < 0 || listen(fd, 64) < 0)
		fail("bind");
	if (abstract)
		(void)dprintf(STDOUT_FILENO, "port 0\n");
	else if (getsockname(fd, where, &length) < 0)
		fail("getsockname");
	else
		(void)dprintf(STDOUT_FILENO, "port %d\n",
			      ntohs(where == (struct sockaddr *)&in ? in.sin_port : in6.sin6_port));
	return fd;
}

int main(int argc, char **argv)
{
	const char *address = "127.0.0.1", *abstract = NULL;
	int port = 0, option;

	while ((option = getopt(argc, argv, "a:p:u:")) != -1) {
		if (option == 'a')
			address = optarg;
		else if (option == 'p')
			port = (int)strtol(optarg, NULL, 10);
		else if (option == 'u')
			abstract = optarg;
		else
			return 2;
	}
	if (argc - optind != 2)
		return 2;
	mode = argv[optind];
	record = argv[optind + 1];
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGCHLD, SIG_IGN);
	int listener = listen_on(address, port, abstract);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		if (fork() == 0) {
			(void)alarm(60);
			(void)close(listener);
			serve(fd);
			_exit(0);
		}
		(void)close(fd);
	}
}
