/* SPDX-License-Identifier: Apache-2.0 */
/* tree_walk: see tree_walk.h; and tree_remove(), which has to open what others have closed. */
#include "fetch/tree_walk.h"

#include "base/fd.h"
#include "base/io.h"
#include "base/list.h"
#include "base/mem.h"
#include "fetch/path.h"
#include "fetch/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REMOVE_DEPTH_MOST 64 /* open directories */

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct walk {
	int (*take)(const struct tree_entry *, void *owner, struct err *e);
	void *owner;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int tree_list(int dir, struct list *ret, struct err *e)
{
	owned_fd fd = openat(dir, ".", DIRECTORY);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *found;

	if (!stream)
		return err_sys(e, "read a directory");
	(void)fd_take(&fd);
	while ((found = io_next_entry(stream)))
		list_add(ret, found->d_name);
	(void)closedir(stream);
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(ret->items[0]), by_name);
	return 0;
}

/* One without these permissions could not be read, or emptied, even by its owner. */
static int open_directory(int dir, const char *name, mode_t mode, mode_t needed)
{
	if ((mode & needed) != needed && fchmodat(dir, name, (mode | needed) & 0777, 0) < 0)
		return -1;
	return openat(dir, name, DIRECTORY);
}

static int too_deep(const char *path, struct err *e)
{
	owned char *shown = path_shown(path);

	return err_set(e, ERR_REMOTE, "'%s': more than %d directories deep", shown,
		       TREE_DEPTH_MOST);
}

static int walk_directory(const struct walk *w, int dir, const char *path, unsigned depth,
			  struct err *e);

/* NOLINTNEXTLINE(misc-no-recursion): as deep as TREE_DEPTH_MOST. */
static int walk_entry(const struct walk *w, int dir, const char *name, const char *path,
		      unsigned depth, struct err *e)
{
	struct tree_entry t = { .dir = dir, .name = name, .path = path, .depth = depth };

	if (fstatat(dir, name, &t.st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "look at '%s'", path);
	if (w->take(&t, w->owner, e) < 0)
		return -1;
	if (!S_ISDIR(t.st.st_mode))
		return 0;
	owned_fd below = open_directory(dir, name, t.st.st_mode, S_IRUSR | S_IXUSR);
	if (below < 0)
		return errno == ENOENT ? 0 : err_sys(e, "open '%s'", path);
	if (walk_directory(w, below, path, depth + 1, e) < 0)
		return -1;
	t.leaving = true;
	return w->take(&t, w->owner, e);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as TREE_DEPTH_MOST. */
static int walk_directory(const struct walk *w, int dir, const char *path, unsigned depth,
			  struct err *e)
{
	struct list names = { 0 };
	int status = tree_list(dir, &names, e);

	if (status == 0 && depth > TREE_DEPTH_MOST)
		status = too_deep(path, e);
	for (size_t i = 0; i < names.count && status == 0; i++) {
		owned char *below = *path ? mem_format("%s/%s", path, names.items[i])
					  : mem_copy(names.items[i]);

		status = walk_entry(w, dir, names.items[i], below, depth, e);
	}
	list_clear(&names);
	return status;
}

int tree_walk(int root, int (*take)(const struct tree_entry *, void *owner, struct err *e),
	      void *owner, struct err *e)
{
	const struct walk w = { take, owner };

	return walk_directory(&w, root, "", 0, e);
}

/* What is being removed; directories too deep for our descriptors are moved to its top first. */
struct removal {
	int top;
	unsigned moved;
};

static int move_up(struct removal *r, int dir, const char *name)
{
	for (;;) {
		owned char *other = mem_format("..removed.%u", r->moved++);

		if (renameat(dir, name, r->top, other) == 0)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
			return -1;
	}
}

static int remove_entry(struct removal *r, int dir, const char *name, unsigned depth);

/* fd is closed. NOLINTNEXTLINE(misc-no-recursion): as deep as REMOVE_DEPTH_MOST. */
static int remove_content(struct removal *r, int fd, unsigned depth)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *found;
	int status = 0, failed = 0;

	if (!dir) {
		fd_close(&fd);
		return -1;
	}
	while ((found = io_next_entry(dir))) {
		if (remove_entry(r, dirfd(dir), found->d_name, depth) < 0) {
			status = -1;
			failed = errno;
		}
	}
	(void)closedir(dir);
	errno = failed;
	return status;
}

/* 1: it is a directory with something in it, *ret_fd. */
static int remove_one(int dir, const char *name, int *ret_fd)
{
	struct stat st;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return 0;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	*ret_fd = open_directory(dir, name, st.st_mode, S_IRWXU);
	return *ret_fd < 0 ? -1 : 1;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as REMOVE_DEPTH_MOST. */
static int remove_entry(struct removal *r, int dir, const char *name, unsigned depth)
{
	owned_fd fd = -1;
	int status = remove_one(dir, name, &fd);

	if (status <= 0)
		return status;
	if (depth == REMOVE_DEPTH_MOST)
		return move_up(r, dir, name);
	if (remove_content(r, fd_take(&fd), depth + 1) < 0)
		return -1;
	return unlinkat(dir, name, AT_REMOVEDIR);
}

int tree_remove(int dir, const char *name)
{
	owned_fd top = -1;
	int status = remove_one(dir, name, &top);
	struct removal r = { .top = top };

	if (status <= 0)
		return status;
	for (unsigned before = ~0U; before != r.moved;) {
		before = r.moved;
		if (remove_content(&r, openat(top, ".", DIRECTORY), 1) < 0)
			return -1;
	}
	return unlinkat(dir, name, AT_REMOVEDIR);
}
