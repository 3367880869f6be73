/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint: GET or POST /reload in the main container runs a trigger, one at a time.
 *
 * A request that comes while a reload runs waits for the next one, since what it wants loaded may
 * have come too late for the running one; all that wait share that next one and get its outcome.
 *
 *   200  reloaded; no body, since the published client takes status and body as one number.
 *        With "Accept: application/json" the body is JSON
 *   500  the reload failed; JSON with the reason and the last lines of the command's output
 *   504  the command was killed at its deadline; JSON as well
 */
#pragma once

#include "base/address.h"
#include "base/loop.h"
#include "base/setting.h"

struct endpoint_settings {
	struct address listen;
};

extern const struct setting_group endpoint_rows;

struct endpoint;
struct runner;

/* runner stays the caller's, and outlives it. listen's port is set when it was 0. NULL with e. */
struct endpoint *endpoint_new(struct loop *l, struct address *listen, struct runner *runner,
			      struct err *e);

/* Requests that still wait are answered 503. */
void endpoint_free(struct endpoint *ep);
