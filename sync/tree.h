/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: a version of the files: entries sorted by path, and the digest that names the version.
 *
 * The digest covers path, type, mode, link target and content; never times, owners or which names
 * share an inode. Symbolic links have no mode.
 */
#pragma once

#include "base/digest.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#define ENTRY_MODE_BITS 07777

enum entry_type { ENTRY_DIRECTORY = 'd', ENTRY_FILE = 'f', ENTRY_LINK = 'l' };

struct entry {
	char *path;   /* relative to the root: "js/game.js" */
	char *source; /* where the source has it, NULL: under the same path */
	enum entry_type type;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
	uint64_t size;
	struct digest content; /* of a file */
	char *link;            /* of a link */
	size_t first;          /* the first entry with the same inode; itself mostly */
	dev_t device;          /* in the source, to find hard links; not kept in a manifest */
	ino_t inode;
	nlink_t links;
};

struct tree {
	struct entry *entries;
	size_t count;
	size_t room;
};

/* Adds an entry that takes over path; the rest is zero. Valid until the next add. */
struct entry *tree_add(struct tree *t, char *path, enum entry_type type);
void tree_done(struct tree *t);

/* Sorts by path (bytes): a directory comes before what it holds. */
void tree_sort(struct tree *t);

/* Sets first from device and inode; after tree_sort(). */
void tree_find_hard_links(struct tree *t);

/* NULL when it is not there. */
const struct entry *tree_find(const struct tree *t, const char *path);

struct digest tree_digest(const struct tree *t);

/* What people ask: how many files (not directories), how many bytes in them. */
void tree_totals(const struct tree *t, uint64_t *ret_files, uint64_t *ret_bytes);

static inline const char *entry_source(const struct entry *e)
{
	return e->source ? e->source : e->path;
}
