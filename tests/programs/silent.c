/* SPDX-License-Identifier: Apache-2.0 */
/*
 * silent: takes connections, or datagrams, and never says a word.
 *
 *   silent tcp PORT | silent udp PORT | silent unix PATH
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int bind_unix(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -1 : fd;
}

static int bind_loopback(int type, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((unsigned short)strtoul(port, NULL, 10)),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, type, 0);

	return fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -1 : fd;
}

int main(int count, char **words)
{
	bool datagrams = count > 1 && strcmp(words[1], "udp") == 0;
	int fd;

	if (count != 3)
		return 2;
	if (strcmp(words[1], "unix") == 0)
		fd = bind_unix(words[2]);
	else
		fd = bind_loopback(datagrams ? SOCK_DGRAM : SOCK_STREAM, words[2]);
	if (fd < 0 || (!datagrams && listen(fd, 128) < 0)) {
		perror("silent");
		return 1;
	}
	(void)puts("silent");
	(void)fflush(stdout);
	/* The kernel completes connections without us. */
	for (;;)
		(void)pause();
}
