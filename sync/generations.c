/* SPDX-License-Identifier: Apache-2.0 */
/* generations: see generations.h. */
#include "sync/generations.h"

#include "base/beneath.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "sync/guard.h"
#include "sync/notes.h"
#include "sync/plan.h"
#include "sync/remove.h"
#include "sync/state.h"
#include "sync/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GENERATIONS "generations"
#define RECORD "record.json"
#define MANIFEST "manifest"
#define FILES "files"
#define INODES_OF_ONE 4 /* two directories, record and manifest */

static int newest_first(const void *a, const void *b)
{
	int64_t left = ((const struct record *)a)->serial,
		right = ((const struct record *)b)->serial;

	return left < right ? 1 : -(left > right);
}

/* The record is written last: without it, or with another serial, the directory is not whole. */
static bool read_record(const struct generations *g, const char *name, struct record *ret)
{
	owned char *path = mem_format("%s/" RECORD, name);
	int64_t serial;
	struct err e;

	return parse_count(name, 0, INT64_MAX, &serial, &e) == 0 &&
	       record_read(g->dir, path, ret, &e) == 0 && ret->digest[0] && ret->serial == serial;
}

/* Should there be too many, then the newest. */
static void read_one(struct generations *g, const char *name)
{
	size_t place = g->count;
	struct record r;

	if (!read_record(g, name, &r))
		return;
	if (g->count < GENERATIONS_MOST)
		g->count++;
	else
		for (size_t i = 0; i < g->count; i++)
			if (g->records[i].serial <
			    (place < g->count ? g->records[place].serial : r.serial))
				place = i;
	if (place < g->count)
		g->records[place] = r;
}

static bool is_listed(const struct generations *g, const char *name)
{
	for (size_t i = 0; i < g->count; i++) {
		owned char *serial = mem_format("%" PRId64, g->records[i].serial);

		if (text_is(serial, name))
			return true;
	}
	return false;
}

static int read_all(struct generations *g, struct err *e)
{
	const int again = openat(g->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *found;

	if (!dir)
		return err_sys(e, "read the kept versions");
	g->records = mem_alloc(GENERATIONS_MOST * sizeof(*g->records));
	while ((found = readdir(dir)))
		read_one(g, found->d_name);
	(void)closedir(dir);
	qsort(g->records, g->count, sizeof(*g->records), newest_first);
	return 0;
}

int generations_open(struct generations *g, int state, int target, struct err *e)
{
	char name[STATE_NAME_ROOM];
	int parent = state_place(state, target, GENERATIONS, name);

	*g = (struct generations){ .state = state, .target = target };
	g->dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (g->dir < 0)
		return errno == ENOENT ? 0 : err_sys(e, "open the kept versions");
	return read_all(g, e);
}

void generations_close(struct generations *g)
{
	char name[STATE_NAME_ROOM];

	/* Only when it is empty. */
	if (g->dir >= 0)
		(void)unlinkat(state_place(g->state, g->target, GENERATIONS, name), name,
			       AT_REMOVEDIR);
	generations_forget(g);
}

void generations_forget(struct generations *g)
{
	fd_close(&g->dir);
	free(g->records);
	*g = GENERATIONS_INIT;
}

void generations_clean_up(struct generations *g)
{
	const int again = g->dir < 0 ? -1 : openat(g->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *found;

	if (!dir)
		return;
	while ((found = readdir(dir)))
		if (!text_is(found->d_name, ".") && !text_is(found->d_name, "..") &&
		    !is_listed(g, found->d_name))
			(void)remove_all(g->dir, found->d_name);
	(void)closedir(dir);
}

/* ---- keeping ---- */

struct keeper {
	const struct plan *plan;
	int files;
	struct beneath live;
	uint64_t lost; /* files that could not be kept */
	const char *lost_example;
	struct err *e;
};

static int make_directories(struct generations *g, const char *serial, int *ret_dir, int *ret_files,
			    struct err *e)
{
	char name[STATE_NAME_ROOM];
	int parent = state_place(g->state, g->target, GENERATIONS, name);

	if (g->dir < 0) {
		if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
			return err_sys(e, "make a directory for kept versions");
		g->dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		g->records = mem_alloc(GENERATIONS_MOST * sizeof(*g->records));
	}
	if (g->dir < 0 || (!is_listed(g, serial) &&
			   (remove_all(g->dir, serial) < 0 || mkdirat(g->dir, serial, 0700) < 0)))
		return err_sys(e, "make a directory to keep the published version in");
	*ret_dir = beneath_open(g->dir, serial, O_RDONLY | O_DIRECTORY);
	if (*ret_dir < 0 || (mkdirat(*ret_dir, FILES, 0700) < 0 && errno != EEXIST))
		return err_sys(e, "make a directory to keep the published version in");
	*ret_files = beneath_open(*ret_dir, FILES, O_RDONLY | O_DIRECTORY);
	return *ret_files < 0 ? err_sys(e, "open the directory of kept files") : 0;
}

/* What was changed since is not what was published; what cannot have a further name is told. */
static int keep_file(struct keeper *k, const struct entry *entry)
{
	const char *path = tree_path(&k->plan->ours[0].tree, entry), *name;
	char content[DIGEST_TEXT_SIZE];
	int dir = beneath_parent(&k->live, path, &name);
	struct stat st, kept;

	if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !entry_looks_like(entry, &st))
		return 0;
	(void)digest_text(&entry->content, content);
	/* What is there of a try that was cut off may have been changed since. */
	if (fstatat(k->files, content, &kept, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !entry_looks_like(entry, &kept))
		(void)unlinkat(k->files, content, 0);
	if (linkat(dir, name, k->files, content, 0) == 0 || errno == EEXIST)
		return 0;
	if (errno == ENOENT)
		return 0; /* the game has just taken it away */
	if (errno != EXDEV && errno != EPERM && errno != EMLINK)
		return err_sys(k->e, "keep '%s' of the published version", path);
	if (!k->lost++)
		k->lost_example = path;
	return 0;
}

/* The files that will be gone or replaced, under each of their names. */
static int keep_files(struct keeper *k)
{
	const struct plan *p = k->plan;
	const struct tree *old = &p->ours[0].tree;
	owned bool *stays = mem_alloc(old->count * sizeof(*stays));

	for (size_t i = 0; i < p->tree.count; i++)
		if (p->steps[i].had != PLAN_NONE && p->steps[i].action != ACTION_PLACE)
			stays[old->entries[p->steps[i].had].first] = true;
	for (size_t j = 0; j < old->count; j++)
		if (old->entries[j].type == ENTRY_FILE && !stays[old->entries[j].first] &&
		    keep_file(k, &old->entries[j]) < 0)
			return -1;
	return 0;
}

/* A further name, or where the state directory is on another filesystem a copy. */
static int keep_manifest(const struct generations *g, const char *digest, int dir, struct err *e)
{
	owned char *from = state_manifest_name(digest);
	owned_buf b = BUF_INIT(MANIFEST_MOST);

	if (linkat(g->state, from, dir, MANIFEST, 0) == 0)
		return 0;
	if (io_read_regular(g->state, from, &b, e) < 0)
		return -1;
	return io_replace_file(dir, MANIFEST, b.data, b.length, e);
}

static void add_newest(struct generations *g, const struct record *r)
{
	if (g->count && g->records[0].serial == r->serial)
		return;
	if (g->count == GENERATIONS_MOST)
		(void)generations_drop_oldest(g);
	memmove(g->records + 1, g->records, g->count * sizeof(*g->records));
	g->records[0] = *r;
	g->count++;
}

/*
 * After a crash it may be there: then the target may have less of it than was put aside, and what
 * another new version does not have is added.
 */
int generations_keep(struct generations *g, const struct record *published, const struct plan *p,
		     int live, const struct sync_notes *notes, struct err *e)
{
	struct keeper k = { .plan = p, .files = -1, .live = beneath_init(live), .e = e };
	owned char *serial = mem_format("%" PRId64, published->serial);
	int dir = -1;
	int status = make_directories(g, serial, &dir, &k.files, e);

	if (status == 0)
		status = keep_files(&k);
	if (status == 0)
		status = keep_manifest(g, published->digest, dir, e);
	if (status == 0)
		status = record_write(dir, RECORD, published, e);
	if (status == 0 && k.lost)
		sync_note(notes,
			  "version %s cannot be gone back to: %" PRIu64 " of its files cannot be "
			  "kept, such as '%s'",
			  published->digest, k.lost, k.lost_example);
	if (status == 0)
		add_newest(g, published);
	else if (!is_listed(g, serial))
		(void)remove_all(g->dir, serial);
	beneath_done(&k.live);
	fd_close(&k.files);
	fd_close(&dir);
	return status < 0 ? err_in(e, "keep version %s", published->digest) : 0;
}

bool generations_drop_oldest(struct generations *g)
{
	if (!g->count)
		return false;
	owned char *serial = mem_format("%" PRId64, g->records[--g->count].serial);

	(void)remove_all(g->dir, serial);
	return true;
}

static void add_room(const struct generations *g, const struct record *r, struct guard_room *ret)
{
	owned char *files = mem_format("%" PRId64 "/" FILES, r->serial);
	const int fd = beneath_open(g->dir, files, O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *found;
	struct stat st;

	ret->inodes += INODES_OF_ONE;
	if (!dir)
		return;
	while ((found = readdir(dir))) {
		if (fstatat(fd, found->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode) || st.st_nlink > 1)
			continue;
		ret->bytes += (uint64_t)st.st_blocks * 512;
		ret->inodes++;
	}
	(void)closedir(dir);
}

struct guard_room generations_room(const struct generations *g)
{
	struct guard_room room = { 0 };

	for (size_t i = 0; i < g->count; i++)
		add_room(g, &g->records[i], &room);
	return room;
}

/* How many versions there are among the newest count, besides the published one. */
static size_t count_others(const struct generations *g, size_t count, const char *published)
{
	size_t others = 0;

	for (size_t i = 0; i < count; i++) {
		bool counted = text_is(g->records[i].digest, published);

		for (size_t k = 0; k < i && !counted; k++)
			counted = text_is(g->records[i].digest, g->records[k].digest);
		others += !counted;
	}
	return others;
}

/* The oldest is what the game has acknowledged: should a reload fail, it is gone back to. */
static bool ends_with_acknowledged(const struct generations *g, const char *published)
{
	const struct state s = { .dir = g->state };
	struct record acknowledged = state_acknowledged(&s);

	return !text_is(acknowledged.digest, published) &&
	       text_is(g->records[g->count - 1].digest, acknowledged.digest);
}

void generations_keep_only(struct generations *g, size_t most, const char *published)
{
	/* Going back and forth makes many of the same few versions. */
	const size_t twice = 2 * (most + 1),
		     in_all = twice < GENERATIONS_MOST ? twice : GENERATIONS_MOST - 1;

	while (g->count &&
	       (g->count > in_all || (count_others(g, g->count - 1, published) >= most &&
				      !(most && ends_with_acknowledged(g, published)))))
		(void)generations_drop_oldest(g);
}

/* ---- going back ---- */

/* What is published already, or was gone back from. */
static bool is_no_choice(const struct generations *g, const struct record *r, const char *published)
{
	const struct state s = { .dir = g->state };

	return text_is(r->digest, published) || state_is_rejected(&s, r->digest);
}

const struct record *generations_find(const struct generations *g, const char *text,
				      const char *published, struct err *e)
{
	const struct record *found = NULL;

	for (size_t i = 0; i < g->count; i++) {
		const struct record *r = &g->records[i];

		if (text ? !text_starts(r->digest, text) : is_no_choice(g, r, published))
			continue;
		if (found && !text)
			break;
		if (found && !text_is(found->digest, r->digest)) {
			(void)err_set(e, ERR_USAGE, "several kept versions begin with '%s'", text);
			return NULL;
		}
		found = found ? found : r;
	}
	if (!found && text)
		(void)err_set(e, ERR_USAGE, "no version '%s' is kept", text);
	else if (!found && g->count)
		(void)err_set(e, ERR_USAGE,
			      "no older version is kept but what was gone back from, which has to "
			      "be named");
	else if (!found)
		(void)err_set(e, ERR_USAGE, "no older version is kept");
	return found;
}

int generations_tree(const struct generations *g, const struct record *r, struct tree *ret,
		     struct err *e)
{
	owned char *name = mem_format("%" PRId64 "/" MANIFEST, r->serial);
	owned_buf b = BUF_INIT(MANIFEST_MOST);
	struct manifest_head head;
	char digest[DIGEST_TEXT_SIZE];

	*ret = (struct tree){ 0 };
	if (io_read_regular(g->dir, name, &b, e) == 0 &&
	    manifest_read(b.data, b.length, &head, ret, e) == 0) {
		if (text_is(digest_text(&head.digest, digest), r->digest))
			return 0;
		tree_done(ret);
		(void)err_set(e, ERR_SYSTEM, "the manifest is another version's");
	}
	e->kind = ERR_SYSTEM;
	return err_in(e, "version %s", r->digest);
}

char *generations_path_of(const struct generations *g, const struct record *r,
			  const struct digest *content)
{
	char text[DIGEST_TEXT_SIZE];

	(void)digest_text(content, text);
	/* In the one after it only when that had it too; so its own is the first to look at. */
	for (size_t i = g->count; i-- > 0;) {
		if (g->records[i].serial < r->serial)
			continue;
		char *path = mem_format("%" PRId64 "/" FILES "/%s", g->records[i].serial, text);

		if (io_is_there(g->dir, path))
			return path;
		free(path);
	}
	return NULL;
}
