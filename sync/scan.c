/* SPDX-License-Identifier: Apache-2.0 */
/* scan: see scan.h. */
#include "sync/scan.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "base/text.h"
#include "sync/notes.h"
#include "sync/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* Of a path in a message, so that the reason behind it stays. */
#define PATH_SHOWN 300

struct path {
	char text[PATH_MAX];
	size_t length;
};

/* A name of an inode that has more than one. */
struct twin {
	dev_t device;
	ino_t inode;
	uint32_t path; /* as in struct entry */
	size_t index;  /* of the entry, once the tree is sorted */
};

struct scan {
	const struct scan_place *place;
	const struct sync_notes *notes;
	struct beneath source;
	struct path path;   /* of what is looked at, as the tree has it */
	struct path origin; /* the same, as the source has it */
	struct tree *tree;
	struct twin *twins;
	size_t twin_count;
	struct err *e;
};

/* The names in a directory, sorted: their entries then are, too. */
struct names {
	char **items;
	size_t count;
	char *data; /* what "..data" leads to; NULL: not a kubelet volume */
};

static void names_done(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->items[i]);
	free(n->items);
	free(n->data);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* False when it would be too long. */
static bool path_push(struct path *p, const char *name)
{
	size_t length = strlen(name), slash = p->length != 0;

	if (p->length + slash + length >= sizeof(p->text))
		return false;
	if (slash)
		p->text[p->length++] = '/';
	memcpy(p->text + p->length, name, length + 1);
	p->length += length;
	return true;
}

static void path_cut(struct path *p, size_t length)
{
	p->length = length;
	p->text[length] = '\0';
}

static const char *shown(const struct path *p)
{
	return p->length ? p->text : ".";
}

/* The target of a link on the heap, NULL with errno. */
static char *read_link(int dir, const char *name)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(dir, name, target, sizeof(target));

	return length < 0 ? NULL : mem_copy_part(target, (size_t)length);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* Another name beside it: kubelet makes nothing else, and nothing else is safe to go through. */
static bool is_version(const char *data)
{
	return !strchr(data, '/') && !text_is(data, ".") && !text_is(data, "..");
}

static int read_names(struct scan *s, struct names *ret)
{
	int fd = beneath_open(s->source.root, s->origin.text, O_RDONLY | O_DIRECTORY);
	DIR *dir __attribute__((cleanup(close_dir))) = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *found;
	size_t room = 0;

	if (!dir) {
		(void)err_sys(s->e, "open '%s'", shown(&s->path));
		fd_close(&fd);
		return -1;
	}
	for (errno = 0; (found = readdir(dir)); errno = 0) {
		if (text_is(found->d_name, ".") || text_is(found->d_name, ".."))
			continue;
		if (text_is(found->d_name, "..data"))
			ret->data = read_link(dirfd(dir), "..data");
		if (ret->count == room) {
			room = room ? 2 * room : 16;
			ret->items = mem_resize(ret->items, room, sizeof(*ret->items));
		}
		ret->items[ret->count++] = mem_copy(found->d_name);
	}
	if (errno)
		return err_sys(s->e, "read directory '%s'", shown(&s->path));
	if (ret->data && !is_version(ret->data)) {
		free(ret->data);
		ret->data = NULL;
	}
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
	return 0;
}

static bool is_directory(const struct stat *st, int fd)
{
	struct stat other;

	return fd >= 0 && fstat(fd, &other) == 0 && st->st_ino == other.st_ino &&
	       st->st_dev == other.st_dev;
}

static int check_not_ours(struct scan *s, const struct stat *st)
{
	if (S_ISDIR(st->st_mode) &&
	    (is_directory(st, s->place->target) || is_directory(st, s->place->state)))
		return err_set(s->e, ERR_USAGE, "its '%.*s' is the target or the state directory",
			       PATH_SHOWN, s->path.text);
	return 0;
}

static void add_twin(struct scan *s, const struct entry *entry, const struct stat *st)
{
	if ((s->twin_count & (s->twin_count - 1)) == 0)
		s->twins = mem_resize(s->twins, s->twin_count ? 2 * s->twin_count : 1,
				      sizeof(*s->twins));
	s->twins[s->twin_count++] =
		(struct twin){ .device = st->st_dev, .inode = st->st_ino, .path = entry->path };
}

static int add_entry(struct scan *s, const struct stat *st, const char *link)
{
	enum entry_type type = S_ISDIR(st->st_mode)   ? ENTRY_DIRECTORY
			       : S_ISREG(st->st_mode) ? ENTRY_FILE
						      : ENTRY_LINK;

	if (check_not_ours(s, st) < 0)
		return -1;
	struct entry *entry = tree_add(s->tree, s->path.text, type);

	entry_describe(entry, st);
	if (link)
		entry->link = tree_add_text(s->tree, link);
	if (!text_is(s->path.text, s->origin.text))
		entry->source = tree_add_text(s->tree, s->origin.text);
	if (type == ENTRY_FILE && st->st_nlink > 1)
		add_twin(s, entry, st);
	return 0;
}

static int scan_directory(struct scan *s);

/* NOLINTNEXTLINE(misc-no-recursion): with scan_directory() */
static int scan_found(struct scan *s, const struct stat *st, const char *link)
{
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode) && !link) {
		sync_note(s->notes, "'%s' in the source is not a file, directory or link: left out",
			  s->path.text);
		return 0;
	}
	if (add_entry(s, st, link) < 0)
		return -1;
	return S_ISDIR(st->st_mode) ? scan_directory(s) : 0;
}

static int look(struct scan *s, struct stat *ret, int *ret_dir, const char **ret_name)
{
	*ret_dir = beneath_parent(&s->source, s->origin.text, ret_name);
	if (*ret_dir < 0 || fstatat(*ret_dir, *ret_name, ret, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(s->e, "stat '%s'", s->origin.text);
	return 0;
}

/*
 * In a kubelet volume "game.json" is a link to "..data/game.json" and "..data" one to
 * "..2026_11_20_10_00": the file is then found without following a link, and all files of one pass
 * come from the same version.
 */
static bool leads_through_data(const char *name, const char *target)
{
	return text_starts(target, "..data/") && text_is(target + strlen("..data/"), name);
}

/* NOLINTNEXTLINE(misc-no-recursion): with scan_directory() */
static int scan_behind(struct scan *s, const struct names *in, const char *name)
{
	const char *last;
	struct stat st;
	int dir;

	path_cut(&s->origin, (size_t)(text_last_part(s->origin.text) - s->origin.text));
	if (s->origin.length)
		path_cut(&s->origin, s->origin.length - 1);
	if (!path_push(&s->origin, in->data) || !path_push(&s->origin, name))
		return err_set(s->e, ERR_SYSTEM, "the path to '%.*s' is too long", PATH_SHOWN,
			       s->path.text);
	if (look(s, &st, &dir, &last) < 0)
		return -1;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return err_set(s->e, ERR_SYSTEM, "'%.*s' is not a file or directory", PATH_SHOWN,
			       s->origin.text);
	return scan_found(s, &st, NULL);
}

/* NOLINTNEXTLINE(misc-no-recursion): with scan_directory() */
static int scan_at(struct scan *s, const struct names *in, const char *name)
{
	owned char *target = NULL;
	const char *last;
	struct stat st;
	int dir;

	if (look(s, &st, &dir, &last) < 0)
		return -1;
	if (S_ISLNK(st.st_mode)) {
		target = read_link(dir, last);
		if (!target)
			return err_sys(s->e, "read link '%s'", s->path.text);
		if (in->data && leads_through_data(name, target))
			return scan_behind(s, in, name);
	}
	return scan_found(s, &st, target);
}

static bool is_excluded(const struct scan *s)
{
	const struct list *l = s->place->exclude;

	for (size_t i = 0; l && i < l->count; i++)
		if (pattern_fits(l->items[i], s->path.text))
			return true;
	return false;
}

/* 0 when the name may be read, 1 when it is passed over, -1 with e. */
static int check_name(struct scan *s, const struct names *in, const char *name)
{
	if (text_starts(name, "..")) {
		if (in->data || text_starts(name, SCAN_OWN_PREFIX) || is_excluded(s))
			return 1;
		return err_set(
			s->e, ERR_USAGE,
			"'%.*s' has a reserved name (begins with '..'): rename or exclude it",
			PATH_SHOWN, s->path.text);
	}
	if (s->place->reserved && text_is(s->path.text, s->place->reserved))
		return err_set(
			s->e, ERR_USAGE,
			"it has '%s', where the state directory is: rename it or set --state",
			s->path.text);
	return 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): with scan_directory() */
static int scan_name(struct scan *s, const struct names *in, const char *name)
{
	const size_t path = s->path.length, origin = s->origin.length;
	int status;

	if (!path_push(&s->path, name) || !path_push(&s->origin, name))
		return err_set(s->e, ERR_SYSTEM, "a path is longer than %d bytes: '%.100s...'",
			       PATH_MAX - 1, s->path.text);
	status = check_name(s, in, name);
	if (status == 0)
		status = scan_at(s, in, name);
	path_cut(&s->path, path);
	path_cut(&s->origin, origin);
	return status < 0 ? -1 : 0;
}

/* Names of one version and content of another would be a mix that nobody ever published. */
static int check_version(struct scan *s, const struct names *in)
{
	owned_fd fd = -1;
	owned char *now = NULL;

	if (!in->data)
		return 0;
	fd = beneath_open(s->source.root, s->origin.text, O_RDONLY | O_DIRECTORY);
	now = fd < 0 ? NULL : read_link(fd, "..data");
	if (now && text_is(now, in->data))
		return 0;
	return err_set(s->e, ERR_SYSTEM, "'%.*s' was replaced while it was read", PATH_SHOWN,
		       shown(&s->path));
}

/* One open directory at a time, however deep. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as PATH_MAX lets a tree be. */
static int scan_directory(struct scan *s)
{
	struct names names __attribute__((cleanup(names_done))) = { 0 };

	if (read_names(s, &names) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++)
		if (scan_name(s, &names, names.items[i]) < 0)
			return -1;
	return check_version(s, &names);
}

static int by_inode(const void *a, const void *b)
{
	const struct twin *x = a, *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void find_hard_links(struct scan *s)
{
	struct tree *t = s->tree;

	for (size_t i = 0; i < s->twin_count; i++)
		s->twins[i].index =
			(size_t)(tree_find(t, t->texts + s->twins[i].path) - t->entries);
	if (s->twin_count)
		qsort(s->twins, s->twin_count, sizeof(*s->twins), by_inode);
	for (size_t i = 1; i < s->twin_count; i++) {
		const struct twin *before = &s->twins[i - 1], *this = &s->twins[i];

		if (this->device != before->device || this->inode != before->inode)
			continue;
		struct entry *entry = &t->entries[this->index];
		const struct entry *first = &t->entries[t->entries[before->index].first];

		/* Written to in between, one file would have two sizes. */
		entry->size = first->size;
		entry->seconds = first->seconds;
		entry->nanoseconds = first->nanoseconds;
		entry->first = (uint32_t)(first - t->entries);
	}
}

int scan_source(const struct scan_place *place, const struct sync_notes *notes, struct tree *ret,
		struct err *e)
{
	struct scan s = { .place = place,
			  .notes = notes,
			  .source = beneath_init(place->source),
			  .tree = ret,
			  .e = e };
	int status = scan_directory(&s);

	if (status == 0) {
		tree_sort(ret);
		find_hard_links(&s);
	}
	beneath_done(&s.source);
	free(s.twins);
	return status;
}
