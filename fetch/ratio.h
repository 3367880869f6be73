/* SPDX-License-Identifier: Apache-2.0 */
/* ratio: how much may come out of an archive, for what is in it: against bombs. */
#pragma once

#include "base/err.h"

#include <stdint.h>

struct growing;

/* For one thread alone. */
struct ratio {
	uint64_t most;           /* see struct unpack_limits */
	uint64_t packed;         /* bytes of the archive */
	struct growing *growing; /* which may become more; NULL: they do not */
};

/*
 * 0, or -1 with ERR_REMOTE: so many bytes are too many for what the archive has. While it grows it
 * is waited until they are not, or it has ended.
 */
int ratio_check(struct ratio *r, uint64_t bytes, struct err *e);
