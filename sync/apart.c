/* SPDX-License-Identifier: Apache-2.0 */
/* apart: see apart.h. */
#include "sync/apart.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* By device and inode of every directory upwards, so that links and bind mounts do not fool it. */
static bool is_inside(int inner, int outer)
{
	owned_fd at = openat(inner, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat wanted, st;
	ino_t last = 0;
	dev_t last_device = 0;

	if (at < 0 || fstat(outer, &wanted) < 0)
		return false;
	while (fstat(at, &st) == 0 && (st.st_ino != last || st.st_dev != last_device)) {
		if (st.st_ino == wanted.st_ino && st.st_dev == wanted.st_dev)
			return true;
		last = st.st_ino;
		last_device = st.st_dev;
		int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			return false;
		fd_close(&at);
		at = up;
	}
	return false;
}

/* The directory itself, or the one it would be made in. */
static int open_or_parent(const char *path)
{
	owned char *copy = mem_copy(path);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	return open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Before anything is made: a refusal leaves no directory behind. */
static int check_outside(const struct apart *a, const char *what, const char *path, struct err *e)
{
	owned_fd place = open_or_parent(path);

	if (place >= 0 && is_inside(place, a->source))
		return err_set(e, ERR_USAGE, "%s '%s' lies in source '%s'", what, path, a->spec);
	return 0;
}

int apart_check(const struct apart *a, struct err *e)
{
	owned_fd target = open(a->target, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (check_outside(a, "target", a->target, e) < 0 ||
	    check_outside(a, "state directory", a->state, e) < 0)
		return -1;
	if (target >= 0 && is_inside(a->source, target))
		return err_set(e, ERR_USAGE, "source '%s' lies in target '%s'", a->spec, a->target);
	return 0;
}
