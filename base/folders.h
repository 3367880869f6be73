/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folders: the kernel's watches (inotify) of all directories below some roots; see watch.h, whose
 * lower half this is.
 *
 * No paths are kept: when directories came, went or moved, everything is walked anew. Watches that
 * are still right stay, the others go. A directory is watched before it is read, so nothing falls
 * in between; one that a walk finds new is a change itself.
 */
#pragma once

#include "base/err.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct place;
struct step;

struct folders {
	const struct list *roots;
	const struct list *exclude; /* patterns; NULL: none */

	int fd;             /* readable when there are events; -1: nothing can be watched */
	struct err failure; /* why */
	size_t watched;     /* directories */
	bool stale;         /* they are others now: it is time for a walk */
	bool found_new;     /* the last walk found some that were not watched before */
	bool missing;       /* a root is not there */
	bool proved;        /* by folders_prove() */
	/* The first directory that is on a filesystem without events, and what that is called. */
	char *remote_path;
	const char *remote_name;

	bool *remote_roots;   /* not touched again: a dead server would hang us */
	struct place *places; /* by wd */
	size_t place_count, place_room;
	struct step *steps;
	size_t step_count;
	unsigned walk;      /* its number */
	struct list to_see; /* directories that it has still to see; a stack */
};

/* The lists are not copied. */
struct folders folders_init(const struct list *roots, const struct list *exclude);
void folders_done(struct folders *f);

/* Gives all watches back: fd is -1 until the next walk. */
void folders_drop(struct folders *f);

/*
 * Begins a walk, then sees up to most directories; false when that was all. Should one fail, fd is
 * -1 and everything given back: part of it is of no use to us, and others may need it. The next
 * walk tries again.
 */
void folders_begin_walk(struct folders *f);
bool folders_walk(struct folders *f, size_t most);

/*
 * Makes and removes a file in each root where that is possible, and takes the root for one without
 * events when the kernel says nothing of it. Whether there was another change meanwhile.
 */
bool folders_prove(struct folders *f);

/* Reads events; whether there was a change of such a kind among them. Not during a walk. */
#define FOLDERS_ALL (~0U)
bool folders_read(struct folders *f, uint32_t kinds);

/* What watch_events() and watch_idle_events() promise. */
int folders_kinds(const char *words, uint32_t *kinds, struct err *e);
uint32_t folders_idle_kinds(uint32_t kinds);
