/* SPDX-License-Identifier: Apache-2.0 */
/* sockets_proc: see sockets_proc.h. */
#include "base/sockets_proc.h"

#include "base/err.h"
#include "base/lines.h"
#include "base/sockets_peer.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

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

static int take_line(char *line, void *user)
{
	const struct sockets_look *look = user;
	struct connection c;
	int found = sockets_proc_line(line, &c);

	if (found > 0 && is_asked_for(look, c.local_port))
		look->seen(&c, look->user);
	return found;
}

int sockets_proc_each(const struct sockets_look *look, int64_t deadline, struct err *e)
{
	void *user = (void *)look;

	look->begin(look->user);
	if (lines_each("/proc/net/tcp", deadline, take_line, user, e) < 0)
		return -1;
	/* A kernel without IPv6 has no such file. */
	return lines_each("/proc/net/tcp6", deadline, take_line, user, e) < 0 && e->sys != ENOENT
		       ? -1
		       : 0;
}
