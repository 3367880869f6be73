/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arrival: what is made of a file while it still comes: its digest, and of an archive a tree.
 *
 * Nobody sees the tree before its digest is the right one: it is the hidden one that fetch() of
 * source.c has made.
 */
#pragma once

#include "base/err.h"
#include "fetch/ahead.h"
#include "fetch/download.h"

#include <stdbool.h>
#include <stdint.h>

struct fetch_source;
struct trust_digest;
struct digest_stream;
struct digester;

struct arrival {
	struct fetch *fetch;
	const char *name; /* what it is called */
	int tree;
	bool early; /* the tree is begun before all is there */
	bool begun;
	bool let_go;             /* what comes is not in the file any more */
	struct digester *digest; /* of length bytes; NULL: none were told, or it is not wanted */
	struct digest_stream *quick; /* the same by XXH3, where it is not */
	int64_t length;
	struct ahead ahead;
};

struct arrival arrival_init(struct fetch *f, const char *name, int tree);
void arrival_done(struct arrival *a);

/* marked: the server tells it from others; else it is known again by its SHA-256 alone. */
bool arrival_digest_is_wanted(const struct fetch_source *s, bool marked);

/*
 * One by XXH3, on the heap, where all was told and no SHA-256 is wanted. NULL: it was not, or what
 * came was let go.
 */
char *arrival_quick_digest(const struct arrival *a);

/* For the download of it. */
struct download_follower arrival_follower(struct arrival *a);

/* All of it is in fd, and nothing was told before: the tree is begun at once. */
int arrival_is_there(struct arrival *a, int fd, struct err *e);

/* All of it is in fd, and may have been told before. */
int arrival_digest(struct arrival *a, int fd, struct trust_digest *ret, struct err *e);
int arrival_unpack(struct arrival *a, int fd, struct err *e);
