/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan: what a source directory holds, without the content of its files.
 *
 * A mounted ConfigMap, whose names are links through "..data", is read as the plain files it
 * stands for, wherever in the source it is mounted. Other names that begin with ".." are reserved
 * (kubelet's AtomicWriter owns them) and refused unless they are excluded. Sockets, devices and
 * pipes are left out with a note.
 */
#pragma once

#include <stdbool.h>

struct err;
struct list;
struct sync_notes;
struct tree;

/* Ours begin so: the seal, and what a target in the data layout has. */
#define SCAN_OWN_PREFIX "..gs-sidecar-"

/* What is read, and what must not be found there. */
struct scan_place {
	int source;           /* the root directory */
	int target, state;    /* not below it, by a bind mount either; -1: nothing */
	const char *reserved; /* a path it must not have, where the state directory is; or NULL */
	const struct list *exclude; /* patterns of what may have reserved names; or NULL */
};

/*
 * Adds everything below the source to *ret, sorted, hard links found. -1 with e (ERR_USAGE for a
 * name that is not allowed); *ret is then partly filled and to be freed with tree_done() all the
 * same.
 */
int scan_source(const struct scan_place *place, const struct sync_notes *notes, struct tree *ret,
		struct err *e);
