/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish: carry out a plan in place.
 *
 * New and changed names first, each by one rename, a directory before what it holds; then the
 * names that only the old version had; then modes and times of directories. Only names that an
 * earlier sync put there are removed.
 */
#pragma once

#include <stdint.h>

struct beneath;
struct err;
struct plan;
struct stage;

struct publish_changes {
	uint64_t removed; /* names */
	uint64_t kept;    /* names to be removed that the game has changed since: they stay */
	const char *kept_example; /* the first of them, of the plan */
};

/*
 * After -1 the target is partly new: the next sync, of this or any other version, finishes the job.
 */
int publish_in_place(const struct plan *p, struct beneath *target, struct stage *stage,
		     struct publish_changes *ret, struct err *e);

/* Removes temporary names that a crash left in mounts of their own below the target. */
void publish_clean_up(const struct plan *p, struct beneath *target);
