/* SPDX-License-Identifier: Apache-2.0 */
/* guard: reasons not to publish, each found before anything becomes visible. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct list;
struct plan;

/*
 * ERR_SYSTEM when the source has become empty, or more than percent of the published files would
 * go: more likely a mistake than an update. A few files may always go.
 */
#define GUARD_SHRINK_FEW 10
int guard_shrink(const struct plan *p, int64_t percent, struct err *e);

struct guard_room {
	uint64_t bytes, inodes;
};

/*
 * ERR_SYSTEM, ENOSPC when the filesystem of directory dir has not the room or the inodes for what
 * will be written there, more added to it; whole as in struct filling.
 */
int guard_space(const struct plan *p, int dir, bool whole, struct guard_room more, struct err *e);

/*
 * Runs a command in the staged tree, directory dir. ERR_REMOTE when it does not end with status 0
 * or has changed what is staged there, which is no longer what was hashed; ERR_DEADLINE when it is
 * still running after deadline_ms. What it started is killed in any case.
 */
int guard_validate(const struct plan *p, const struct list *command, int64_t deadline_ms, int dir,
		   struct err *e);
