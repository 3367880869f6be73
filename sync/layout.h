/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout: how a target holds a version.
 *
 *   plain   its names are in the target itself
 *   data    they are in the tree TARGET/..gs-sidecar-SERIAL, which the link "..data" leads to; for
 *           each name at the top there is a link NAME -> ..data/NAME, as in kubelet's volumes
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

#define LAYOUT_LINK "..data"
#define LAYOUT_TREE_ROOM 40

struct layout {
	bool data;
	char tree[LAYOUT_TREE_ROOM]; /* of the data layout: the name of the current tree */
};

/* -1 with e (ERR_USAGE) when the target has a "..data" that is not ours. */
int layout_read(int target, struct layout *ret, struct err *e);

/* The directory that holds the version, or -1 with e. */
int layout_open(int target, const struct layout *l, struct err *e);

/* The tree of a serial: "..gs-sidecar-12". */
void layout_tree_name(int64_t serial, char name[LAYOUT_TREE_ROOM]);

/* Whether it is such a name; its serial in *ret. */
bool layout_is_tree_name(const char *name, int64_t *ret);

/* "..data/NAME", on the heap: where the link of a name at the top leads. */
char *layout_link_for(const char *name);

/* Whether name in the target is that link: 1, 0, or -1 with errno when that cannot be seen now. */
int layout_has_link(int target, const char *name);

/* Makes the tree the current one by a rename of the link "..data". -1 with e. */
int layout_switch(int target, const char *tree, struct err *e);

/* Removes what a crash left in the middle of that. */
void layout_clean_up(int target);

/* Swaps two names at one moment: renameat2(2) with RENAME_EXCHANGE. -1 with errno. */
int layout_exchange(int dir_a, const char *a, int dir_b, const char *b);
