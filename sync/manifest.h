/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest: a tree written down: as the record of what we put into the target, and as the seal of
 * a source.
 *
 *   head     128 bytes: magic, length of the whole, digest, check, counts, label
 *   entries  72 bytes each, as struct entry; what only a running sync knows is zero
 *   texts    paths and link targets, each ended by NUL
 *
 * Numbers are little-endian, as on every machine this program is built for. It is read in one go
 * and used where it lies: 20,000 files are known a millisecond after they were asked for.
 */
#pragma once

#include "base/digest.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct tree;

/* A manifest larger than this is not ours. */
#define MANIFEST_MOST ((size_t)1 << 30)
#define MANIFEST_LABEL_SIZE 48

struct manifest_head {
	char magic[8];
	uint64_t length;
	struct digest digest; /* of the tree: what tree_digest() says of it */
	struct digest check;  /* of all bytes but itself */
	uint64_t files, bytes;
	uint32_t entries;
	uint32_t texts;     /* bytes of them */
	uint32_t whiteouts; /* of a seal: names that take away what lower layers have */
	uint32_t reserved;
	char label[MANIFEST_LABEL_SIZE]; /* ended by NUL */
};

/* Only the head's digest, whiteouts and label are read from it; the rest is made. */
int manifest_write(const struct tree *t, const struct manifest_head *head, struct buf *b,
		   struct err *e);

/* The same to the file fd, which is empty. */
int manifest_write_file(const struct tree *t, const struct manifest_head *head, int fd,
			struct err *e);

/* The head alone of the file fd; it is believed when the file is as long as it says. */
int manifest_read_head(int fd, struct manifest_head *ret, struct err *e);

/*
 * Refuses what manifest_write() would not have written: paths that are absolute, reserved or lead
 * upwards or through something that is no directory, wrong order, doubles, counts that do not fit,
 * bytes that changed. -1 with e (ERR_USAGE when it is no sound manifest); *ret is empty then.
 */
int manifest_read(const char *bytes, size_t length, struct manifest_head *ret_head,
		  struct tree *ret, struct err *e);

/* The same of the file fd, from its beginning, without one more copy. */
int manifest_read_file(int fd, struct manifest_head *ret_head, struct tree *ret, struct err *e);
