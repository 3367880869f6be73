/* SPDX-License-Identifier: Apache-2.0 */
/* fill: make in the stage what a plan needs, under the paths that it will have. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;
struct layer;
struct plan;
struct stage;
struct sync_notes;

struct filling {
	const struct layer *layers; /* where the entries' files are */
	int live;                   /* the directory that has the published version */
	bool whole;     /* all of the version, kept files by hard links; else what is new */
	bool moved_out; /* names will be moved out of the stage one by one */
	size_t threads;
	const struct sync_notes *notes;
};

/*
 * Files are hashed while they are copied; afterwards all of the plan's tree is. Directories have
 * their mode and time, but those that will be moved stay writable for us.
 */
int fill_stage(struct plan *p, struct stage *stage, const struct filling *how, struct err *e);

/* Directories once more, after something was put into them. */
int fill_dress_directories(struct plan *p, struct stage *stage, const struct filling *how,
			   struct err *e);
