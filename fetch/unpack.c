/* SPDX-License-Identifier: Apache-2.0 */
/* unpack: the only file that sees libarchive, which reads formats and nothing else. */
#include "fetch/unpack.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "fetch/growing.h"
#include "fetch/packed.h"
#include "fetch/path.h"
#include "fetch/plant.h"
#include "fetch/planter.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Above what this process has: for lists that an archive can make libarchive keep. A tar needs
 * none, a zip about 200 bytes for each entry.
 */
#define MEMORY_MOST ((rlim_t)64 << 20)
#define MEMORY_OF_SANITIZERS ((rlim_t)1 << 40) /* with their shadow, where no limit is possible */

struct job {
	struct archive *reader;
	struct packed *packed;
	struct ratio ratio; /* of what is read */
	struct planter *planter;
	const char *entry; /* its name, while its content is read; NULL: none is */
	const char *piece; /* that was read last */
	size_t piece_size;
	uint64_t pieces;
	int64_t deadline;
	struct err *e; /* set by a callback when it fails */
	bool failed;   /* a callback has */
};

struct unpack_limits unpack_usual_limits(void)
{
	return (struct unpack_limits){ UNPACK_BYTES_MOST, UNPACK_FILES_MOST, UNPACK_RATIO_MOST };
}

bool unpack_is_name(const char *name)
{
	static const char *const endings[] = { ".tar",     ".tar.gz", ".tgz",
					       ".tar.zst", ".tzst",   ".zip" };

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (text_ends(name, endings[i]))
			return true;
	return false;
}

/* ---- what libarchive reads ---- */

static int check_time(const struct job *j, struct err *e)
{
	if (j->deadline && clock_ms() > j->deadline)
		return err_set(e, ERR_DEADLINE, "the time was over while it was unpacked");
	return 0;
}

static int check_ratio(struct job *j, struct err *e)
{
	return packed_is(j->packed) ? ratio_check(&j->ratio, packed_total(j->packed), e) : 0;
}

static void release(void *packed)
{
	packed_release(packed);
}

/*
 * A thread is worth it when there are several, and unpacking takes a CPU of its own: of what is not
 * packed, who sends and who receives it already use another one.
 */
static int leave_piece(struct job *j)
{
	if (!j->piece || !packed_is(j->packed))
		return 0;
	if (j->pieces > 1 && j->piece_size)
		planter_start(j->planter, j->entry);
	return planter_tell(j->planter, release, j->packed);
}

/* What libarchive has put together from two pieces is in none. */
static bool is_in_piece(const struct job *j, const char *bytes)
{
	return bytes >= j->piece && bytes < j->piece + j->piece_size;
}

static la_ssize_t on_read(struct archive *reader, void *owner, const void **ret)
{
	struct job *j = owner;

	(void)reader;
	ssize_t got = leave_piece(j) < 0 ? -1 : packed_read(j->packed, ret, j->e);
	if (got >= 0) {
		j->piece = *ret;
		j->piece_size = (size_t)got;
		j->pieces += got > 0;
		if (check_time(j, j->e) == 0 && check_ratio(j, j->e) == 0)
			return got;
	}
	j->failed = true;
	archive_set_error(reader, EIO, "unreadable");
	return ARCHIVE_FATAL;
}

static la_int64_t on_seek(struct archive *reader, void *owner, la_int64_t offset, int whence)
{
	struct job *j = owner;
	int64_t at = packed_seek(j->packed, offset, whence);

	(void)reader;
	return at < 0 ? ARCHIVE_FATAL : at;
}

/* A tar may have further ones behind it, as `cat` makes. To be known as a zip it has to be there to
 * its end. */
static int open_reader(struct job *j)
{
	struct archive *a = j->reader;
	bool zip = packed_can_seek(j->packed);

	if (archive_read_support_format_tar(a) < ARCHIVE_WARN ||
	    (zip && archive_read_support_format_zip_seekable(a) < ARCHIVE_WARN) ||
	    archive_read_set_format_option(a, "tar", "read_concatenated_archives", "1") !=
		    ARCHIVE_OK ||
	    archive_read_set_read_callback(a, on_read) != ARCHIVE_OK ||
	    (zip && archive_read_set_seek_callback(a, on_seek) != ARCHIVE_OK) ||
	    archive_read_set_callback_data(a, j) != ARCHIVE_OK)
		return -1;
	return archive_read_open1(a) == ARCHIVE_OK ? 0 : -1;
}

/* ---- entries ---- */

static struct plant_look look_of(struct archive_entry *entry)
{
	struct plant_look look = {
		.mode = archive_entry_perm(entry),
		.mtime = { .tv_sec = archive_entry_mtime(entry),
			   .tv_nsec = archive_entry_mtime_nsec(entry) },
	};

	if (!archive_entry_mtime_is_set(entry))
		look.mtime.tv_nsec = UTIME_OMIT;
	return look;
}

/* libarchive's own words for what is wrong with an archive. */
static int damaged(struct job *j, struct err *e)
{
	const char *why = archive_error_string(j->reader);

	if (j->failed)
		return -1;
	if (archive_errno(j->reader) == ENOMEM)
		return err_set(e, ERR_REMOTE, "reading it would take too much memory");
	return err_set(e, ERR_REMOTE, "it is damaged: %.*s",
		       (int)strcspn(why ? why : "unreadable", "\n"), why ? why : "unreadable");
}

static int read_content(struct job *j, struct err *e)
{
	for (;;) {
		const void *bytes;
		size_t count;
		la_int64_t offset;
		int status = archive_read_data_block(j->reader, &bytes, &count, &offset);

		if (status == ARCHIVE_EOF)
			return 0;
		if (status != ARCHIVE_OK)
			return damaged(j, e);
		if (offset < 0)
			return err_set(e, ERR_REMOTE, "it is damaged: an offset is negative");
		if (planter_write(j->planter, bytes, count, (uint64_t)offset, is_in_piece(j, bytes),
				  e) < 0)
			return -1;
	}
}

static int unpack_content(struct job *j, const char *name, struct err *e)
{
	j->entry = name;
	int status = read_content(j, e);
	j->entry = NULL;
	return status;
}

static int unpack_file(struct job *j, struct archive_entry *entry, const char *name, struct err *e)
{
	const struct plant_look look = look_of(entry);
	int64_t size = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;

	if (size < 0)
		return err_set(e, ERR_REMOTE, "it is damaged: its size is negative");
	if (planter_file(j->planter, name, (uint64_t)size, e) < 0 ||
	    unpack_content(j, name, e) < 0 ||
	    planter_write(j->planter, "", 0, (uint64_t)size, true, e) < 0)
		return -1;
	return planter_file_end(j->planter, &look, e);
}

static const char *type_name(unsigned type)
{
	return type == AE_IFCHR || type == AE_IFBLK ? "a device"
	       : type == AE_IFIFO                   ? "a pipe"
	       : type == AE_IFSOCK                  ? "a socket"
						    : "of an unknown type";
}

static int unpack_entry(struct job *j, struct archive_entry *entry, const char *name, struct err *e)
{
	const struct plant_look look = look_of(entry);
	const char *hard_link = archive_entry_hardlink(entry);
	const char *target = archive_entry_symlink(entry);
	unsigned type = archive_entry_filetype(entry);

	if (archive_entry_is_encrypted(entry))
		return err_set(e, ERR_REMOTE, "it is encrypted");
	if (hard_link)
		return planter_hard_link(j->planter, name, hard_link, e);
	if (type == AE_IFDIR)
		return planter_directory(j->planter, name, &look, e);
	if (type == AE_IFLNK)
		return planter_symlink(j->planter, name, target ? target : "", &look, e);
	if (type == AE_IFREG)
		return unpack_file(j, entry, name, e);
	return err_set(e, ERR_REMOTE, "it is %s", type_name(type));
}

/* A tar that was cut between two files reads well to its end, but has no end. */
static int check_end(const struct job *j, struct err *e)
{
	bool is_tar = (archive_format(j->reader) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;

	if (is_tar && archive_filter_bytes(j->reader, 0) <= archive_read_header_position(j->reader))
		return err_set(e, ERR_REMOTE, "it is cut: its end is missing");
	return 0;
}

/* What ends a zip is what it is known by. */
static int unknown(struct job *j, struct err *e)
{
	if (j->failed)
		return -1;
	if (packed_begins_as_zip(j->packed))
		return err_set(e, ERR_REMOTE, "it is cut: the end of the zip is missing");
	return err_set(e, ERR_REMOTE, "it is no tar, tar.gz, tar.zst or zip");
}

/* Unless it was the planter's, which says so itself. */
static int in_entry(const char *name, struct err *e)
{
	owned char *shown = path_shown(name);

	return e->kind ? err_in(e, "'%s'", shown) : -1;
}

static int unpack_all(struct job *j, struct err *e)
{
	struct archive_entry *entry;

	if (open_reader(j) < 0)
		return unknown(j, e);
	for (;;) {
		int status = archive_read_next_header(j->reader, &entry);

		if (status == ARCHIVE_EOF)
			return check_end(j, e);
		if (status != ARCHIVE_OK)
			return damaged(j, e);
		const char *name = archive_entry_pathname(entry);
		if (!name)
			return err_set(e, ERR_REMOTE, "the name of an entry is unreadable");
		if (unpack_entry(j, entry, name, e) < 0)
			return in_entry(name, e);
	}
}

/* ---- memory ---- */

/* What counts against RLIMIT_DATA, the sixth number; 0: /proc does not say. */
static rlim_t memory_now(void)
{
	owned_buf b = BUF_INIT(1024);
	struct err ignored;
	char *at;

	if (io_read_file(AT_FDCWD, "/proc/self/statm", &b, &ignored) < 0)
		return 0;
	at = b.data;
	for (int i = 0; i < 5; i++)
		(void)strtoull(at, &at, 10);
	return (rlim_t)strtoull(at, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* The limit that was there before, for setrlimit(). */
static struct rlimit limit_memory(void)
{
	rlim_t now = memory_now();
	struct rlimit before = { RLIM_INFINITY, RLIM_INFINITY };

	(void)getrlimit(RLIMIT_DATA, &before);
	struct rlimit limit = { now + MEMORY_MOST, before.rlim_max };
	if (now && now < MEMORY_OF_SANITIZERS && limit.rlim_cur < before.rlim_cur)
		(void)setrlimit(RLIMIT_DATA, &limit);
	return before;
}

static int read_all(struct job *j, struct err *e)
{
	if (!j->packed)
		return -1;
	j->reader = archive_read_new();
	int status = j->reader ? unpack_all(j, e) : err_set(e, ERR_SYSTEM, "out of memory");
	(void)archive_read_free(j->reader);
	return status;
}

static int unpack_sized(int archive, struct growing *growing, uint64_t size, int directory,
			const struct unpack_limits *most, int64_t deadline,
			struct unpack_counts *ret, struct err *e)
{
	struct plant plant = plant_init(directory, most, size, growing);
	struct job j = {
		.packed = packed_open(archive, growing, e),
		.ratio = { most->ratio, size, growing },
		.planter = planter_new(&plant),
		.deadline = deadline,
		.e = e,
	};
	int status = read_all(&j, e);

	/* What it was about came before what the reader may have failed for. */
	if (planter_end(j.planter, e) < 0)
		status = -1;
	if (status == 0)
		status = plant_end(&plant, e);
	plant_done(&plant);
	packed_free(j.packed);
	*ret = plant.counts;
	return status;
}

int unpack_growing(int archive, struct growing *growing, const char *name, int directory,
		   const struct unpack_limits *most, int64_t deadline, struct unpack_counts *ret,
		   struct err *e)
{
	struct stat st;

	if (fstat(archive, &st) < 0)
		return err_sys(e, "'%s'", name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_SYSTEM, "'%s' is not a file", name);
	/* Where nobody says what has failed, the planter will. */
	*e = (struct err){ 0 };
	const struct rlimit before = limit_memory();
	uint64_t size = (uint64_t)(growing ? growing_length(growing) : st.st_size);
	int status = unpack_sized(archive, growing, size, directory, most, deadline, ret, e);
	(void)setrlimit(RLIMIT_DATA, &before);
	return status < 0 ? err_in(e, "'%s'", name) : 0;
}

int unpack(int archive, const char *name, int directory, const struct unpack_limits *most,
	   int64_t deadline, struct unpack_counts *ret, struct err *e)
{
	return unpack_growing(archive, NULL, name, directory, most, deadline, ret, e);
}
