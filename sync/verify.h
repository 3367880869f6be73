/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify: whether a directory still holds a tree.
 *
 * How far what is written down is trusted:
 *
 *   none  nothing is looked at
 *   stat  names, types, modes, sizes, link targets and times; a file whose time differs is hashed
 *   full  every file is hashed
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct tree;

enum verify_how { VERIFY_NONE, VERIFY_STAT, VERIFY_FULL };

struct verify {
	int root;
	struct tree *tree;
	enum verify_how how; /* VERIFY_NONE is the same as VERIFY_STAT here: do not call it */
	size_t threads;
	bool whole_seconds; /* of times only these count: images keep no more */
	bool extras;        /* a name that the tree does not have is a difference */
	bool take_owners;   /* owners on disk go into the tree; else they are not looked at */
};

/*
 * Stops at the first difference in the order of paths, which e then names (ERR_SYSTEM): "'js/a.js'
 * has another content", "'x' is missing", "'y' is there too".
 */
int verify_first(const struct verify *v, struct err *e);

/*
 * Tells every difference, in the order of paths; returns how many, -1 with e when it cannot tell.
 * what is "missing", "added", "type", "mode", "size", "target" or "content". Of a directory that is
 * gone only itself is told.
 */
int64_t verify_all(const struct verify *v,
		   void (*tell)(void *owner, const char *path, const char *what), void *owner,
		   struct err *e);
