/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify: see verify.h. Threads take neighbouring entries, which share a directory: one fstatat(2)
 * for each, and nothing is allocated. Names that the tree does not have are seen by counting; they
 * are looked for only where the count differs.
 */
#include "sync/verify.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/text.h"
#include "sync/copy.h"
#include "sync/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define NEIGHBOURS_MOST 64
#define SHARES_EACH 32 /* of a thread, at least: one may get all the large files */
#define PATH_SHOWN 400

enum difference { SAME, MISSING, TYPE, MODE, SIZE, TARGET, CONTENT, ADDED };

static const struct {
	const char *word, *says;
} words[] = {
	[SAME] = { "same", "is the same" },
	[MISSING] = { "missing", "is missing" },
	[TYPE] = { "type", "has another type" },
	[MODE] = { "mode", "has another mode" },
	[SIZE] = { "size", "has another size" },
	[TARGET] = { "target", "leads elsewhere" },
	[CONTENT] = { "content", "has another content" },
	[ADDED] = { "added", "is there too" },
};

struct worker {
	struct beneath place;
	struct copier copier;
	struct list added;
	size_t failed; /* the smallest index that failed here */
};

struct check {
	const struct verify *v;
	uint32_t *children;   /* of the root, then of each entry; NULL: added names do not count */
	unsigned char *found; /* enum difference of each entry; NULL: the first one is enough */
	struct worker workers[POOL_MOST];
};

/* ---- reading ---- */

static void workers_init(struct worker *workers, int root)
{
	for (size_t i = 0; i < POOL_MOST; i++)
		workers[i] = (struct worker){ .place = beneath_init(root), .failed = SIZE_MAX };
}

static void workers_done(struct worker *workers)
{
	for (size_t i = 0; i < POOL_MOST; i++) {
		beneath_done(&workers[i].place);
		copier_done(&workers[i].copier);
		list_clear(&workers[i].added);
	}
}

static int cannot_read(const char *path, struct err *e)
{
	return err_sys(e, "'%.*s' cannot be read", PATH_SHOWN, path);
}

/* It went, or something else came in its place. */
static bool is_gone(int number)
{
	return number == ENOENT || number == ENOTDIR || number == ELOOP;
}

/* ---- one entry ---- */

static enum difference compare_stat(const struct entry *en, const struct stat *st)
{
	if (!entry_has_type(en, st))
		return TYPE;
	if (en->type != ENTRY_LINK && (st->st_mode & ENTRY_MODE_BITS) != en->mode)
		return MODE;
	if (en->type == ENTRY_FILE && (uint64_t)st->st_size != en->size)
		return SIZE;
	return SAME;
}

static bool has_time(const struct verify *v, const struct entry *en, const struct stat *st)
{
	if (!v->whole_seconds)
		return entry_has_time(en, st);
	/* Some builders of images cut the fraction off, others round. */
	return st->st_mtim.tv_sec == en->seconds ||
	       (st->st_mtim.tv_sec == en->seconds + 1 && !st->st_mtim.tv_nsec && en->nanoseconds);
}

static int compare_content(struct worker *w, const struct tree *t, const struct entry *en, int dir,
			   const char *name, enum difference *ret, struct err *e)
{
	owned_fd fd = copy_open(dir, name);
	struct digest content;
	struct stat st;
	bool exact;

	if (fd < 0 && is_gone(errno)) {
		*ret = errno == ENOENT ? MISSING : TYPE;
		return 0;
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return cannot_read(tree_path(t, en), e);
	if (!S_ISREG(st.st_mode)) {
		*ret = TYPE;
		return 0;
	}
	if (copy_bytes(&w->copier, fd, -1, en->size, &content, &exact) < 0)
		return cannot_read(tree_path(t, en), e);
	if (!exact)
		*ret = SIZE;
	else if (!digest_equal(&content, &en->content))
		*ret = CONTENT;
	return 0;
}

static int compare_target(const struct tree *t, const struct entry *en, int dir, const char *name,
			  enum difference *ret, struct err *e)
{
	const char *wanted = tree_link(t, en);
	char target[PATH_MAX];
	ssize_t length = readlinkat(dir, name, target, sizeof(target));

	/* EINVAL: it was a link a moment ago. */
	if (length < 0 && (is_gone(errno) || errno == EINVAL))
		*ret = errno == ENOENT ? MISSING : TYPE;
	else if (length < 0)
		return cannot_read(tree_path(t, en), e);
	else if ((size_t)length != strlen(wanted) || memcmp(target, wanted, (size_t)length) != 0)
		*ret = TARGET;
	return 0;
}

/* ---- names that the tree does not have ---- */

/* How many entries are directly in the root, and in each entry. */
static uint32_t *count_children(const struct tree *t)
{
	uint32_t *children = mem_alloc((t->count + 1) * sizeof(*children));
	struct {
		size_t place, length;
	} open[PATH_MAX / 2 + 1] = { { 0 } };
	size_t depth = 0;

	for (size_t i = 0; i < t->count; i++) {
		const char *path = tree_path(t, &t->entries[i]), *slash = strrchr(path, '/');
		size_t folder = slash ? (size_t)(slash - path) : 0;

		while (open[depth].length > folder)
			depth--;
		children[open[depth].place]++;
		if (t->entries[i].type != ENTRY_DIRECTORY || depth == PATH_MAX / 2)
			continue;
		open[++depth].place = i + 1;
		open[depth].length = strlen(path);
	}
	return children;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* Names with ".." in front are reserved, and in no tree: the seal is one of them. */
static const char *next_name(DIR *dir)
{
	const struct dirent *found;

	do {
		errno = 0;
		found = readdir(dir);
	} while (found && (text_is(found->d_name, ".") || text_starts(found->d_name, "..")));
	return found ? found->d_name : NULL;
}

/* Sockets, pipes and devices are left out of every tree, too. */
static bool is_content(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode));
}

/* -1 with errno. */
static int list_added(struct check *c, struct worker *w, DIR *dir, const char *folder)
{
	const char *name;

	while ((name = next_name(dir)) != NULL) {
		owned char *path = *folder ? mem_format("%s/%s", folder, name) : mem_copy(name);

		if (!tree_find(c->v->tree, path) && is_content(dirfd(dir), name))
			list_add(&w->added, path);
	}
	return errno ? -1 : 0;
}

/* -1 with errno. */
static int look_for_added(struct check *c, struct worker *w, int parent, const char *name,
			  const char *folder, uint32_t expected)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir __attribute__((cleanup(close_dir))) = fd < 0 ? NULL : fdopendir(fd);
	uint32_t count = 0;

	if (!dir) {
		fd_close(&fd);
		return -1;
	}
	/* To tell all, they are looked for at once: one can be missing where another was added. */
	if (c->found)
		return list_added(c, w, dir, folder);
	while (next_name(dir))
		count++;
	if (errno)
		return -1;
	if (count == expected)
		return 0;
	rewinddir(dir);
	return list_added(c, w, dir, folder);
}

/* ---- all of them ---- */

/* -1 with e when it cannot be told. */
static int compare(struct check *c, struct worker *w, size_t index, enum difference *ret,
		   struct err *e)
{
	const struct tree *t = c->v->tree;
	struct entry *en = &t->entries[index];
	const char *path = tree_path(t, en), *name;
	int dir = beneath_parent(&w->place, path, &name);
	struct stat st;

	if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		*ret = MISSING;
		return is_gone(errno) ? 0 : cannot_read(path, e);
	}
	if (c->v->take_owners) {
		en->uid = st.st_uid;
		en->gid = st.st_gid;
	}
	*ret = compare_stat(en, &st);
	if (*ret != TYPE && en->type == ENTRY_DIRECTORY && c->children &&
	    look_for_added(c, w, dir, name, path, c->children[index + 1]) < 0)
		return cannot_read(path, e);
	if (*ret != SAME || en->type == ENTRY_DIRECTORY)
		return 0;
	if (en->type == ENTRY_LINK)
		return compare_target(t, en, dir, name, ret, e);
	if (c->v->how != VERIFY_FULL && has_time(c->v, en, &st))
		return 0;
	return compare_content(w, t, en, dir, name, ret, e);
}

/* Index 0 is the root, which is before all it holds. */
static int work(void *owner, void *worker, size_t index, struct err *e)
{
	struct check *c = owner;
	struct worker *w = worker;
	enum difference found = SAME;
	int status = 0;

	if (index)
		status = compare(c, w, index - 1, &found, e);
	else if (c->children && look_for_added(c, w, c->v->root, ".", "", c->children[0]) < 0)
		status = cannot_read(".", e);
	if (status == 0 && index && c->found)
		c->found[index - 1] = (unsigned char)found;
	else if (status == 0 && found != SAME)
		status = err_set(e, ERR_SYSTEM, "'%.*s' %s", PATH_SHOWN,
				 tree_path(c->v->tree, &c->v->tree->entries[index - 1]),
				 words[found].says);
	if (status < 0 && index < w->failed)
		w->failed = index;
	return status;
}

static int run(struct check *c, struct err *e)
{
	const size_t count = c->v->tree->count + 1;
	const size_t threads = c->v->threads ? c->v->threads : 1;
	size_t chunk = count / (threads * SHARES_EACH);

	if (c->v->how == VERIFY_FULL || chunk < 1)
		chunk = 1;
	if (chunk > NEIGHBOURS_MOST)
		chunk = NEIGHBOURS_MOST;
	const struct pool_job job = {
		.count = count,
		.chunk = chunk,
		.threads = threads,
		.work = work,
		.owner = c,
		.workers = c->workers,
		.worker_size = sizeof(c->workers[0]),
	};

	workers_init(c->workers, c->v->root);
	if (c->v->extras)
		c->children = count_children(c->v->tree);
	return pool_run(&job, e);
}

static void check_done(struct check *c)
{
	workers_done(c->workers);
	free(c->children);
	free(c->found);
}

static const char *first_added(const struct check *c)
{
	const char *first = NULL;

	for (size_t i = 0; i < POOL_MOST; i++)
		for (size_t k = 0; k < c->workers[i].added.count; k++)
			if (!first || tree_compare(c->workers[i].added.items[k], first) < 0)
				first = c->workers[i].added.items[k];
	return first;
}

static size_t first_failed(const struct check *c)
{
	size_t first = SIZE_MAX;

	for (size_t i = 0; i < POOL_MOST; i++)
		if (c->workers[i].failed < first)
			first = c->workers[i].failed;
	return first;
}

/*
 * By counting an added name is not seen where another is missing. All before the failure is there:
 * so that can only be in a directory that what failed is in.
 */
static void look_around(struct check *c, size_t failed)
{
	const char *path = tree_path(c->v->tree, &c->v->tree->entries[failed - 1]), *name;
	struct worker *w = &c->workers[0];

	(void)look_for_added(c, w, c->v->root, ".", "", UINT32_MAX);
	for (const char *slash = path; (slash = strchr(slash, '/')) != NULL; slash++) {
		owned char *folder = mem_copy_part(path, (size_t)(slash - path));
		int dir = beneath_parent(&w->place, folder, &name);

		if (dir >= 0)
			(void)look_for_added(c, w, dir, name, folder, UINT32_MAX);
	}
}

int verify_first(const struct verify *v, struct err *e)
{
	struct check c = { .v = v };
	int status = run(&c, e);
	size_t failed = first_failed(&c);

	if (c.children && status < 0 && failed)
		look_around(&c, failed);
	const char *added = first_added(&c);

	/* Every directory before the failure was read, and names of later ones come later. */
	if (added && (status == 0 ||
		      (failed &&
		       tree_compare(added, tree_path(v->tree, &v->tree->entries[failed - 1])) < 0)))
		status = err_set(e, ERR_SYSTEM, "'%.*s' %s", PATH_SHOWN, added, words[ADDED].says);
	check_done(&c);
	return status;
}

/* ---- telling all ---- */

static int by_path(const void *a, const void *b)
{
	return tree_compare(*(char *const *)a, *(char *const *)b);
}

/* In order; the texts stay the workers'. */
static char **gather_added(const struct check *c, size_t *ret_count)
{
	size_t count = 0, filled = 0;

	for (size_t i = 0; i < POOL_MOST; i++)
		count += c->workers[i].added.count;
	char **all = mem_alloc((count + 1) * sizeof(*all));
	for (size_t i = 0; i < POOL_MOST; i++)
		for (size_t k = 0; k < c->workers[i].added.count; k++)
			all[filled++] = c->workers[i].added.items[k];
	qsort(all, count, sizeof(*all), by_path);
	*ret_count = count;
	return all;
}

static int64_t tell_all(const struct check *c,
			void (*tell)(void *owner, const char *path, const char *what), void *owner)
{
	const struct tree *t = c->v->tree;
	size_t count, next = 0, i = 0;
	owned char **added = gather_added(c, &count);
	int64_t told = (int64_t)count;

	while (i < t->count) {
		const char *path = tree_path(t, &t->entries[i]);
		enum difference found = (enum difference)c->found[i];

		for (; next < count && tree_compare(added[next], path) < 0; next++)
			tell(owner, added[next], words[ADDED].word);
		if (found != SAME)
			tell(owner, path, words[found].word);
		told += found != SAME;
		/* With a directory goes all it held. */
		i = found == MISSING || found == TYPE ? tree_end_of(t, i) : i + 1;
	}
	for (; next < count; next++)
		tell(owner, added[next], words[ADDED].word);
	return told;
}

int64_t verify_all(const struct verify *v,
		   void (*tell)(void *owner, const char *path, const char *what), void *owner,
		   struct err *e)
{
	struct check c = { .v = v, .found = mem_alloc(v->tree->count) };
	int64_t told = run(&c, e) < 0 ? -1 : tell_all(&c, tell, owner);

	check_done(&c);
	return told;
}
