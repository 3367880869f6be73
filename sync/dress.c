/* SPDX-License-Identifier: Apache-2.0 */
/* dress: see dress.h. */
#include "sync/dress.h"

#include "sync/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void owners_init(struct owners *o)
{
	atomic_init(&o->keep, geteuid() == 0);
	atomic_init(&o->lost, false);
}

/* 0 also when this process turns out not to be allowed to. */
static int settle_owner(struct owners *o, int status)
{
	if (status == 0 || (errno != EPERM && errno != EINVAL))
		return status;
	o->keep = false;
	o->lost = true;
	return 0;
}

static bool fits_owner(struct owners *o, const struct entry *entry, const struct stat *st)
{
	return !o->keep || (st->st_uid == entry->uid && st->st_gid == entry->gid);
}

static bool fits_mode(const struct entry *entry, const struct stat *st)
{
	return entry->type == ENTRY_LINK || (st->st_mode & ENTRY_MODE_BITS) == entry->mode;
}

bool dress_fits(struct owners *o, const struct entry *entry, const struct stat *st)
{
	return fits_owner(o, entry, st) && fits_mode(entry, st) && entry_has_time(entry, st);
}

static void times_of(const struct entry *entry, struct timespec ret[2])
{
	ret[0] = (struct timespec){ .tv_nsec = UTIME_OMIT };
	ret[1] = (struct timespec){ .tv_sec = entry->seconds, .tv_nsec = entry->nanoseconds };
}

int dress_new_file(struct owners *o, int fd, const struct entry *entry)
{
	struct timespec times[2];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	/* Owner first: chown(2) clears the set-id bits. */
	if (!fits_owner(o, entry, &st)) {
		if (settle_owner(o, fchown(fd, entry->uid, entry->gid)) < 0)
			return -1;
		st.st_mode &= ~(mode_t)06000;
	}
	if (!fits_mode(entry, &st) && fchmod(fd, entry->mode) < 0)
		return -1;
	times_of(entry, times);
	return futimens(fd, times);
}

int dress_chmod(int dir, const char *name, mode_t mode)
{
	return fchmodat(dir, name, mode, AT_SYMLINK_NOFOLLOW);
}

int dress_name(struct owners *o, int dir, const char *name, const struct entry *entry)
{
	struct timespec times[2];

	times_of(entry, times);
	if (o->keep &&
	    settle_owner(o, fchownat(dir, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW)) < 0)
		return -1;
	if (entry->type != ENTRY_LINK && dress_chmod(dir, name, entry->mode) < 0)
		return -1;
	return utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
}
