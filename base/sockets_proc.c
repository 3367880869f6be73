/* SPDX-License-Identifier: Apache-2.0 */
/* sockets_proc: see sockets_proc.h. */
#include "base/sockets_proc.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/sockets_peer.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A line has 150 bytes (tcp) or about 200 (tcp6). */
#define CHUNK 8192
#define LINES_MOST 4000000 /* beyond any table of sockets: this is not /proc */

/* An address as the files have it: words of 32 bits as the machine has them in memory. */
struct end {
	uint8_t address[16];
	uint16_t port;
};

/* Exactly count hexadecimal digits; the place behind them, NULL when there are others. */
static const char *read_hex(const char *at, int count, uint32_t *ret)
{
	uint32_t value = 0;

	for (; count; count--, at++) {
		unsigned letter = (unsigned char)*at | 0x20;

		if (*at >= '0' && *at <= '9')
			value = value << 4 | (uint32_t)(*at - '0');
		else if (letter >= 'a' && letter <= 'f')
			value = value << 4 | (letter - 'a' + 10);
		else
			return NULL;
	}
	*ret = value;
	return at;
}

/* "0100007F:1F90", or with 32 digits before the colon. */
static const char *read_end(const char *at, struct end *ret)
{
	size_t digits = strcspn(at, ":");
	uint32_t word;

	if ((digits != 8 && digits != 32) || at[digits] != ':')
		return NULL;
	for (size_t i = 0; i < digits / 8; i++) {
		at = read_hex(at, 8, &word);
		if (!at)
			return NULL;
		memcpy(ret->address + 4 * i, &word, sizeof(word));
	}
	if (digits == 8)
		sockets_map_ipv4(ret->address, ret->address);
	at = read_hex(at + 1, 4, &word);
	ret->port = (uint16_t)word;
	return at;
}

/* FNV-1a (draft-eastlake-fnv): spreads well and is short; nobody gains by a collision. */
static uint64_t hash_text(const char *at, const char *end)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; at < end; at++)
		hash = (hash ^ (unsigned char)*at) * 0x100000001b3;
	return hash ? hash : 1;
}

int sockets_proc_line(const char *line, struct connection *ret)
{
	struct end local, peer;
	const char *ends, *at = line + strspn(line, " ");
	uint32_t state;

	if (text_starts(at, "sl ")) /* the head line */
		return 0;
	at += strspn(at, "0123456789");
	if (!text_starts(at, ": "))
		return -1;
	ends = at + 2;
	at = read_end(ends, &local);
	if (!at || *at != ' ')
		return -1;
	at = read_end(at + 1, &peer);
	if (!at || *at != ' ')
		return -1;
	const char *behind = at;
	at = read_hex(at + 1, 2, &state);
	if (!at || *at != ' ')
		return -1;
	if (state != SOCKETS_ESTABLISHED)
		return 0;
	*ret = (struct connection){
		.identity = hash_text(ends, behind),
		.peer_port = peer.port,
		.local_port = local.port,
		.loopback = sockets_is_loopback(local.address, peer.address),
	};
	memcpy(ret->peer, peer.address, sizeof(ret->peer));
	return 1;
}

static bool is_asked_for(const struct sockets_look *look, uint16_t port)
{
	for (size_t i = 0; i < look->port_count; i++)
		if (look->ports[i] == port)
			return true;
	return look->port_count == 0;
}

/* All whole lines of text; how many bytes they were, or -1. */
static ssize_t take_lines(const struct sockets_look *look, char *text, size_t length, int *lines)
{
	char *at = text, *end;

	while ((end = memchr(at, '\n', length - (size_t)(at - text)))) {
		struct connection c;

		*end = '\0';
		int found = sockets_proc_line(at, &c);
		if (found < 0 || ++*lines > LINES_MOST)
			return -1;
		if (found && is_asked_for(look, c.local_port))
			look->seen(&c, look->user);
		at = end + 1;
	}
	return at - text;
}

static int read_lines(const struct sockets_look *look, int fd, const char *path, int64_t deadline,
		      struct err *e)
{
	char text[CHUNK];
	size_t length = 0;
	int lines = 0;

	for (;;) {
		ssize_t got = read(fd, text + length, sizeof(text) - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, "read '%s'", path);
		if (got == 0 && length == 0)
			return 0;
		length += (size_t)got;
		ssize_t taken = got == 0 ? -1 : take_lines(look, text, length, &lines);
		if (taken < 0 || (taken == 0 && length == sizeof(text)))
			return err_set(e, ERR_SYSTEM,
				       "'%s' has a line that is not one of a table of sockets",
				       path);
		length -= (size_t)taken;
		memmove(text, text + taken, length);
		if (clock_ms() >= deadline)
			return err_set(e, ERR_DEADLINE, "'%s' took too long to read", path);
	}
}

static int read_file(const struct sockets_look *look, const char *path, int64_t deadline,
		     struct err *e)
{
	owned_fd fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open '%s'", path) : read_lines(look, fd, path, deadline, e);
}

int sockets_proc_each(const struct sockets_look *look, int64_t deadline, struct err *e)
{
	look->begin(look->user);
	if (read_file(look, "/proc/net/tcp", deadline, e) < 0)
		return -1;
	/* A kernel without IPv6 has no such file. */
	return read_file(look, "/proc/net/tcp6", deadline, e) < 0 && e->sys != ENOENT ? -1 : 0;
}
