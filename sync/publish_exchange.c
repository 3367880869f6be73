/* SPDX-License-Identifier: Apache-2.0 */
/* publish_exchange: see publish_exchange.h. */
#include "sync/publish_exchange.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "sync/obstacle.h"
#include "sync/work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int publish_exchange_check_target(const char *path, struct err *e)
{
	owned_fd target = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (target >= 0 && obstacle_is_mount(target, ""))
		return err_set(e, ERR_USAGE,
			       "target '%s' is a mount of its own and cannot be exchanged: use a "
			       "directory in it, or publish 'data'",
			       path);
	return 0;
}

int publish_exchange_check(const struct work *w, struct err *e)
{
	struct stat target, state;

	if (publish_exchange_check_target(w->settings->target, e) < 0)
		return -1;
	if (w->sync->reserved)
		return err_set(
			e, ERR_USAGE,
			"state directory '%s' lies in the target, which is to be exchanged as "
			"a whole",
			w->sync->state.path);
	if (fstat(w->target, &target) < 0 || fstat(w->sync->state.dir, &state) < 0)
		return err_sys(e, "look at target '%s'", w->settings->target);
	if (target.st_dev != state.st_dev)
		return err_set(e, ERR_USAGE,
			       "state directory '%s' is not on the target's filesystem, which "
			       "publish 'exchange' needs",
			       w->sync->state.path);
	return 0;
}

static int retire(struct work *w, int64_t serial, int from, int dir, const char *name,
		  enum work_when when, struct err *e)
{
	if (work_carry(w, from, w->target, when, e) < 0 ||
	    old_trees_make(&w->old_trees, w->sync->state.dir, e) < 0)
		return -1;
	return old_trees_take(&w->old_trees, dir, name, serial, e);
}

static int swap(struct work *w, struct err *e)
{
	owned char *path = realpath(w->settings->target, NULL);

	if (!path)
		return err_sys(e, "target '%s'", w->settings->target);
	/* Not in two renames: for a moment there would be no target at all. */
	if (layout_exchange(w->stage.dir, STAGE_TREE, AT_FDCWD, path) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOSYS)
		return err_set(e, ERR_SYSTEM,
			       "the filesystem of target '%s' cannot exchange two directories: "
			       "publish 'data' or 'in-place'",
			       path);
	return err_sys(e, "exchange target '%s'", path);
}

/* The old tree is in the stage now, with what the game has put into it. */
static int finish(struct work *w, struct err *e)
{
	owned_fd from = w->target;

	fd_close(&w->live);
	w->target = openat(w->stage.tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->live = openat(w->stage.tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->old_trees.target = w->target;
	w->generations.target = w->target;
	if (w->target < 0 || w->live < 0)
		return err_sys(e, "open the new version");
	if (retire(w, w->published.serial, from, w->stage.dir, STAGE_TREE, WORK_AFTER_SWITCH, e) <
	    0)
		return -1;
	return state_commit(&w->sync->state, e);
}

int publish_exchange(struct work *w, const struct record *next, struct err *e)
{
	struct err ignored = { 0 };

	if (work_dress_root(w, w->stage.tree, e) < 0)
		return -1;
	if (state_begin(&w->sync->state, next, &w->plan.tree, e) < 0 || swap(w, e) < 0) {
		(void)state_abandon(&w->sync->state, next, &ignored);
		return -1;
	}
	if (finish(w, e) == 0)
		return 0;
	w->stage.keep = true;
	return err_in(e, "the new version is live, but");
}

int publish_exchange_was_done(const struct work *w, const struct record *cut_off)
{
	struct stat st;

	return cut_off->root && fstat(w->target, &st) == 0 && st.st_ino == cut_off->root;
}

int publish_exchange_clean_up(struct work *w, struct err *e)
{
	owned_fd from = openat(w->sync->state.dir, STATE_STAGE "/" STAGE_TREE,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (from < 0)
		return errno == ENOENT ? 0 : err_sys(e, "open the old version");
	return retire(w, w->before.serial, from, w->sync->state.dir, STATE_STAGE "/" STAGE_TREE,
		      WORK_AFTER_CRASH, e);
}
