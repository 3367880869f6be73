/* SPDX-License-Identifier: Apache-2.0 */
/* hash: see hash.h. */
#include "sync/hash.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/pool.h"
#include "sync/copy.h"
#include "sync/tree.h"

#include <sys/stat.h>

#define PATH_SHOWN 400

/* Of one thread. */
struct reader {
	struct beneath place;
	struct copier copier;
};

struct hashing {
	struct tree *tree;
	struct reader readers[POOL_MOST];
};

static int changed_while_read(const char *path, struct err *e)
{
	return err_set(e, ERR_SYSTEM, "'%.*s' changed while it was read", PATH_SHOWN, path);
}

static int hash_entry(void *owner, void *worker, size_t index, struct err *e)
{
	struct hashing *h = owner;
	struct reader *r = worker;
	struct entry *en = &h->tree->entries[index];
	const char *path = tree_path(h->tree, en), *name;
	struct stat before, after;
	bool exact;

	if (en->type != ENTRY_FILE || entry_is_hashed(en) || en->first != index)
		return 0;
	int dir = beneath_parent(&r->place, tree_source(h->tree, en), &name);
	owned_fd fd = dir < 0 ? -1 : copy_open(dir, name);
	if (fd < 0 || fstat(fd, &before) < 0)
		return err_sys(e, "'%.*s' cannot be read", PATH_SHOWN, path);
	/* Else what is written down would be a mix, or not what was seen before. */
	if (!entry_looks_like(en, &before))
		return changed_while_read(path, e);
	if (copy_bytes(&r->copier, fd, -1, en->size, &en->content, &exact) < 0 ||
	    fstat(fd, &after) < 0)
		return err_sys(e, "'%.*s' cannot be read", PATH_SHOWN, path);
	if (!exact || !copy_is_unchanged(&before, &after))
		return changed_while_read(path, e);
	return 0;
}

/* Of one inode; when it is seen to differ it was written to in between. */
static int take_from_first(struct tree *t, struct err *e)
{
	for (size_t i = 0; i < t->count; i++) {
		struct entry *en = &t->entries[i];
		const struct entry *first = &t->entries[en->first];

		if (en->type != ENTRY_FILE || entry_is_hashed(en))
			continue;
		if (en->size != first->size)
			return changed_while_read(tree_path(t, en), e);
		en->content = first->content;
	}
	return 0;
}

int hash_all(int root, struct tree *t, size_t threads, struct err *e)
{
	struct hashing h = { .tree = t };
	const struct pool_job job = {
		.count = t->count,
		.chunk = 1,
		.threads = threads,
		.work = hash_entry,
		.owner = &h,
		.workers = h.readers,
		.worker_size = sizeof(h.readers[0]),
	};

	for (size_t i = 0; i < POOL_MOST; i++)
		h.readers[i].place = beneath_init(root);
	int status = pool_run(&job, e);
	for (size_t i = 0; i < POOL_MOST; i++) {
		beneath_done(&h.readers[i].place);
		copier_done(&h.readers[i].copier);
	}
	return status < 0 ? -1 : take_from_first(t, e);
}
