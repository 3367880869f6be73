/* SPDX-License-Identifier: Apache-2.0 */
/*
 * beneath: reach names below a directory and never leave it.
 *
 * No symbolic link on the way or at the end is followed, so a link planted in a shared volume leads
 * nowhere. Paths are relative, without "..", and shorter than PATH_MAX. openat2(2) does it in one
 * call where the kernel has it (5.6); else every part is opened for itself.
 */
#pragma once

#include <sys/types.h>

/* A descriptor or -1 with errno: ELOOP or ENOTDIR where something else than a directory is in the
 * way. */
int beneath_open(int root, const char *path, int flags);

/* Remembers the directory asked for last: names come sorted, so it is nearly always the same. */
struct beneath {
	int root; /* not owned */
	int dir;  /* -1: none remembered */
	char *path;
	size_t length; /* of path */
};

struct beneath beneath_init(int root);
void beneath_done(struct beneath *b);

/* From now on names below another root are asked for. */
void beneath_move(struct beneath *b, int root);

/* What is remembered may no longer be what the path leads to. */
void beneath_forget(struct beneath *b);

/*
 * The directory that holds path's last part, and that part in *ret_name. The descriptor (O_PATH) is
 * b's and good until the next call. -1 with errno.
 */
int beneath_parent(struct beneath *b, const char *path, const char **ret_name);
