/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal: the manifest of a source tree, made when its image is built, in a file at its root.
 *
 * With it a start needs no hashing, and knows what has changed without a walk. Its digest is that
 * of the tree as one layer alone would make it: without the markers that remove what lower layers
 * have (sync/merge.h), which are in its entries all the same.
 */
#pragma once

#include "sync/manifest.h"
#include "sync/verify.h"

#include <stdbool.h>

struct err;
struct sync_notes;
struct tree;

#define SEAL_NAME "..gs-sidecar-seal"

/* The head alone: 0, 1 when there is no seal, -1 with e. */
int seal_head(int root, struct manifest_head *ret, struct err *e);

/* 0, 1 when there is no seal, -1 with e: ERR_USAGE when it is no sound manifest. */
int seal_read(int root, struct manifest_head *ret_head, struct tree *ret, struct err *e);

/*
 * Writes the seal of t, whose files are all hashed, into root, replacing an older one. Times later
 * than latest (seconds since 1970; INT64_MAX: none) are written as latest, as image builders do for
 * SOURCE_DATE_EPOCH. -1 with e: ERR_USAGE when label is too long or t is nothing to be sealed.
 */
int seal_write(int root, const struct tree *t, const char *label, int64_t latest, struct err *e);
