/* SPDX-License-Identifier: Apache-2.0 */
/* old_trees: see old_trees.h. */
#include "sync/old_trees.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/layout.h"
#include "sync/remove.h"
#include "sync/scan.h"
#include "sync/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RETIRED "retired"

int old_trees_open(struct old_trees *o, int state, int target, struct err *e)
{
	char name[STATE_NAME_ROOM];
	int parent;

	*o = (struct old_trees){ .target = target, .dir = -1 };
	parent = state_place(state, o->target, RETIRED, name);
	o->dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return o->dir < 0 && errno != ENOENT ? err_sys(e, "open the directory of old trees") : 0;
}

int old_trees_make(struct old_trees *o, int state, struct err *e)
{
	char name[STATE_NAME_ROOM];
	int parent;

	if (o->dir >= 0)
		return 0;
	parent = state_place(state, o->target, RETIRED, name);
	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make the directory of old trees");
	return old_trees_open(o, state, o->target, e);
}

void old_trees_close(struct old_trees *o, int state)
{
	char name[STATE_NAME_ROOM];

	/* Only when it is empty. */
	if (o->dir >= 0)
		(void)unlinkat(state_place(state, o->target, RETIRED, name), name, AT_REMOVEDIR);
	fd_close(&o->dir);
}

static const char *mark_of(const char *tree)
{
	return tree + sizeof(SCAN_OWN_PREFIX) - 1;
}

int old_trees_mark(struct old_trees *o, const char *tree, struct err *e)
{
	owned_fd fd =
		openat(o->dir, mark_of(tree), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || futimens(fd, NULL) < 0)
		return err_sys(e, "note that '%s' is old", tree);
	return 0;
}

static bool is_marked(const struct old_trees *o, const char *tree)
{
	return o->dir >= 0 && io_is_there(o->dir, mark_of(tree));
}

void old_trees_unmark(const struct old_trees *o, const char *tree)
{
	if (o->dir >= 0)
		(void)unlinkat(o->dir, mark_of(tree), 0);
}

/* A version can be retired more than once: when its layout changes, and when another comes. */
static char *free_name(const struct old_trees *o, int64_t serial)
{
	char *name = mem_format("%" PRId64 ".tree", serial);

	for (unsigned i = 1; io_is_there(o->dir, name); i++) {
		free(name);
		name = mem_format("%" PRId64 ".tree.%u", serial, i);
	}
	return name;
}

int old_trees_take(struct old_trees *o, int dir, const char *name, int64_t serial, struct err *e)
{
	owned char *as = free_name(o, serial);

	if (renameat(dir, name, o->dir, as) < 0 ||
	    utimensat(o->dir, as, NULL, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "put the old version aside");
	return 0;
}

int old_trees_make_way(struct old_trees *o, int state, const char *tree, struct err *e)
{
	int64_t serial;

	if (!is_marked(o, tree) || !layout_is_tree_name(tree, &serial)) {
		if (remove_all(o->target, tree) == 0)
			return 0;
		return err_sys(e, "remove '%s' from the target", tree);
	}
	if (old_trees_make(o, state, e) < 0 ||
	    (io_is_there(o->target, tree) && old_trees_take(o, o->target, tree, serial, e) < 0))
		return -1;
	old_trees_unmark(o, tree);
	return 0;
}

/* Of a mark or a tree; a time that is still to come is that of another clock. */
static bool is_due(int dir, const char *name, int64_t grace_ms, bool *ret_mark)
{
	struct timespec now;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    clock_gettime(CLOCK_REALTIME, &now) < 0)
		return false;
	*ret_mark = !S_ISDIR(st.st_mode);
	int64_t age = ((int64_t)now.tv_sec - st.st_mtim.tv_sec) * 1000 +
		      (now.tv_nsec - st.st_mtim.tv_nsec) / 1000000;
	/* The clock may have been set back. */
	return age >= grace_ms || age < -grace_ms;
}

static void remove_marked(struct old_trees *o, const char *mark)
{
	owned char *tree = mem_format(SCAN_OWN_PREFIX "%s", mark);
	struct layout now;
	struct err e;
	int64_t serial;

	/* Whatever happened: never what is live. */
	if (layout_read(o->target, &now, &e) < 0)
		return;
	if (!layout_is_tree_name(tree, &serial) || text_is(tree, now.tree) ||
	    remove_all(o->target, tree) == 0)
		(void)unlinkat(o->dir, mark, 0);
}

uint64_t old_trees_sweep(struct old_trees *o, int64_t grace_ms)
{
	const int again = o->dir < 0 ? -1 : openat(o->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *found;
	uint64_t left = 0;
	bool mark;

	if (!dir)
		return 0;
	while ((found = readdir(dir))) {
		if (text_is(found->d_name, ".") || text_is(found->d_name, ".."))
			continue;
		if (!is_due(o->dir, found->d_name, grace_ms, &mark))
			left++;
		else if (mark)
			remove_marked(o, found->d_name);
		else
			(void)remove_all(o->dir, found->d_name);
	}
	(void)closedir(dir);
	return left;
}

int old_trees_unmarked(const struct old_trees *o, const char *current, struct list *ret,
		       struct err *e)
{
	const int again = openat(o->target, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *found;
	int64_t serial;

	if (!dir)
		return err_sys(e, "read the target");
	while ((found = readdir(dir))) {
		const char *name = found->d_name;

		if (!layout_is_tree_name(name, &serial) || text_is(name, current))
			continue;
		if (!is_marked(o, name))
			list_add(ret, name);
	}
	(void)closedir(dir);
	return 0;
}
