/* SPDX-License-Identifier: Apache-2.0 */
/* layers: see layers.h. */
#include "sync/layers.h"

#include "base/err.h"
#include "base/pool.h"
#include "sync/hash.h"
#include "sync/sync.h"

bool layers_awaits(const char *spec)
{
	return *spec == '{';
}

int layers_open(struct layers *ret, const struct sync_settings *settings, struct err *e)
{
	ret->count = 0;
	ret->merge = (struct merge){ .layers = ret->items,
				     .include = &settings->include,
				     .exclude = &settings->exclude };
	/* Not for a sync, which has been checked, but for who asks without one. */
	if (settings->sources.count > LAYERS_MOST)
		return err_set(e, ERR_USAGE, "%zu sources: no more than %d can be merged",
			       settings->sources.count, LAYERS_MOST);
	for (size_t i = 0; i < settings->sources.count; i++) {
		const char *spec = settings->sources.items[i];

		if (layers_awaits(spec))
			continue;
		struct layer *l = &ret->items[ret->count++];

		*l = LAYER_INIT;
		if (layer_open(l, spec, e) < 0)
			return -1;
		if (settings->called.count)
			l->spec = settings->called.items[i];
	}
	ret->merge.count = ret->count;
	return 0;
}

int layers_load(struct layers *l, const struct sync_settings *settings,
		const struct scan_place *place, const struct sync_notes *notes, struct err *e)
{
	for (size_t i = 0; i < l->count; i++)
		if (layer_load(&l->items[i], place, (enum verify_how)settings->verify,
			       pool_threads(settings->threads), notes, e) < 0)
			return -1;
	return 0;
}

int layers_hash(struct layers *l, const struct sync_settings *settings, struct err *e)
{
	for (size_t i = 0; i < l->count; i++)
		if (hash_all(l->items[i].root, &l->items[i].tree, pool_threads(settings->threads),
			     e) < 0)
			return err_in(e, "source '%s'", l->items[i].spec);
	return 0;
}

void layers_close(struct layers *l)
{
	for (size_t i = 0; i < l->count; i++)
		layer_close(&l->items[i]);
	l->count = 0;
}
