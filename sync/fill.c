/* SPDX-License-Identifier: Apache-2.0 */
/* fill: see fill.h. */
#include "sync/fill.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/pool.h"
#include "sync/copy.h"
#include "sync/layer.h"
#include "sync/plan.h"
#include "sync/stage.h"
#include "sync/tally.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* One thread's. */
struct filler {
	struct plan *plan;
	struct stage *stage;
	const struct filling *how;
	struct tally *tally;
	struct beneath from, live, to;
	struct copier copier;
};

static void filler_init(struct filler *f, struct plan *p, struct stage *stage,
			const struct filling *how, struct tally *tally)
{
	*f = (struct filler){ .plan = p,
			      .stage = stage,
			      .how = how,
			      .tally = tally,
			      .from = beneath_init(-1),
			      .live = beneath_init(how->live),
			      .to = beneath_init(stage->tree),
			      .copier = { .tally = tally } };
}

static void filler_done(struct filler *f)
{
	beneath_done(&f->from);
	beneath_done(&f->live);
	beneath_done(&f->to);
	copier_done(&f->copier);
}

static int parent_in_stage(struct filler *f, const char *path, const char **ret_name, struct err *e)
{
	int dir = beneath_parent(&f->to, path, ret_name);

	return dir < 0 ? err_sys(e, "open the new directory of '%s'", path) : dir;
}

static bool is_staged(const struct filler *f, size_t i)
{
	return f->how->whole || f->plan->steps[i].action == ACTION_PLACE;
}

static int fill_copy(struct filler *f, size_t i, struct err *e)
{
	struct tree *t = &f->plan->tree;
	struct entry *entry = &t->entries[i];
	const char *path = tree_path(t, entry), *name;
	int dir = parent_in_stage(f, path, &name, e);
	owned_fd fd =
		dir < 0 ? -1
			: openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				 entry->mode & 0777);

	if (dir < 0)
		return -1;
	if (fd < 0)
		return err_sys(e, "make a new file for '%s'", path);
	beneath_move(&f->from, f->how->layers[entry->layer].root);
	if (copy_source(&f->copier, &f->from, t, entry, fd, e) < 0)
		return -1;
	if (dress_new_file(&f->stage->owners, fd, entry) < 0)
		return err_sys(e, "set owner, mode and time of '%s'", path);
	tally_add(f->tally, 1, 0);
	return 0;
}

/* The filesystem can have reasons of its own to refuse one more name. */
static bool may_copy_instead(void)
{
	return errno == EXDEV || errno == EMLINK || errno == EPERM || errno == EOPNOTSUPP;
}

/* One more name in the stage for the inode at path from below from. */
static int fill_hard_link(struct filler *f, size_t i, struct beneath *from, const char *path,
			  struct err *e)
{
	const char *old_name, *name;
	int from_dir = beneath_parent(from, path, &old_name), dir;

	if (from_dir < 0)
		return err_sys(e, "look at '%s'", path);
	dir = parent_in_stage(f, tree_path(&f->plan->tree, &f->plan->tree.entries[i]), &name, e);
	if (dir < 0)
		return -1;
	if (linkat(from_dir, old_name, dir, name, 0) == 0)
		return 0;
	if (may_copy_instead())
		return fill_copy(f, i, e);
	return err_sys(e, "make a hard link to '%s'", path);
}

static int fill_link(struct filler *f, size_t i, struct err *e)
{
	const struct tree *t = &f->plan->tree;
	const struct entry *entry = &t->entries[i];
	const char *path = tree_path(t, entry), *name;
	int dir = parent_in_stage(f, path, &name, e);

	if (dir < 0)
		return -1;
	if (symlinkat(tree_link(t, entry), dir, name) < 0)
		return err_sys(e, "make a new link for '%s'", path);
	if (dress_name(&f->stage->owners, dir, name, entry) < 0)
		return err_sys(e, "set owner and time of '%s'", path);
	return 0;
}

static int fill_one(void *owner, void *worker, size_t i, struct err *e)
{
	struct filler *f = worker;
	const struct plan *p = owner;
	const struct entry *entry = &p->tree.entries[i];

	if (entry->type == ENTRY_DIRECTORY || !is_staged(f, i))
		return 0;
	if (entry->type == ENTRY_LINK)
		return fill_link(f, i, e);
	if (entry->first != i)
		return 0;
	if (p->steps[i].action == ACTION_KEEP)
		return fill_hard_link(f, i, &f->live, tree_path(&p->tree, entry), e);
	return fill_copy(f, i, e);
}

/* Names that share an inode with an earlier one, once that is there. */
static int fill_further_names(struct filler *f, struct err *e)
{
	struct tree *t = &f->plan->tree;

	for (size_t i = 0; i < t->count; i++) {
		const size_t first = t->entries[i].first;
		struct beneath again;
		int status;

		if (first == i)
			continue;
		t->entries[i].content = t->entries[first].content;
		if (!is_staged(f, i))
			continue;
		again = beneath_init(is_staged(f, first) ? f->stage->tree : f->how->live);
		status = fill_hard_link(f, i, &again, tree_path(t, &t->entries[first]), e);
		beneath_done(&again);
		if (status < 0)
			return -1;
	}
	return 0;
}

/* Those that come as a whole, and those on the way to what is new. */
static void mark_directories(const struct plan *p, bool whole, bool *ret)
{
	for (size_t i = 0; i < p->tree.count; i++) {
		uint32_t at;

		if (p->tree.entries[i].type == ENTRY_DIRECTORY) {
			ret[i] |= whole || p->steps[i].fresh;
			at = ret[i] ? p->steps[i].folder : PLAN_NONE;
		} else {
			at = p->steps[i].action == ACTION_PLACE ? p->steps[i].folder : PLAN_NONE;
		}
		for (; at != PLAN_NONE && !ret[at]; at = p->steps[at].folder)
			ret[at] = true;
	}
}

static int make_directories(struct filler *f, const bool *wanted, struct err *e)
{
	const struct tree *t = &f->plan->tree;

	for (size_t i = 0; i < t->count; i++) {
		const char *path = tree_path(t, &t->entries[i]), *name;
		int dir;

		if (!wanted[i])
			continue;
		dir = parent_in_stage(f, path, &name, e);
		if (dir < 0)
			return -1;
		if (mkdirat(dir, name, 0700) < 0)
			return err_sys(e, "make directory '%s'", path);
	}
	return 0;
}

/* The inner ones first: what is made in a directory touches its time. */
static int dress_directories(struct filler *f, struct err *e)
{
	const struct plan *p = f->plan;

	for (size_t i = p->tree.count; i-- > 0;) {
		struct entry entry = p->tree.entries[i];
		const char *path = tree_path(&p->tree, &entry), *name;
		int dir;

		if (entry.type != ENTRY_DIRECTORY || !(f->how->whole || p->steps[i].fresh))
			continue;
		dir = parent_in_stage(f, path, &name, e);
		if (dir < 0)
			return -1;
		/* To take a name out of it, or to change its "..", it has to be writable. */
		if (f->how->moved_out && (!p->steps[i].fresh || plan_is_whole(p, i)))
			entry.mode |= 0700;
		if (dress_name(&f->stage->owners, dir, name, &entry) < 0)
			return err_sys(e, "set owner, mode and time of '%s'", path);
	}
	return 0;
}

/* To make a thread costs as much as some of this. */
#define FILES_FOR_THREAD 16
#define BYTES_FOR_THREAD ((uint64_t)4 << 20)

static size_t threads_for(const struct tally *work, size_t most)
{
	const uint64_t useful =
		1 + work->files_total / FILES_FOR_THREAD + work->bytes_total / BYTES_FOR_THREAD;

	return useful < most ? (size_t)useful : most;
}

static void count_work(const struct plan *p, const struct filling *how, struct tally *ret)
{
	uint64_t files = 0, bytes = 0;

	for (size_t i = 0; i < p->tree.count; i++) {
		const struct entry *e = &p->tree.entries[i];
		bool copied = p->steps[i].action == ACTION_PLACE ||
			      (how->whole && p->steps[i].action == ACTION_DRESS);

		if (e->type != ENTRY_FILE || e->first != i || !copied)
			continue;
		files++;
		bytes += e->size;
	}
	tally_init(ret, how->notes, "copying", files, bytes);
}

int fill_stage(struct plan *p, struct stage *stage, const struct filling *how, struct err *e)
{
	struct filler fillers[POOL_MOST];
	struct tally tally;
	owned bool *wanted = mem_alloc(p->tree.count * sizeof(*wanted));
	struct pool_job job = { .count = p->tree.count,
				/* Neighbours can all be large. */
				.chunk = 1,
				.work = fill_one,
				.owner = p,
				.workers = fillers,
				.worker_size = sizeof(fillers[0]) };
	int status;

	count_work(p, how, &tally);
	job.threads = threads_for(&tally, how->threads);
	for (size_t i = 0; i < POOL_MOST; i++)
		filler_init(&fillers[i], p, stage, how, &tally);
	mark_directories(p, how->whole, wanted);
	status = make_directories(&fillers[0], wanted, e);
	if (status == 0)
		status = pool_run(&job, e);
	if (status == 0)
		status = fill_further_names(&fillers[0], e);
	if (status == 0)
		status = dress_directories(&fillers[0], e);
	for (size_t i = 0; i < POOL_MOST; i++)
		filler_done(&fillers[i]);
	return status;
}

int fill_dress_directories(struct plan *p, struct stage *stage, const struct filling *how,
			   struct err *e)
{
	struct filler f;

	filler_init(&f, p, stage, how, NULL);
	int status = dress_directories(&f, e);
	filler_done(&f);
	return status;
}
