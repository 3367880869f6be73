/* SPDX-License-Identifier: Apache-2.0 */
/* ratio: see ratio.h. */
#include "fetch/ratio.h"

#include "fetch/growing.h"

#include <inttypes.h>
#include <stdbool.h>

#define FREE ((uint64_t)10 << 20) /* any archive may become so large */

static bool is_in(const struct ratio *r, uint64_t bytes)
{
	return bytes <= FREE || (r->packed && (bytes - FREE) / r->packed < r->most);
}

/* Whether it has more bytes than were known of. */
static bool has_more(struct ratio *r)
{
	uint64_t before = r->packed;

	if (r->growing)
		r->packed = (uint64_t)growing_expect(r->growing, (int64_t)before);
	return r->packed > before;
}

int ratio_check(struct ratio *r, uint64_t bytes, struct err *e)
{
	while (!is_in(r, bytes) && has_more(r))
		continue;
	if (is_in(r, bytes))
		return 0;
	return err_set(e, ERR_REMOTE, "the archive unpacks to more than %" PRIu64 " times its size",
		       r->most);
}
