/* SPDX-License-Identifier: Apache-2.0 */
/* path: names from outside, and whether they stay where they are put. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define PATH_LENGTH_MOST 4095
#define PATH_DEPTH_MOST 128 /* parts */

/*
 * The name of an entry without what says nothing: "./a//b/" is "a/b", "." is "". On the heap. NULL
 * with e (ERR_REMOTE) saying why when it cannot be one: it is empty, absolute, too long or too
 * deep, or a part begins with "..": what is named so is a way out, or stands for markers of the
 * sync engine.
 */
char *path_sound(const char *name, struct err *e);

/* As much of it as an error has room for besides why, its middle left out; on the heap. */
char *path_shown(const char *path);

/*
 * Whether a link with this target, depth directories below the top, stays in the tree: it is
 * relative, and ".." stands in it only at its beginning, so that no other link on the way can
 * change what it means.
 */
bool path_link_stays(const char *target, size_t depth);
