/* SPDX-License-Identifier: Apache-2.0 */
/* retire: see retire.h. */
#include "sync/retire.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/text.h"
#include "sync/copy.h"
#include "sync/place.h"
#include "sync/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

struct retirer {
	struct beneath *target;
	struct copier copier;
	struct retired *retired;
	struct err *e;
};

static bool is_as_recorded(struct retirer *r, const struct tree *t, const struct entry *entry,
			   const struct stat *st, int dir, const char *name)
{
	char target[PATH_MAX];
	struct digest there;
	ssize_t length;

	if (entry->type == ENTRY_DIRECTORY)
		return true; /* removed only when empty */
	if (entry->type == ENTRY_FILE)
		return (uint64_t)st->st_size == entry->size &&
		       copy_hash_of(&r->copier, dir, name, &there) &&
		       digest_equal(&there, &entry->content);
	length = readlinkat(dir, name, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	return text_is(target, tree_link(t, entry));
}

/* Enough to believe that the published version's file was not changed or replaced by the game. */
static bool looks_as_recorded(const struct entry *entry, const struct stat *st)
{
	return entry->type != ENTRY_LINK && entry_looks_like(entry, st);
}

/* 1 when it was removed, 0 when there was nothing of ours to remove, -1 with e. */
static int remove_one(struct retirer *r, const struct tree *t, const struct entry *entry,
		      bool certainly_ours)
{
	const char *path = tree_path(t, entry), *name;
	struct stat st;
	int dir = beneath_parent(r->target, path, &name);

	if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
			return 0;
		return err_sys(r->e, "look at '%s' in the target", path);
	}
	if (!entry_has_type(entry, &st))
		return 0;
	if (!(certainly_ours && looks_as_recorded(entry, &st)) &&
	    !is_as_recorded(r, t, entry, &st, dir, name)) {
		if (certainly_ours && !r->retired->kept++)
			r->retired->kept_example = path;
		return 0;
	}
	if (unlinkat(dir, name, entry->type == ENTRY_DIRECTORY ? AT_REMOVEDIR : 0) == 0)
		return 1;
	/* Somebody else's files are in it, or it is a mount: it stays. */
	if (entry->type == ENTRY_DIRECTORY &&
	    (errno == ENOTEMPTY || errno == EEXIST || errno == EBUSY))
		return 0;
	return errno == ENOENT ? 0 : err_sys(r->e, "remove '%s'", path);
}

static void make_removable(struct retirer *r, const struct old_version *old)
{
	for (size_t j = 0; j < old->gone_count; j++) {
		const struct entry *entry = &old->tree.entries[old->gone[j]];
		const char *name;
		int dir;

		if (entry->type != ENTRY_DIRECTORY)
			continue;
		dir = beneath_parent(r->target, tree_path(&old->tree, entry), &name);
		if (dir >= 0)
			place_make_writable(dir, name);
	}
}

static int retire_version(struct retirer *r, const struct old_version *old, bool certainly_ours)
{
	make_removable(r, old);
	/* From the end: what a directory holds comes after it. */
	for (size_t j = old->gone_count; j-- > 0;) {
		const struct entry *entry = &old->tree.entries[old->gone[j]];
		int status = remove_one(r, &old->tree, entry, certainly_ours);

		if (status < 0)
			return -1;
		r->retired->removed += (uint64_t)status;
	}
	return 0;
}

int retire_old(const struct plan *p, struct beneath *target, struct retired *ret, struct err *e)
{
	struct retirer r = { .target = target, .retired = ret, .e = e };
	int status = 0;

	*ret = (struct retired){ 0 };
	beneath_forget(target);
	for (size_t k = 0; k < p->ours_count && status == 0; k++)
		status = retire_version(&r, &p->ours[k], k == 0);
	beneath_forget(target);
	copier_done(&r.copier);
	return status;
}
