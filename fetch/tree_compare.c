/* SPDX-License-Identifier: Apache-2.0 */
/* tree_compare: tree_settle() and tree_copy(), see tree.h. */
#include "base/beneath.h"
#include "base/fd.h"
#include "base/io.h"
#include "fetch/tree.h"
#include "fetch/tree_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)32 * 1024)

struct settle {
	struct beneath older;
	uint64_t seen; /* names */
	bool same;
	bool links; /* what is the same; else it looks up to the first difference alone */
};

/* 1: yes; 0: no; -1 with errno. */
static int has_same_bytes(int a, int b)
{
	char left[CHUNK], right[CHUNK];

	for (;;) {
		ssize_t got = io_read(a, left, CHUNK), other = io_read(b, right, CHUNK);

		if (got < 0 || other < 0)
			return -1;
		if (got != other || memcmp(left, right, (size_t)got) != 0)
			return 0;
		if ((size_t)got < CHUNK)
			return 1;
	}
}

static int has_same_target(const struct tree_entry *t, int dir, const char *name)
{
	char left[PATH_MAX], right[PATH_MAX];
	ssize_t got = readlinkat(t->dir, t->name, left, sizeof(left));
	ssize_t other = readlinkat(dir, name, right, sizeof(right));

	if (got < 0 || other < 0)
		return -1;
	return got == other && memcmp(left, right, (size_t)got) == 0;
}

static int has_same_content(const struct tree_entry *t, int dir, const char *name,
			    const struct stat *older)
{
	if (S_ISDIR(older->st_mode))
		return 1;
	if (S_ISLNK(older->st_mode))
		return has_same_target(t, dir, name);
	if (older->st_ino == t->st.st_ino && older->st_dev == t->st.st_dev)
		return 1;
	if (older->st_size != t->st.st_size)
		return 0;
	owned_fd a = openat(t->dir, t->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	owned_fd b = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return a < 0 || b < 0 ? -1 : has_same_bytes(a, b);
}

/* Under another name first: there is always one of the two. */
static int link_older(const struct tree_entry *t, int dir, const char *name, struct err *e)
{
	static const char other[] = "..gs-fetch-link";

	if (linkat(dir, name, t->dir, other, 0) < 0) {
		/* Such as too many links: it stays a copy. */
		return 0;
	}
	if (renameat(t->dir, other, t->dir, t->name) < 0) {
		(void)err_sys(e, "replace '%s'", t->path);
		(void)unlinkat(t->dir, other, 0);
		return -1;
	}
	return 0;
}

static int settle_entry(const struct tree_entry *t, void *owner, struct err *e)
{
	struct settle *s = owner;
	struct stat older;
	const char *name;

	if (t->leaving || (!s->links && !s->same))
		return 0;
	s->seen++;
	int dir = beneath_parent(&s->older, t->path, &name);
	if (dir < 0 || fstatat(dir, name, &older, AT_SYMLINK_NOFOLLOW) < 0 ||
	    older.st_mode != t->st.st_mode) {
		s->same = false;
		return 0;
	}
	int same = has_same_content(t, dir, name, &older);
	if (same < 0)
		return err_sys(e, "compare '%s'", t->path);
	s->same &= same;
	if (!s->links || !same || !S_ISREG(older.st_mode) || older.st_ino == t->st.st_ino)
		return 0;
	return link_older(t, dir, name, e);
}

static int count_entry(const struct tree_entry *t, void *owner, struct err *e)
{
	(void)e;
	*(uint64_t *)owner += !t->leaving;
	return 0;
}

int tree_settle(int root, int older, bool *ret_same, struct err *e)
{
	struct settle s = { .older = beneath_init(older), .same = true };
	uint64_t there = 0;
	int status = tree_walk(root, settle_entry, &s, e);

	if (status == 0)
		status = tree_walk(older, count_entry, &there, e);
	*ret_same = s.same && s.seen == there;
	if (status == 0 && !*ret_same) {
		s.links = true;
		status = tree_walk(root, settle_entry, &s, e);
	}
	beneath_done(&s.older);
	return status;
}

static int copy_bytes(int from, int to)
{
	char bytes[CHUNK];

	for (;;) {
		ssize_t got = io_read(from, bytes, CHUNK);

		if (got < 0 || io_write(to, bytes, (size_t)got) < 0)
			return -1;
		if ((size_t)got < CHUNK)
			return 0;
	}
}

static int copy_file(const struct tree_entry *t, int dir, const char *name)
{
	owned_fd from = openat(t->dir, t->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	owned_fd to = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, t->st.st_mtim };

	if (from < 0 || to < 0 || copy_bytes(from, to) < 0)
		return -1;
	return fchmod(to, t->st.st_mode & 0777) < 0 ? -1 : futimens(to, times);
}

static int copy_link(const struct tree_entry *t, int dir, const char *name)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(t->dir, t->name, target, sizeof(target) - 1);

	if (length < 0)
		return -1;
	target[length] = '\0';
	return symlinkat(target, dir, name);
}

static int copy_entry(const struct tree_entry *t, void *owner, struct err *e)
{
	const char *name;
	int dir = beneath_parent(owner, t->path, &name), status;

	if (t->leaving)
		return 0;
	if (dir < 0)
		return err_sys(e, "copy '%s'", t->path);
	if (S_ISDIR(t->st.st_mode))
		status = mkdirat(dir, name, (t->st.st_mode & 0777) | S_IRWXU);
	else if (S_ISREG(t->st.st_mode))
		status = copy_file(t, dir, name);
	else if (S_ISLNK(t->st.st_mode))
		status = copy_link(t, dir, name);
	else
		return err_set(e, ERR_REMOTE, "'%s' is neither a file nor a directory", t->path);
	return status < 0 ? err_sys(e, "copy '%s'", t->path) : 0;
}

int tree_copy(int from, int to, struct err *e)
{
	struct beneath b = beneath_init(to);
	int status = tree_walk(from, copy_entry, &b, e);

	beneath_done(&b);
	return status;
}
