/* SPDX-License-Identifier: Apache-2.0 */
/* remove: see remove.h. */
#include "sync/remove.h"

#include "base/text.h"
#include "sync/dress.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* NOLINTNEXTLINE(misc-no-recursion): with remove_all() */
static int remove_content(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *found;
	int status = 0;

	if (!dir) {
		(void)close(fd);
		return -1;
	}
	while ((found = readdir(dir)))
		if (!text_is(found->d_name, ".") && !text_is(found->d_name, "..") &&
		    remove_all(dirfd(dir), found->d_name) < 0)
			status = -1;
	int kept = errno;
	(void)closedir(dir);
	errno = kept;
	return status;
}

/* A directory without these permissions could not be emptied even by its owner. */
static int open_to_empty(int dir, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir, name, flags);

	if (fd < 0 && errno == EACCES && dress_chmod(dir, name, 0700) == 0)
		fd = openat(dir, name, flags);
	if (fd >= 0)
		(void)fchmod(fd, 0700);
	return fd;
}

/* What is mounted there was not put there by us. */
static bool is_mount(int dir, int fd)
{
	struct stat outer, inner;

	return fstat(dir, &outer) < 0 || fstat(fd, &inner) < 0 || outer.st_dev != inner.st_dev;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as PATH_MAX lets a tree of ours be. */
int remove_all(int dir, const char *name)
{
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return 0;

	int fd = open_to_empty(dir, name);
	if (fd >= 0 && is_mount(dir, fd)) {
		(void)close(fd);
		errno = EBUSY;
		return -1;
	}
	if (fd < 0 || remove_content(fd) < 0)
		return -1;
	return unlinkat(dir, name, AT_REMOVEDIR);
}
