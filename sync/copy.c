/* SPDX-License-Identifier: Apache-2.0 */
/* copy: see copy.h. */
#include "sync/copy.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/remote.h"
#include "sync/dress.h"
#include "sync/tally.h"
#include "sync/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define CHUNK ((size_t)128 * 1024)
#define SHARED_LEAST ((uint64_t)32 * 1024) /* docs/bench.md */
#define TICKS_MS 100 /* of a clock that files have their times from: 10 at most */
#define PATH_SHOWN 300

void copier_done(struct copier *c)
{
	digest_free(c->hash);
	free(c->buffer);
	*c = (struct copier){ 0 };
}

static void make_ready(struct copier *c)
{
	if (c->hash) {
		digest_reset(c->hash);
		return;
	}
	c->hash = digest_new();
	c->buffer = mem_resize(NULL, CHUNK, 1);
}

int copy_open(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static ssize_t read_once(int fd, void *bytes, size_t count)
{
	ssize_t got;

	do
		got = read(fd, bytes, count);
	while (got < 0 && errno == EINTR);
	return got;
}

int copy_bytes(struct copier *c, int fd, int to, uint64_t size, struct digest *ret, bool *ret_exact)
{
	uint64_t left = size + 1;
	size_t wanted, got;

	make_ready(c);
	do {
		wanted = left < CHUNK ? (size_t)left : CHUNK;
		ssize_t count = read_once(fd, c->buffer, wanted);

		if (count < 0)
			return -1;
		got = (size_t)count;
		if (c->tally)
			tally_add(c->tally, 0, got);
		digest_add(c->hash, c->buffer, got);
		if (to >= 0 && io_write(to, c->buffer, got) < 0)
			return -1;
		left -= got;
		/* A read that could have had more, and got all that was expected, was at the end.
		 */
	} while (got && left && !(left == 1 && got < wanted));
	*ret = digest_result(c->hash);
	*ret_exact = left == 1;
	return 0;
}

bool copy_is_unchanged(const struct stat *before, const struct stat *after)
{
	return before->st_size == after->st_size &&
	       before->st_mtim.tv_sec == after->st_mtim.tv_sec &&
	       before->st_mtim.tv_nsec == after->st_mtim.tv_nsec &&
	       before->st_ctim.tv_sec == after->st_ctim.tv_sec &&
	       before->st_ctim.tv_nsec == after->st_ctim.tv_nsec;
}

/* It has to agree with its seal, else with what the scan saw, which knows the inode. */
static int refuse_other(const struct tree *t, const struct entry *entry, struct err *e)
{
	return err_set(e, ERR_SYSTEM,
		       entry->inode ? "'%.*s' of the source changed while it was read"
				    : "'%.*s' of the source changed, or is not what its seal says",
		       PATH_SHOWN, tree_path(t, entry));
}

/*
 * Whether a change from now on would show, in comparison with *ret: not one by another machine, nor
 * one within the same tick of the clock as the last. What was mapped before is written out, and its
 * time set, by sharing.
 */
static bool shows_changes(int fd, struct stat *ret)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0 || fstat(fd, ret) < 0 || remote_name(fd))
		return false;
	return (now.tv_sec - ret->st_ctim.tv_sec) * 1000 +
		       (now.tv_nsec - ret->st_ctim.tv_nsec) / 1000000 >
	       TICKS_MS;
}

/*
 * Copied, or shared. What is hashed then is the source, which is mostly in memory, unless it may
 * have changed since: what it was is what to has, which nobody else can change.
 */
static int take_over(struct copier *c, int fd, const struct stat *st, int to, struct digest *ret,
		     bool *ret_exact)
{
	const uint64_t size = (uint64_t)st->st_size;
	struct stat before, after;

	if (to < 0 || size < SHARED_LEAST || st->st_dev == c->unshared)
		return copy_bytes(c, fd, to, size, ret, ret_exact);
	const bool shown = shows_changes(fd, &before);

	if (ioctl(to, FICLONE, fd) < 0) {
		c->unshared = st->st_dev;
		return copy_bytes(c, fd, to, size, ret, ret_exact);
	}
	if (shown && copy_bytes(c, fd, -1, size, ret, ret_exact) == 0 && *ret_exact &&
	    fstat(fd, &after) == 0 && copy_is_unchanged(&before, &after))
		return 0;
	return copy_bytes(c, to, -1, size, ret, ret_exact);
}

/* What was read has to be one version of the file, and the one that was asked for. */
static int read_source(struct copier *c, int fd, const struct stat *before, const struct tree *t,
		       struct entry *entry, int to, struct err *e)
{
	struct digest content;
	struct stat after;
	bool exact;

	/* Before much is read for nothing. */
	if ((uint64_t)before->st_size != entry->size ||
	    (entry->inode && before->st_ino != entry->inode))
		return refuse_other(t, entry, e);
	if (take_over(c, fd, before, to, &content, &exact) < 0)
		return err_sys(e, "%s '%.*s'", to < 0 ? "read" : "copy", PATH_SHOWN,
			       tree_path(t, entry));
	/* Whatever happened to it, these are the bytes that were wanted, or not. */
	if (entry_is_hashed(entry))
		return digest_equal(&content, &entry->content) ? 0 : refuse_other(t, entry, e);
	if (fstat(fd, &after) < 0)
		return err_sys(e, "stat '%.*s' of the source", PATH_SHOWN, tree_path(t, entry));
	if (!exact || !copy_is_unchanged(before, &after))
		return refuse_other(t, entry, e);
	entry->content = content;
	return 0;
}

int copy_source(struct copier *c, struct beneath *from, const struct tree *t, struct entry *entry,
		int to, struct err *e)
{
	const char *path = tree_path(t, entry), *name;
	int dir = beneath_parent(from, tree_source(t, entry), &name);
	owned_fd fd = dir < 0 ? -1 : copy_open(dir, name);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open '%.*s' of the source", PATH_SHOWN, path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_SYSTEM, "'%.*s' of the source is no longer a file",
			       PATH_SHOWN, path);
	return read_source(c, fd, &st, t, entry, to, e);
}

/* A game's file may be readable by others than its owner, who is us. */
static int open_others(int dir, const char *name)
{
	int fd = copy_open(dir, name);
	struct stat st;

	if (fd >= 0 || errno != EACCES || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode) || st.st_uid != geteuid())
		return fd;
	if (dress_chmod(dir, name, (st.st_mode & ENTRY_MODE_BITS) | 0400) < 0)
		return -1;
	fd = copy_open(dir, name);
	(void)dress_chmod(dir, name, st.st_mode & ENTRY_MODE_BITS);
	return fd;
}

bool copy_hash_of(struct copier *c, int dir, const char *name, struct digest *ret)
{
	owned_fd fd = open_others(dir, name);
	struct stat st;
	bool exact;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       copy_bytes(c, fd, -1, (uint64_t)st.st_size, ret, &exact) == 0 && exact;
}
