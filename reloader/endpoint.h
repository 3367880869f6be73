/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint: GET or POST /reload in the main container, by a runner.
 *
 * A request that comes while a reload runs waits for the next one and shares it with all that wait,
 * see runner.h. Idempotency-Key is the runner's key, X-GS-Digest its digest. What /reload answers:
 *
 *   200  reloaded, or it had been: no body, since the published client takes status and body as
 *        one number. With "Accept: application/json" the body is JSON
 *   202  "Prefer: respond-async" (RFC 7240): asked for, the outcome will be in /status
 *   400  a key or digest of more than RUNNER_NAME_MOST bytes
 *   401  no token, or another one; nothing was run
 *   403  a browser's request
 *   409  its key came with another digest before; nothing was run
 *   413  its body is too large
 *   500  the reload failed; JSON with the reason and the last lines of the command's output
 *   503  the token cannot be read, too many requests wait, or the program ends; nothing was run
 *   504  the command was killed at its deadline; JSON as for 500
 *
 * Looking never reloads: GET /status (JSON), /metrics (Prometheus text), and /healthz, which alone
 * needs no token. Unix sockets never need one: who may connect is checked (base/http_server.h).
 */
#pragma once

#include "base/address.h"
#include "base/loop.h"
#include "base/setting.h"

struct endpoint_settings {
	struct address listen;
	char *token_file; /* NULL: none, only local clients */
};

extern const struct setting_group endpoint_rows;

struct endpoint;
struct json;
struct runner;

struct endpoint_plan {
	struct endpoint_settings *settings; /* kept; listen's port is set when it was 0 */
	struct runner *runner;              /* kept; outlives the endpoint */
	/* Adds more to the page /status; NULL: nothing. */
	void (*add_status)(struct json *status, void *owner);
	void *owner;
};

/* NULL with e; ERR_USAGE when it would listen beyond this machine without a token. */
struct endpoint *endpoint_new(struct loop *l, const struct endpoint_plan *plan, struct err *e);

/* Requests that still wait are answered 503; the runner has to be done before. */
void endpoint_free(struct endpoint *ep);
