/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was read is written again: the same bytes, so nothing is misunderstood. Each input is tried
 * as it is, and once more with counts and hash made right, which no fuzzer would ever guess: so it
 * gets as far as the entries.
 */
#include "tests/fuzz/guard.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "sync/manifest.h"
#include "sync/tree.h"

/* Every part has a name, and none is "." or begins with "..". */
static void check_path(const char *path)
{
	for (;; path++) {
		size_t length = strcspn(path, "/");

		MUST(length > 0 && !(length == 1 && path[0] == '.') && strncmp(path, "..", 2) != 0);
		path += length;
		if (!*path)
			return;
	}
}

static void check_entry(const struct tree *t, size_t i)
{
	const struct entry *e = &t->entries[i];
	const char *path = tree_path(t, e), *slash = strrchr(path, '/');

	check_path(path);
	MUST(tree_find(t, path) == e);
	MUST(e->first <= i && t->entries[e->first].first == e->first);
	MUST((e->type == ENTRY_FILE) == entry_is_hashed(e));
	MUST((e->type == ENTRY_LINK) == (tree_link(t, e)[0] != '\0'));
	MUST(tree_end_of(t, i) > i);
	if (!slash)
		return;
	owned char *folder = mem_copy_part(path, (size_t)(slash - path));
	const struct entry *parent = tree_find(t, folder);
	MUST(parent && parent < e && parent->type == ENTRY_DIRECTORY);
}

static void check_manifest(const char *bytes, size_t size)
{
	owned_buf written = BUF_INIT(MANIFEST_MOST);
	struct manifest_head head;
	struct tree t = { .count = 1 };
	struct err e = { 0 };

	if (manifest_read(bytes, size, &head, &t, &e) < 0) {
		MUST(e.kind == ERR_USAGE && e.text[0] && !t.entries && !t.texts && !t.count);
		return;
	}
	for (size_t i = 0; i < t.count; i++)
		check_entry(&t, i);
	(void)tree_digest(&t);
	MUST(manifest_write(&t, &head, &written, &e) == 0);
	MUST(written.length == size && memcmp(written.data, bytes, size) == 0);
	tree_done(&t);
}

static void repair_check(char *bytes, size_t size)
{
	const size_t check = offsetof(struct manifest_head, check);
	const size_t behind = check + sizeof(struct digest);
	struct digest_stream *s = digest_new();

	digest_add(s, bytes, check);
	digest_add(s, bytes + behind, size - behind);
	const struct digest d = digest_result(s);
	memcpy(bytes + check, &d, sizeof(d));
	digest_free(s);
}

/* For as many entries as the head says, or as there is room for. */
static void repair(char *bytes, size_t size)
{
	struct manifest_head h;
	const size_t most = (size - sizeof(h) - 1) / sizeof(struct entry);

	memcpy(&h, bytes, sizeof(h));
	memcpy(h.magic, "gs-tree1", sizeof(h.magic));
	h.length = size;
	h.entries = h.entries < most ? h.entries : (uint32_t)most;
	h.texts = (uint32_t)(size - sizeof(h) - h.entries * sizeof(struct entry));
	h.whiteouts %= h.entries + 1;
	h.reserved = 0;
	memset(h.label + 3, 0, sizeof(h.label) - 3);
	h.files = h.bytes = 0;
	for (size_t i = 0; i < h.entries; i++) {
		struct entry e;

		memcpy(&e, bytes + sizeof(h) + i * sizeof(e), sizeof(e));
		h.files += e.type != ENTRY_DIRECTORY;
		h.bytes += e.size;
	}
	memcpy(bytes, &h, sizeof(h));
	repair_check(bytes, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = guard_bytes(data, size);

	if (!bytes)
		return 0;
	check_manifest(bytes, size);
	if (size <= sizeof(struct manifest_head))
		return 0;
	owned char *repaired = mem_alloc(size);
	memcpy(repaired, data, size);
	repair(repaired, size);
	check_manifest(guard_bytes((const uint8_t *)repaired, size), size);
	return 0;
}
