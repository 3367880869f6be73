/* SPDX-License-Identifier: Apache-2.0 */
/* place: bring what is new from the stage into the target, each name by one rename. */
#pragma once

struct beneath;
struct err;
struct plan;
struct stage;

/* In order, a directory before what it holds. */
int place_all(const struct plan *p, struct beneath *target, struct stage *stage, struct err *e);

/* Owners may lock themselves out of their directories: 0555 is a fair mode for a game's files. */
void place_make_writable(int dir, const char *name);

/* Removes temporary names that a crash left in mounts of their own below the target. */
void place_clean_up(const struct plan *p, int target);
