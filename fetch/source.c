/* SPDX-License-Identifier: Apache-2.0 */
/* source: see source.h. */
#include "fetch/source.h"

#include "base/beneath.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/text.h"
#include "fetch/download.h"
#include "fetch/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART "part" /* of CACHE_NEW, while it takes its place */
#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static const struct source_kind *const kinds[] = {
	&kind_archive, &kind_http, &kind_s3, &kind_git, &kind_rsync, &kind_command,
};

const struct source_kind *source_kind_called(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (text_is(kinds[i]->name, name))
			return kinds[i];
	return NULL;
}

struct tree_limits source_limits(const struct fetch_source *s)
{
	return (struct tree_limits){ (uint64_t)s->most_bytes, (uint64_t)s->most_files };
}

/* PART, which was in CACHE_NEW or is what is left of it, becomes CACHE_NEW. */
static int part_becomes_new(const struct fetch *f, int *tree, struct err *e)
{
	int folder = f->folder->fd;

	fd_close(tree);
	if (cache_remove(f->folder, CACHE_NEW, e) < 0)
		return -1;
	if (renameat(folder, PART, folder, CACHE_NEW) < 0)
		return err_sys(e, "rename '%s/" PART "'", f->folder->path);
	*tree = beneath_open(folder, CACHE_NEW, DIRECTORY);
	return *tree < 0 ? err_sys(e, "open '%s/" CACHE_NEW "'", f->folder->path) : 0;
}

/* What moves between directories has to be writable, for the ".." in it. */
static int move(int from, const char *name, int to, const char *as, int moved)
{
	struct stat st;

	if (fstat(moved, &st) < 0 || fchmod(moved, (st.st_mode & 0777) | S_IWUSR) < 0)
		return -1;
	if (renameat(from, name, to, as) < 0)
		return -1;
	return fchmod(moved, st.st_mode & 0777);
}

/* The directory that path is in, which is of no use without it. */
static int make_writable(int tree, const char *path)
{
	const char *last = text_last_part(path);
	owned char *parent = mem_copy_part(path, last > path ? (size_t)(last - path) - 1 : 0);
	owned_fd fd = beneath_open(tree, parent, DIRECTORY);

	return fd < 0 ? -1 : fchmod(fd, S_IRWXU);
}

static int keep_subpath(const struct fetch *f, int *tree, struct err *e)
{
	const char *subpath = f->source->subpath;

	if (!subpath || f->below_subpath)
		return 0;
	owned_fd below = beneath_open(*tree, subpath, DIRECTORY);
	if (below < 0)
		return err_set(e, ERR_REMOTE, "there is no directory '%s' in it, see \"subpath\"",
			       subpath);
	if (cache_remove(f->folder, PART, e) < 0)
		return -1;
	if (make_writable(*tree, subpath) < 0 ||
	    move(*tree, subpath, f->folder->fd, PART, below) < 0)
		return err_sys(e, "take '%s' out", subpath);
	return part_becomes_new(f, tree, e);
}

/* A tree in directories of its own. */
static int put_into(const struct fetch *f, int *tree, struct err *e)
{
	const char *into = f->source->into;
	int folder = f->folder->fd;

	if (!into)
		return 0;
	if (cache_remove(f->folder, PART, e) < 0)
		return -1;
	if (mkdirat(folder, PART, 0755) < 0)
		return err_sys(e, "make '%s/" PART "'", f->folder->path);
	owned_fd part = openat(folder, PART, DIRECTORY);
	if (tree_make_parents(part, into, e) < 0)
		return -1;
	if (move(folder, CACHE_NEW, part, into, *tree) < 0)
		return err_sys(e, "put it into '%s'", into);
	return part_becomes_new(f, tree, e);
}

/* Only with a tree of the same definition: of another one everything is different. */
static int settle(const struct fetch *f, int tree, bool *ret_same, struct err *e)
{
	*ret_same = false;
	if (!f->settle || !f->known->tree)
		return 0;
	owned_fd older = beneath_open(f->folder->fd, f->known->tree, DIRECTORY);
	return older < 0 ? 0 : tree_settle(tree, older, ret_same, e);
}

/* In a part of the tree a link may lead out that did not in all of it. */
static int check(const struct fetch *f, int tree, struct err *e)
{
	const struct tree_limits most = source_limits(f->source);

	return f->checked && !f->source->subpath ? 0 : tree_check(tree, &most, e);
}

static int finish(struct fetch *f, int *tree, bool *ret_same, struct err *e)
{
	const struct fetch_source *s = f->source;

	if (keep_subpath(f, tree, e) < 0 || check(f, *tree, e) < 0 ||
	    tree_prune(*tree, &s->include, &s->exclude, e) < 0 || put_into(f, tree, e) < 0 ||
	    settle(f, *tree, ret_same, e) < 0)
		return -1;
	if (!f->next.version && !*ret_same)
		f->next.version = tree_version(*tree, e);
	if (!f->next.version && !*ret_same)
		return -1;
	/* What it was made of need not go to the disk as well. */
	download_forget(f);
	/* On the disk before it gets its name: what a crash of the machine leaves is whole too. */
	if (!*ret_same && syncfs(*tree) < 0)
		return err_sys(e, "write it to the disk");
	return 0;
}

static void replace(char **place, const char *text)
{
	free(*place);
	*place = mem_copy(text);
}

static int commit(struct fetch *f, struct err *e)
{
	char stamp[CLOCK_TEXT_SIZE];

	clock_stamp(stamp);
	replace(&f->next.definition, f->source->definition);
	replace(&f->next.fetched_at, stamp);
	replace(&f->next.checked_at, stamp);
	return cache_commit(f->folder, &f->next, e);
}

/* What is known of it may be newer: another time of the same file, or an ETag. */
static int confirm(struct fetch *f, struct err *e)
{
	struct cache_state *s = &f->folder->state;
	char stamp[CLOCK_TEXT_SIZE];
	char **const fields[][2] = {
		{ &s->etag, &f->next.etag },
		{ &s->modified, &f->next.modified },
		{ &s->identity, &f->next.identity },
		{ &s->version, &f->next.version },
		{ &s->public_key, &f->next.public_key },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (*fields[i][1])
			replace(fields[i][0], *fields[i][1]);
	replace(&s->checked_at, clock_stamp(stamp));
	if (cache_remove(f->folder, CACHE_NEW, e) < 0 ||
	    cache_remove(f->folder, CACHE_OBJECTS, e) < 0)
		return -1;
	return cache_state_save(f->folder, e);
}

static int fetch(struct fetch *f, enum source_state *ret, struct err *e)
{
	owned_fd tree = -1;
	bool same = false;

	if (cache_new_tree(f->folder, &tree, e) < 0)
		return -1;
	enum source_fill fill = f->source->kind->fill(f, tree, e);
	if (fill == SOURCE_FILL_FAILED)
		return -1;
	if (fill == SOURCE_FILLED && finish(f, &tree, &same, e) < 0)
		return -1;
	same |= fill == SOURCE_AS_BEFORE;
	*ret = same ? SOURCE_UNCHANGED : SOURCE_FETCHED;
	return same ? confirm(f, e) : commit(f, e);
}

/* Nothing when it was defined otherwise, or when nobody can say of what a signature was. */
static const struct cache_state *known_of(const struct fetch *f)
{
	static const struct cache_state nothing;
	const struct cache_state *state = &f->folder->state;

	if (!state->definition || !text_is(state->definition, f->source->definition) ||
	    (f->source->signature && !state->sha256))
		return &nothing;
	return state;
}

enum source_state source_fetch(struct fetch *f, struct err *e)
{
	enum source_state ret = SOURCE_MISSING;
	struct err ignored;

	f->known = known_of(f);
	if (fetch(f, &ret, e) < 0) {
		(void)cache_remove(f->folder, CACHE_NEW, &ignored);
		(void)cache_remove(f->folder, PART, &ignored);
		(void)cache_remove(f->folder, CACHE_OBJECTS, &ignored);
		ret = f->folder->state.tree ? SOURCE_STALE : SOURCE_MISSING;
	}
	cache_state_done(&f->next);
	return ret;
}
