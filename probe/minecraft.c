/* SPDX-License-Identifier: Apache-2.0 */
/* minecraft: see minecraft.h. */
#include "probe/minecraft.h"

#include "base/address.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

#include <limits.h>
#include <string.h>

/* A packet is its length, its type and its fields; each number a VarInt. */
#define HANDSHAKE "\x00\xff\xff\xff\xff\x0f" /* type, protocol version -1: to find it out */
#define THEN_STATUS "\x01"
#define STATUS "\x01\x00" /* a packet of one byte, the type */
#define TYPE_STATUS 0

void minecraft_ask(struct buf *request, const struct address *a)
{
	size_t host = strlen(a->host), before = sizeof(HANDSHAKE) - 1;
	/* host has less than 64 letters, so that each length is one byte. */
	char length = (char)(before + 1 + host + 3), host_length = (char)host;
	char port[] = { (char)(a->port >> 8), (char)a->port };

	buf_clear(request);
	(void)buf_add(request, &length, 1);
	(void)buf_add(request, HANDSHAKE, before);
	(void)buf_add(request, &host_length, 1);
	(void)buf_add(request, a->host, host);
	(void)buf_add(request, port, sizeof(port));
	(void)buf_add(request, THEN_STATUS, 1);
	(void)buf_add(request, STATUS, 2);
}

/* Seven bits in each byte, the lowest first; up to five bytes. */
static enum query_step read_varint(const char **at, const char *end, size_t *ret)
{
	*ret = 0;
	for (unsigned shift = 0; shift < 35; shift += 7) {
		if (*at == end)
			return QUERY_MORE;
		unsigned char byte = (unsigned char)*(*at)++;
		*ret |= (size_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return QUERY_DONE;
	}
	return QUERY_BAD;
}

static bool read_count(const struct json *status, const char *pointer, unsigned *ret)
{
	double number;

	if (!json_number(json_at(status, pointer), &number) || !(number >= 0 && number <= INT_MAX))
		return false;
	*ret = (unsigned)number;
	return *ret == number;
}

static enum query_step read_status(const char *text, unsigned *ret_players, struct err *e)
{
	struct json *status = json_read(text, e);
	enum query_step step = QUERY_DONE;
	unsigned most;

	if (!status)
		return err_in(e, "the status");
	if (!read_count(status, "/players/online", ret_players) ||
	    !read_count(status, "/players/max", &most))
		step = err_set(e, ERR_REMOTE, "the status has no count of players");
	else if (!most)
		step = err_set(e, ERR_REMOTE, "it takes no players: it starts, or hides them");
	json_free(status);
	return step;
}

enum query_step minecraft_read(const struct buf *answer, bool bots, struct buf *request,
			       unsigned *ret_players, struct err *e)
{
	const char *at = answer->data, *end = at + answer->length;
	size_t length, type, size;
	enum query_step step = read_varint(&at, end, &length);

	(void)bots;
	(void)request;
	if (step == QUERY_DONE && length <= MINECRAFT_ANSWER_MOST) {
		if (length > (size_t)(end - at))
			return QUERY_MORE;
		end = at + length;
		if (read_varint(&at, end, &type) == QUERY_DONE && type == TYPE_STATUS &&
		    read_varint(&at, end, &size) == QUERY_DONE && size == (size_t)(end - at) &&
		    !memchr(at, '\0', size)) {
			owned char *text = mem_copy_part(at, size);
			return read_status(text, ret_players, e);
		}
	}
	if (step == QUERY_MORE)
		return step;
	return err_set(e, ERR_REMOTE, "the answer is no status of Minecraft");
}
