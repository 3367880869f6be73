/* SPDX-License-Identifier: Apache-2.0 */
/* sockets_diag: see sockets_diag.h. */
#include "base/sockets_diag.h"

#include "base/sockets_peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define FLAG_CHANGED 0x10 /* NLM_F_DUMP_INTR */
#define MESSAGE_ERROR 2
#define MESSAGE_DONE 3
#define ERRNO_MOST 4095 /* MAX_ERRNO of Linux */

/* struct inet_diag_msg, as far as it is looked at. */
struct found {
	uint8_t family, state, timer, retransmits;
	struct sockets_diag_ends ends;
};

static void show(const struct sockets_look *look, const char *content)
{
	struct found found;
	const struct sockets_diag_ends *ends = &found.ends;

	memcpy(&found, content, sizeof(found));
	struct connection c = {
		.identity = (uint64_t)ends->cookie[1] << 32 | ends->cookie[0],
		.peer_port = ntohs(ends->peer_port),
		.local_port = ntohs(ends->local_port),
	};
	uint8_t local[16];

	memcpy(c.peer, ends->peer, sizeof(c.peer));
	memcpy(local, ends->local, sizeof(local));
	if (found.family == AF_INET) {
		sockets_map_ipv4(c.peer, c.peer);
		sockets_map_ipv4(local, local);
	}
	c.loopback = sockets_is_loopback(local, c.peer);
	look->seen(&c, look->user);
}

enum sockets_pass sockets_diag_error(void)
{
	switch (errno) {
	case ENOBUFS:
		return SOCKETS_PASS_AGAIN;
	case EPERM:
	case EACCES:
	case ENOENT: /* no module for TCP, or it may not be loaded */
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
	case ESOCKTNOSUPPORT:
	case EOPNOTSUPP:
	case ENOSYS:
		return SOCKETS_PASS_DENIED;
	default:
		return SOCKETS_PASS_FAILED;
	}
}

/* The number in an error message, and at the end of a list where the kernel says how it ended. */
static enum sockets_pass pass_of_number(uint16_t type, const char *content, size_t length)
{
	int32_t number = 0;

	if (length >= sizeof(number))
		memcpy(&number, content, sizeof(number));
	if (type == MESSAGE_DONE && number >= 0)
		return SOCKETS_PASS_DONE;
	errno = number < 0 && number >= -ERRNO_MOST ? -number : EBADMSG;
	return sockets_diag_error();
}

enum sockets_pass sockets_diag_part(const struct sockets_look *look, const char *part,
				    size_t length, bool *changed)
{
	struct sockets_diag_head head;

	for (size_t at = 0; at + sizeof(head) <= length; at += (head.length + 3U) & ~3U) {
		const char *content = part + at + sizeof(head);

		memcpy(&head, part + at, sizeof(head));
		if (head.length < sizeof(head) || head.length > length - at)
			break;
		*changed |= (head.flags & FLAG_CHANGED) != 0;
		if (head.type == MESSAGE_DONE || head.type == MESSAGE_ERROR)
			return pass_of_number(head.type, content, head.length - sizeof(head));
		if (head.type == SOCKETS_DIAG_TCP &&
		    head.length >= sizeof(head) + sizeof(struct found))
			show(look, content);
		if (((head.length + 3U) & ~3U) >= length - at)
			return SOCKETS_PASS_MORE;
	}
	errno = EBADMSG;
	return SOCKETS_PASS_FAILED;
}
