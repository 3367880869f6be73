/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish_in_place: carry out a plan, name by name.
 *
 * New and changed names first, each by one rename, and a directory that is new with all it holds;
 * then the names that only the old version had; then modes and times of directories. Only names
 * that an earlier sync put there are removed.
 */
#pragma once

#include "sync/retire.h"

struct err;
struct plan;
struct stage;

/*
 * What is new lies in the stage. After -1 the target is partly new: the next sync, of this or any
 * other version, finishes the job.
 */
int publish_in_place(const struct plan *p, int target, struct stage *stage, struct retired *ret,
		     struct err *e);
