/* SPDX-License-Identifier: Apache-2.0 */
/* obstacle: see obstacle.h. */
#include "sync/obstacle.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "sync/plan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 5.8; before that a bind mount of the same filesystem is found when it refuses to go. */
bool obstacle_is_mount(int dir, const char *name)
{
	const int flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
	struct stat inner, outer;
	struct statx sx;

	if (syscall(SYS_statx, dir, name, flags, STATX_TYPE, &sx) == 0 &&
	    (sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
		return sx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return fstatat(dir, name, &inner, flags) == 0 &&
	       fstatat(dir, *name ? "." : "..", &outer, 0) == 0 && inner.st_dev != outer.st_dev;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

static bool is_directory(int dir, const struct dirent *found)
{
	struct stat st;

	if (found->d_type != DT_UNKNOWN)
		return found->d_type == DT_DIR;
	return fstatat(dir, found->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/*
 * A directory of the target may give way to a file only when all it holds is ours: its content
 * goes with it.
 */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as PATH_MAX lets a tree be. */
static int all_ours(const struct plan *p, int root, const char *folder, const char *wanted,
		    struct err *e)
{
	int fd = beneath_open(root, folder, O_RDONLY | O_DIRECTORY);
	DIR *dir __attribute__((cleanup(close_dir))) = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *found;

	if (!dir) {
		(void)err_sys(e, "open '%s' in the target", folder);
		fd_close(&fd);
		return -1;
	}
	while ((found = io_next_entry(dir))) {
		owned char *path = mem_format("%s/%s", folder, found->d_name);
		if (!plan_owns(p, path))
			return err_set(
				e, ERR_SYSTEM,
				"'%s' in the target is not ours, and '%s' has to be replaced: "
				"move it away",
				path, wanted);
		if (is_directory(dirfd(dir), found) && all_ours(p, root, path, wanted, e) < 0)
			return -1;
	}
	return errno ? err_sys(e, "read '%s' in the target", folder) : 0;
}

int obstacle_check(struct plan *p, size_t i, struct beneath *target, const struct stat *st,
		   struct err *e)
{
	const char *path = tree_path(&p->tree, &p->tree.entries[i]), *name;
	int dir = beneath_parent(target, path, &name);

	if (dir >= 0 && obstacle_is_mount(dir, name))
		return err_set(e, ERR_SYSTEM,
			       "'%s' in the target is a mount of its own and cannot be replaced: "
			       "unmount it, or leave it out of the source",
			       path);
	p->steps[i].foreign = !plan_owns(p, path);
	if (p->steps[i].foreign && p->foreign_stays)
		return 0;
	return S_ISDIR(st->st_mode) ? all_ours(p, target->root, path, path, e) : 0;
}

int obstacle_check_again(const struct plan *p, int target, const char *path, struct err *e)
{
	return all_ours(p, target, path, path, e);
}
