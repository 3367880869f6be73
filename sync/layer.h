/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer: a source and all that it holds.
 *
 * A source is written DIR, or DIR:SUBPATH for a directory in it; the last colon counts. What is as
 * a whole the name of a directory is that directory. In a volume of kubelet's (one with "..data")
 * SUBPATH is looked up in the version that is current.
 */
#pragma once

#include "sync/manifest.h"
#include "sync/scan.h"
#include "sync/tree.h"
#include "sync/verify.h"

#include <stdbool.h>

struct err;
struct sync_notes;

/* struct entry has eight bits for it. */
#define LAYERS_MOST 64

struct layer {
	const char *spec; /* as a person wrote it; not owned */
	int root;
	bool sealed;
	struct manifest_head seal;
	struct tree tree; /* sorted, with markers (sync/merge.h); files may not be hashed yet */
};

#define LAYER_INIT ((struct layer){ .root = -1 })

/* Opens it and reads the seal's head, if there is one. -1 with e that names the source. */
int layer_open(struct layer *l, const char *spec, struct err *e);

/*
 * Fills the tree: from the seal, which is compared with what is there as far as how says, or by a
 * scan. place->source is ignored. -1 with e that names the source: ERR_SYSTEM with the first
 * mismatch of a seal.
 */
int layer_load(struct layer *l, const struct scan_place *place, enum verify_how how, size_t threads,
	       const struct sync_notes *notes, struct err *e);
void layer_close(struct layer *l);

/* The part of a spec before ":SUBPATH", on the heap: what exists on its own, and can be watched. */
char *layer_directory(const char *spec);
