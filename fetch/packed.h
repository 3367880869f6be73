/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed: the bytes of a file, unpacked where it is packed by gzip or zstd, checked to its very
 * end: their sums have to be right, and nothing else may follow.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PACKED_PIECES 8 /* that can be there at once */

/* What zstd may want to look back on: all levels but the --ultra ones, without --long. */
#define PACKED_WINDOW_LOG 23 /* 8 MiB */

struct growing;
struct packed;

/*
 * fd is not owned, and read from its beginning; its offset stays. growing: it is waited for what is
 * not there yet; NULL: all is there. NULL with e.
 */
struct packed *packed_open(int fd, struct growing *growing, struct err *e);
void packed_free(struct packed *p);

/* False: the bytes are those of the file. */
bool packed_is(const struct packed *p);

bool packed_begins_as_zip(const struct packed *p);

/* False: a tar, packed or not, which is read once from its beginning to its end. */
bool packed_can_seek(const struct packed *p);

/*
 * How many there are in *ret; 0 at the end. -1 with e: ERR_REMOTE where they are damaged or cut.
 * What is packed stays until packed_release(), which is waited for when PACKED_PIECES are not
 * released; the bytes of a file until the next call.
 */
ssize_t packed_read(struct packed *p, const void **ret, struct err *e);

/* The oldest piece is not needed any more; by any one thread. */
void packed_release(struct packed *p);

/* As lseek(2) does, of a file that packed_can_seek(); to the end when that is there. */
int64_t packed_seek(struct packed *p, int64_t offset, int whence);

/* How many bytes packed_read() has given. */
uint64_t packed_total(const struct packed *p);
