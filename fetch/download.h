/* SPDX-License-Identifier: Apache-2.0 */
/*
 * download: a file by HTTP, into "download" of a cache folder.
 *
 * What has come stays there when a connection breaks or we are killed, and is gone on with by a
 * range as long as the server still has the same: it says so by its strong ETag (If-Range, RFC 9110
 * 13.1.5). "download.json" says what the part is one of.
 *
 * What comes so fast that all of it would soon come again is not kept, as long as somebody reads
 * along who never goes back: it would be written twice. When a connection breaks it is gone on with
 * as well. When we are killed or give up, the next run goes on with what was kept before, and keeps
 * all: else one that is fast at its beginning alone would never come to its end.
 */
#pragma once

#include "base/err.h"
#include "fetch/transfer.h"

#include <stdbool.h>

#define DOWNLOAD "download"

struct fetch;

/* Who goes along with a file while it comes. */
struct download_follower {
	/*
	 * The first have bytes of fd are there; what it was told before is of another file.
	 * marked: the server tells it from others, by an ETag or its time.
	 */
	int (*begin)(void *owner, int fd, int64_t have, bool marked, struct err *e);
	int (*more)(void *owner, const void *bytes, size_t count, struct err *e);
	/* What follows the first have bytes of all is only told. False: fd has to have it. */
	bool (*let_go)(void *owner, int64_t have, int64_t whole);
	void *owner;
};

struct download_plan {
	const char *url;
	const struct list *headers; /* for its server */
	const struct transfer_keys *keys;
	const char *region;
	const struct download_follower *follower; /* NULL: nobody */
	/* What we have got already; NULL: nothing. */
	const char *etag, *modified;
};

struct download_result {
	bool unchanged; /* the server has what we have got */
	char *etag, *modified, *encoding;
	int64_t time; /* Last-Modified, seconds; -1: none */
};

/* f tells the folder and the limits, and gets the counts. */
int download_run(struct fetch *f, const struct download_plan *plan, struct download_result *ret,
		 struct err *e);
void download_result_done(struct download_result *r);

/* What has come is of no use any more, or is in its place. */
void download_forget(const struct fetch *f);

/* A small file into b. */
struct buf;
int download_small(struct fetch *f, const struct download_plan *plan, struct buf *b, struct err *e);

/* Whether what failed may go well the next time; waits for that. failures: so many until now. */
bool download_waits(const struct fetch *f, const struct transfer_answer *a, unsigned failures,
		    const struct err *e);
