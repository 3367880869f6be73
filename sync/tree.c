/* SPDX-License-Identifier: Apache-2.0 */
/* tree: see tree.h. */
#include "sync/tree.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define ROOM_FIRST 64

struct entry *tree_add(struct tree *t, char *path, enum entry_type type)
{
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : ROOM_FIRST;
		t->entries = mem_resize(t->entries, t->room, sizeof(*t->entries));
	}

	struct entry *e = &t->entries[t->count];
	*e = (struct entry){ .path = path, .type = type, .first = t->count };
	t->count++;
	return e;
}

void tree_done(struct tree *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->entries[i].path);
		free(t->entries[i].source);
		free(t->entries[i].link);
	}
	free(t->entries);
	*t = (struct tree){ 0 };
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

void tree_sort(struct tree *t)
{
	if (t->count)
		qsort(t->entries, t->count, sizeof(*t->entries), by_path);
	for (size_t i = 0; i < t->count; i++)
		t->entries[i].first = i;
}

static int by_inode(const void *a, const void *b)
{
	const struct entry *left = *(struct entry *const *)a, *right = *(struct entry *const *)b;

	if (left->device != right->device)
		return left->device < right->device ? -1 : 1;
	if (left->inode != right->inode)
		return left->inode < right->inode ? -1 : 1;
	return left < right ? -1 : left > right;
}

void tree_find_hard_links(struct tree *t)
{
	size_t count = 0;
	owned struct entry **shared = mem_alloc(t->count * sizeof(*shared));

	for (size_t i = 0; i < t->count; i++)
		if (t->entries[i].type == ENTRY_FILE && t->entries[i].links > 1)
			shared[count++] = &t->entries[i];
	if (count < 2)
		return;
	qsort(shared, count, sizeof(*shared), by_inode);
	for (size_t i = 1; i < count; i++)
		if (shared[i]->device == shared[i - 1]->device &&
		    shared[i]->inode == shared[i - 1]->inode)
			shared[i]->first = shared[i - 1]->first;
}

const struct entry *tree_find(const struct tree *t, const char *path)
{
	struct entry wanted = { .path = (char *)path };

	if (!t->count)
		return NULL;
	return bsearch(&wanted, t->entries, t->count, sizeof(*t->entries), by_path);
}

struct digest tree_digest(const struct tree *t)
{
	struct digest_stream *s = digest_new();

	for (size_t i = 0; i < t->count; i++) {
		const struct entry *e = &t->entries[i];
		char head[16];
		int length = snprintf(head, sizeof(head), "%c%04o", e->type,
				      e->type == ENTRY_LINK ? 0 : (unsigned)e->mode);

		digest_add(s, head, (size_t)length);
		digest_add(s, e->path, strlen(e->path) + 1);
		if (e->type == ENTRY_LINK)
			digest_add(s, e->link, strlen(e->link) + 1);
		if (e->type == ENTRY_FILE)
			digest_add(s, e->content.bytes, sizeof(e->content.bytes));
	}
	struct digest d = digest_result(s);
	digest_free(s);
	return d;
}

void tree_totals(const struct tree *t, uint64_t *ret_files, uint64_t *ret_bytes)
{
	*ret_files = *ret_bytes = 0;
	for (size_t i = 0; i < t->count; i++) {
		if (t->entries[i].type == ENTRY_DIRECTORY)
			continue;
		++*ret_files;
		*ret_bytes += t->entries[i].size;
	}
}
