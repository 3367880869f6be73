/* SPDX-License-Identifier: Apache-2.0 */
/* layers: all sources of a sync, opened and loaded together. */
#pragma once

#include "sync/layer.h"
#include "sync/merge.h"

#include <stdbool.h>

struct err;
struct sync_notes;
struct sync_settings;

struct layers {
	struct layer items[LAYERS_MOST];
	size_t count;
	struct merge merge; /* of them, with the filters of the settings */
};

/* A source that is yet to be made a directory: of it nothing can be opened. */
bool layers_awaits(const char *spec);

/* ret is to be closed whatever happened. Sources that are awaited are no layers. */
int layers_open(struct layers *ret, const struct sync_settings *settings, struct err *e);

/* As layer_load() for each; how far seals are trusted is in the settings. */
int layers_load(struct layers *l, const struct sync_settings *settings,
		const struct scan_place *place, const struct sync_notes *notes, struct err *e);
/* Hashes all files that are not: the merged tree has its digest then. */
int layers_hash(struct layers *l, const struct sync_settings *settings, struct err *e);
void layers_close(struct layers *l);
