/* SPDX-License-Identifier: Apache-2.0 */
/* plant: see plant.h. */
#include "fetch/plant.h"

#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct plant plant_init(int root, const struct unpack_limits *most, uint64_t packed,
			struct growing *growing)
{
	return (struct plant){
		.root = root,
		.most = *most,
		.ratio = { most->ratio, packed, growing },
		.targets = beneath_init(root),
		.file = -1,
	};
}

/* ---- limits ---- */

static int check_bytes(struct plant *p, uint64_t more, struct err *e)
{
	if (more > p->most.bytes || p->counts.bytes > p->most.bytes - more)
		return err_set(e, ERR_REMOTE, "the archive unpacks to more than %" PRIu64 " bytes",
			       p->most.bytes);
	return ratio_check(&p->ratio, p->counts.bytes + more, e);
}

static int count_one(struct plant *p, uint64_t *what, struct err *e)
{
	const struct unpack_counts *c = &p->counts;

	if (c->files + c->directories + c->links >= p->most.files)
		return err_set(e, ERR_REMOTE,
			       "the archive has more than %" PRIu64 " files, directories and links",
			       p->most.files);
	++*what;
	return 0;
}

/* ---- directories ---- */

static int top(const struct plant *p)
{
	return p->depth ? p->levels[p->depth - 1].fd : p->root;
}

static int set_times(int fd, struct timespec mtime)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, mtime };

	return futimens(fd, times);
}

static int leave(struct plant *p, struct err *e)
{
	struct plant_level *l = &p->levels[--p->depth];
	owned_fd fd = fd_take(&l->fd);

	if (fchmod(fd, l->mode) < 0 || set_times(fd, l->mtime) < 0)
		return err_sys(e, "directory '%.*s'", (int)l->end, p->path);
	return 0;
}

/* One that was there before keeps how it looks, but has to be writable meanwhile. */
static int look_at(struct plant_level *l)
{
	struct stat st;

	if (fstat(l->fd, &st) < 0)
		return -1;
	l->mode = st.st_mode & 0777;
	l->mtime = st.st_mtim;
	return l->mode & S_IWUSR ? 0 : fchmod(l->fd, l->mode | S_IWUSR);
}

static int open_level(struct plant *p, const char *part, struct plant_level *l, struct err *e)
{
	bool is_new = mkdirat(top(p), part, 0700) == 0;

	if (!is_new && errno != EEXIST)
		return err_sys(e, "make directory '%s'", part);
	l->fd = openat(top(p), part, DIRECTORY);
	if (l->fd < 0 && !is_new && (errno == ENOTDIR || errno == ELOOP))
		return err_set(e, ERR_REMOTE, "'%s' in its name is a file or link of the archive",
			       part);
	if (l->fd < 0)
		return err_sys(e, "open directory '%s'", part);
	l->mode = 0755;
	l->mtime.tv_nsec = UTIME_OMIT;
	if (is_new ? count_one(p, &p->counts.directories, e) < 0 : look_at(l) < 0) {
		fd_close(&l->fd);
		if (!is_new)
			return err_sys(e, "directory '%s'", part);
		(void)unlinkat(top(p), part, AT_REMOVEDIR);
		return -1;
	}
	return 0;
}

static int enter(struct plant *p, const char *path, size_t from, size_t end, struct err *e)
{
	owned char *part = mem_copy_part(path + from, end - from);
	struct plant_level *l = &p->levels[p->depth];

	if (open_level(p, part, l, e) < 0)
		return -1;
	memcpy(p->path, path, end);
	p->path[end] = '\0';
	l->end = end;
	p->depth++;
	return 0;
}

static bool is_below(const struct plant *p, const char *path, size_t length)
{
	size_t end = p->levels[p->depth - 1].end;

	return end <= length && !memcmp(p->path, path, end) && (end == length || path[end] == '/');
}

/* The current path becomes the first length bytes of path. */
static int go_to(struct plant *p, const char *path, size_t length, struct err *e)
{
	while (p->depth && !is_below(p, path, length))
		if (leave(p, e) < 0)
			return -1;
	size_t at = p->depth ? p->levels[p->depth - 1].end : 0;
	while (at < length) {
		size_t from = at ? at + 1 : 0, end = from + strcspn(path + from, "/");

		if (enter(p, path, from, end, e) < 0)
			return -1;
		at = end;
	}
	return 0;
}

/* Goes where the entry is to be; its path on the heap, and its last part in *ret_last. */
static char *prepare(struct plant *p, const char *name, const char **ret_last, struct err *e)
{
	owned char *path = path_sound(name, e);

	if (!path)
		return NULL;
	if (!*path) {
		(void)err_set(e, ERR_REMOTE, "its name is '.', but it is no directory");
		return NULL;
	}
	*ret_last = text_last_part(path);
	size_t length = *ret_last > path ? (size_t)(*ret_last - path) - 1 : 0;
	return go_to(p, path, length, e) < 0 ? NULL : mem_take(path);
}

/* Its owner can always read it: else nobody could sync it. */
int plant_directory(struct plant *p, const char *name, const struct plant_look *look, struct err *e)
{
	owned char *path = path_sound(name, e);

	if (!path)
		return -1;
	if (!*path)
		return 0;
	if (go_to(p, path, strlen(path), e) < 0)
		return -1;
	p->levels[p->depth - 1].mode = (look->mode & 0777) | 0500;
	p->levels[p->depth - 1].mtime = look->mtime;
	return 0;
}

int plant_end(struct plant *p, struct err *e)
{
	while (p->depth)
		if (leave(p, e) < 0)
			return -1;
	return 0;
}

void plant_done(struct plant *p)
{
	while (p->depth)
		fd_close(&p->levels[--p->depth].fd);
	fd_close(&p->file);
	beneath_done(&p->targets);
}

/* ---- links ---- */

static int cannot_make(const char *what, struct err *e)
{
	if (errno == EEXIST)
		return err_set(e, ERR_REMOTE, "the archive has it twice");
	return err_sys(e, "make the %s", what);
}

int plant_symlink(struct plant *p, const char *name, const char *target,
		  const struct plant_look *look, struct err *e)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, look->mtime };
	const char *last;
	owned char *path = prepare(p, name, &last, e);

	if (!path)
		return -1;
	if (!path_link_stays(target, p->depth)) {
		owned char *shown = path_shown(target);

		return err_set(e, ERR_REMOTE, "it is a link to '%s', which leads out", shown);
	}
	if (count_one(p, &p->counts.links, e) < 0)
		return -1;
	if (symlinkat(target, top(p), last) < 0)
		return cannot_make("link", e);
	/* Not every filesystem keeps times of links. */
	(void)utimensat(top(p), last, times, AT_SYMLINK_NOFOLLOW);
	return 0;
}

/* A symbolic link must not be moved to where it leads elsewhere. */
static int find_target(struct plant *p, const char *target, int *ret_dir, const char **ret_last,
		       uint64_t *ret_size, struct err *e)
{
	struct stat st;

	*ret_dir = beneath_parent(&p->targets, target, ret_last);
	if (*ret_dir < 0 || fstatat(*ret_dir, *ret_last, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode)) {
		owned char *shown = path_shown(target);

		return err_set(e, ERR_REMOTE,
			       "it is a hard link to '%s', which is no file that came before it",
			       shown);
	}
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

int plant_hard_link(struct plant *p, const char *name, const char *target, struct err *e)
{
	owned char *from = path_sound(target, e);
	const char *last, *from_last;
	uint64_t size;
	int dir;

	if (!from) {
		owned char *shown = path_shown(target);

		return err_in(e, "it is a hard link to '%s'", shown);
	}
	owned char *path = prepare(p, name, &last, e);
	if (!path || find_target(p, from, &dir, &from_last, &size, e) < 0 ||
	    count_one(p, &p->counts.links, e) < 0 || check_bytes(p, size, e) < 0)
		return -1;
	if (linkat(dir, from_last, top(p), last, 0) < 0)
		return cannot_make("hard link", e);
	p->counts.bytes += size;
	return 0;
}

/* ---- files ---- */

int plant_file(struct plant *p, const char *name, uint64_t size, struct err *e)
{
	const char *last;
	owned char *path = prepare(p, name, &last, e);

	if (!path || check_bytes(p, size, e) < 0 || count_one(p, &p->counts.files, e) < 0)
		return -1;
	p->file = openat(top(p), last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	p->file_end = p->written = 0;
	return p->file < 0 ? cannot_make("file", e) : 0;
}

/* Nothing lies between the pieces: a hole, which counts. */
static int grow(struct plant *p, uint64_t end, struct err *e)
{
	if (end <= p->file_end)
		return 0;
	if (check_bytes(p, end - p->file_end, e) < 0)
		return -1;
	p->counts.bytes += end - p->file_end;
	p->file_end = end;
	return 0;
}

int plant_write(struct plant *p, const void *bytes, size_t count, uint64_t offset, struct err *e)
{
	if (offset > INT64_MAX - count)
		return err_set(e, ERR_REMOTE, "it is larger than any file");
	if (grow(p, offset + count, e) < 0)
		return -1;
	if (io_write_at(p->file, bytes, count, (off_t)offset) < 0)
		return err_sys(e, "write");
	p->written = count ? offset + count : p->written;
	return 0;
}

int plant_file_end(struct plant *p, const struct plant_look *look, struct err *e)
{
	owned_fd fd = fd_take(&p->file);

	/* It ends with a hole. */
	if (p->written < p->file_end && ftruncate(fd, (off_t)p->file_end) < 0)
		return err_sys(e, "write");
	if (fchmod(fd, (look->mode & 0777) | 0400) < 0 || set_times(fd, look->mtime) < 0)
		return err_sys(e, "set its permissions and times");
	return 0;
}
