/* SPDX-License-Identifier: Apache-2.0 */
/* work: what the parts of one sync share. */
#pragma once

#include "sync/generations.h"
#include "sync/layers.h"
#include "sync/layout.h"
#include "sync/old_trees.h"
#include "sync/plan.h"
#include "sync/stage.h"
#include "sync/sync.h"

struct work {
	struct sync *sync;
	const struct sync_settings *settings;
	const struct sync_notes *notes;
	struct layers layers;
	struct record published; /* what the target has as the sync begins */
	struct record before;    /* what it had until a switch that a crash came after */
	bool resumed;            /* there was such a switch, and it is to be finished */
	bool goes_back;          /* to an older version, whose label is this */
	char label[MANIFEST_LABEL_SIZE];
	int target;
	struct layout layout;
	int live; /* the directory that has the published version */
	struct plan plan;
	struct stage stage;
	struct old_trees old_trees;
	struct generations generations;
	struct sync_result *ret;
};

/* The old tree is no longer the one to judge by once a crash has come between. */
enum work_when { WORK_BEFORE_SWITCH, WORK_AFTER_SWITCH, WORK_AFTER_CRASH };

/*
 * Brings the game's own files along: from the old tree to the new one, before the switch and, to
 * move what came since, after it.
 */
int work_carry(struct work *w, int from, int to, enum work_when when, struct err *e);

/* What came whole has the mode and owner that the old root has: they are the volume's. */
int work_dress_root(const struct work *w, int tree, struct err *e);
