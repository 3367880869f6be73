/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update: what POST /v1/update has brought, written down in the state directory as update.json.
 *
 *   update_open()     what the child of a sync is to go by: the update that is tried (on stdin,
 * with
 *                     --update), or the one that was accepted earlier
 *   update_accept()   it could be fetched: it is written down, as tried, and its version is the
 * label update_confirm()  it is published update_reject()   it could not be: what was written down
 * before is again
 *
 * An accepted update is given up as soon as the image or the configuration brings something else
 * than when it was accepted: another list of sources, another label, other update-sources or
 * update-hosts, or other content (modes too) in a directory that is a source. And when the target
 * goes back to an older version: if that was published before it, the update before it counts
 * again; if not, what was published before all updates is held back, unless it is that.
 */
#pragma once

#include "base/digest.h"

#include <stdbool.h>
#include <stddef.h>

#define UPDATE_MOST ((size_t)16 * 1024) /* bytes of it */

struct config;
struct err;
struct json;
struct state;
struct sync_notes;

struct update {
	bool look; /* set before: somebody only looks, nothing of it is changed */

	const struct state *state;
	struct json *record;            /* update.json as it was; NULL: it was not there */
	struct json *pushed;            /* NULL: no update */
	char brought[DIGEST_TEXT_SIZE]; /* by image and configuration */
	bool trial;                     /* it is not accepted yet */
	bool given_up;
};

/* u is to be given back in both cases. */
int update_open(struct update *u, const struct config *c, const struct state *state,
		const struct sync_notes *notes, struct err *e);
void update_done(struct update *u);

/* What was pushed before it and may count again; NULL: nothing. */
const struct json *update_before(const struct update *u);

int update_accept(const struct update *u, struct config *c, struct err *e);
void update_confirm(const struct update *u);

/* Nothing unless it was a trial. */
void update_reject(struct update *u);

/* For good; why is for the log. */
void update_give_up(struct update *u, const char *why);

/* Whether one was accepted. */
bool update_is_there(const struct state *state);

/* The target has gone back to an older version. */
void update_went_back(const struct state *state);
