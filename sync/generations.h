/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generations: older versions that can be gone back to.
 *
 *   generations/12/record.json    what was published under serial 12
 *                 /manifest
 *                 /files/CONTENT  those of its files that the version after it did not have, by
 *                                 further names of the same inodes
 *
 * What a version shares with the one after it is found there, or with the one after that, and at
 * last in the target. So a file that did not change costs nothing, and the oldest generation can
 * always go. They are in the state directory, or where state_place() says.
 *
 * Files are found by what they held when they were put aside; they are hashed before they are used.
 */
#pragma once

#include "sync/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct guard_room;
struct plan;
struct sync_notes;
struct tree;

#define GENERATIONS_MOST 100

struct generations {
	int state, target;
	int dir;                /* generations/; -1: there are none */
	struct record *records; /* the newest first */
	size_t count;
};

#define GENERATIONS_INIT ((struct generations){ .state = -1, .target = -1, .dir = -1 })

/* Reads what there is; a directory that is not whole is none. Needs no lock. -1 with e. */
int generations_open(struct generations *g, int state, int target, struct err *e);
void generations_forget(struct generations *g);

/* The same; an empty directory goes. With the lock held. */
void generations_close(struct generations *g);

/* Removes what a crash left half done. With the lock held. */
void generations_clean_up(struct generations *g);

/*
 * Keeps the published version, which is in the directory live, before the plan's takes its place.
 * What is not as it was published is not kept, nor what lies on another filesystem: the latter is
 * told.
 */
int generations_keep(struct generations *g, const struct record *published, const struct plan *p,
		     int live, const struct sync_notes *notes, struct err *e);

/* What comes free when all of them are dropped. */
struct guard_room generations_room(const struct generations *g);

/* False when there is none. */
bool generations_drop_oldest(struct generations *g);

/*
 * Drops the oldest as long as most versions besides the published one are still there, but for the
 * one that the game has acknowledged.
 */
void generations_keep_only(struct generations *g, size_t most, const char *published);

/*
 * The one whose digest begins with text, or for NULL the newest that is neither published nor was
 * gone back from. NULL with e: ERR_USAGE when there is none, or several.
 */
const struct record *generations_find(const struct generations *g, const char *text,
				      const char *published, struct err *e);

/* Its tree. -1 with e. */
int generations_tree(const struct generations *g, const struct record *r, struct tree *ret,
		     struct err *e);

/*
 * Where the content of a file of generation r is, below generations/, on the heap; NULL when none
 * has it.
 */
char *generations_path_of(const struct generations *g, const struct record *r,
			  const struct digest *content);
