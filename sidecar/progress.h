/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress: shows how far a sync is.
 *
 * On a terminal a bar in one line, beneath what is logged; elsewhere a logged line now and then.
 * Work that is done sooner shows neither.
 */
#pragma once

#include "sync/notes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	const char *what;
	int64_t began, shown; /* clock_ms() */
	bool terminal, drawn;
};

/* what: a word such as "syncing"; kept, not copied. */
void progress_init(struct progress *p, const char *what);

/* Called often, from one thread at a time, and while no other one logs. */
void progress_show(struct progress *p, const struct sync_progress *now);

/* Takes the bar away. */
void progress_end(struct progress *p);

/* What is shown after ms milliseconds: as a bar in a terminal of so many columns, and logged. */
#define PROGRESS_ROOM 256
void progress_bar(const char *what, const struct sync_progress *now, int64_t ms, size_t columns,
		  char text[PROGRESS_ROOM]);
void progress_line(const char *what, const struct sync_progress *now, int64_t ms,
		   char text[PROGRESS_ROOM]);
