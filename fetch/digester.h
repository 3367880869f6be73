/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digester: the SHA-256 of bytes that come, made by a thread of its own: it takes longer than all
 * else that is done with them.
 */
#pragma once

#include "fetch/trust.h"

#include <stddef.h>

struct digester;

struct digester *digester_new(void);

/* NULL is fine. */
void digester_free(struct digester *d);

/* Copies them; waits for room. Without a thread, since few have come or none can be, it digests. */
void digester_add(struct digester *d, const void *bytes, size_t count);

/* Of all that was added; more can follow. */
struct trust_digest digester_result(struct digester *d);
