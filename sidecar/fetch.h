/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch: sources that are no directories. gs-fetch, a program of its own, makes directories of them
 * in a cache, and the sync engine takes those.
 *
 * Such a source is a JSON object in the list of sources: {"name": "assets", "http": "https://..."}.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct config;
struct err;
struct json;
struct list;

struct fetch_settings {
	char *program;
	char *cache; /* NULL: in the state directory */
	int64_t every;
};

/* Whether there is one among them. */
bool fetch_is_wanted(const struct list *sources);

/* For the list's row: an object has to have a name. */
int fetch_check_item(const char *item, struct err *e);

/* A source as people may see it: of a fetched one the name alone. On the heap. */
char *fetch_shown(const char *source);

/*
 * Fetches what is not there yet or no longer as it was, and puts the directories in the place of
 * the objects; nothing when there are none. *ret is what gs-fetch says of each, a JSON array, or
 * NULL; to be freed in any case. -1 with e when one has no directory, so that nothing is to be
 * synced.
 */
int fetch_sources(struct config *c, struct json **ret, struct err *e);
