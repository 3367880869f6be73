/* SPDX-License-Identifier: Apache-2.0 */
/* scan: see scan.h. A queue instead of recursion: one open directory at a time, however deep. */
#include "sync/scan.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NOTE_MAX 1024

struct scan {
	int root;
	const struct scan_place *place;
	const struct sync_notes *notes;
	char *data_dir;      /* what "..data" leads to; NULL: not a kubelet volume */
	struct list paths;   /* directories still to read, as the tree has them */
	struct list sources; /* the same, as the source has them */
	struct tree *tree;
	struct err *e;
};

void sync_note(const struct sync_notes *n, const char *format, ...)
{
	char text[NOTE_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	n->note(n->owner, text);
}

static char *join(const char *folder, const char *name)
{
	return *folder ? mem_format("%s/%s", folder, name) : mem_copy(name);
}

/* The target of a link on the heap, NULL with errno. */
static char *read_link(int dir, const char *name)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(dir, name, target, sizeof(target));

	return length < 0 ? NULL : mem_copy_part(target, (size_t)length);
}

/*
 * In a kubelet volume "game.json" is a link to "..data/game.json" and "..data" a link to
 * "..2026_11_20_10_00": the file is then found without following a link, and all files of one pass
 * belong to one version.
 */
static char *source_behind(const struct scan *s, const char *name, const char *target)
{
	if (!s->data_dir || !text_starts(target, "..data/") ||
	    !text_is(target + strlen("..data/"), name))
		return NULL;
	return join(s->data_dir, name);
}

static int add_directory(struct scan *s, const char *path, const char *source)
{
	list_add(&s->paths, path);
	list_add(&s->sources, source);
	return 0;
}

static void describe(struct entry *entry, const struct stat *st)
{
	entry->mode = entry->type == ENTRY_LINK ? 0 : st->st_mode & ENTRY_MODE_BITS;
	entry->uid = st->st_uid;
	entry->gid = st->st_gid;
	entry->mtime = st->st_mtim;
	entry->size = entry->type == ENTRY_FILE ? (uint64_t)st->st_size : 0;
	entry->device = st->st_dev;
	entry->inode = st->st_ino;
	entry->links = st->st_nlink;
}

static bool is_directory(const struct stat *st, int fd)
{
	struct stat other;

	return fstat(fd, &other) == 0 && st->st_ino == other.st_ino && st->st_dev == other.st_dev;
}

static int check_not_ours(struct scan *s, const char *path, const struct stat *st)
{
	if (S_ISDIR(st->st_mode) &&
	    (is_directory(st, s->place->target) || is_directory(st, s->place->state)))
		return err_set(s->e, ERR_USAGE, "its '%s' is the target or the state directory",
			       path);
	return 0;
}

static int add_entry(struct scan *s, const char *path, const char *source, const struct stat *st,
		     char *link)
{
	enum entry_type type = S_ISDIR(st->st_mode)   ? ENTRY_DIRECTORY
			       : S_ISREG(st->st_mode) ? ENTRY_FILE
						      : ENTRY_LINK;

	if (check_not_ours(s, path, st) < 0)
		return -1;
	struct entry *entry = tree_add(s->tree, mem_copy(path), type);

	describe(entry, st);
	entry->link = link;
	if (!text_is(path, source))
		entry->source = mem_copy(source);
	return type == ENTRY_DIRECTORY ? add_directory(s, path, source) : 0;
}

static int look_behind(struct scan *s, const char *path, const char *source)
{
	struct stat st;

	if (fstatat(s->root, source, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(s->e, "stat '%s'", source);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return err_set(s->e, ERR_SYSTEM, "'%s' is not a file or directory", source);
	return add_entry(s, path, source, &st, NULL);
}

static int look_at(struct scan *s, int dir, const char *name, const char *path, const char *source)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(s->e, "stat '%s'", path);
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return add_entry(s, path, source, &st, NULL);
	if (!S_ISLNK(st.st_mode)) {
		sync_note(s->notes, "'%s' in the source is not a file, directory or link: left out",
			  path);
		return 0;
	}

	char *target = read_link(dir, name);
	if (!target)
		return err_sys(s->e, "read link '%s'", path);
	owned char *behind = text_is(path, name) ? source_behind(s, name, target) : NULL;
	if (!behind)
		return add_entry(s, path, source, &st, target);
	free(target);
	return look_behind(s, path, behind);
}

static int check_name(struct scan *s, const char *path)
{
	if (strlen(path) >= PATH_MAX)
		return err_set(s->e, ERR_SYSTEM, "a path is longer than %d bytes: '%.100s...'",
			       PATH_MAX - 1, path);
	if (s->place->reserved && text_is(path, s->place->reserved))
		return err_set(
			s->e, ERR_USAGE,
			"it has '%s', where the state directory is: rename it or set --state",
			path);
	return 0;
}

static int read_one(struct scan *s, int dir, const char *name, const char *folder,
		    const char *source_folder)
{
	owned char *path = join(folder, name);
	owned char *source = join(source_folder, name);

	if (text_starts(name, "..")) {
		if (!s->data_dir)
			sync_note(s->notes,
				  "'%s' in the source has a reserved name (begins with '..'): left "
				  "out",
				  path);
		return 0;
	}
	if (check_name(s, path) < 0)
		return -1;
	return look_at(s, dir, name, path, source);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

static int read_directory(struct scan *s, const char *folder, const char *source_folder)
{
	int fd = beneath_open(s->root, source_folder, O_RDONLY | O_DIRECTORY);
	DIR *dir __attribute__((cleanup(close_dir))) = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		(void)err_sys(s->e, "open '%s'", *folder ? folder : ".");
		fd_close(&fd);
		return -1;
	}
	for (;;) {
		errno = 0;
		struct dirent *found = readdir(dir);

		if (!found)
			return errno ? err_sys(s->e, "read directory '%s'", folder) : 0;
		if (text_is(found->d_name, ".") || text_is(found->d_name, ".."))
			continue;
		if (read_one(s, dirfd(dir), found->d_name, folder, source_folder) < 0)
			return -1;
	}
}

int scan_source(const struct scan_place *place, const struct sync_notes *notes, struct tree *ret,
		struct err *e)
{
	struct scan s = {
		.root = place->source, .place = place, .notes = notes, .tree = ret, .e = e
	};
	int status = 0;

	s.data_dir = read_link(s.root, "..data");
	(void)add_directory(&s, "", "");
	for (size_t i = 0; i < s.paths.count && status == 0; i++)
		status = read_directory(&s, s.paths.items[i], s.sources.items[i]);
	list_clear(&s.paths);
	list_clear(&s.sources);
	free(s.data_dir);
	if (status == 0) {
		tree_sort(ret);
		tree_find_hard_links(ret);
	}
	return status;
}
