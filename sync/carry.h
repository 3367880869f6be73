/* SPDX-License-Identifier: Apache-2.0 */
/*
 * carry: bring what a version does not have, but a game has put beside it, to where the next
 * version will be.
 *
 * Before the switch each file gets a further name there, so that the game may have it open or write
 * to it all the while. After the switch what came since is moved, and a directory of the game's
 * takes the place of its likeness, for the game may be in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct err;

struct carry_item {
	int dir;
	const char *name, *path;
	const struct stat *st;
};

struct carrying {
	/* Whether this is to be carried. NULL: all is. A directory that is not may hold what is. */
	bool (*is_wanted)(void *owner, const struct carry_item *item);
	void *owner;
	bool move; /* after the switch; else by a further name, and what cannot have one waits */
};

/*
 * From directory to directory, where what is there already stays; but when moving, a newer file
 * replaces the one that was carried before. Adds to *ret_carried how many names came. -1 with e;
 * before the switch also when something could not be moved after it.
 */
int carry(const struct carrying *how, int from, int to, uint64_t *ret_carried, struct err *e);

/* The same of one name. */
int carry_name(const struct carrying *how, int from, int to, const char *name,
	       uint64_t *ret_carried, struct err *e);
