/* SPDX-License-Identifier: Apache-2.0 */
/* obstacle: something else is in the target where an entry has to go. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct beneath;
struct err;
struct plan;

/*
 * Notes in the entry's step when what is there (st) is not ours. -1 with e when it cannot give way:
 * a mount, or a directory that holds what is not ours.
 */
int obstacle_check(struct plan *p, size_t i, struct beneath *target, const struct stat *st,
		   struct err *e);

/* Whether name in dir, or with "" dir itself, is a mount of its own. */
bool obstacle_is_mount(int dir, const char *name);

/* The same of a directory at path, once more: the game may have put something into it since. */
int obstacle_check_again(const struct plan *p, int target, const char *path, struct err *e);
