/* SPDX-License-Identifier: Apache-2.0 */
/* carry: see carry.h. */
#include "sync/carry.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "sync/dress.h"
#include "sync/layout.h"
#include "sync/obstacle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct carrier {
	const struct carrying *how;
	bool back; /* what came by its path to the likeness of a directory goes to the directory */
	uint64_t *carried;
	struct err *e;
};

static int walk(struct carrier *c, int from, int to, const char *folder);

static bool is_wanted(const struct carrier *c, const struct carry_item *item)
{
	return !c->how->is_wanted || c->how->is_wanted(c->how->owner, item);
}

static int open_below(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int fail(struct carrier *c, const char *path)
{
	return err_sys(c->e, "carry '%s' over to the new version", path);
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* Not the one carried before, nor one that the game has put into the new version since. */
static bool is_newer(int to, const struct carry_item *item)
{
	struct stat there;

	if (fstatat(to, item->name, &there, AT_SYMLINK_NOFOLLOW) < 0)
		return true;
	return there.st_ino != item->st->st_ino && !S_ISDIR(there.st_mode) &&
	       !is_before(&item->st->st_mtim, &there.st_mtim);
}

/* The filesystem or the kernel (fs.protected_hardlinks) does not let it have one more name. */
static bool cannot_be_linked(void)
{
	return errno == EPERM || errno == EMLINK || errno == EOPNOTSUPP;
}

/* Owners may have locked themselves out of their directories. */
static bool open_up(int dir, mode_t *ret_mode)
{
	struct stat st;

	if (fstat(dir, &st) < 0 || (st.st_mode & 0300) == 0300)
		return false;
	*ret_mode = st.st_mode & 07777;
	return fchmod(dir, *ret_mode | 0700) == 0;
}

/* Whether a name can be taken out of it once the time has come. */
static bool can_be_changed(int dir)
{
	struct stat st;

	return faccessat(dir, ".", W_OK | X_OK, 0) == 0 ||
	       (fstat(dir, &st) == 0 && st.st_uid == geteuid());
}

static int by_link(int from, int to, const char *name)
{
	return linkat(from, name, to, name, 0);
}

static int by_rename(int from, int to, const char *name)
{
	return renameat(from, name, to, name);
}

static int by_making(int from, int to, const char *name)
{
	(void)from;
	return mkdirat(to, name, 0700);
}

/* Makes name in to in one of these ways; the directories keep their modes. -1 with errno. */
static int make_name(int (*way)(int from, int to, const char *name), int from, int to,
		     const char *name)
{
	mode_t from_mode, to_mode;
	int status = way(from, to, name);

	if (status == 0 || errno != EACCES)
		return status;
	bool from_opened = open_up(from, &from_mode), to_opened = open_up(to, &to_mode);
	status = way(from, to, name);
	int number = errno;
	if (from_opened)
		(void)fchmod(from, from_mode);
	if (to_opened)
		(void)fchmod(to, to_mode);
	errno = number;
	return status;
}

static int fail_at_mount(struct carrier *c, const char *path)
{
	return err_set(c->e, ERR_SYSTEM,
		       "'%s' in the target is a mount of its own and cannot be brought to the new "
		       "version: unmount it, or publish 'in-place'",
		       path);
}

static int carry_file(struct carrier *c, int to, const struct carry_item *item)
{
	const char *name = item->name;

	if (make_name(by_link, item->dir, to, name) == 0) {
		++*c->carried;
		return 0;
	}
	if (errno == EXDEV)
		return fail_at_mount(c, item->path);
	if (!c->how->move) {
		if (errno == EEXIST || errno == ENOENT ||
		    (cannot_be_linked() && can_be_changed(item->dir)))
			return 0;
		return fail(c, item->path);
	}
	if (errno == EEXIST && !is_newer(to, item))
		return 0;
	if (make_name(by_rename, item->dir, to, name) == 0) {
		++*c->carried;
		return 0;
	}
	return errno == ENOENT ? 0 : fail(c, item->path);
}

static void make_like(int to, const char *name, const struct stat *st)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, st->st_mtim };

	/* As far as this process may: what counts is that nothing is lost. */
	(void)fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW);
	(void)dress_chmod(to, name, st->st_mode & 07777);
	(void)utimensat(to, name, times, AT_SYMLINK_NOFOLLOW);
}

/* Whether anything in the directory is to be carried: only then has it to be there. 1, 0 or -1. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as PATH_MAX lets a tree be. */
static int holds_wanted(struct carrier *c, int dir, const char *folder)
{
	const int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = again < 0 ? NULL : fdopendir(again);
	const struct dirent *found;
	int holds = 0;

	if (!list)
		return fail(c, folder);
	while (!holds && (found = io_next_entry(list))) {
		struct stat st;

		if (fstatat(dir, found->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		owned char *path = mem_format("%s/%s", folder, found->d_name);
		owned_fd below = S_ISDIR(st.st_mode) ? open_below(dir, found->d_name) : -1;

		const struct carry_item item = { dir, found->d_name, path, &st };

		holds = is_wanted(c, &item) ? 1 : below >= 0 ? holds_wanted(c, below, path) : 0;
	}
	if (!holds && errno)
		holds = fail(c, folder);
	(void)closedir(list);
	return holds;
}

/* The directory to go on in: open, or -1 when there is none to go on in, with *status. */
static int open_there(struct carrier *c, int inner, int to, const struct carry_item *item,
		      bool wanted, bool *ret_made, int *status)
{
	int there = open_below(to, item->name);

	*status = 0;
	if (there >= 0)
		return there;
	*status = wanted ? 1 : holds_wanted(c, inner, item->path);
	if (*status <= 0)
		return -1;
	*status = 0;
	if (make_name(by_making, item->dir, to, item->name) < 0) {
		/* Something of the new version is there, and no directory: it was told of. */
		if (errno != EEXIST)
			*status = fail(c, item->path);
		return -1;
	}
	*ret_made = true;
	*c->carried += wanted;
	there = open_below(to, item->name);
	if (there < 0)
		*status = fail(c, item->path);
	return there;
}

/* The game may be in it: the directory itself goes on. False where that cannot be. */
static bool take_the_place(struct carrier *c, int to, const struct carry_item *item)
{
	return c->how->move && !c->back &&
	       layout_exchange(item->dir, item->name, to, item->name) == 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as PATH_MAX lets a tree be. */
static int carry_directory(struct carrier *c, int to, const struct carry_item *item)
{
	const bool wanted = is_wanted(c, item);
	owned_fd inner = open_below(item->dir, item->name);
	bool made = false;
	int status;

	if (inner < 0)
		return errno == ENOENT ? 0 : fail(c, item->path);
	if (obstacle_is_mount(item->dir, item->name))
		return fail_at_mount(c, item->path);
	owned_fd there = open_there(c, inner, to, item, wanted, &made, &status);
	if (there < 0)
		return status;
	if (wanted && take_the_place(c, to, item)) {
		c->back = true;
		status = walk(c, there, inner, item->path);
		c->back = false;
		return status;
	}
	status = walk(c, inner, there, item->path);
	if (made)
		make_like(to, item->name, item->st);
	return status;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as PATH_MAX lets a tree be. */
static int carry_one(struct carrier *c, int from, int to, const char *name, const char *path)
{
	struct stat st;
	const struct carry_item item = { from, name, path, &st };

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail(c, path);
	if (S_ISDIR(st.st_mode))
		return carry_directory(c, to, &item);
	return is_wanted(c, &item) ? carry_file(c, to, &item) : 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as PATH_MAX lets a tree be. */
static int walk_names(struct carrier *c, int from, int to, const char *folder)
{
	const int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = again < 0 ? NULL : fdopendir(again);
	const struct dirent *found;
	int status = 0;

	if (!list)
		return fail(c, *folder ? folder : ".");
	while (status == 0 && (found = io_next_entry(list))) {
		owned char *path = *folder ? mem_format("%s/%s", folder, found->d_name)
					   : mem_copy(found->d_name);

		status = carry_one(c, from, to, found->d_name, path);
	}
	if (status == 0 && errno)
		status = fail(c, *folder ? folder : ".");
	(void)closedir(list);
	return status;
}

/* The new version has its directories' times already when something is moved into them. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as PATH_MAX lets a tree be. */
static int walk(struct carrier *c, int from, int to, const char *folder)
{
	struct stat before, after;
	bool known = c->how->move && fstat(to, &before) == 0;
	int status = walk_names(c, from, to, folder);

	if (known && fstat(to, &after) == 0 && is_before(&before.st_mtim, &after.st_mtim)) {
		const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, before.st_mtim };

		(void)futimens(to, times);
	}
	return status;
}

int carry(const struct carrying *how, int from, int to, uint64_t *ret_carried, struct err *e)
{
	struct carrier c = { .how = how, .carried = ret_carried, .e = e };

	return walk(&c, from, to, "");
}

int carry_name(const struct carrying *how, int from, int to, const char *name,
	       uint64_t *ret_carried, struct err *e)
{
	struct carrier c = { .how = how, .carried = ret_carried, .e = e };

	return carry_one(&c, from, to, name, name);
}
