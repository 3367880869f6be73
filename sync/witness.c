/* SPDX-License-Identifier: Apache-2.0 */
/* witness: see witness.h. */
#include "sync/witness.h"

#include "base/beneath.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "sync/plan.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Its hash is kept: every change of content, mode, owner or names touches the time of change. */
struct sight {
	uint64_t inode, size;
	uint32_t mode, uid, gid;
	int64_t modified, modified_rest, changed, changed_rest;
};

struct witness {
	const struct plan *plan;
	int dir;
	struct digest *seen; /* of each entry, then of the directory itself */
};

static struct digest digest_of(struct digest_stream *stream, const struct stat *st)
{
	const struct sight s = { .inode = st->st_ino,
				 .size = (uint64_t)st->st_size,
				 .mode = st->st_mode,
				 .uid = st->st_uid,
				 .gid = st->st_gid,
				 .modified = st->st_mtim.tv_sec,
				 .modified_rest = st->st_mtim.tv_nsec,
				 .changed = st->st_ctim.tv_sec,
				 .changed_rest = st->st_ctim.tv_nsec };

	digest_reset(stream);
	digest_add(stream, &s.inode, sizeof(s.inode));
	digest_add(stream, &s.size, sizeof(s.size));
	digest_add(stream, &s.mode, sizeof(s.mode));
	digest_add(stream, &s.uid, sizeof(s.uid));
	digest_add(stream, &s.gid, sizeof(s.gid));
	digest_add(stream, &s.modified, sizeof(s.modified));
	digest_add(stream, &s.modified_rest, sizeof(s.modified_rest));
	digest_add(stream, &s.changed, sizeof(s.changed));
	digest_add(stream, &s.changed_rest, sizeof(s.changed_rest));
	return digest_result(stream);
}

/* All zero where nothing is there. */
static struct digest look(struct digest_stream *stream, struct beneath *at, const char *path)
{
	const struct digest nothing = { 0 };
	const char *name;
	struct stat st;
	int dir = beneath_parent(at, path, &name);

	if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return nothing;
	return digest_of(stream, &st);
}

/*
 * The index of the first that is not as in seen, past the count when all are. Without
 * compare they are written down there.
 */
static size_t look_at_all(const struct witness *w, bool compare)
{
	const struct tree *t = &w->plan->tree;
	struct digest_stream *stream = digest_new();
	struct beneath at = beneath_init(w->dir);
	size_t i;
	struct stat st;

	for (i = 0; i <= t->count; i++) {
		struct digest now = { 0 };

		if (i < t->count)
			now = look(stream, &at, tree_path(t, &t->entries[i]));
		else if (fstat(w->dir, &st) == 0)
			now = digest_of(stream, &st);
		if (!compare)
			w->seen[i] = now;
		else if (!digest_equal(&now, &w->seen[i]))
			break;
	}
	beneath_done(&at);
	digest_free(stream);
	return i;
}

struct witness *witness_call(const struct plan *p, int dir)
{
	struct witness *w = mem_alloc(sizeof(*w));

	*w = (struct witness){ .plan = p, .dir = dir };
	w->seen = mem_alloc((p->tree.count + 1) * sizeof(*w->seen));
	(void)look_at_all(w, false);
	return w;
}

int witness_ask(const struct witness *w, struct err *e)
{
	const struct tree *t = &w->plan->tree;
	const size_t i = look_at_all(w, true);

	if (i > t->count)
		return 0;
	return err_set(e, ERR_REMOTE, "it changed '%.300s' of the new version",
		       i < t->count ? tree_path(t, &t->entries[i]) : ".");
}

void witness_free(struct witness *w)
{
	free(w->seen);
	free(w);
}
