/* SPDX-License-Identifier: Apache-2.0 */
/* tree: see tree.h. */
#include "sync/tree.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define ROOM_FIRST 64
#define TEXTS_FIRST 4096
#define DIGEST_CHUNK 16384

uint32_t tree_add_text(struct tree *t, const char *text)
{
	size_t size = strlen(text) + 1;
	size_t begin = t->texts_length ? t->texts_length : 1;

	if (begin + size > TREE_TEXTS_MOST)
		mem_exhausted();
	while (begin + size > t->texts_room) {
		t->texts_room = t->texts_room ? 2 * t->texts_room : TEXTS_FIRST;
		t->texts = mem_resize(t->texts, t->texts_room, 1);
	}
	t->texts[0] = '\0';
	memcpy(t->texts + begin, text, size);
	t->texts_length = begin + size;
	return (uint32_t)begin;
}

struct entry *tree_add(struct tree *t, const char *path, enum entry_type type)
{
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : ROOM_FIRST;
		t->entries = mem_resize(t->entries, t->room, sizeof(*t->entries));
	}

	struct entry *e = &t->entries[t->count];
	*e = (struct entry){ .type = (uint8_t)type, .first = (uint32_t)t->count };
	e->path = tree_add_text(t, path);
	t->count++;
	return e;
}

struct entry *tree_add_copy(struct tree *t, const struct tree *from, const struct entry *e)
{
	struct entry *copy = tree_add(t, tree_path(from, e), (enum entry_type)e->type);
	uint32_t path = copy->path, first = copy->first;

	*copy = *e;
	copy->path = path;
	copy->first = first;
	if (e->link)
		copy->link = tree_add_text(t, tree_link(from, e));
	if (e->source)
		copy->source = tree_add_text(t, tree_source(from, e));
	return copy;
}

void tree_done(struct tree *t)
{
	free(t->entries);
	free(t->texts);
	*t = (struct tree){ 0 };
}

int tree_compare(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}

	unsigned left = *a == '/' ? 1 : (unsigned char)*a + (*a != '\0');
	unsigned right = *b == '/' ? 1 : (unsigned char)*b + (*b != '\0');
	return left < right ? -1 : left > right;
}

static int by_path(const void *a, const void *b, void *texts)
{
	return tree_compare((const char *)texts + ((const struct entry *)a)->path,
			    (const char *)texts + ((const struct entry *)b)->path);
}

static bool is_sorted(const struct tree *t)
{
	for (size_t i = 1; i < t->count; i++)
		if (by_path(&t->entries[i - 1], &t->entries[i], t->texts) > 0)
			return false;
	return true;
}

void tree_sort(struct tree *t)
{
	if (!is_sorted(t))
		qsort_r(t->entries, t->count, sizeof(*t->entries), by_path, t->texts);
	for (size_t i = 0; i < t->count; i++)
		t->entries[i].first = (uint32_t)i;
}

void tree_keep_only(struct tree *t, const bool *marks)
{
	owned uint32_t *moved = mem_alloc(t->count * sizeof(*moved));
	size_t kept = 0;

	/* Of names that share an inode the first that stays is the new first. */
	for (size_t i = 0; i < t->count; i++)
		moved[i] = UINT32_MAX;
	for (size_t i = 0; i < t->count; i++) {
		if (!marks[i])
			continue;
		uint32_t *first = &moved[t->entries[i].first];
		if (*first == UINT32_MAX)
			*first = (uint32_t)kept;
		t->entries[kept] = t->entries[i];
		t->entries[kept].first = *first;
		kept++;
	}
	t->count = kept;
}

static size_t place_of(const struct tree *t, const char *path)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (tree_compare(tree_path(t, &t->entries[middle]), path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct entry *tree_find(const struct tree *t, const char *path)
{
	size_t at = place_of(t, path);

	return at < t->count && text_is(tree_path(t, &t->entries[at]), path) ? &t->entries[at]
									     : NULL;
}

size_t tree_end_of(const struct tree *t, size_t index)
{
	const char *path = tree_path(t, &t->entries[index]);
	size_t length = strlen(path), end = index + 1;

	while (end < t->count) {
		const char *other = tree_path(t, &t->entries[end]);

		if (strncmp(path, other, length) != 0 || other[length] != '/')
			break;
		end++;
	}
	return end;
}

/* Small pieces are gathered: the hash is fastest with long ones. */
struct gatherer {
	struct digest_stream *stream;
	char bytes[DIGEST_CHUNK];
	size_t length;
};

static void gather(struct gatherer *g, const void *bytes, size_t count)
{
	if (g->length + count > sizeof(g->bytes)) {
		digest_add(g->stream, g->bytes, g->length);
		g->length = 0;
	}
	if (count > sizeof(g->bytes)) {
		digest_add(g->stream, bytes, count);
		return;
	}
	memcpy(g->bytes + g->length, bytes, count);
	g->length += count;
}

struct digest tree_digest(const struct tree *t)
{
	struct gatherer g = { .stream = digest_new() };

	for (size_t i = 0; i < t->count; i++) {
		const struct entry *e = &t->entries[i];
		const char *path = tree_path(t, e), *link = tree_link(t, e);
		const unsigned mode = e->type == ENTRY_LINK ? 0 : e->mode;
		const unsigned char head[] = { e->type, (unsigned char)(mode >> 8),
					       (unsigned char)mode };

		gather(&g, head, sizeof(head));
		gather(&g, path, strlen(path) + 1);
		if (e->type == ENTRY_LINK)
			gather(&g, link, strlen(link) + 1);
		if (e->type == ENTRY_FILE)
			gather(&g, e->content.bytes, sizeof(e->content.bytes));
	}
	digest_add(g.stream, g.bytes, g.length);
	struct digest d = digest_result(g.stream);
	digest_free(g.stream);
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

bool entry_is_hashed(const struct entry *e)
{
	static const struct digest none;

	return !digest_equal(&e->content, &none);
}

void entry_describe(struct entry *e, const struct stat *st)
{
	e->mode = e->type == ENTRY_LINK ? 0 : (uint16_t)(st->st_mode & ENTRY_MODE_BITS);
	e->uid = st->st_uid;
	e->gid = st->st_gid;
	e->seconds = st->st_mtim.tv_sec;
	e->nanoseconds = (uint32_t)st->st_mtim.tv_nsec;
	e->size = e->type == ENTRY_FILE ? (uint64_t)st->st_size : 0;
	e->inode = st->st_ino;
}

bool entry_has_type(const struct entry *e, const struct stat *st)
{
	if (e->type == ENTRY_DIRECTORY)
		return S_ISDIR(st->st_mode);
	return e->type == ENTRY_LINK ? S_ISLNK(st->st_mode) : S_ISREG(st->st_mode);
}

bool entry_has_time(const struct entry *e, const struct stat *st)
{
	return st->st_mtim.tv_sec == e->seconds && (uint32_t)st->st_mtim.tv_nsec == e->nanoseconds;
}

bool entry_looks_like(const struct entry *e, const struct stat *st)
{
	return entry_has_type(e, st) &&
	       (e->type == ENTRY_DIRECTORY ||
		((e->type == ENTRY_LINK || (uint64_t)st->st_size == e->size) &&
		 entry_has_time(e, st)));
}

bool entry_is_same(const struct tree *ta, const struct entry *a, const struct tree *tb,
		   const struct entry *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == ENTRY_LINK)
		return text_is(tree_link(ta, a), tree_link(tb, b));
	return a->type == ENTRY_DIRECTORY || digest_equal(&a->content, &b->content);
}
