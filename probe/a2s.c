/* SPDX-License-Identifier: Apache-2.0 */
/* a2s: see a2s.h. */
#include "probe/a2s.h"

#include "base/buf.h"
#include "base/err.h"

#include <string.h>

#define HEAD "\xff\xff\xff\xff"
#define HEAD_OF_PART "\xfe\xff\xff\xff"
#define REQUEST HEAD "TSource Engine Query" /* and its NUL */
#define CHALLENGE_SIZE 4

#define TYPES "dlpDLP" /* dedicated, not dedicated, relay */

void a2s_ask(struct buf *request, const struct address *a)
{
	(void)a;
	buf_clear(request);
	(void)buf_add(request, REQUEST, sizeof(REQUEST));
}

/* Behind so many texts, of which each ends with a NUL; NULL: they are not whole. */
static const char *skip_texts(const char *at, const char *end, unsigned count)
{
	while (count-- && (at = memchr(at, '\0', (size_t)(end - at))))
		at++;
	return at;
}

static unsigned byte(const char *at)
{
	return (unsigned char)*at;
}

/* Where the bytes players and most are; NULL: the answer is not whole. */
static const char *find_counts(const char *at, const char *end, bool obsolete)
{
	/* Both need 7 bytes there, and have the type at the same place. */
	const char *counts = obsolete ? skip_texts(at + 5, end, 5) : skip_texts(at + 6, end, 4);

	if (counts && !obsolete)
		counts = end - counts >= 2 ? counts + 2 : NULL; /* the game's number */
	if (!counts || end - counts < 7 || !counts[3] || !strchr(TYPES, counts[3]))
		return NULL;
	return obsolete || skip_texts(counts + 7, end, 1) ? counts : NULL;
}

static enum query_step read_info(const struct buf *answer, bool bots, unsigned *ret_players,
				 struct err *e)
{
	const char *at = answer->data, *end = at + answer->length;
	bool obsolete = at[4] == 'm';
	const char *counts = obsolete || answer->length > 5 ? find_counts(at, end, obsolete) : NULL;

	if (!counts)
		return err_set(e, ERR_REMOTE, "the answer is not a whole A2S_INFO");
	if (!counts[1])
		return err_set(e, ERR_REMOTE, "it takes no players: it starts, or hides them");
	*ret_players = byte(counts);
	if (bots || obsolete || (at[5] >= 47 && at[5] <= 49))
		return QUERY_DONE;
	if (byte(counts + 2) > byte(counts))
		return err_set(e, ERR_REMOTE, "more bots than players");
	*ret_players -= byte(counts + 2);
	return QUERY_DONE;
}

enum query_step a2s_read(const struct buf *answer, bool bots, struct buf *request,
			 unsigned *ret_players, struct err *e)
{
	const char *at = answer->data;
	size_t head = strlen(HEAD);

	if (answer->length > head && memcmp(at, HEAD_OF_PART, head) == 0)
		return err_set(e, ERR_REMOTE, "the answer comes in parts, which is not understood");
	if (answer->length > head && memcmp(at, HEAD, head) == 0) {
		if (at[head] == 'I' || at[head] == 'm')
			return read_info(answer, bots, ret_players, e);
		if (at[head] == 'A' && answer->length > head + CHALLENGE_SIZE) {
			a2s_ask(request, NULL);
			(void)buf_add(request, at + head + 1, CHALLENGE_SIZE);
			return QUERY_MORE;
		}
	}
	return err_set(e, ERR_REMOTE, "the answer is not A2S");
}
