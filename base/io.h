/* SPDX-License-Identifier: Apache-2.0 */
/* io: whole reads and writes. Short I/O and EINTR are dealt with here and nowhere else. */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct buf;
struct err;

/* Whether name is there; no link is followed. (The flags of faccessat(2) are newer than 5.7.) */
bool io_is_there(int dir, const char *name);

/* The next entry but "." and ".."; NULL at the end, errno is 0 then, or when it cannot be read. */
const struct dirent *io_next_entry(DIR *dir);

/* Up to count bytes, fewer only at the end of the file; -1 with errno. */
ssize_t io_read(int fd, void *bytes, size_t count);

/* All bytes, or -1 with errno. */
int io_write(int fd, const void *bytes, size_t count);
int io_write_at(int fd, const void *bytes, size_t count, off_t at);

/* Adds everything up to the end of fd; -1 with e when reading fails or b's limit is passed. */
int io_read_all(int fd, struct buf *b, struct err *e);

/* Adds the file name below directory dir (AT_FDCWD too); e->sys is ENOENT if there is none. */
int io_read_file(int dir, const char *name, struct buf *b, struct err *e);

/*
 * The same where others could have put something else in its place: no link is followed, and no
 * pipe is waited for.
 */
int io_read_regular(int dir, const char *name, struct buf *b, struct err *e);

/* An open file without a name, with text, at its begin: for a child to read. -1 with e. */
int io_memory_file(const char *text, struct err *e);

/*
 * Replaces the file by a temporary name beside it and a rename: readers see the old or the new
 * bytes. On failure the old file is untouched and no temporary is left. Mode 0600.
 */
int io_replace_file(int dir, const char *name, const void *bytes, size_t count, struct err *e);
