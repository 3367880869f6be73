/* SPDX-License-Identifier: Apache-2.0 */
/* record: what is written down of a version besides its files: a small JSON file. */
#pragma once

#include "base/digest.h"
#include "sync/manifest.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

struct record {
	char digest[DIGEST_TEXT_SIZE]; /* "" when there is no record */
	int64_t serial;
	uint64_t files, bytes;
	char at[32];                     /* RFC 3339 */
	char label[MANIFEST_LABEL_SIZE]; /* what people call it, or "" */
	uint64_t root; /* while it is being exchanged: the inode of its root; else 0 */
	bool mixed;    /* while it is: the target had names of versions that were cut off */
};

/*
 * "" for a file that is missing or damaged, which is as good as none; -1 with e only when it is
 * there and cannot be read.
 */
int record_read(int dir, const char *name, struct record *ret, struct err *e);

/* Replaces the file at one moment. */
int record_write(int dir, const char *name, const struct record *r, struct err *e);
