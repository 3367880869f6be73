/* SPDX-License-Identifier: Apache-2.0 */
/*
 * old_trees: what was live before a switch stays for a time, for those who have it open or are on
 * their way into it, and then goes.
 *
 *   STATE/retired/12        a file: the tree is TARGET/..gs-sidecar-12
 *   STATE/retired/12.tree   a directory: the tree itself; "12.tree.1" if that was there already
 *
 * The time of last modification is when it was retired.
 *
 * When the state directory is on another filesystem it is TARGET/..gs-sidecar-retired/.
 */
#pragma once

#include <stdint.h>

struct err;
struct list;

struct old_trees {
	int target;
	int dir; /* retired/; -1: nothing was ever retired */
};

/* To look and to remove; there may be nothing. */
int old_trees_open(struct old_trees *o, int state, int target, struct err *e);

/* Makes the directory as well, to retire something. */
int old_trees_make(struct old_trees *o, int state, struct err *e);
/* The directory goes when nothing is in it. */
void old_trees_close(struct old_trees *o, int state);

/* TARGET/..gs-sidecar-SERIAL, with the name tree, is old from now on. */
int old_trees_mark(struct old_trees *o, const char *tree, struct err *e);

/* What was marked is current again. */
void old_trees_unmark(const struct old_trees *o, const char *tree);

/* The directory name in dir is old from now on; serial is that of what it holds. */
int old_trees_take(struct old_trees *o, int dir, const char *name, int64_t serial, struct err *e);

/* Makes room for a new tree of this name: an old one gets another, any other goes. */
int old_trees_make_way(struct old_trees *o, int state, const char *tree, struct err *e);

/*
 * Removes what has been old for longer than grace_ms. What cannot be removed now stays. Returns how
 * many are there still.
 */
uint64_t old_trees_sweep(struct old_trees *o, int64_t grace_ms);

/* Adds the names of trees in the target that are neither current nor marked as old. */
int old_trees_unmarked(const struct old_trees *o, const char *current, struct list *ret,
		       struct err *e);
