/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: a directory with what came from outside, made sound before anybody sees it.
 *
 * No link is followed, and one may lead to what is in the tree and nowhere else: path_link_stays().
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct list;

struct tree_limits {
	uint64_t bytes, files;
};

/*
 * ERR_REMOTE naming what cannot stay: links that lead out, devices and pipes, names that begin with
 * "..", more than the limits. Bits that let others act as an owner are taken away.
 */
int tree_check(int root, const struct tree_limits *most, struct err *e);

/* What a program makes while we look on. */
struct tree_growth {
	int root;
	struct tree_limits most;
};

/* -1 when it has passed the limits of the struct tree_growth; what cannot be read is no failure. */
int tree_check_growth(void *growth, struct err *e);

/*
 * Removes what is no file to include, or one to exclude, and the directories that are empty for
 * that; an empty list of files to include means all.
 */
int tree_prune(int root, const struct list *include, const struct list *exclude, struct err *e);

/*
 * Files of root that older has just so, the time aside, become older's by a hard link. *ret_same:
 * there was no difference but times, and root is as it was.
 */
int tree_settle(int root, int older, bool *ret_same, struct err *e);

/* A text that changes with a name, a size, a mode or a time; on the heap. NULL with e. */
char *tree_version(int root, struct err *e);

/* Copies all below from to the empty directory to. */
int tree_copy(int from, int to, struct err *e);

/* The directories that path is in, which may be there; -1 with e. */
int tree_make_parents(int root, const char *path, struct err *e);

/* Removes name and all below it; 0 also when it is not there; -1 with errno. */
int tree_remove(int dir, const char *name);
