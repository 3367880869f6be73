/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update: what somebody pushes in the place of what is configured.
 *
 *   {"pushed": {...}, "sources": ["patch"], "hosts": ["files.example.com"]}
 *
 * is how the request says it. What is pushed is {"version": "v2", "sources": [{"name": "patch",
 * ...}]} or, for the source "update", {"version": "v2", "url": URL, "sha256": DIGEST}. "sources"
 * and "hosts" are who may be updated, and from where.
 *
 * A source that is configured keeps all that is not pushed, such as its credentials, "into" and
 * limits; one that is not has to be "http", and lies on top. Only what says what is fetched can be
 * pushed, no name of a file on this machine and no program. A URL has to have the scheme, host and
 * port of the configured one, or of one of "hosts", as they are written there; a host without a
 * scheme means https.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>

struct json;

/*
 * Both are given back by json_free(). What becomes of the array sources; NULL with e (ERR_USAGE)
 * when something may not be so.
 */
struct json *update_apply(const struct json *update, const struct json *sources, struct err *e);

/* Whether a source of this name is pushed. update NULL: none is. */
bool update_has(const struct json *update, const char *name);
