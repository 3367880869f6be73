/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish_data: the staged version becomes a tree beside the current one, and "..data" is switched
 * to it. Links of names that are new come before that and lead nowhere until then; those of names
 * that are gone go after it. See sync/layout.h.
 */
#pragma once

#include "sync/state.h"

struct err;
struct work;

/*
 * next is committed when all is done. After -1 nothing is visible; or the version is live, as e
 * then says, and the next sync finishes it.
 */
int publish_data(struct work *w, const struct record *next, struct err *e);

/* Nothing is left of a version that was never switched to. */
int publish_data_undo(struct work *w, const struct record *next, struct err *e);

/*
 * What a crash between a switch and its end left: 1 when the version of the record that was cut off
 * is the current one, else 0.
 */
int publish_data_was_done(const struct work *w, const struct record *cut_off);

/*
 * Trees that are neither current nor known to be old: a newer one was never switched to and goes;
 * an older one was until a crash, so the game's files in it are brought along before it is old.
 */
int publish_data_clean_up(struct work *w, struct err *e);
