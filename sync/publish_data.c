/* SPDX-License-Identifier: Apache-2.0 */
/* publish_data: see publish_data.h. */
#include "sync/publish_data.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/text.h"
#include "sync/links.h"
#include "sync/remove.h"
#include "sync/work.h"

#include <fcntl.h>
#include <stdio.h>

/* The old tree is not needed any more but by those who are in it. */
static int retire(struct work *w, const char *tree, int from, enum work_when when, struct err *e)
{
	if (work_carry(w, from, w->live, when, e) < 0 ||
	    old_trees_make(&w->old_trees, w->sync->state.dir, e) < 0)
		return -1;
	return old_trees_mark(&w->old_trees, tree, e);
}

static int open_tree(const struct work *w, const char *tree, struct err *e)
{
	int fd = openat(w->target, tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open '%s' in the target", tree) : fd;
}

/* All that can be done before anybody sees it, then the switch. */
static int switch_to(struct work *w, const char *name, struct err *e)
{
	if (old_trees_make_way(&w->old_trees, w->sync->state.dir, name, e) < 0)
		return -1;
	if (renameat(w->stage.dir, STAGE_TREE, w->target, name) < 0)
		return err_sys(e, "put the new version into the target");
	if (links_add(&w->plan.tree, w->target, &w->stage, false, e) < 0)
		return -1;
	return layout_switch(w->target, name, e);
}

/* From the tree that was live to the one that is. */
static int finish(struct work *w, struct err *e)
{
	const struct layout old = w->layout;
	owned_fd from = w->live;

	w->live = -1;
	if (layout_read(w->target, &w->layout, e) < 0)
		return -1;
	w->live = layout_open(w->target, &w->layout, e);
	if (w->live < 0 || links_add(&w->plan.tree, w->target, &w->stage, true, e) < 0 ||
	    links_remove(w->live, w->target, e) < 0 ||
	    (old.data && retire(w, old.tree, from, WORK_AFTER_SWITCH, e) < 0))
		return -1;
	return state_commit(&w->sync->state, e);
}

int publish_data(struct work *w, const struct record *next, struct err *e)
{
	char name[LAYOUT_TREE_ROOM];
	struct err ignored = { 0 };

	layout_tree_name(next->serial, name);
	if (work_dress_root(w, w->stage.tree, e) < 0)
		return -1;
	if (state_begin(&w->sync->state, next, &w->plan.tree, e) < 0 || switch_to(w, name, e) < 0) {
		(void)publish_data_undo(w, next, &ignored);
		return -1;
	}
	return finish(w, e) < 0 ? err_in(e, "the new version is live, but") : 0;
}

int publish_data_undo(struct work *w, const struct record *next, struct err *e)
{
	char name[LAYOUT_TREE_ROOM];
	owned_fd live = w->layout.data ? layout_open(w->target, &w->layout, e) : -1;

	if (w->layout.data && live < 0)
		return -1;
	layout_tree_name(next->serial, name);
	layout_clean_up(w->target);
	if (!text_is(name, w->layout.tree))
		(void)remove_all(w->target, name); /* what stays is found by the next sync */
	if (links_remove(live, w->target, e) < 0)
		return -1;
	return state_abandon(&w->sync->state, next, e);
}

int publish_data_was_done(const struct work *w, const struct record *cut_off)
{
	char name[LAYOUT_TREE_ROOM];

	layout_tree_name(cut_off->serial, name);
	return w->layout.data && text_is(w->layout.tree, name);
}

/* Never switched to; nobody could have put anything into it. */
static bool is_unborn(const struct work *w, int64_t serial)
{
	int64_t current = w->published.serial;

	return layout_is_tree_name(w->layout.tree, &current) ? serial > current : serial >= current;
}

static int clean_up_one(struct work *w, const char *tree, struct err *e)
{
	int64_t serial;

	if (!layout_is_tree_name(tree, &serial))
		return 0;
	if (is_unborn(w, serial)) {
		(void)remove_all(w->target, tree);
		return 0;
	}
	owned_fd from = open_tree(w, tree, e);

	return from < 0 ? -1 : retire(w, tree, from, WORK_AFTER_CRASH, e);
}

int publish_data_clean_up(struct work *w, struct err *e)
{
	struct list trees = { 0 };
	int status = old_trees_unmarked(&w->old_trees, w->layout.tree, &trees, e);

	layout_clean_up(w->target);
	for (size_t i = 0; i < trees.count && status == 0; i++)
		status = clean_up_one(w, trees.items[i], e);
	list_clear(&trees);
	/* Links of the version before. */
	if (status == 0 && w->resumed && w->layout.data)
		status = links_remove(w->live, w->target, e);
	return status;
}
