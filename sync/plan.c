/* SPDX-License-Identifier: Apache-2.0 */
/* plan: see plan.h. */
#include "sync/plan.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct place {
	dev_t device;
	ino_t inode; /* 0: not kept */
};

struct planner {
	struct plan *plan;
	int source_root;
	struct beneath *target;
	struct stage *stage;
	struct err *e;
	struct place *kept; /* of each kept file in the target, to compare hard links */
};

bool plan_owns(const struct plan *p, const char *path)
{
	for (size_t k = 0; k < p->ours_count; k++)
		if (tree_find(&p->ours[k], path))
			return true;
	return false;
}

/* 0 and *ret, 1 when nothing is there (also when the way there is not a directory), -1 with e. */
static int look(struct planner *pl, const char *path, int *ret_dir, const char **ret_name,
		struct stat *ret)
{
	int dir = beneath_parent(pl->target, path, ret_name);

	*ret_dir = dir;
	if (dir >= 0 && fstatat(dir, *ret_name, ret, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
		return 1;
	return err_sys(pl->e, "look at '%s' in the target", path);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static enum action keep_or_dress(const struct planner *pl, const struct entry *entry,
				 const struct stat *st)
{
	if (entry->type != ENTRY_LINK && (st->st_mode & ENTRY_MODE_BITS) != entry->mode)
		return ACTION_DRESS;
	if (pl->stage->keep_owner && (st->st_uid != entry->uid || st->st_gid != entry->gid))
		return ACTION_DRESS;
	return same_time(&st->st_mtim, &entry->mtime) ? ACTION_KEEP : ACTION_DRESS;
}

static void note_foreign(struct planner *pl, const char *path)
{
	if (plan_owns(pl->plan, path))
		return;
	if (!pl->plan->foreign++)
		pl->plan->foreign_example = path;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/*
 * A directory of the target may give way to a file only when all it holds is ours: its content
 * goes with it.
 */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as PATH_MAX lets a tree be. */
static int all_ours(struct planner *pl, const char *folder, const char *wanted)
{
	int fd = beneath_open(pl->target->root, folder, O_RDONLY | O_DIRECTORY);
	DIR *dir __attribute__((cleanup(close_dir))) = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *found;

	if (!dir) {
		(void)err_sys(pl->e, "open '%s' in the target", folder);
		fd_close(&fd);
		return -1;
	}
	while ((found = readdir(dir))) {
		if (text_is(found->d_name, ".") || text_is(found->d_name, ".."))
			continue;
		owned char *path = mem_format("%s/%s", folder, found->d_name);
		if (!plan_owns(pl->plan, path))
			return err_set(
				pl->e, ERR_SYSTEM,
				"'%s' in the target is not ours, and '%s' has to be replaced: "
				"move it away",
				path, wanted);
		if (found->d_type == DT_DIR && all_ours(pl, path, wanted) < 0)
			return -1;
	}
	return 0;
}

/* Linux 5.8; before that a bind mount of the same filesystem is found when it refuses to go. */
static bool is_mount(int dir, const char *name)
{
	struct statx sx;

	return syscall(SYS_statx, dir, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &sx) == 0 &&
	       (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* Something else is there and has to go. */
static int check_obstacle(struct planner *pl, const struct entry *entry, const struct stat *st)
{
	const char *name;
	int dir = beneath_parent(pl->target, entry->path, &name);

	if (dir >= 0 && is_mount(dir, name))
		return err_set(pl->e, ERR_SYSTEM,
			       "'%s' in the target is a mount of its own and cannot be replaced: "
			       "unmount it, or leave it out of the source",
			       entry->path);
	if (S_ISDIR(st->st_mode) && all_ours(pl, entry->path, entry->path) < 0)
		return -1;
	note_foreign(pl, entry->path);
	return 0;
}

static int plan_directory(struct planner *pl, size_t i)
{
	struct entry *entry = &pl->plan->tree.entries[i];
	const char *name;
	struct stat st;
	int dir, absent = look(pl, entry->path, &dir, &name, &st);

	if (absent < 0)
		return -1;
	if (!absent && S_ISDIR(st.st_mode))
		return 0; /* dressed at the very end, whatever it needs */
	pl->plan->actions[i] = ACTION_PLACE;
	pl->plan->placed++;
	return absent ? 0 : check_obstacle(pl, entry, &st);
}

static bool link_is(int dir, const char *name, const char *wanted)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(dir, name, target, sizeof(target));

	return length >= 0 && (size_t)length == strlen(wanted) &&
	       memcmp(target, wanted, (size_t)length) == 0;
}

static int plan_link(struct planner *pl, size_t i)
{
	struct entry *entry = &pl->plan->tree.entries[i];
	const char *name;
	struct stat st;
	int dir, absent = look(pl, entry->path, &dir, &name, &st);

	if (absent < 0)
		return -1;
	if (!absent && S_ISLNK(st.st_mode) && link_is(dir, name, entry->link)) {
		pl->plan->actions[i] = keep_or_dress(pl, entry, &st);
		return 0;
	}
	pl->plan->actions[i] = ACTION_PLACE;
	pl->plan->placed++;
	if (!absent && check_obstacle(pl, entry, &st) < 0)
		return -1;
	return stage_link(pl->stage, entry, &pl->plan->staged[i], pl->e);
}

/* Names that shared an inode and no longer do have to be made anew. */
static bool was_linked_otherwise(const struct planner *pl, size_t i)
{
	const struct tree *new = &pl->plan->tree;

	for (size_t k = 0; k < pl->plan->ours_count; k++) {
		const struct tree *old = &pl->plan->ours[k];
		const struct entry *entry = tree_find(old, new->entries[i].path);

		if (entry && entry->type == ENTRY_FILE &&
		    !text_is(old->entries[entry->first].path,
			     new->entries[new->entries[i].first].path))
			return true;
	}
	return false;
}

static int same_content(struct planner *pl, struct entry *entry, int dir, const char *name,
			const struct stat *st, bool *ret)
{
	struct digest there;

	*ret = false;
	if (!S_ISREG(st->st_mode) || (uint64_t)st->st_size != entry->size)
		return 0;
	if (!stage_hash_of(pl->stage, dir, name, &there))
		return 0;
	if (stage_hash(pl->stage, pl->source_root, entry, pl->e) < 0)
		return -1;
	*ret = digest_equal(&there, &entry->content);
	return 0;
}

static int place_file(struct planner *pl, size_t i)
{
	struct plan *p = pl->plan;
	struct entry *entry = &p->tree.entries[i];

	p->actions[i] = ACTION_PLACE;
	p->placed++;
	p->placed_bytes += entry->size;
	return stage_file(pl->stage, pl->source_root, entry, &p->staged[i], pl->e);
}

static int plan_file(struct planner *pl, size_t i)
{
	struct entry *entry = &pl->plan->tree.entries[i];
	const char *name;
	struct stat st;
	bool same = false;
	int dir, absent = look(pl, entry->path, &dir, &name, &st);

	if (absent < 0)
		return -1;
	if (!absent && !was_linked_otherwise(pl, i) &&
	    same_content(pl, entry, dir, name, &st, &same) < 0)
		return -1;
	if (same) {
		pl->plan->actions[i] = keep_or_dress(pl, entry, &st);
		pl->kept[i] = (struct place){ st.st_dev, st.st_ino };
		return 0;
	}
	if (!absent && check_obstacle(pl, entry, &st) < 0)
		return -1;
	return place_file(pl, i);
}

/*
 * Whether the directory of path is on the stage's filesystem, which no hard link leads out of; one
 * that is still to come will be. 1 or 0, -1 with e.
 */
static int is_on_stage(struct planner *pl, const char *path)
{
	const char *name;
	struct stat st;
	int dir = beneath_parent(pl->target, path, &name);

	if (dir < 0)
		return 1;
	if (fstat(dir, &st) < 0)
		return err_sys(pl->e, "look at the directory of '%s' in the target", path);
	return st.st_dev == pl->stage->device;
}

static bool is_at(const struct stat *st, const struct place *p)
{
	return p->inode && st->st_ino == p->inode && st->st_dev == p->device;
}

/* A further name of a file that was planned before: first has the smaller path. */
static int plan_hard_link(struct planner *pl, size_t i)
{
	struct plan *p = pl->plan;
	struct entry *entry = &p->tree.entries[i], *first = &p->tree.entries[entry->first];
	const char *name;
	char staged[STAGE_NAME_SIZE];
	struct stat st;
	int dir, absent, first_near = is_on_stage(pl, first->path);
	int near = first_near < 0 ? -1 : is_on_stage(pl, entry->path);

	if (near < 0)
		return -1;
	if (!near || !first_near)
		return plan_file(pl, i);
	absent = look(pl, entry->path, &dir, &name, &st);
	if (absent < 0)
		return -1;
	entry->content = first->content;
	if (!absent && is_at(&st, &pl->kept[entry->first]))
		return 0; /* dressed with the first name */
	if (!absent && check_obstacle(pl, entry, &st) < 0)
		return -1;
	p->actions[i] = ACTION_PLACE;
	p->placed++;
	if (p->actions[entry->first] == ACTION_PLACE)
		return stage_hard_link(pl->stage, pl->stage->dir,
				       stage_name(p->staged[entry->first], staged), &p->staged[i],
				       pl->e);
	dir = beneath_parent(pl->target, first->path, &name);
	if (dir < 0)
		return err_sys(pl->e, "look at '%s' in the target", first->path);
	return stage_hard_link(pl->stage, dir, name, &p->staged[i], pl->e);
}

static int plan_entry(struct planner *pl, size_t i)
{
	const struct entry *entry = &pl->plan->tree.entries[i];

	switch (entry->type) {
	case ENTRY_DIRECTORY:
		return plan_directory(pl, i);
	case ENTRY_LINK:
		return plan_link(pl, i);
	case ENTRY_FILE:
		break;
	}
	return entry->first == i ? plan_file(pl, i) : plan_hard_link(pl, i);
}

int plan_make(struct plan *p, int source_root, struct beneath *target, struct stage *stage,
	      struct err *e)
{
	size_t count = p->tree.count;
	owned struct place *kept = mem_alloc(count * sizeof(*kept));
	struct planner pl = {
		.plan = p,
		.source_root = source_root,
		.target = target,
		.stage = stage,
		.e = e,
		.kept = kept,
	};

	p->actions = mem_alloc(count * sizeof(*p->actions));
	p->staged = mem_alloc(count * sizeof(*p->staged));
	for (size_t i = 0; i < count; i++)
		if (plan_entry(&pl, i) < 0)
			return -1;
	return 0;
}

void plan_done(struct plan *p)
{
	tree_done(&p->tree);
	for (size_t k = 0; k < p->ours_count; k++)
		tree_done(&p->ours[k]);
	free(p->ours);
	free(p->actions);
	free(p->staged);
	*p = (struct plan){ 0 };
}
