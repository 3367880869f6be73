/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge: layers on top of each other make one tree.
 *
 * A later layer's name covers an earlier one's; directories of the same path become one, with the
 * mode, owner and time of the later. A file ".gs-remove.NAME" removes NAME, and all below it, from
 * the layers below its own, and is not synced itself; together with a directory NAME in the same
 * layer it replaces the directory instead of merging into it. (OCI's ".wh.NAME" cannot be used: it
 * would not survive in an image.) The lower layers' other names under a directory that was covered
 * by a file or link are gone.
 *
 * Filters go by the merged tree: what an exclude pattern fits is left out; with include patterns
 * only what one of them fits is kept, with the directories on the way. See base/pattern.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;
struct layer;
struct list;
struct tree;

#define MERGE_REMOVE_PREFIX ".gs-remove."

struct merge {
	struct layer *layers;
	size_t count;
	const struct list *include, *exclude;
};

/*
 * The merged tree, sorted, with entry.layer and hard links among names of one layer kept. Takes the
 * tree of a single layer that needs no change instead of copying it; the layers' trees are not to
 * be used afterwards. -1 with e (ERR_USAGE) for a marker that is no file or names nothing.
 */
int merge_layers(const struct merge *m, struct tree *ret, struct err *e);

/* Whether merge_layers() gives just the tree that the seal of a single layer has the digest of. */
bool merge_is_plain(const struct merge *m);

/* How many of the tree's names are markers. */
size_t merge_count_markers(const struct tree *t);

/* t without markers, as one layer alone would make it; hard links kept. -1 with e as above. */
int merge_single(const struct tree *t, struct tree *ret, struct err *e);
