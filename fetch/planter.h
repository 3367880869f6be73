/* SPDX-License-Identifier: Apache-2.0 */
/*
 * planter: plant, by a thread that works behind the one that reads.
 *
 * With the thread, what is asked for is done later, in the order in which it was asked for, each as
 * plant.h has it. The first that fails is the last that is done: planter_end() says which it was
 * and why. Until then the others return -1 as soon as that is known, for nobody to read on in vain,
 * and leave e as it was.
 */
#pragma once

#include "fetch/plant.h"

#include <stdbool.h>

struct planter;

/* plant is not to be touched until planter_end(). */
struct planter *planter_new(struct plant *plant);

/*
 * From here on by a thread, where one can be had; before that all is done at once. entry: the name
 * of what is begun and not ended, or NULL.
 */
void planter_start(struct planter *p, const char *entry);

int planter_directory(struct planter *p, const char *name, const struct plant_look *look,
		      struct err *e);
int planter_symlink(struct planter *p, const char *name, const char *target,
		    const struct plant_look *look, struct err *e);
int planter_hard_link(struct planter *p, const char *name, const char *target, struct err *e);
int planter_file(struct planter *p, const char *name, uint64_t size, struct err *e);
/* stays: the bytes do, until planter_tell(); else they are copied. */
int planter_write(struct planter *p, const void *bytes, size_t count, uint64_t offset, bool stays,
		  struct err *e);
int planter_file_end(struct planter *p, const struct plant_look *look, struct err *e);

/* Calls tell when all before it is done, or left for a failure; -1 is as with the others. */
int planter_tell(struct planter *p, void (*tell)(void *owner), void *owner);

/*
 * Waits for all, and frees p. -1: something that was asked of the thread has failed, and only then
 * *e is set: "'NAME': why", with the name of its entry.
 */
int planter_end(struct planter *p, struct err *e);
