/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: what has to happen to the target.
 *
 * Nothing is changed while a plan is made; every reason to refuse is found here or by the guards.
 * Content decides, never size and time: a file is kept only if its bytes are the source's. What the
 * target has is known from the manifest of the published version where that is trusted, see
 * sync/verify.h, and hashed where it is not.
 */
#pragma once

#include "base/beneath.h"
#include "sync/tree.h"
#include "sync/verify.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct layer;
struct owners;
struct sync_notes;

enum action {
	ACTION_KEEP,  /* it is there */
	ACTION_DRESS, /* it is there, with another mode, time or owner */
	ACTION_PLACE, /* rename it in from the stage */
};

#define PLAN_NONE UINT32_MAX

/* Of each entry of the new tree. */
struct step {
	uint32_t folder; /* the entry of the directory it is in; PLAN_NONE: the target itself */
	uint32_t had;    /* the published version's entry of the same path, or PLAN_NONE */
	uint8_t action;  /* enum action */
	bool fresh;      /* its directory does not exist yet: all below it is new */
	bool foreign;    /* what is not ours is in the way */
	bool touched;    /* of a directory: names in it come or go */
};

/* A version of which names are in the target. */
struct old_version {
	struct tree tree;
	uint32_t *gone; /* its entries that the new tree has no path for, in order */
	size_t gone_count;
};

struct plan {
	struct tree tree; /* the version to publish */
	struct step *steps;
	struct old_version
		*ours;      /* the published version first, then those whose publication was */
	size_t ours_count;  /*   cut off */
	bool lost;          /* the published version's manifest is missing or damaged */
	bool cut_off;       /* a publication before this one was not finished */
	bool foreign_stays; /* an entry that somebody else's file is in the way of is dropped */
	bool unlinked;      /* links to it are missing in the target, see sync/links.h */
	bool visible;       /* set by the caller: names will come, change or go */

	uint64_t placed, placed_bytes; /* names to place, and bytes in them */
	bool described;                /* the published manifest says just what the new one will */
	uint64_t foreign;              /* things that are not ours and in the way */
	char *foreign_example;
};

/* How a plan is made. */
struct planning {
	const struct layer *layers; /* where the entries' files are */
	int target;                 /* the directory that has the published version */
	int links;                  /* the one that has links to it, see sync/links.h; -1: none */
	dev_t device;               /* of the stage, which no hard link leads out of */
	struct owners *owners;
	enum verify_how how; /* how far the published version's manifest is trusted */
	size_t threads;
	const struct sync_notes *notes;
};

/*
 * Finds what the new tree and the old ones share, without a look at the target. p->tree, p->ours
 * and the flags above are filled by the caller. Free with plan_done() whatever happens later.
 */
void plan_link(struct plan *p);

/* The rest, for a plan that is linked. -1 with e. */
int plan_make(struct plan *p, const struct planning *how, struct err *e);
void plan_done(struct plan *p);

/* Whether an earlier sync put path there. */
bool plan_owns(const struct plan *p, const char *path);

/* Whether the directory at index i comes as a whole: it is fresh, and what it is in is not. */
bool plan_is_whole(const struct plan *p, size_t i);
