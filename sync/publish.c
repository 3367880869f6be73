/* SPDX-License-Identifier: Apache-2.0 */
/* publish: see publish.h. */
#include "sync/publish.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/plan.h"
#include "sync/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A temporary name inside a mounted directory of the target, where a rename cannot reach. */
#define OTHER_DEVICE_PREFIX "..gs-sidecar-"
#define COPY_CHUNK 65536

struct publisher {
	const struct plan *plan;
	struct beneath *target;
	struct stage *stage;
	struct publish_changes *changes;
	struct err *e;
};

static int parent_of(struct publisher *pb, const char *path, const char **ret_name)
{
	int dir = beneath_parent(pb->target, path, ret_name);

	return dir >= 0 ? dir : err_sys(pb->e, "open the directory of '%s' in the target", path);
}

/* Owners may lock themselves out of their directories: 0555 is a fair mode for a game's files. */
static void make_writable(int dir, const char *name, const struct stat *st)
{
	if ((st->st_mode & 0700) != 0700)
		(void)stage_chmod(dir, name, (st->st_mode & ENTRY_MODE_BITS) | 0700);
}

static int place_directory(struct publisher *pb, const struct entry *entry)
{
	const char *name;
	struct stat st;
	int dir = parent_of(pb, entry->path, &name);

	if (dir < 0)
		return -1;
	bool there = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (there && S_ISDIR(st.st_mode)) {
		if (pb->plan->visible)
			make_writable(dir, name, &st);
		return 0;
	}
	if (there && stage_take_away(pb->stage, dir, name, pb->e) < 0)
		return -1;
	if (mkdirat(dir, name, entry->mode | 0700) < 0)
		return err_sys(pb->e, "make directory '%s'", entry->path);
	return 0;
}

static int copy_bytes(int from, int to)
{
	static char chunk[COPY_CHUNK];
	ssize_t got;

	while ((got = io_read(from, chunk, sizeof(chunk))) > 0)
		if (io_write(to, chunk, (size_t)got) < 0)
			return -1;
	return got < 0 ? -1 : 0;
}

static int copy_file(struct stage *stage, const char *from, int dir, const char *to)
{
	owned_fd in = openat(stage->dir, from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	owned_fd out = openat(dir, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return in < 0 || out < 0 ? -1 : copy_bytes(in, out);
}

/* A directory below the target is a mount of its own: make the file there, then rename. */
static int place_on_other_device(struct publisher *pb, const struct entry *entry,
				 const char *staged, int dir, const char *name)
{
	owned char *temporary = mem_format(OTHER_DEVICE_PREFIX "%s", staged);
	int made;

	(void)unlinkat(dir, temporary, 0);
	made = entry->type == ENTRY_LINK ? symlinkat(entry->link, dir, temporary)
					 : copy_file(pb->stage, staged, dir, temporary);
	if (made < 0)
		(void)err_sys(pb->e, "copy '%s'", entry->path);
	else if (stage_dress(pb->stage, dir, temporary, entry, pb->e) < 0)
		made = -1;
	else if (renameat(dir, temporary, dir, name) < 0)
		made = err_sys(pb->e, "put '%s' in place", entry->path);
	if (made < 0)
		(void)unlinkat(dir, temporary, 0);
	return made;
}

static int place_name(struct publisher *pb, size_t i)
{
	const struct entry *entry = &pb->plan->tree.entries[i];
	const char *name;
	char staged[STAGE_NAME_SIZE];
	struct stat st;
	int dir = parent_of(pb, entry->path, &name);

	if (dir < 0)
		return -1;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	    stage_take_away(pb->stage, dir, name, pb->e) < 0)
		return -1;
	(void)stage_name(pb->plan->staged[i], staged);
	if (renameat(pb->stage->dir, staged, dir, name) == 0)
		return 0;
	if (errno == EXDEV)
		return place_on_other_device(pb, entry, staged, dir, name);
	return err_sys(pb->e, "put '%s' in place", entry->path);
}

static int dress_name(struct publisher *pb, const struct entry *entry)
{
	const char *name;
	int dir = parent_of(pb, entry->path, &name);

	return dir < 0 ? -1 : stage_dress(pb->stage, dir, name, entry, pb->e);
}

static int place_all(struct publisher *pb)
{
	const struct plan *p = pb->plan;

	for (size_t i = 0; i < p->tree.count; i++) {
		const struct entry *entry = &p->tree.entries[i];
		int status = 0;

		if (entry->type == ENTRY_DIRECTORY)
			status = place_directory(pb, entry);
		else if (p->actions[i] == ACTION_PLACE)
			status = place_name(pb, i);
		else if (p->actions[i] == ACTION_DRESS)
			status = dress_name(pb, entry);
		if (status < 0)
			return -1;
	}
	return 0;
}

/*
 * Of a version whose publication was cut off we do not know which names became ours. Only what is
 * exactly as that version has it is taken for ours.
 */
static bool is_as_recorded(struct publisher *pb, const struct entry *entry, int dir,
			   const char *name)
{
	char target[PATH_MAX];
	struct digest there;
	ssize_t length;

	switch (entry->type) {
	case ENTRY_DIRECTORY:
		return true; /* removed only when empty */
	case ENTRY_LINK:
		length = readlinkat(dir, name, target, sizeof(target) - 1);
		if (length < 0)
			return false;
		target[length] = '\0';
		return text_is(target, entry->link);
	case ENTRY_FILE:
		break;
	}
	return stage_hash_of(pb->stage, dir, name, &there) && digest_equal(&there, &entry->content);
}

static bool has_type(const struct stat *st, enum entry_type type)
{
	if (type == ENTRY_DIRECTORY)
		return S_ISDIR(st->st_mode);
	return type == ENTRY_LINK ? S_ISLNK(st->st_mode) : S_ISREG(st->st_mode);
}

/* Enough to believe that the published version's file was not changed or replaced by the game. */
static bool looks_as_recorded(const struct stat *st, const struct entry *entry)
{
	return entry->type == ENTRY_DIRECTORY ||
	       (entry->type == ENTRY_FILE && (uint64_t)st->st_size == entry->size &&
		st->st_mtim.tv_sec == entry->mtime.tv_sec &&
		st->st_mtim.tv_nsec == entry->mtime.tv_nsec);
}

/* 1 when it was removed, 0 when there was nothing of ours to remove, -1 with e. */
static int remove_one(struct publisher *pb, const struct entry *entry, bool certainly_ours)
{
	const char *name;
	struct stat st;
	int dir = beneath_parent(pb->target, entry->path, &name);

	if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
			return 0;
		return err_sys(pb->e, "look at '%s' in the target", entry->path);
	}
	if (!has_type(&st, entry->type))
		return 0;
	if (!(certainly_ours && looks_as_recorded(&st, entry)) &&
	    !is_as_recorded(pb, entry, dir, name)) {
		if (certainly_ours && !pb->changes->kept++)
			pb->changes->kept_example = entry->path;
		return 0;
	}
	if (unlinkat(dir, name, entry->type == ENTRY_DIRECTORY ? AT_REMOVEDIR : 0) == 0)
		return 1;
	/* Somebody else's files are in it, or it is a mount: it stays. */
	if (entry->type == ENTRY_DIRECTORY &&
	    (errno == ENOTEMPTY || errno == EEXIST || errno == EBUSY))
		return 0;
	return errno == ENOENT ? 0 : err_sys(pb->e, "remove '%s'", entry->path);
}

static void make_removable(struct publisher *pb, const struct tree *old)
{
	for (size_t i = 0; i < old->count; i++) {
		const struct entry *entry = &old->entries[i];
		const char *name;
		struct stat st;
		int dir;

		if (entry->type != ENTRY_DIRECTORY || tree_find(&pb->plan->tree, entry->path))
			continue;
		dir = beneath_parent(pb->target, entry->path, &name);
		if (dir >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode))
			make_writable(dir, name, &st);
	}
}

static int remove_old(struct publisher *pb, const struct tree *old, bool certainly_ours)
{
	make_removable(pb, old);
	/* From the end: what a directory holds comes after it. */
	for (size_t i = old->count; i-- > 0;) {
		const struct entry *entry = &old->entries[i];
		int status;

		if (tree_find(&pb->plan->tree, entry->path))
			continue;
		beneath_forget(pb->target);
		status = remove_one(pb, entry, certainly_ours);
		if (status < 0)
			return -1;
		pb->changes->removed += (uint64_t)status;
	}
	return 0;
}

static bool is_dressed(const struct publisher *pb, const struct entry *entry, const struct stat *st)
{
	return (st->st_mode & ENTRY_MODE_BITS) == entry->mode &&
	       st->st_mtim.tv_sec == entry->mtime.tv_sec &&
	       st->st_mtim.tv_nsec == entry->mtime.tv_nsec &&
	       (!pb->stage->keep_owner || (st->st_uid == entry->uid && st->st_gid == entry->gid));
}

/* Last, and the inner ones first: every change inside touches a directory's time. */
static int dress_directories(struct publisher *pb)
{
	const struct tree *t = &pb->plan->tree;

	for (size_t i = t->count; i-- > 0;) {
		const struct entry *entry = &t->entries[i];
		const char *name;
		struct stat st;
		int dir;

		if (entry->type != ENTRY_DIRECTORY)
			continue;
		dir = parent_of(pb, entry->path, &name);
		if (dir < 0)
			return -1;
		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_dressed(pb, entry, &st))
			continue;
		if (stage_dress(pb->stage, dir, name, entry, pb->e) < 0)
			return -1;
	}
	return 0;
}

int publish_in_place(const struct plan *p, struct beneath *target, struct stage *stage,
		     struct publish_changes *ret, struct err *e)
{
	struct publisher pb = {
		.plan = p, .target = target, .stage = stage, .changes = ret, .e = e
	};

	*ret = (struct publish_changes){ 0 };
	beneath_forget(target);
	if (place_all(&pb) < 0)
		return -1;
	for (size_t k = 0; k < p->ours_count; k++)
		if (remove_old(&pb, &p->ours[k], k == 0) < 0)
			return -1;
	beneath_forget(target);
	return dress_directories(&pb);
}

static void remove_temporaries(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *found;

	if (!dir) {
		(void)close(fd);
		return;
	}
	while ((found = readdir(dir)))
		if (text_starts(found->d_name, OTHER_DEVICE_PREFIX))
			(void)unlinkat(dirfd(dir), found->d_name, 0);
	(void)closedir(dir);
}

static void clean_up_tree(const struct tree *t, const struct beneath *target, dev_t device)
{
	struct stat st;

	for (size_t i = 0; i < t->count; i++) {
		int fd = t->entries[i].type == ENTRY_DIRECTORY
				 ? beneath_open(target->root, t->entries[i].path,
						O_RDONLY | O_DIRECTORY)
				 : -1;

		if (fd < 0)
			continue;
		if (fstat(fd, &st) == 0 && st.st_dev != device)
			remove_temporaries(fd);
		else
			(void)close(fd);
	}
}

void publish_clean_up(const struct plan *p, struct beneath *target)
{
	struct stat root;

	if (fstat(target->root, &root) < 0)
		return;
	for (size_t k = 0; k < p->ours_count; k++)
		clean_up_tree(&p->ours[k], target, root.st_dev);
}
