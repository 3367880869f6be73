/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: what has to happen to the target, with everything new already lying in the stage.
 *
 * Nothing a reader can see changes while a plan is made; every reason to refuse is found here.
 * Content decides, never size and time: a file is kept only if its bytes are the source's.
 */
#pragma once

#include "base/beneath.h"
#include "sync/tree.h"

#include <stdint.h>

struct err;
struct stage;
struct sync_notes;

enum action {
	ACTION_KEEP,  /* it is there */
	ACTION_DRESS, /* it is there, with another mode, time or owner */
	ACTION_PLACE, /* rename it in from the stage; make the directory */
};

struct plan {
	struct tree tree;       /* the version to publish, contents hashed */
	unsigned char *actions; /* enum action of each entry */
	unsigned *staged;       /* its number in the stage, for ACTION_PLACE of no directory */
	struct tree *ours;      /* what is ours: the published version first, then those */
	size_t ours_count;      /*   whose publication was cut off */
	bool lost;              /* the published version's manifest is missing or damaged */
	bool cut_off;           /* a publication before this one was not finished */
	bool visible;           /* set by the caller: names will come, change or go */
	uint64_t placed, placed_bytes;
	uint64_t foreign;            /* things that were not ours and will be replaced */
	const char *foreign_example; /* the first of them */
};

/*
 * p->tree and p->ours are filled by the caller, the rest is made here. -1 with e: nothing visible
 * was changed. Free with plan_done() whatever happened.
 */
int plan_make(struct plan *p, int source_root, struct beneath *target, struct stage *stage,
	      struct err *e);
void plan_done(struct plan *p);

/* Whether an earlier sync put path there. */
bool plan_owns(const struct plan *p, const char *path);
