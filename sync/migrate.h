/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migrate: give a live target the other layout, with the same version in it.
 *
 * Names change places one by one, each at one moment, with what has the same content; so a reader
 * sees nothing of it. A file STATE/migrating is there meanwhile: what a crash cut off is done
 * again.
 */
#pragma once

#include <stdbool.h>

struct err;
struct work;

/*
 * Whether the target has another layout than its mode of publication wants, or is in between; or
 * there are directories of the game's where links have to be, which come into the tree then.
 */
bool migrate_is_needed(const struct work *w);

/* w's layout is the wanted one afterwards; -1 with e, and the version is whole all the same. */
int migrate(struct work *w, struct err *e);

/* What a crash left of a change that is no longer wanted, or came to its end. */
int migrate_clean_up(struct work *w, struct err *e);
