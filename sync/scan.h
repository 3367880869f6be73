/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan: what a source directory holds, without the content of its files.
 *
 * Names that begin with ".." are reserved (kubelet's AtomicWriter owns them) and left out. A
 * mounted ConfigMap, whose top-level names are links through "..data", is read as plain files.
 * Sockets, devices and pipes are left out with a note.
 */
#pragma once

struct err;
struct tree;

/* Tells a person about something that was left out or replaced. */
struct sync_notes {
	void (*note)(void *owner, const char *text);
	void *owner;
};

void sync_note(const struct sync_notes *n, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What is read, and what must not be found there. */
struct scan_place {
	int source;           /* the root directory */
	int target, state;    /* not below it, by a bind mount either */
	const char *reserved; /* a path it must not have, where the state directory is; or NULL */
};

/*
 * Adds everything below the source to *ret, sorted, hard links found. -1 with e; *ret is then
 * partly filled and to be freed with tree_done() all the same.
 */
int scan_source(const struct scan_place *place, const struct sync_notes *notes, struct tree *ret,
		struct err *e);
