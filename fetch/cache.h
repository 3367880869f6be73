/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache: what was fetched, one folder for each source.
 *
 *   DIR/.lock              held by the one run that changes it
 *   DIR/NAME/tree.7        the last good tree; others read it
 *   DIR/NAME/state.json    which tree that is, and what it was fetched as
 *   DIR/NAME/new           a tree that is being made
 *   DIR/NAME/download*     what has come of a file so far, and of which
 *   DIR/NAME/work.HASH     what a kind works with from one time to the next, of one definition
 *
 * The folder of a source that is pushed (fetch/update.h) is called update.HASH, so that the
 * configured one of that name keeps what it has.
 *
 * A tree gets its name when it is whole, and state.json is replaced behind that, so whatever is
 * killed when, there is a last good tree or there never was one. What state.json does not name is
 * removed by the next run. NAME is for its owner alone.
 */
#pragma once

#include "base/err.h"

#include <stdint.h>

#define CACHE_NEW "new"
#define CACHE_OBJECTS "objects"

/* All on the heap or NULL. */
struct cache_state {
	char *definition; /* of the source */
	char *tree;       /* "tree.7" */
	char *version;    /* for people */
	char *fetched_at, *checked_at;
	char *stale_since;     /* it could not be had, when it was wanted first; NULL: it could */
	char *etag, *modified; /* of an HTTP answer, as they came */
	char *identity;        /* of a file on this machine */
	char *sha256;          /* of the file that it was; or else */
	char *digest;          /* by XXH3-128, which nobody is to trust */
	char *public_key;      /* SHA-256 of the file with the key that has signed it */
};

void cache_state_done(struct cache_state *s);

/* What others write is read with care: NULL members where something is not as it should be. */
void cache_state_read(const char *text, struct cache_state *ret);

/* On the heap. */
char *cache_state_text(const struct cache_state *s);

#define CACHE_UPDATE "update."

struct cache_folder {
	int fd;     /* DIR/NAME */
	char *path; /* its path */
	char *work; /* the name of its work directory */
	struct cache_state state;
};

struct list;

/* Makes DIR if need be and takes its lock, waiting for it until deadline. */
int cache_open(const char *dir, int64_t deadline, int *ret_fd, struct err *e);

/* Removes the folders of updates that are not among names. */
int cache_forget_updates(int cache, const struct list *names, struct err *e);

/*
 * Removes what a run that was killed, or another definition of the source, has left behind. *ret is
 * to be given back in both cases, and after a failure may tell of the tree that is there.
 */
int cache_folder_open(int cache, const char *dir, const char *name, const char *definition,
		      struct cache_folder *ret, struct err *e);
void cache_folder_done(struct cache_folder *f);

/* The tree that is there, on the heap; NULL: none. */
char *cache_tree_path(const struct cache_folder *f);

/* The work directory, as it was left; made if need be. A descriptor or -1 with e. */
int cache_work_open(const struct cache_folder *f, struct err *e);

/* An empty directory, CACHE_NEW; what was there under that name is gone. */
int cache_new_tree(const struct cache_folder *f, int *ret_fd, struct err *e);

/*
 * CACHE_NEW becomes the last good tree, and next its state, which is taken over. The one before is
 * removed.
 */
int cache_commit(struct cache_folder *f, struct cache_state *next, struct err *e);

/* The state as it is now, without a new tree. */
int cache_state_save(const struct cache_folder *f, struct err *e);

/* Removes a name in the folder and all below it. */
int cache_remove(const struct cache_folder *f, const char *name, struct err *e);
