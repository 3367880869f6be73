/* SPDX-License-Identifier: Apache-2.0 */
/* source_archive: an archive on this machine, in the image or a volume. */
#include "base/fd.h"
#include "base/mem.h"
#include "base/text.h"
#include "fetch/parcel.h"
#include "fetch/source.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <sys/stat.h>

static int open_file(const char *path, struct stat *st, struct err *e)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, st) < 0) {
		(void)err_sys(e, "open '%s'", path);
		fd_close(&fd);
	} else if (!S_ISREG(st->st_mode)) {
		(void)err_set(e, ERR_SYSTEM, "'%s' is not a file", path);
		fd_close(&fd);
	}
	return fd;
}

/* Builds give all files the same time, and another image has files of the same size. */
static char *identity_of(const struct stat *st)
{
	return mem_format("%ju:%ju %jd %jd.%09ld %jd.%09ld", (uintmax_t)st->st_dev,
			  (uintmax_t)st->st_ino, (intmax_t)st->st_size,
			  (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
			  (intmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

/* What was checked and what was unpacked have to be the same. */
static int check_stayed(int fd, const char *identity, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at it");
	owned char *now = identity_of(&st);
	return text_is(now, identity) ? 0
				      : err_set(e, ERR_REMOTE, "it was changed while it was read");
}

static enum source_fill fill(struct fetch *f, int tree, struct err *e)
{
	const char *path = f->source->archive;
	const struct parcel parcel = { .name = text_last_part(path), .archive = true, .time = -1 };
	struct stat st = { 0 };
	owned_fd fd = open_file(path, &st, e);

	if (fd < 0)
		return SOURCE_FILL_FAILED;
	f->next.identity = identity_of(&st);
	if (f->known->identity && text_is(f->known->identity, f->next.identity))
		return parcel_check_key(f, e) < 0 ? (enum source_fill)err_in(e, "'%s'", path)
						  : SOURCE_AS_BEFORE;
	enum source_fill status = parcel_open(f, &parcel, fd, tree, e);
	if (status == SOURCE_FILLED && check_stayed(fd, f->next.identity, e) < 0)
		status = SOURCE_FILL_FAILED;
	if (status < 0)
		(void)err_in(e, "'%s'", path);
	else
		f->next.version = mem_format("sha256:%s", f->next.sha256);
	return status;
}

const struct source_kind kind_archive = {
	.name = "archive",
	.takes = "sha256 signature public-key most-ratio ca-file retries",
	.fill = fill,
};
