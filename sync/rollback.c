/* SPDX-License-Identifier: Apache-2.0 */
/* rollback: see rollback.h. */
#include "sync/rollback.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/work.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYER_KEPT, LAYER_LIVE, LAYERS_OF_ROLLBACK };

int rollback_check_text(const char *text, struct err *e)
{
	size_t length = strlen(text);

	if (!length || length >= DIGEST_TEXT_SIZE || strspn(text, "0123456789abcdef") != length)
		return err_set(e, ERR_USAGE, "expected a digest or how it begins, got '%.100s'",
			       text);
	return 0;
}

/* The live tree's files in the order of their content. */
struct by_content {
	const struct entry **items;
	size_t count;
};

static int compare_content(const void *a, const void *b)
{
	const struct entry *const *left = a, *const *right = b;

	return memcmp(&(*left)->content, &(*right)->content, sizeof(struct digest));
}

static struct by_content sort_by_content(const struct tree *t)
{
	struct by_content c = { .items = mem_alloc(t->count * sizeof(*c.items)) };

	for (size_t i = 0; i < t->count; i++)
		if (t->entries[i].type == ENTRY_FILE)
			c.items[c.count++] = &t->entries[i];
	if (c.count)
		qsort(c.items, c.count, sizeof(*c.items), compare_content);
	return c;
}

static const struct entry *find_content(const struct by_content *c, const struct entry *wanted)
{
	const struct entry **found =
		c->count ? bsearch(&wanted, c->items, c->count, sizeof(*c->items), compare_content)
			 : NULL;

	return found ? *found : NULL;
}

/* On the heap, from the kept ones or the live tree; NULL when neither has it. */
static char *find_file(const struct work *w, const struct record *r, const struct by_content *live,
		       const struct entry *entry, uint8_t *ret_layer)
{
	const struct entry *same = find_content(live, entry);
	/* A target that is partly another version's may no longer have what is written down. */
	char *kept = same && !w->plan.cut_off
			     ? NULL
			     : generations_path_of(&w->generations, r, &entry->content);

	*ret_layer = kept ? LAYER_KEPT : LAYER_LIVE;
	return kept || !same ? kept : mem_copy(tree_path(&w->plan.ours[0].tree, same));
}

/* Where each file's content is. */
static int find_files(struct work *w, const struct record *r, struct err *e)
{
	struct tree *t = &w->plan.tree;
	struct by_content live = sort_by_content(&w->plan.ours[0].tree);
	int status = 0;

	for (size_t i = 0; i < t->count && status == 0; i++) {
		struct entry *entry = &t->entries[i];

		if (entry->type != ENTRY_FILE)
			continue;
		owned char *path = find_file(w, r, &live, entry, &entry->layer);
		if (path)
			entry->source = tree_add_text(t, path);
		else
			status = err_set(e, ERR_SYSTEM,
					 "version %s cannot be gone back to: '%s' is gone",
					 r->digest, tree_path(t, entry));
	}
	free(live.items);
	return status;
}

static int load_layers(struct work *w, const struct record *r, struct err *e)
{
	struct layer *kept = &w->layers.items[LAYER_KEPT];

	if (find_files(w, r, e) < 0)
		return -1;
	w->goes_back = true;
	(void)snprintf(w->label, sizeof(w->label), "%s", r->label);
	for (w->layers.count = 0; w->layers.count < LAYERS_OF_ROLLBACK; w->layers.count++) {
		w->layers.items[w->layers.count] = LAYER_INIT;
		w->layers.items[w->layers.count].spec = "the kept versions";
	}
	if (w->generations.dir < 0)
		return 0;
	kept->root = fcntl(w->generations.dir, F_DUPFD_CLOEXEC, 0);
	return kept->root < 0 ? err_sys(e, "open the kept versions") : 0;
}

int rollback_load(struct work *w, const char *text, struct err *e)
{
	const struct record *r = generations_find(&w->generations, text, w->published.digest, e);

	if (!r || generations_tree(&w->generations, r, &w->plan.tree, e) < 0 ||
	    load_layers(w, r, e) < 0)
		return -1;
	if (text_is(r->digest, w->published.digest))
		return 0;
	return state_reject(&w->sync->state, w->published.digest, e);
}

int rollback_stay(struct work *w, struct err *e)
{
	if (state_manifest(&w->sync->state, w->published.digest, &w->plan.tree, e) < 0)
		return -1;
	return load_layers(w, &w->published, e);
}

int rollback_open(struct work *w, struct err *e)
{
	struct layer *live = &w->layers.items[LAYER_LIVE];

	live->root = fcntl(w->live, F_DUPFD_CLOEXEC, 0);
	return live->root < 0 ? err_sys(e, "open the live version") : 0;
}
