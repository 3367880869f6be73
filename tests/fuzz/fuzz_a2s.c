/* SPDX-License-Identifier: Apache-2.0 */
/* What a game answers to a2s, with bots and without. */
#include "tests/fuzz/guard.h"

#include "base/buf.h"
#include "base/err.h"
#include "probe/a2s.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	owned_buf request = BUF_INIT(100);
	unsigned with = 0, without = 0;
	struct err e = { 0 };
	/* It is only read. */
	struct buf answer = { .data = (char *)guard_text(data, size), .length = size };

	if (!answer.data)
		return 0;
	enum query_step step = a2s_read(&answer, true, &request, &with, &e);
	MUST((step == QUERY_BAD) == (e.kind != ERR_NONE));
	e.kind = ERR_NONE;
	enum query_step other = a2s_read(&answer, false, &request, &without, &e);
	MUST((other == QUERY_BAD) == (e.kind != ERR_NONE));
	MUST(other == step || (other == QUERY_BAD && step == QUERY_DONE));
	MUST(other != QUERY_DONE || without <= with);
	return 0;
}
