/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage: a private directory on the target's filesystem where a new version is made before anybody
 * can see it, so that putting it in place is a rename. Also where things are moved that have to
 * leave the target at once and are deleted later.
 *
 *   new/   the version, or what is new in it, under the paths that it will have
 *   0, 1   things that were moved out of the target
 *
 * It is STATE/stage, or TARGET/..gs-sidecar-stage when the state directory is on another
 * filesystem. What a crash left in it is removed when it is opened.
 */
#pragma once

#include "sync/dress.h"
#include "sync/state.h"

#include <stdbool.h>
#include <sys/types.h>

struct err;

struct stage {
	int dir;
	int tree;   /* new/ in it */
	int parent; /* where the directory itself is; not owned */
	char name[STATE_NAME_ROOM];
	dev_t device;
	unsigned taken;
	bool keep; /* it holds something that is still needed: it stays when it is closed */
	struct owners owners;
};

#define STAGE_INIT ((struct stage){ .dir = -1, .tree = -1, .parent = -1 })
#define STAGE_TREE "new"

int stage_open(struct stage *s, int state, int target, struct err *e);

/* An empty tree again, after the old one was moved away. */
int stage_renew(struct stage *s, struct err *e);

/* Removes it with all it holds. */
void stage_close(struct stage *s);

/* Moves something out of the target; it is deleted by stage_close(). */
int stage_take_away(struct stage *s, int dir, const char *name, struct err *e);
