/* SPDX-License-Identifier: Apache-2.0 */
/* quake3: see quake3.h. */
#include "probe/quake3.h"

#include "base/buf.h"
#include "base/err.h"

#include <string.h>

#define REQUEST "\xff\xff\xff\xffgetstatus"
#define HEAD "\xff\xff\xff\xffstatusResponse\n"

/* Quake3e ends the list before a packet would be longer, the others much later; a line has not
 * more than 100 bytes. */
#define PACKET_MOST 1400
#define LINE_MOST 100

void quake3_ask(struct buf *request, const struct address *a)
{
	(void)a;
	buf_clear(request);
	(void)buf_add_text(request, REQUEST);
}

/* Behind a number and the blank after it; NULL: there is none. */
static const char *skip_number(const char *at)
{
	at += *at == '-';
	size_t digits = strspn(at, "0123456789");
	return digits && at[digits] == ' ' ? at + digits + 1 : NULL;
}

/* Some games have more numbers in front of the name, some have more behind it. */
static bool has_name(const char *at, const char *end)
{
	const char *first = memchr(at, '"', (size_t)(end - at));

	return first && memrchr(first, '"', (size_t)(end - first)) != first;
}

enum query_step quake3_read(const struct buf *answer, bool bots, struct buf *request,
			    unsigned *ret_players, struct err *e)
{
	const char *line = answer->data + strlen(HEAD);
	unsigned left_out = 0;

	(void)request;
	if (strncmp(answer->data, HEAD, strlen(HEAD)) != 0 || *line != '\\')
		return err_set(e, ERR_REMOTE, "the answer is no statusResponse");
	line += strcspn(line, "\n");
	for (*ret_players = 0; *line && line[1];) {
		const char *end = strchr(++line, '\n');
		const char *ping = skip_number(line), *rest = ping ? skip_number(ping) : NULL;

		if (!end || !rest || !has_name(rest, end))
			break;
		if (bots || strncmp(ping, "0 ", 2) != 0)
			++*ret_players;
		else
			left_out++;
		line = end;
	}
	/* The line feed of the last line, and then perhaps a NUL. */
	if (*line != '\n' || line[1] || line + 2 < answer->data + answer->length)
		return err_set(e, ERR_REMOTE, "the list of players is not whole");
	if (!*ret_players && left_out && answer->length > PACKET_MOST - LINE_MOST &&
	    answer->length <= PACKET_MOST)
		return err_set(e, ERR_REMOTE, "the list of players may have been cut");
	return QUERY_DONE;
}
