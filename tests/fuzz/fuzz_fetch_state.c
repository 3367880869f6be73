/* SPDX-License-Identifier: Apache-2.0 */
/* state.json: what is taken from it leads nowhere else, and is the same when it was written again.
 */
#include "tests/fuzz/guard.h"

#include "base/text.h"
#include "fetch/cache.h"

#include <stdbool.h>

static bool is_same(const char *a, const char *b)
{
	return a && b ? text_is(a, b) : a == b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = guard_text(data, size);
	struct cache_state state, again;

	if (!text)
		return 0;
	cache_state_read(text, &state);
	MUST(!state.tree || (text_starts(state.tree, "tree.") && !strchr(state.tree, '/')));
	MUST(!state.etag || !strpbrk(state.etag, "\r\n"));
	MUST(!state.modified || !strpbrk(state.modified, "\r\n"));
	char *written = cache_state_text(&state);
	cache_state_read(written, &again);
	MUST(is_same(state.tree, again.tree) && !state.etag == !again.etag);
	/* What was no UTF-8 is written in another way. */
	char *twice = cache_state_text(&again);
	MUST(text_is(written, twice));
	free(written);
	free(twice);
	cache_state_done(&state);
	cache_state_done(&again);
	return 0;
}
