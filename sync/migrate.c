/* SPDX-License-Identifier: Apache-2.0 */
/* migrate: see migrate.h. */
#include "sync/migrate.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/list.h"
#include "base/mem.h"
#include "sync/carry.h"
#include "sync/dress.h"
#include "sync/links.h"
#include "sync/obstacle.h"
#include "sync/place.h"
#include "sync/remove.h"
#include "sync/work.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool wants_data(const struct work *w)
{
	return w->settings->publish == SYNC_PUBLISH_DATA;
}

/* A directory of the game's is where the new version has one. */
static bool is_in_the_way(const struct work *w, const struct entry *entry)
{
	struct stat st;

	return entry->type == ENTRY_DIRECTORY &&
	       fstatat(w->target, tree_path(&w->plan.tree, entry), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

static bool any_is_in_the_way(const struct work *w)
{
	const struct tree *t = &w->plan.tree;

	for (size_t i = 0; i < t->count; i = tree_end_of(t, i))
		if (is_in_the_way(w, &t->entries[i]))
			return true;
	return false;
}

bool migrate_is_needed(const struct work *w)
{
	bool something = w->published.digest[0] || w->plan.cut_off;

	if (wants_data(w) && any_is_in_the_way(w))
		return true;
	return w->layout.data ? !wants_data(w) || state_is_migrating(&w->sync->state)
			      : wants_data(w) && something;
}

/* All of a name, the game's files in it too, but for what is there already. */
static int bring(int from, int to, const char *name, bool move, struct err *e)
{
	const struct carrying all = { .move = move };
	uint64_t count = 0;

	return carry_name(&all, from, to, name, &count, e);
}

/* Moving a directory changes its "..", for which it has to be writable. */
static int exchange(int dir, struct work *w, const char *name)
{
	struct stat ours, st;

	if (layout_exchange(dir, name, w->target, name) == 0)
		return 0;
	if (errno != EACCES || fstatat(dir, name, &ours, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fstatat(w->target, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	place_make_writable(dir, name);
	place_make_writable(w->target, name);
	int status = layout_exchange(dir, name, w->target, name), number = errno;
	const bool swapped = status == 0;
	if (S_ISDIR(ours.st_mode))
		(void)dress_chmod(swapped ? w->target : dir, name, ours.st_mode & 07777);
	if (S_ISDIR(st.st_mode))
		(void)dress_chmod(swapped ? dir : w->target, name, st.st_mode & 07777);
	errno = number;
	return status;
}

/* gVisor and some filesystems do not exchange. */
static bool cannot_exchange(void)
{
	return errno == EINVAL || errno == ENOSYS;
}

static int fail_at(const char *name, struct err *e)
{
	return err_sys(e, "change '%s' of the target over", name);
}

static void tell_of_moment(const struct work *w, const char *name)
{
	sync_note(w->notes,
		  "'%s' was missing for a moment: the filesystem cannot exchange two names", name);
}

/* ---- to the data layout ---- */

static void add_tops(const struct tree *t, struct list *names)
{
	for (size_t i = 0; i < t->count; i = tree_end_of(t, i))
		list_add(names, tree_path(t, &t->entries[i]));
}

/* The names at the top that are ours, or come to be; one may be there twice. */
static void top_names(const struct work *w, struct list *ret)
{
	const struct tree *t = &w->plan.tree;

	for (size_t i = 0; i < t->count; i = tree_end_of(t, i))
		if (is_in_the_way(w, &t->entries[i]))
			list_add(ret, tree_path(t, &t->entries[i]));
	for (size_t k = 0; k < w->plan.ours_count; k++)
		add_tops(&w->plan.ours[k].tree, ret);
}

/* Before anything is changed: a mount cannot give way to a link. */
static int check_no_mounts(const struct work *w, const struct list *names, struct err *e)
{
	for (size_t i = 0; i < names->count; i++)
		if (obstacle_is_mount(w->target, names->items[i]))
			return err_set(
				e, ERR_SYSTEM,
				"'%s' in the target is a mount of its own, and has to become "
				"a link: unmount it, or publish 'in-place'",
				names->items[i]);
	return 0;
}

static int make_first_tree(struct work *w, const struct list *names, struct err *e)
{
	char tree[LAYOUT_TREE_ROOM];

	for (size_t i = 0; i < names->count; i++)
		if (bring(w->target, w->stage.tree, names->items[i], false, e) < 0)
			return -1;
	layout_tree_name(w->published.serial, tree);
	if (work_dress_root(w, w->stage.tree, e) < 0)
		return -1;
	if (old_trees_make_way(&w->old_trees, w->sync->state.dir, tree, e) < 0)
		return -1;
	if (renameat(w->stage.dir, STAGE_TREE, w->target, tree) < 0)
		return err_sys(e, "put a tree for the published version into the target");
	if (stage_renew(&w->stage, e) < 0 || layout_switch(w->target, tree, e) < 0)
		return -1;
	return layout_read(w->target, &w->layout, e);
}

/* The link changes places with what is there. */
static int put_link(struct work *w, int aside, const char *name, struct err *e)
{
	owned char *text = layout_link_for(name);

	(void)remove_all(aside, name);
	if (symlinkat(text, aside, name) < 0)
		return err_sys(e, "make the link '%s'", name);
	if (exchange(aside, w, name) == 0)
		return 0;
	if (!cannot_exchange() || unlinkat(aside, name, 0) < 0 ||
	    renameat(w->target, name, aside, name) < 0)
		return fail_at(name, e);
	if (symlinkat(text, w->target, name) < 0) {
		(void)fail_at(name, e);
		(void)renameat(aside, name, w->target, name);
		return -1;
	}
	tell_of_moment(w, name);
	return 0;
}

/* What was there is then old. */
static int replace_by_link(struct work *w, int aside, int live, const char *name, struct err *e)
{
	const int linked = layout_has_link(w->target, name);
	struct stat st;

	if (linked < 0)
		return err_sys(e, "look at '%s' in the target", name);
	if (!linked) {
		if (fstatat(w->target, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			if (bring(w->target, live, name, false, e) < 0 ||
			    put_link(w, aside, name, e) < 0)
				return -1;
		} else if (errno != ENOENT) {
			return err_sys(e, "look at '%s' in the target", name);
		}
	}
	/* A link that a crash left there is none of the old version's. */
	return layout_has_link(aside, name) ? 0 : bring(aside, live, name, true, e);
}

static int open_aside(struct work *w, struct err *e)
{
	owned char *name = mem_format("%" PRId64 ".plain", w->published.serial);

	if (old_trees_make(&w->old_trees, w->sync->state.dir, e) < 0)
		return -1;
	if (mkdirat(w->old_trees.dir, name, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make a directory for the old version");
	int fd = openat(w->old_trees.dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open the directory for the old version") : fd;
}

static int replace_all_by_links(struct work *w, const struct list *names, struct err *e)
{
	owned_fd live = layout_open(w->target, &w->layout, e);
	owned_fd aside = live < 0 ? -1 : open_aside(w, e);
	int status = aside < 0 ? -1 : 0;

	for (size_t i = 0; i < names->count && status == 0; i++)
		status = replace_by_link(w, aside, live, names->items[i], e);
	/* It is, should a crash have come as it was given up. */
	if (status == 0)
		old_trees_unmark(&w->old_trees, w->layout.tree);
	return status;
}

static int to_data(struct work *w, struct err *e)
{
	struct list names = { 0 };
	int status;

	top_names(w, &names);
	status = check_no_mounts(w, &names, e);
	if (status == 0 && !w->layout.data)
		status = make_first_tree(w, &names, e);
	if (status == 0)
		status = replace_all_by_links(w, &names, e);
	list_clear(&names);
	return status;
}

/* ---- to the plain layout ---- */

/* A file takes the link's place at one moment, a directory only where names can be exchanged. */
static int put_content(struct work *w, int live, const char *name, struct err *e)
{
	struct stat st;

	/* The game's, and not to be linked. */
	if (fstatat(w->stage.tree, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return renameat(live, name, w->target, name) < 0 ? fail_at(name, e) : 0;
	if (exchange(w->stage.tree, w, name) == 0)
		return 0;
	if (!cannot_exchange() || (S_ISDIR(st.st_mode) && unlinkat(w->target, name, 0) < 0) ||
	    renameat(w->stage.tree, name, w->target, name) < 0)
		return fail_at(name, e);
	if (S_ISDIR(st.st_mode))
		tell_of_moment(w, name);
	return 0;
}

static int replace_by_content(struct work *w, int live, const char *name, struct err *e)
{
	const int linked = layout_has_link(w->target, name);
	struct stat st;

	if (linked < 0)
		return err_sys(e, "look at '%s' in the target", name);
	if (linked)
		return put_content(w, live, name, e);
	if (fstatat(w->target, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0; /* done before a crash, or somebody else's */
	if (renameat(w->stage.tree, name, w->target, name) < 0 && errno != ENOENT)
		return err_sys(e, "put '%s' into the target", name);
	return 0;
}

static int replace_all_by_content(struct work *w, int live, struct err *e)
{
	const int again = openat(live, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	const struct dirent *found;
	int status = 0;

	if (!dir)
		return err_sys(e, "read the current version");
	while (status == 0 && (found = io_next_entry(dir))) {
		const char *name = found->d_name;

		status = bring(live, w->stage.tree, name, false, e);
		if (status == 0)
			status = replace_by_content(w, live, name, e);
		if (status == 0)
			status = bring(live, w->target, name, true, e);
	}
	if (status == 0 && errno)
		status = err_sys(e, "read the current version");
	(void)closedir(dir);
	return status;
}

static int to_plain(struct work *w, struct err *e)
{
	owned_fd live = layout_open(w->target, &w->layout, e);

	if (live < 0 || replace_all_by_content(w, live, e) < 0 ||
	    old_trees_make(&w->old_trees, w->sync->state.dir, e) < 0 ||
	    old_trees_mark(&w->old_trees, w->layout.tree, e) < 0 ||
	    links_remove(-1, w->target, e) < 0)
		return -1;
	if (unlinkat(w->target, LAYOUT_LINK, 0) < 0)
		return err_sys(e, "remove '" LAYOUT_LINK "'");
	if (remove_all(w->stage.dir, STAGE_TREE) < 0)
		return err_sys(e, "clear the stage");
	w->layout = (struct layout){ 0 };
	return stage_renew(&w->stage, e);
}

int migrate(struct work *w, struct err *e)
{
	const bool had_data = w->layout.data;

	if (state_begin_migration(&w->sync->state, e) < 0)
		return -1;
	if ((wants_data(w) ? to_data(w, e) : to_plain(w, e)) < 0)
		return err_in(e, "change the layout of the target");
	if (had_data != w->layout.data)
		sync_note(w->notes, "the target has the %s layout now",
			  wants_data(w) ? "data" : "plain");
	return state_end_migration(&w->sync->state, e);
}

int migrate_clean_up(struct work *w, struct err *e)
{
	/* A tree that was made for the data layout is gone already, see publish_data_clean_up(). */
	return state_is_migrating(&w->sync->state) ? state_end_migration(&w->sync->state, e) : 0;
}
