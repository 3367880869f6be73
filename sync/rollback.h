/* SPDX-License-Identifier: Apache-2.0 */
/* rollback: an older version as what is to be published. */
#pragma once

struct err;
struct work;

/* ERR_USAGE when text cannot be the beginning of a digest. */
int rollback_check_text(const char *text, struct err *e);

/*
 * The plan's tree becomes that of the kept version whose digest begins with text, NULL: the newest
 * other one. Its files are in two layers: the kept ones, and the live tree, which rollback_open()
 * opens. What is published now is rejected: no sync publishes it again until it is forced, or the
 * sources hold something else.
 */
int rollback_load(struct work *w, const char *text, struct err *e);

/* The same for what is published: a sync of something else has left the target partly new. */
int rollback_stay(struct work *w, struct err *e);

/* Once w's live tree is open. */
int rollback_open(struct work *w, struct err *e);
