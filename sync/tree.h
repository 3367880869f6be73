/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: a version of the files: entries in order, and the digest that names the version.
 *
 * Entries are ordered so that what a directory holds follows it at once: paths are compared byte by
 * byte, with the slash as the smallest. In memory an entry looks as it does in a manifest; texts
 * are offsets into one block, so a tree is two allocations however large it is.
 *
 * The digest covers path, type, mode, link target and content; never times, owners or which names
 * share an inode. Symbolic links have no mode.
 */
#pragma once

#include "base/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define ENTRY_MODE_BITS 07777

enum entry_type { ENTRY_DIRECTORY = 'd', ENTRY_FILE = 'f', ENTRY_LINK = 'l' };

struct entry {
	uint64_t size;
	int64_t seconds;       /* of the time of last modification */
	uint64_t inode;        /* in the source while syncing; not kept in a manifest */
	struct digest content; /* of a file; all zero: not hashed yet */
	uint32_t nanoseconds;
	uint32_t path;   /* "js/game.js": these three are offsets of texts */
	uint32_t link;   /* of a link */
	uint32_t source; /* where its layer has it; 0: under the same path */
	uint32_t first;  /* the first entry with the same inode; itself mostly */
	uint32_t uid, gid;
	uint16_t mode;
	uint8_t type;
	uint8_t layer; /* which source it comes from */
};

struct tree {
	struct entry *entries;
	size_t count, room;
	char *texts; /* begins with an empty one */
	size_t texts_length, texts_room;
};

#define TREE_TEXTS_MOST ((size_t)UINT32_MAX)

/* Adds an entry; all but path and type is zero. Valid until the next add. */
struct entry *tree_add(struct tree *t, const char *path, enum entry_type type);

/* Adds a copy of an entry of another tree. */
struct entry *tree_add_copy(struct tree *t, const struct tree *from, const struct entry *e);

/* The offset of a copy of text. */
uint32_t tree_add_text(struct tree *t, const char *text);
void tree_done(struct tree *t);

/* Into the order described above. */
void tree_sort(struct tree *t);
int tree_compare(const char *a, const char *b);

/* Keeps only the entries that are marked; hard links among them stay. */
void tree_keep_only(struct tree *t, const bool *marks);

/* NULL when it is not there. */
const struct entry *tree_find(const struct tree *t, const char *path);

/* The index after everything that the directory at index holds; index + 1 for others. */
size_t tree_end_of(const struct tree *t, size_t index);

struct digest tree_digest(const struct tree *t);

/* What people ask: how many files (not directories), how many bytes in them. */
void tree_totals(const struct tree *t, uint64_t *ret_files, uint64_t *ret_bytes);

static inline const char *tree_path(const struct tree *t, const struct entry *e)
{
	return t->texts + e->path;
}

static inline const char *tree_link(const struct tree *t, const struct entry *e)
{
	return t->texts + e->link;
}

static inline const char *tree_source(const struct tree *t, const struct entry *e)
{
	return t->texts + (e->source ? e->source : e->path);
}

bool entry_is_hashed(const struct entry *e);

/* What lstat(2) says goes into the entry: mode, owner, time, size, inode. */
void entry_describe(struct entry *e, const struct stat *st);

/* Whether it still has the type, size and time of the entry; content is then believed. */
bool entry_looks_like(const struct entry *e, const struct stat *st);
bool entry_has_type(const struct entry *e, const struct stat *st);
bool entry_has_time(const struct entry *e, const struct stat *st);

/* Same type, and content or link target. */
bool entry_is_same(const struct tree *ta, const struct entry *a, const struct tree *tb,
		   const struct entry *b);
