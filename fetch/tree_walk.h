/* SPDX-License-Identifier: Apache-2.0 */
/* tree_walk: everything below a directory, names in order, no link followed. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <sys/stat.h>

struct tree_entry {
	int dir;          /* that holds it */
	const char *name; /* there */
	const char *path; /* from the top */
	unsigned depth;   /* of dir; 0 at the top */
	bool leaving;     /* a directory for the second time, behind all that is in it */
	struct stat st;
};

#define TREE_DEPTH_MOST 256

struct list;

/* The names in a directory, in order, are added to ret. */
int tree_list(int dir, struct list *ret, struct err *e);

/*
 * take is called for each, the top itself aside; it may remove it. -1 when it has returned that. A
 * name that is gone before its turn is none.
 */
int tree_walk(int root, int (*take)(const struct tree_entry *, void *owner, struct err *e),
	      void *owner, struct err *e);
