/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish_exchange: the target directory as a whole is swapped with the staged version. The state
 * directory lies beside the target then, see state_path().
 */
#pragma once

#include "sync/state.h"

#include <stdint.h>

struct err;
struct work;

/* ERR_USAGE when the target cannot be swapped: it is a mount, or the state directory is in it. */
int publish_exchange_check(const struct work *w, struct err *e);

/* The part that is known before there is a state directory; the target may be missing. */
int publish_exchange_check_target(const char *path, struct err *e);

/* As publish_data(). */
int publish_exchange(struct work *w, const struct record *next, struct err *e);

/* As publish_data_was_done(). */
int publish_exchange_was_done(const struct work *w, const struct record *cut_off);

/* After that: the old tree is in the stage, with what the game may have put into it. */
int publish_exchange_clean_up(struct work *w, struct err *e);
