/* SPDX-License-Identifier: Apache-2.0 */
/* What was read is written and read again: the same bytes, so nothing is misunderstood. */
#include "tests/fuzz/guard.h"

#include "base/buf.h"
#include "base/err.h"
#include "sync/manifest.h"
#include "sync/tree.h"

static void check_written(const struct tree *t)
{
	owned_buf once = BUF_INIT(MANIFEST_MOST), twice = BUF_INIT(MANIFEST_MOST);
	struct tree again = { 0 };
	struct err e = { 0 };

	MUST(manifest_write(t, &once, &e) == 0);
	MUST(manifest_read(once.data, once.length, &again, &e) == 0);
	MUST(manifest_write(&again, &twice, &e) == 0);
	MUST(once.length == twice.length && memcmp(once.data, twice.data, once.length) == 0);
	tree_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = guard_bytes(data, size);
	struct tree t = { 0 };
	struct err e = { 0 };

	if (!bytes)
		return 0;
	if (manifest_read(bytes, size, &t, &e) < 0) {
		MUST(e.kind == ERR_SYSTEM && !t.entries);
		return 0;
	}
	for (size_t i = 0; i < t.count; i++)
		MUST(t.entries[i].first <= i && t.entries[i].path[0] != '/' &&
		     strncmp(t.entries[i].path, "..", 2) != 0 && !strstr(t.entries[i].path, "/.."));
	(void)tree_digest(&t);
	check_written(&t);
	tree_done(&t);
	return 0;
}
