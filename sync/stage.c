/* SPDX-License-Identifier: Apache-2.0 */
/* stage: see stage.h. */
#include "sync/stage.h"

#include "base/beneath.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/remove.h"
#include "sync/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_CHUNK ((size_t)128 * 1024)

static int same_device(int a, int b)
{
	struct stat first, second;

	return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev;
}

int stage_open(struct stage *s, int state, int target, struct err *e)
{
	bool beside_state = same_device(state, target);
	struct stat st;

	s->parent = beside_state ? state : target;
	s->name = beside_state ? "stage" : STAGE_OTHER_NAME;
	s->keep_owner = geteuid() == 0;
	(void)remove_all(s->parent, s->name);
	if (mkdirat(s->parent, s->name, 0700) < 0)
		return err_sys(e, "make a directory for new files beside the target");
	s->dir = beneath_open(s->parent, s->name, O_RDONLY | O_DIRECTORY);
	if (s->dir < 0 || fstat(s->dir, &st) < 0)
		return err_sys(e, "open the directory for new files");
	s->device = st.st_dev;
	s->hash = digest_new();
	s->copy_buffer = mem_alloc(COPY_CHUNK);
	return 0;
}

void stage_close(struct stage *s)
{
	fd_close(&s->dir);
	if (s->parent >= 0)
		(void)remove_all(s->parent, s->name);
	s->parent = -1;
	digest_free(s->hash);
	s->hash = NULL;
	free(s->copy_buffer);
	s->copy_buffer = NULL;
}

const char *stage_name(unsigned number, char text[STAGE_NAME_SIZE])
{
	(void)snprintf(text, STAGE_NAME_SIZE, "%u", number);
	return text;
}

static bool unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Reads all of fd through the hash and, when to >= 0, into to. */
static int read_through(struct stage *s, int fd, int to)
{
	digest_reset(s->hash);
	for (;;) {
		ssize_t got = io_read(fd, s->copy_buffer, COPY_CHUNK);

		if (got < 0)
			return -1;
		digest_add(s->hash, s->copy_buffer, (size_t)got);
		if (to >= 0 && io_write(to, s->copy_buffer, (size_t)got) < 0)
			return -1;
		if ((size_t)got < COPY_CHUNK)
			return 0;
	}
}

static int read_source(struct stage *s, int source_root, struct entry *entry, int to, struct err *e)
{
	struct stat before, after;
	owned_fd fd = beneath_open(source_root, entry_source(entry), O_RDONLY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &before) < 0)
		return err_sys(e, "open '%s' of the source", entry->path);
	if (!S_ISREG(before.st_mode))
		return err_set(e, ERR_SYSTEM, "'%s' of the source is no longer a file",
			       entry->path);
	if (read_through(s, fd, to) < 0)
		return err_sys(e, "%s '%s'", to < 0 ? "read" : "copy", entry->path);
	if (fstat(fd, &after) < 0 || !unchanged(&before, &after) || before.st_ino != entry->inode ||
	    (uint64_t)after.st_size != entry->size)
		return err_set(e, ERR_SYSTEM, "'%s' of the source changed while it was read",
			       entry->path);
	entry->content = digest_result(s->hash);
	return 0;
}

int stage_hash(struct stage *s, int source_root, struct entry *entry, struct err *e)
{
	return read_source(s, source_root, entry, -1, e);
}

int stage_chmod(int dir, const char *name, mode_t mode)
{
	return fchmodat(dir, name, mode, AT_SYMLINK_NOFOLLOW);
}

/* A game's file may be readable by others than its owner, who is us. */
static int open_to_read(int dir, const char *name)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(dir, name, flags);
	struct stat st;

	if (fd >= 0 || errno != EACCES || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode) || st.st_uid != geteuid())
		return fd;
	if (stage_chmod(dir, name, (st.st_mode & ENTRY_MODE_BITS) | 0400) < 0)
		return -1;
	fd = openat(dir, name, flags);
	(void)stage_chmod(dir, name, st.st_mode & ENTRY_MODE_BITS);
	return fd;
}

bool stage_hash_of(struct stage *s, int dir, const char *name, struct digest *ret)
{
	owned_fd fd = open_to_read(dir, name);

	if (fd < 0 || read_through(s, fd, -1) < 0)
		return false;
	*ret = digest_result(s->hash);
	return true;
}

/* Giving a file away needs CAP_CHOWN, which a container's root often lacks. */
static int give_away(struct stage *s, int dir, const char *name, const struct entry *entry)
{
	if (!s->keep_owner)
		return 0;
	if (fchownat(dir, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno != EPERM && errno != EINVAL)
		return -1;
	s->keep_owner = false;
	s->owner_lost = true;
	return 0;
}

/* Nobody else can change what is in the stage, and the safe way takes four calls. */
static int chmod_one(const struct stage *s, int dir, const char *name, mode_t mode)
{
	return dir == s->dir ? fchmodat(dir, name, mode, 0) : stage_chmod(dir, name, mode);
}

int stage_dress(struct stage *s, int dir, const char *name, const struct entry *entry,
		struct err *e)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, entry->mtime };

	/* Owner first: chown(2) clears the set-id bits. */
	if (give_away(s, dir, name, entry) < 0 ||
	    (entry->type != ENTRY_LINK && chmod_one(s, dir, name, entry->mode) < 0) ||
	    utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "set owner, mode and time of '%s'", entry->path);
	return 0;
}

int stage_file(struct stage *s, int source_root, struct entry *entry, unsigned *ret, struct err *e)
{
	char name[STAGE_NAME_SIZE];
	unsigned number = s->next++;
	owned_fd fd = openat(s->dir, stage_name(number, name),
			     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(e, "make a new file for '%s'", entry->path);
	if (read_source(s, source_root, entry, fd, e) < 0 ||
	    stage_dress(s, s->dir, name, entry, e) < 0)
		return -1;
	*ret = number;
	return 0;
}

int stage_link(struct stage *s, const struct entry *entry, unsigned *ret, struct err *e)
{
	char name[STAGE_NAME_SIZE];
	unsigned number = s->next++;

	if (symlinkat(entry->link, s->dir, stage_name(number, name)) < 0)
		return err_sys(e, "make a new link for '%s'", entry->path);
	if (stage_dress(s, s->dir, name, entry, e) < 0)
		return -1;
	*ret = number;
	return 0;
}

int stage_hard_link(struct stage *s, int dir, const char *name, unsigned *ret, struct err *e)
{
	char new_name[STAGE_NAME_SIZE];
	unsigned number = s->next++;

	if (linkat(dir, name, s->dir, stage_name(number, new_name), 0) < 0)
		return err_sys(e, "make a hard link to '%s'", name);
	*ret = number;
	return 0;
}

int stage_take_away(struct stage *s, int dir, const char *name, struct err *e)
{
	char new_name[STAGE_NAME_SIZE];

	(void)stage_name(s->next++, new_name);
	if (renameat(dir, name, s->dir, new_name) == 0)
		return 0;
	/* Moving a directory changes its "..", for which it has to be writable. */
	if (errno == EACCES && stage_chmod(dir, name, 0700) == 0 &&
	    renameat(dir, name, s->dir, new_name) == 0)
		return 0;
	/* A mount of its own below the target cannot be left by a rename; what is there is ours. */
	if (errno == EXDEV && remove_all(dir, name) == 0)
		return 0;
	return err_sys(e, "move '%s' out of the way", name);
}
