/* SPDX-License-Identifier: Apache-2.0 */
/* copy: read a file once, to hash it, and to write it elsewhere on the way or to share its blocks.
 */
#pragma once

#include "base/digest.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct beneath;
struct entry;
struct err;
struct tally;
struct tree;

/* Of one thread; empty at first. */
struct copier {
	struct digest_stream *hash;
	char *buffer;
	struct tally *tally; /* counts the bytes read; NULL: nobody does */
	dev_t unshared;      /* a source's filesystem of which no blocks can be shared */
};

void copier_done(struct copier *c);

/*
 * A file for reading, or -1 with errno. No link is followed, and a pipe that came in a file's place
 * is not waited for: what it is has to be looked at then.
 */
int copy_open(int dir, const char *name);

/*
 * Reads size bytes of fd and looks for one more, so that a file that only grows ends too; writes
 * them to to unless that is -1. Whether there were exactly so many is in *ret_exact. -1 with errno.
 */
int copy_bytes(struct copier *c, int fd, int to, uint64_t size, struct digest *ret,
	       bool *ret_exact);

/* Whether a file that was read between two fstat(2) is still what it was. */
bool copy_is_unchanged(const struct stat *before, const struct stat *after);

/*
 * Reads the source file of an entry of t, found below from, as copy_bytes() does, and notes its
 * content in the entry. Where the filesystem can, and the file is not small, to shares its blocks
 * instead until one of the two is written to; to is new, and open for reading too. Fails when the
 * file changes meanwhile, for a version is never a mix, and when its content was known (from a
 * seal) and is another.
 */
int copy_source(struct copier *c, struct beneath *from, const struct tree *t, struct entry *entry,
		int to, struct err *e);

/*
 * The content of name in directory dir, which may be another's file: false when it is no file,
 * cannot be read, or changes meanwhile.
 */
bool copy_hash_of(struct copier *c, int dir, const char *name, struct digest *ret);
