/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update: what somebody pushes in the place of what is configured.
 *
 *   {"pushed": {...}, "sources": ["patch"], "hosts": ["files.example.com"], "before": {...},
 *    "trial": true}
 *
 * is how the request says it; nothing need be pushed. "before" is another such thing whose copies
 * are to stay, and with "trial" all others do, too. What is pushed is {"version": "v2", "sources":
 * [{"name": "patch",
 * ...}]} or, for the source "update", {"version": "v2", "url": URL, "sha256": DIGEST}. "sources"
 * and "hosts" are who may be updated, and from where.
 *
 * A source that is configured keeps all that is not pushed, such as its credentials, "into" and
 * limits; one that is not has to be "http", and lies on top. Only what says what is fetched can be
 * pushed, no name of a file on this machine and no program; and to another place than the
 * configured one no credential of the source goes. A URL has to have the scheme, host and port of
 * the configured one, or of one of "hosts", as they are written there; a host without a scheme
 * means https.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>

struct json;

/*
 * What becomes of the array sources, to be given back; NULL with e (ERR_USAGE) when something may
 * not be so.
 */
struct json *update_apply(const struct json *update, const struct json *pushed,
			  const struct json *sources, struct err *e);

/* Whether a source of this name is pushed. pushed NULL: none is. */
bool update_has(const struct json *pushed, const char *name);

/* "sources" and "hosts" themselves; ERR_USAGE. */
int update_check_allowed(const struct json *update, struct err *e);
