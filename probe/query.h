/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query: what the query protocols of games have in common, for probe/source_query.c.
 *
 * A protocol makes its request, and reads what has come so far. Both are pure functions. A doubt is
 * never a number: what does not fit is an error.
 */
#pragma once

#include <stdbool.h>

struct address;
struct buf;
struct err;

enum query_step {
	QUERY_BAD = -1, /* with e, ERR_REMOTE */
	QUERY_MORE,     /* of a stream: that is not all yet; of datagrams: request is another now */
	QUERY_DONE,     /* *ret_players is known */
};

typedef void query_ask(struct buf *request, const struct address *a);

/* answer is all of the stream so far, or one datagram. bots: count them as players. */
typedef enum query_step query_read(const struct buf *answer, bool bots, struct buf *request,
				   unsigned *ret_players, struct err *e);
