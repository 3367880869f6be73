/* SPDX-License-Identifier: Apache-2.0 */
/* work: see work.h. */
#include "sync/work.h"

#include "base/err.h"
#include "base/text.h"
#include "sync/carry.h"
#include "sync/copy.h"
#include "sync/scan.h"
#include "sync/tree.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct judge {
	const struct plan *plan;
	const char *reserved;    /* the state directory in the target, or NULL */
	const struct tree *next; /* the version that the files are carried to */
	bool published;          /* the plan's first old version is the one they come from */
	struct copier *copier;
};

static bool has_content(const struct judge *j, const struct tree *t, const struct entry *entry,
			const struct carry_item *item)
{
	char target[PATH_MAX];
	struct digest there;
	ssize_t length;

	if (entry->type == ENTRY_FILE)
		return copy_hash_of(j->copier, item->dir, item->name, &there) &&
		       digest_equal(&there, &entry->content);
	length = readlinkat(item->dir, item->name, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	return text_is(target, tree_link(t, entry));
}

/* As retire.h has it: what was published is known by its looks, the rest by its content. */
static bool is_as_recorded(const struct judge *j, size_t k, const struct carry_item *item)
{
	const struct tree *t = &j->plan->ours[k].tree;
	const struct entry *entry = tree_find(t, item->path);

	if (!entry || !entry_has_type(entry, item->st))
		return false;
	if (entry->type == ENTRY_DIRECTORY)
		return true;
	if (k == 0 && j->published && entry->type == ENTRY_FILE &&
	    entry_looks_like(entry, item->st))
		return true;
	return has_content(j, t, entry, item);
}

/* The game's: nothing a version has, or what was a version's until the game changed it. */
/* The state, and trees that were left behind at the top as the mode was another. */
static bool is_our_own(const struct judge *j, const char *path)
{
	const size_t length = j->reserved ? strlen(j->reserved) : 0;

	return text_starts(path, SCAN_OWN_PREFIX) ||
	       (length && strncmp(path, j->reserved, length) == 0 &&
		(path[length] == '/' || !path[length]));
}

/* The game's: nothing a version has, or what was a version's until the game changed it. */
static bool is_the_games(void *owner, const struct carry_item *item)
{
	const struct judge *j = owner;

	if (is_our_own(j, item->path) || tree_find(j->next, item->path))
		return false;
	for (size_t k = 0; k < j->plan->ours_count; k++)
		if (is_as_recorded(j, k, item))
			return false;
	return true;
}

int work_carry(struct work *w, int from, int to, enum work_when when, struct err *e)
{
	const bool crashed = when == WORK_AFTER_CRASH;
	struct copier copier = { 0 };
	struct judge judge = { .plan = &w->plan,
			       .reserved = w->sync->reserved,
			       .next = crashed ? &w->plan.ours[0].tree : &w->plan.tree,
			       .published = !crashed,
			       .copier = &copier };
	const struct carrying how = { .is_wanted = is_the_games,
				      .owner = &judge,
				      .move = when != WORK_BEFORE_SWITCH };
	int status = carry(&how, from, to, &w->ret->carried, e);

	copier_done(&copier);
	return status;
}

/* As far as this process may: mostly it shares no more than the group of the volume. */
static void give_to(int tree, const struct stat *st)
{
	if (fchown(tree, st->st_uid, st->st_gid) < 0)
		(void)fchown(tree, (uid_t)-1, st->st_gid);
}

int work_dress_root(const struct work *w, int tree, struct err *e)
{
	struct stat st;

	if (fstat(w->target, &st) < 0)
		return err_sys(e, "look at the target");
	give_to(tree, &st);
	if (fchmod(tree, st.st_mode & ENTRY_MODE_BITS) < 0)
		return err_sys(e, "give the new version the target's mode");
	return 0;
}
