/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: one source from its kind's own way of fetching to a tree in the cache.
 *
 *   source_fetch()  fills a new directory by the kind's fill(), makes of it what the source asks
 *                   for (subpath, include, exclude, into), checks it whole, and commits it
 *
 * A kind is one file, source_KIND.c.
 */
#pragma once

#include "base/err.h"
#include "fetch/cache.h"
#include "fetch/request.h"
#include "fetch/tree.h"

#include <stdbool.h>
#include <stdint.h>

/* What became of a source. */
enum source_state { SOURCE_FETCHED, SOURCE_UNCHANGED, SOURCE_STALE, SOURCE_MISSING };

/* One source while it is fetched. */
struct fetch {
	const struct fetch_source *source;
	struct cache_folder *folder;
	/* What the tree that is there was fetched as; all NULL when it was defined otherwise. */
	const struct cache_state *known;
	struct cache_state next; /* what the new tree is; filled by the kind */
	int64_t deadline;        /* as clock_ms() counts */
	uint64_t wire_bytes, requests;
	bool quiet;         /* that it cannot be had was logged before */
	bool below_subpath; /* the kind has left out what is not below it */
	bool checked;       /* the tree was, entry by entry, as it was unpacked */
	bool settle;        /* files that are as they were keep their times */
};

enum source_fill { SOURCE_FILL_FAILED = -1, SOURCE_FILLED = 0, SOURCE_AS_BEFORE = 1 };

struct source_kind {
	const char *name;  /* the key that holds where it is */
	const char *takes; /* further keys, with blanks between them */
	/* ERR_USAGE; NULL: all is well. */
	int (*check)(const struct fetch_source *s, struct err *e);
	/* Into the empty directory tree, or SOURCE_AS_BEFORE. */
	enum source_fill (*fill)(struct fetch *f, int tree, struct err *e);
};

extern const struct source_kind kind_archive, kind_http, kind_s3, kind_git, kind_rsync,
	kind_command;

/* NULL: none has this name. */
const struct source_kind *source_kind_called(const char *name);

struct tree_limits source_limits(const struct fetch_source *s);

/* e is ERR_NONE when the source could be had. */
enum source_state source_fetch(struct fetch *f, struct err *e);
