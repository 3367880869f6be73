/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch: sources that are no directories. gs-fetch, a program of its own, makes directories of them
 * in a cache, and the sync engine takes those.
 *
 * Such a source is a JSON object in the list of sources: {"name": "assets", "http": "https://..."}.
 */
#pragma once

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct config;
struct err;
struct json;
struct update;

struct fetch_settings {
	char *program;
	char *cache; /* NULL: in the state directory */
	int64_t every;
	struct list update_sources, update_hosts; /* see update.h */
};

/* Whether there is one among them. */
bool fetch_is_wanted(const struct list *sources);

/* For the list's row: an object has to have a name. */
int fetch_check_item(const char *item, struct err *e);

/* The sources as people may see them: of a fetched one the name alone. */
void fetch_shown(const struct list *sources, struct list *ret);

/* Whether gs-fetch takes the sources as they are configured: -1 with e; 1 with e: it is not there.
 */
int fetch_check(const struct config *c, struct err *e);

/*
 * Fetches what is not there yet or no longer as it was, the update's too, and puts the directories
 * in the place of the objects, or on top; nothing when there are none. *ret is what gs-fetch says
 * of each, a JSON array, or NULL; to be freed in any case. -1 with e when one has no directory, so
 * that nothing is to be synced.
 */
int fetch_sources(struct config *c, struct update *u, struct json **ret, struct err *e);
