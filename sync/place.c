/* SPDX-License-Identifier: Apache-2.0 */
/* place: see place.h. */
#include "sync/place.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/copy.h"
#include "sync/obstacle.h"
#include "sync/plan.h"
#include "sync/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A temporary name inside a mounted directory of the target, where a rename cannot reach. */
#define OTHER_DEVICE_NAME "..gs-sidecar-new"

struct placer {
	const struct plan *plan;
	struct beneath *target;
	struct beneath staged;
	struct stage *stage;
	struct copier copier;
	struct err *e;
};

static int parents_of(struct placer *pl, const char *path, int *ret_from, const char **ret_name)
{
	int dir = beneath_parent(pl->target, path, ret_name);

	if (dir < 0)
		return err_sys(pl->e, "open the directory of '%s' in the target", path);
	*ret_from = beneath_parent(&pl->staged, path, ret_name);
	if (*ret_from < 0)
		return err_sys(pl->e, "open the new directory of '%s'", path);
	return dir;
}

void place_make_writable(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	    (st.st_mode & 0700) != 0700)
		(void)dress_chmod(dir, name, (st.st_mode & ENTRY_MODE_BITS) | 0700);
}

/* What has another type than a file, or than the directory that replaces it, cannot be renamed
 * over. */
static int clear_way(struct placer *pl, int dir, const char *name, const struct entry *entry)
{
	const enum entry_type type = (enum entry_type)entry->type;
	const char *path = tree_path(&pl->plan->tree, entry);
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (type != ENTRY_DIRECTORY && !S_ISDIR(st.st_mode))
		return 0;
	if (type == ENTRY_DIRECTORY && S_ISDIR(st.st_mode))
		return 1;
	if (S_ISDIR(st.st_mode) &&
	    obstacle_check_again(pl->plan, pl->target->root, path, pl->e) < 0)
		return -1;
	return stage_take_away(pl->stage, dir, name, pl->e);
}

/* A directory below the target is a mount of its own: make the file there, then rename. */
static int make_there(struct placer *pl, const struct entry *entry, int from, int dir,
		      const char *name)
{
	const struct tree *t = &pl->plan->tree;
	struct digest content;
	bool exact;

	if (entry->type == ENTRY_LINK) {
		if (symlinkat(tree_link(t, entry), dir, OTHER_DEVICE_NAME) < 0)
			return -1;
		return dress_name(&pl->stage->owners, dir, OTHER_DEVICE_NAME, entry);
	}
	owned_fd in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	owned_fd out = openat(dir, OTHER_DEVICE_NAME,
			      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (in < 0 || out < 0 ||
	    copy_bytes(&pl->copier, in, out, entry->size, &content, &exact) < 0)
		return -1;
	if (!exact) {
		errno = EIO;
		return -1;
	}
	return dress_new_file(&pl->stage->owners, out, entry);
}

static int place_on_other_device(struct placer *pl, const struct entry *entry, int from, int dir,
				 const char *name)
{
	int status;

	(void)unlinkat(dir, OTHER_DEVICE_NAME, 0);
	status = make_there(pl, entry, from, dir, name);
	if (status == 0)
		status = renameat(dir, OTHER_DEVICE_NAME, dir, name);
	if (status == 0)
		return 0;
	(void)err_sys(pl->e, "put '%s' in place", tree_path(&pl->plan->tree, entry));
	(void)unlinkat(dir, OTHER_DEVICE_NAME, 0);
	return -1;
}

static int place_name(struct placer *pl, const struct entry *entry)
{
	const char *path = tree_path(&pl->plan->tree, entry), *name;
	int from, dir = parents_of(pl, path, &from, &name);

	if (dir < 0 || clear_way(pl, dir, name, entry) < 0)
		return -1;
	if (renameat(from, name, dir, name) == 0)
		return 0;
	if (errno == EXDEV)
		return place_on_other_device(pl, entry, from, dir, name);
	return err_sys(pl->e, "put '%s' in place", path);
}

/* Returns 1 when it came with all it holds, 0 when what it holds has to be placed too. */
static int place_directory(struct placer *pl, size_t i)
{
	const struct entry *entry = &pl->plan->tree.entries[i];
	const char *path = tree_path(&pl->plan->tree, entry), *name;
	int from, dir = parents_of(pl, path, &from, &name), there;

	if (dir < 0)
		return -1;
	there = clear_way(pl, dir, name, entry);
	if (there)
		return there < 0 ? -1 : 0;
	if (renameat(from, name, dir, name) == 0)
		return 1;
	if (errno != EXDEV)
		return err_sys(pl->e, "put '%s' in place", path);
	if (mkdirat(dir, name, entry->mode | 0700) < 0)
		return err_sys(pl->e, "make directory '%s'", path);
	return 0;
}

static int dress_in_place(struct placer *pl, const struct entry *entry)
{
	const char *path = tree_path(&pl->plan->tree, entry), *name;
	int dir = beneath_parent(pl->target, path, &name);

	if (dir < 0)
		return err_sys(pl->e, "open the directory of '%s' in the target", path);
	if (dress_name(&pl->stage->owners, dir, name, entry) < 0)
		return err_sys(pl->e, "set owner, mode and time of '%s'", path);
	return 0;
}

/* The index to go on with, 0 with e. */
static size_t place_at(struct placer *pl, size_t i)
{
	const struct plan *p = pl->plan;
	const struct entry *entry = &p->tree.entries[i];
	const struct step *step = &p->steps[i];
	int status = 0;

	if (entry->type == ENTRY_DIRECTORY) {
		if (step->fresh)
			status = place_directory(pl, i);
		if (status > 0)
			return tree_end_of(&p->tree, i);
	} else if (step->action == ACTION_PLACE) {
		status = place_name(pl, entry);
	} else if (step->action == ACTION_DRESS) {
		status = dress_in_place(pl, entry);
	}
	return status < 0 ? 0 : i + 1;
}

static void open_directories(const struct plan *p, struct beneath *target)
{
	for (size_t i = 0; i < p->tree.count; i++) {
		const char *name;
		int dir;

		if (!p->steps[i].touched || p->steps[i].fresh)
			continue;
		dir = beneath_parent(target, tree_path(&p->tree, &p->tree.entries[i]), &name);
		if (dir >= 0)
			place_make_writable(dir, name);
	}
}

int place_all(const struct plan *p, struct beneath *target, struct stage *stage, struct err *e)
{
	struct placer pl = { .plan = p,
			     .target = target,
			     .staged = beneath_init(stage->tree),
			     .stage = stage,
			     .e = e };
	size_t i = 0, next;

	open_directories(p, target);
	for (; i < p->tree.count; i = next) {
		next = place_at(&pl, i);
		if (!next)
			break;
	}
	beneath_done(&pl.staged);
	copier_done(&pl.copier);
	return i < p->tree.count ? -1 : 0;
}

static void clean_up_tree(const struct tree *t, int target, dev_t device)
{
	struct stat st;

	for (size_t i = 0; i < t->count; i++) {
		owned_fd fd = t->entries[i].type == ENTRY_DIRECTORY
				      ? beneath_open(target, tree_path(t, &t->entries[i]),
						     O_RDONLY | O_DIRECTORY)
				      : -1;

		if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev != device)
			(void)unlinkat(fd, OTHER_DEVICE_NAME, 0);
	}
}

void place_clean_up(const struct plan *p, int target)
{
	struct stat root;

	if (fstat(target, &root) < 0)
		return;
	for (size_t k = 0; k < p->ours_count; k++)
		clean_up_tree(&p->ours[k].tree, target, root.st_dev);
}
