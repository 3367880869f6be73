/* SPDX-License-Identifier: Apache-2.0 */
/* compare: see compare.h. */
#include "sync/compare.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/text.h"
#include "sync/copy.h"
#include "sync/dress.h"
#include "sync/layer.h"
#include "sync/obstacle.h"
#include "sync/plan.h"
#include "sync/tally.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Neighbours share a directory. */
#define CHUNK 64

/* One thread's. */
struct looker {
	struct plan *plan;
	const struct planning *how;
	struct beneath target, source;
	struct copier copier;
	struct tally *tally;
};

static void looker_init(struct looker *l, struct plan *p, const struct planning *how,
			struct tally *tally)
{
	*l = (struct looker){ .plan = p,
			      .how = how,
			      .target = beneath_init(how->target),
			      .source = beneath_init(-1),
			      .tally = tally };
}

static void looker_done(struct looker *l)
{
	beneath_done(&l->target);
	beneath_done(&l->source);
	copier_done(&l->copier);
}

/* 0 and *ret, 1 when nothing is there (also when the way there is not a directory), -1 with e. */
static int look(struct looker *l, const char *path, int *ret_dir, const char **ret_name,
		struct stat *ret, struct err *e)
{
	int dir = beneath_parent(&l->target, path, ret_name);

	*ret_dir = dir;
	if (dir >= 0 && fstatat(dir, *ret_name, ret, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
		return 1;
	return err_sys(e, "look at '%s' in the target", path);
}

/* The published version's entry of the same path and type, or NULL. */
static const struct entry *had(const struct plan *p, size_t i)
{
	uint32_t at = p->steps[i].had;
	const struct entry *e = at == PLAN_NONE ? NULL : &p->ours[0].tree.entries[at];

	return e && e->type == p->tree.entries[i].type ? e : NULL;
}

/* Trusted without a look: what the manifest says is there. */
static enum action trust(struct looker *l, size_t i)
{
	const struct entry *old = had(l->plan, i);
	const struct stat st = { .st_mode = old->mode,
				 .st_uid = old->uid,
				 .st_gid = old->gid,
				 .st_mtim = { .tv_sec = old->seconds,
					      .tv_nsec = old->nanoseconds } };

	return dress_fits(l->how->owners, &l->plan->tree.entries[i], &st) ? ACTION_KEEP
									  : ACTION_DRESS;
}

static enum action keep_or_dress(struct looker *l, size_t i, const struct stat *st)
{
	return dress_fits(l->how->owners, &l->plan->tree.entries[i], st) ? ACTION_KEEP
									 : ACTION_DRESS;
}

/* absent as look() says it. */
static int place(struct looker *l, size_t i, int absent, const struct stat *st, struct err *e)
{
	l->plan->steps[i].action = ACTION_PLACE;
	return absent ? 0 : obstacle_check(l->plan, i, &l->target, st, e);
}

static int compare_directory(struct looker *l, size_t i, struct err *e)
{
	struct step *step = &l->plan->steps[i];
	const char *path = tree_path(&l->plan->tree, &l->plan->tree.entries[i]), *name;
	struct stat st;
	int dir, absent;

	if (l->how->how == VERIFY_NONE && had(l->plan, i)) {
		step->action = trust(l, i);
		return 0;
	}
	absent = look(l, path, &dir, &name, &st, e);
	if (absent < 0)
		return -1;
	if (!absent && S_ISDIR(st.st_mode)) {
		step->action = keep_or_dress(l, i, &st);
		return 0;
	}
	step->fresh = true;
	return place(l, i, absent, &st, e);
}

/* In order, so that what a directory holds comes after it. */
static int compare_directories(struct looker *l, struct err *e)
{
	struct plan *p = l->plan;

	for (size_t i = 0; i < p->tree.count; i++) {
		struct step *step = &p->steps[i];

		if (step->folder != PLAN_NONE && p->steps[step->folder].fresh) {
			step->fresh = true;
			step->action = ACTION_PLACE;
		} else if (p->tree.entries[i].type == ENTRY_DIRECTORY) {
			if (compare_directory(l, i, e) < 0)
				return -1;
		}
	}
	return 0;
}

static bool link_is(int dir, const char *name, const char *wanted)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(dir, name, target, sizeof(target));

	return length >= 0 && (size_t)length == strlen(wanted) &&
	       memcmp(target, wanted, (size_t)length) == 0;
}

static int compare_link(struct looker *l, size_t i, struct err *e)
{
	struct plan *p = l->plan;
	const struct entry *entry = &p->tree.entries[i], *old = had(p, i);
	const char *wanted = tree_link(&p->tree, entry), *name;
	struct stat st;
	int dir, absent;

	if (l->how->how == VERIFY_NONE && old &&
	    text_is(tree_link(&p->ours[0].tree, old), wanted)) {
		p->steps[i].action = trust(l, i);
		return 0;
	}
	absent = look(l, tree_path(&p->tree, entry), &dir, &name, &st, e);
	if (absent < 0)
		return -1;
	if (!absent && S_ISLNK(st.st_mode) && link_is(dir, name, wanted)) {
		p->steps[i].action = keep_or_dress(l, i, &st);
		return 0;
	}
	return place(l, i, absent, &st, e);
}

/* Names that shared an inode and no longer do have to be made anew. */
static bool was_linked_otherwise(const struct plan *p, size_t i)
{
	const struct entry *entry = &p->tree.entries[i];
	const char *path = tree_path(&p->tree, entry);
	const char *first = tree_path(&p->tree, &p->tree.entries[entry->first]);

	for (size_t k = 0; k < p->ours_count; k++) {
		const struct tree *old = &p->ours[k].tree;
		const struct entry *e = k ? tree_find(old, path) : had(p, i);

		if (!e || e->type != ENTRY_FILE)
			continue;
		if (entry->first == i && e->first == (size_t)(e - old->entries))
			continue; /* both stand for themselves, the usual case */
		if (!text_is(tree_path(old, &old->entries[e->first]), first))
			return true;
	}
	return false;
}

/* Whether the target's file, of which known may say the content, has the source's. */
static int has_content(struct looker *l, struct entry *entry, const struct digest *known, int dir,
		       const char *name, bool *ret, struct err *e)
{
	struct digest there;

	*ret = false;
	if (known)
		there = *known;
	else if (!copy_hash_of(&l->copier, dir, name, &there))
		return 0;
	if (!entry_is_hashed(entry)) {
		beneath_move(&l->source, l->how->layers[entry->layer].root);
		if (copy_source(&l->copier, &l->source, &l->plan->tree, entry, -1, e) < 0)
			return -1;
	}
	*ret = digest_equal(&there, &entry->content);
	return 0;
}

/* 1 when the manifest is enough to decide, 0 when the file has to be looked at, -1 with e. */
static int compare_trusted(struct looker *l, size_t i, struct err *e)
{
	struct entry *entry = &l->plan->tree.entries[i];
	const struct entry *old = had(l->plan, i);
	bool same;

	if (l->how->how != VERIFY_NONE || !old || old->size != entry->size ||
	    was_linked_otherwise(l->plan, i))
		return 0;
	if (has_content(l, entry, &old->content, -1, NULL, &same, e) < 0)
		return -1;
	if (same)
		l->plan->steps[i].action = trust(l, i);
	return same;
}

static int compare_file(struct looker *l, size_t i, struct err *e)
{
	struct entry *entry = &l->plan->tree.entries[i];
	const struct entry *old = had(l->plan, i);
	const char *path = tree_path(&l->plan->tree, entry), *name;
	struct stat st;
	bool same = false;
	int dir, absent, status = compare_trusted(l, i, e);

	if (status)
		return status < 0 ? -1 : 0;
	absent = look(l, path, &dir, &name, &st, e);
	if (absent < 0)
		return -1;
	if (!absent && S_ISREG(st.st_mode) && (uint64_t)st.st_size == entry->size &&
	    !was_linked_otherwise(l->plan, i)) {
		bool known = old && l->how->how != VERIFY_FULL && entry_looks_like(old, &st);

		if (has_content(l, entry, known ? &old->content : NULL, dir, name, &same, e) < 0)
			return -1;
	}
	if (!same)
		return place(l, i, absent, &st, e);
	l->plan->steps[i].action = keep_or_dress(l, i, &st);
	return 0;
}

static int compare_other(void *owner, void *worker, size_t i, struct err *e)
{
	const struct plan *p = owner;
	const struct entry *entry = &p->tree.entries[i];

	if (p->steps[i].fresh || entry->type == ENTRY_DIRECTORY)
		return 0;
	if (entry->type == ENTRY_LINK)
		return compare_link(worker, i, e);
	if (entry->first != i)
		return 0;
	tally_add(((struct looker *)worker)->tally, 1, 0);
	return compare_file(worker, i, e);
}

/* Whether entry i is on the stage's filesystem, or will be. 1 or 0, -1 with e. */
static int is_on_stage(struct looker *l, size_t i, struct err *e)
{
	const struct plan *p = l->plan;
	uint32_t folder = p->steps[i].folder;
	const char *name;
	struct stat st;
	int dir;

	while (folder != PLAN_NONE && p->steps[folder].fresh)
		folder = p->steps[folder].folder;
	if (folder == PLAN_NONE)
		return fstat(l->how->target, &st) < 0 ? err_sys(e, "look at the target")
						      : st.st_dev == l->how->device;
	const char *path = tree_path(&p->tree, &p->tree.entries[folder]);
	int absent = look(l, path, &dir, &name, &st, e);
	return absent ? absent : st.st_dev == l->how->device;
}

/* 1 when both names are the same inode in the target, 0 when not, -1 with e. */
static int share_inode(struct looker *l, const char *path, const char *other, struct err *e)
{
	struct stat a, b;
	const char *name;
	int dir, absent = look(l, path, &dir, &name, &a, e);

	if (absent)
		return absent < 0 ? -1 : 0;
	absent = look(l, other, &dir, &name, &b, e);
	if (absent)
		return absent < 0 ? -1 : 0;
	return a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* A further name of a file that was compared before. */
static int compare_hard_link(struct looker *l, size_t i, struct err *e)
{
	struct plan *p = l->plan;
	struct entry *entry = &p->tree.entries[i];
	const struct entry *old = had(p, i);
	const size_t first = entry->first;
	const char *path = tree_path(&p->tree, entry), *name;
	const char *first_path = tree_path(&p->tree, &p->tree.entries[first]);
	struct stat st;
	int dir, absent, near, shared = 0;

	if (l->how->how == VERIFY_NONE && old && p->steps[first].action != ACTION_PLACE &&
	    p->steps[first].had == old->first) {
		p->steps[i].action = ACTION_KEEP;
		return 0;
	}
	near = is_on_stage(l, first, e);
	if (near > 0)
		near = is_on_stage(l, i, e);
	if (near < 0)
		return -1;
	if (!near)
		entry->first = (uint32_t)i; /* no hard link leads from one filesystem to another */
	if (p->steps[i].fresh)
		return 0;
	if (!near)
		return compare_file(l, i, e);
	if (p->steps[first].action != ACTION_PLACE)
		shared = share_inode(l, path, first_path, e);
	if (shared < 0)
		return -1;
	if (shared)
		return 0; /* dressed with the first name */
	absent = look(l, path, &dir, &name, &st, e);
	return absent < 0 ? -1 : place(l, i, absent, &st, e);
}

static int compare_hard_links(struct looker *l, struct err *e)
{
	struct plan *p = l->plan;

	for (size_t i = 0; i < p->tree.count; i++) {
		struct entry *entry = &p->tree.entries[i];

		entry->content = p->tree.entries[entry->first].content;
		if (entry->first != i && compare_hard_link(l, i, e) < 0)
			return -1;
	}
	return 0;
}

int compare_all(struct plan *p, const struct planning *how, struct err *e)
{
	struct looker lookers[POOL_MOST];
	struct tally tally;
	const struct pool_job job = { .count = p->tree.count,
				      .chunk = CHUNK,
				      .threads = how->threads,
				      .work = compare_other,
				      .owner = p,
				      .workers = lookers,
				      .worker_size = sizeof(lookers[0]) };
	int status;

	tally_init(&tally, how->notes, "comparing", p->tree.count, 0);
	for (size_t i = 0; i < POOL_MOST; i++)
		looker_init(&lookers[i], p, how, &tally);
	status = compare_directories(&lookers[0], e);
	if (status == 0)
		status = pool_run(&job, e);
	if (status == 0)
		status = compare_hard_links(&lookers[0], e);
	for (size_t i = 0; i < POOL_MOST; i++)
		looker_done(&lookers[i]);
	return status;
}
