/* SPDX-License-Identifier: Apache-2.0 */
/* links: the links at the top of a target in the data layout, one for each name of the version. */
#pragma once

#include <stdbool.h>

struct err;
struct plan;
struct stage;
struct tree;

/*
 * Notes in the plan's steps what is not ours and where a link has to be, and whether links are
 * missing. -1 with e when it cannot give way.
 */
int links_check(struct plan *p, int target, struct err *e);

/*
 * Makes those that are missing. Before the switch they lead nowhere: nothing that is there gives
 * way then.
 */
int links_add(const struct tree *t, int target, struct stage *stage, bool after_switch,
	      struct err *e);

/* Removes those that lead nowhere: live, or -1, has no such name. */
int links_remove(int live, int target, struct err *e);
