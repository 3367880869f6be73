/* SPDX-License-Identifier: Apache-2.0 */
/* one_sync: a sync in this process, from taking the lock to telling what came of it. */
#pragma once

#include "sync/notes.h"

struct config;

/* What stands for "the newest other version". */
#define ONE_SYNC_NEWEST "newest"

/*
 * Syncs, or with back goes back to the kept version that it names. Prints the report and returns
 * the exit status.
 */
int one_sync(struct config *c, const char *back);

/* Notes become log lines, and progress is shown by p, which progress_end() ends. */
struct progress;
struct sync_notes one_sync_notes(struct progress *p);
