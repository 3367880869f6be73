/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest: a tree written down, to know later what we put into the target.
 *
 *   gs-sidecar manifest 1\n
 *   TYPE MODE UID GID SECONDS.NANOSECONDS SIZE CONTENT FIRST PATH\0LINK\0   once per entry
 *
 * Numbers are decimal, MODE octal, CONTENT 32 hexadecimal digits or "-", FIRST the index of the
 * first entry with the same inode. Entries are sorted by path.
 */
#pragma once

#include <stddef.h>

struct buf;
struct err;
struct tree;

/* A manifest on disk larger than this is not ours. */
#define MANIFEST_MOST ((size_t)1 << 30)

int manifest_write(const struct tree *t, struct buf *b, struct err *e);

/*
 * Refuses what manifest_write() would not have written: paths that are absolute, reserved or lead
 * upwards, wrong order, doubles. -1 with e (ERR_SYSTEM); *ret is empty then.
 */
int manifest_read(const char *bytes, size_t length, struct tree *ret, struct err *e);
