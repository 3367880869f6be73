/* SPDX-License-Identifier: Apache-2.0 */
/* preview: what a sync would make of its sources, for who asks without one; see sync.h. */
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/explain.h"
#include "sync/layers.h"
#include "sync/sync.h"

#include <stdio.h>

static int open_and_load(struct layers *l, const struct sync_settings *settings,
			 const struct sync_notes *notes, struct err *e)
{
	const struct scan_place nowhere = {
		.source = -1, .target = -1, .state = -1, .exclude = &settings->exclude
	};

	return layers_open(l, settings, e) < 0 ? -1 : layers_load(l, settings, &nowhere, notes, e);
}

int sync_explain(const struct sync_settings *settings, const char *path,
		 const struct sync_notes *notes, struct buf *b, struct err *e)
{
	struct layers layers;
	int status = open_and_load(&layers, settings, notes, e);

	if (status == 0)
		status = merge_explain(&layers.merge, path, b) ? 0 : 1;
	layers_close(&layers);
	return status;
}

/* l stays open, since entries name its layers. */
static int merge_hashed(struct layers *l, const struct sync_settings *settings,
			const struct sync_notes *notes, struct tree *ret, struct err *e)
{
	return open_and_load(l, settings, notes, e) < 0 || layers_hash(l, settings, e) < 0
		       ? -1
		       : merge_layers(&l->merge, ret, e);
}

int sync_directories_digest(const struct sync_settings *settings, const struct sync_notes *notes,
			    struct digest *ret, struct err *e)
{
	struct layers layers;
	struct tree merged = { 0 };
	int status = merge_hashed(&layers, settings, notes, &merged, e);

	*ret = tree_digest(&merged);
	tree_done(&merged);
	layers_close(&layers);
	return status;
}

/* Of one layer; each path is looked for in what is published. */
static void compare_layer(const struct layers *l, size_t layer, const struct tree *merged,
			  const struct tree *published, struct sync_preview *p)
{
	for (size_t i = 0; i < merged->count; i++) {
		const struct entry *now = &merged->entries[i];
		const char *path = tree_path(merged, now);
		const struct entry *then = tree_find(published, path);

		if (now->layer != layer)
			continue;
		if (!then)
			p->added++;
		else if (!entry_is_same(merged, now, published, then) || now->mode != then->mode)
			p->changed++;
		else
			continue;
		p->tell(p->owner, l->items[layer].spec, then ? SYNC_WOULD_CHANGE : SYNC_WOULD_ADD,
			path);
	}
}

static void compare(const struct layers *l, const struct tree *merged, const struct tree *published,
		    struct sync_preview *p)
{
	for (size_t i = 0; i < l->count; i++)
		compare_layer(l, i, merged, published, p);
	for (size_t i = 0; i < published->count; i++) {
		const char *path = tree_path(published, &published->entries[i]);

		if (tree_find(merged, path))
			continue;
		p->removed++;
		p->tell(p->owner, NULL, SYNC_WOULD_REMOVE, path);
	}
}

/* Nothing where nothing is published. */
static int load_published(const struct sync_settings *settings, struct sync_preview *p,
			  struct tree *ret, struct err *e)
{
	owned char *path = sync_state_path(settings);
	struct state state = STATE_INIT;
	int status = state_open_existing(&state, path, e);

	if (status == 0) {
		p->published = state_published(&state);
		if (p->published.digest[0])
			status = state_manifest(&state, p->published.digest, ret, e);
	}
	state_close(&state);
	return status < 0 ? -1 : 0;
}

int sync_preview(const struct sync_settings *settings, const struct sync_notes *notes,
		 struct sync_preview *p, struct err *e)
{
	struct layers layers;
	struct tree merged = { 0 }, published = { 0 };
	int status = merge_hashed(&layers, settings, notes, &merged, e);

	if (status == 0)
		status = load_published(settings, p, &published, e);
	if (status == 0) {
		struct digest digest = tree_digest(&merged);

		(void)digest_text(&digest, p->digest);
		compare(&layers, &merged, &published, p);
	}
	tree_done(&merged);
	tree_done(&published);
	layers_close(&layers);
	return status;
}
