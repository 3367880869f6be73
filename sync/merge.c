/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge: see merge.h. What is folded, layer by layer, are references to the layers' entries; the
 * entries are copied once, when it is known which of them stay, and texts not one by one at all.
 */
#include "sync/merge.h"

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "base/text.h"
#include "sync/layer.h"
#include "sync/tree.h"

#include <string.h>

#define ROOM_FIRST 16
#define PATH_SHOWN 300 /* of a path in a message, so that the reason behind it stays */

/* Of entries or references, in rising order. */
struct indexes {
	uint32_t *items;
	size_t count, room;
};

/* An entry of a layer. */
struct reference {
	uint32_t index, layer;
};

/* One step: the references so far, and the layer that is laid on top of them. */
struct fold {
	const struct merge *m;
	struct reference *lower, *merged;
	size_t lower_count, merged_count;
	size_t at;           /* the first of lower that is not dealt with */
	struct indexes gone; /* of lower: what the layer's markers remove, with all below it */
	size_t next_gone;
};

static void indexes_add(struct indexes *list, size_t index)
{
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : ROOM_FIRST;
		list->items = mem_resize(list->items, list->room, sizeof(*list->items));
	}
	list->items[list->count++] = (uint32_t)index;
}

static bool is_marker(const char *path)
{
	return text_starts(text_last_part(path), MERGE_REMOVE_PREFIX);
}

static int check_marker(const char *path, const struct entry *entry, struct err *e)
{
	const char *name = text_last_part(path) + strlen(MERGE_REMOVE_PREFIX);

	if (entry->type != ENTRY_FILE)
		return err_set(e, ERR_USAGE,
			       "'%.*s' is a %s: a name to remove is marked by a file of that name",
			       PATH_SHOWN, path, entry->type == ENTRY_LINK ? "link" : "directory");
	if (!*name || text_is(name, ".") || text_is(name, ".."))
		return err_set(e, ERR_USAGE,
			       "'%.*s' has no name of something to remove behind '%s'", PATH_SHOWN,
			       path, MERGE_REMOVE_PREFIX);
	return 0;
}

/* Adds the indexes of all markers; -1 with e when one of them makes no sense. */
static int find_markers(const struct tree *t, struct indexes *markers, struct err *e)
{
	for (size_t i = 0; i < t->count; i++) {
		const char *path = tree_path(t, &t->entries[i]);

		if (!is_marker(path))
			continue;
		if (check_marker(path, &t->entries[i], e) < 0)
			return -1;
		indexes_add(markers, i);
	}
	return 0;
}

size_t merge_count_markers(const struct tree *t)
{
	size_t count = 0;

	for (size_t i = 0; i < t->count; i++)
		count += is_marker(tree_path(t, &t->entries[i]));
	return count;
}

static const struct entry *entry_of(const struct fold *f, size_t at)
{
	return &f->m->layers[f->lower[at].layer].tree.entries[f->lower[at].index];
}

static const char *path_of(const struct fold *f, size_t at)
{
	return tree_path(&f->m->layers[f->lower[at].layer].tree, entry_of(f, at));
}

/*
 * The first of lower, from at on, whose path is not before this one. Looks close by first: of two
 * trees that are much the same the next is the one, and a layer of a few names still does not walk
 * through all of the others.
 */
static size_t place_in_lower(const struct fold *f, const char *path)
{
	size_t low = f->at, high = f->at;

	for (size_t step = 1; high < f->lower_count && tree_compare(path_of(f, high), path) < 0;
	     step *= 2) {
		low = high + 1;
		high = step < f->lower_count - high ? high + step : f->lower_count;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (tree_compare(path_of(f, middle), path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* As tree_end_of(). */
static size_t end_in_lower(const struct fold *f, size_t at)
{
	const char *path = path_of(f, at);
	size_t length = strlen(path), end = at + 1;

	while (end < f->lower_count) {
		const char *other = path_of(f, end);

		if (strncmp(path, other, length) != 0 || other[length] != '/')
			break;
		end++;
	}
	return end;
}

static int by_number(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

/* Markers come in the order of their own names, which is not that of the names they remove. */
static void find_gone(struct fold *f, const struct tree *upper, const struct indexes *markers)
{
	for (size_t i = 0; i < markers->count; i++) {
		owned char *path = mem_copy(tree_path(upper, &upper->entries[markers->items[i]]));
		char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
		const char *removed = name + strlen(MERGE_REMOVE_PREFIX);

		memmove(name, removed, strlen(removed) + 1);
		size_t place = place_in_lower(f, path);
		if (place < f->lower_count && text_is(path_of(f, place), path))
			indexes_add(&f->gone, place);
	}
	if (f->gone.count)
		qsort(f->gone.items, f->gone.count, sizeof(*f->gone.items), by_number);
}

/* The index of the next name that is removed; behind all when there is none. */
static size_t next_gone(struct fold *f)
{
	while (f->next_gone < f->gone.count && f->gone.items[f->next_gone] < f->at)
		f->next_gone++;
	return f->next_gone < f->gone.count ? f->gone.items[f->next_gone] : f->lower_count;
}

/* Takes the lower names before end over, and goes past what is removed there and at end. */
static void take_lower(struct fold *f, size_t end)
{
	while (f->at <= end && f->at < f->lower_count) {
		size_t gone = next_gone(f), stop = gone < end ? gone : end;

		memcpy(f->merged + f->merged_count, f->lower + f->at,
		       (stop - f->at) * sizeof(*f->lower));
		f->merged_count += stop - f->at;
		f->at = stop;
		if (stop != gone || stop == f->lower_count)
			return;
		f->at = end_in_lower(f, stop);
	}
}

static void lay_over(struct fold *f, size_t layer, const struct indexes *markers)
{
	const struct tree *upper = &f->m->layers[layer].tree;
	size_t next_marker = 0;

	for (size_t i = 0; i < upper->count; i++) {
		const struct entry *entry = &upper->entries[i];
		const char *path = tree_path(upper, entry);

		if (next_marker < markers->count && i == markers->items[next_marker]) {
			next_marker++;
			continue;
		}
		size_t place = place_in_lower(f, path);
		take_lower(f, place);
		/* A directory stays open for what both have in it; anything else covers all. */
		if (f->at == place && place < f->lower_count && text_is(path_of(f, place), path))
			f->at = entry->type == ENTRY_DIRECTORY ? place + 1 : end_in_lower(f, place);
		f->merged[f->merged_count++] =
			(struct reference){ .index = (uint32_t)i, .layer = (uint32_t)layer };
	}
	take_lower(f, f->lower_count);
}

/* Lays one more layer on top: what was merged is then lower. */
static int fold_layer(struct fold *f, size_t layer, struct err *e)
{
	const struct tree *upper = &f->m->layers[layer].tree;
	struct indexes markers = { 0 };
	int status = find_markers(upper, &markers, e);

	/* The only one, which takes nothing away: see merge_layers(). */
	if (status == 0 && f->m->count == 1 && !markers.count) {
		f->lower_count = upper->count;
	} else if (status == 0) {
		f->at = f->merged_count = f->next_gone = f->gone.count = 0;
		f->merged = mem_alloc((f->lower_count + upper->count) * sizeof(*f->merged));
		find_gone(f, upper, &markers);
		lay_over(f, layer, &markers);
		free(f->lower);
		f->lower = mem_take(f->merged);
		f->lower_count = f->merged_count;
	} else {
		(void)err_in(e, "source '%s'", f->m->layers[layer].spec);
	}
	free(markers.items);
	return status;
}

/* All texts of the layers in one block; where those of each begin goes into bases. */
static void join_texts(const struct merge *m, struct tree *ret, uint32_t *bases)
{
	size_t total = 0;

	for (size_t i = 0; i < m->count; i++)
		total += m->layers[i].tree.texts_length;
	if (total > TREE_TEXTS_MOST)
		mem_exhausted();
	ret->texts = mem_resize(mem_take(m->layers[0].tree.texts), total, 1);
	ret->texts_room = total;
	for (size_t i = 0; i < m->count; i++) {
		const struct tree *t = &m->layers[i].tree;

		bases[i] = (uint32_t)ret->texts_length;
		if (i > 0 && t->texts_length)
			memcpy(ret->texts + ret->texts_length, t->texts, t->texts_length);
		ret->texts_length += t->texts_length;
	}
}

/* The entries that the references mean. The layers' trees are used up. */
static void build(const struct fold *f, struct tree *ret)
{
	const struct merge *m = f->m;
	uint32_t bases[LAYERS_MOST] = { 0 };
	size_t begins[LAYERS_MOST] = { 0 }, total = 0;

	for (size_t i = 0; i < m->count; i++) {
		begins[i] = total;
		total += m->layers[i].tree.count;
	}
	/* Of each entry of each layer: which entry of the result is the first with its inode. */
	owned uint32_t *firsts = mem_alloc(total * sizeof(*firsts));
	memset(firsts, 0xff, total * sizeof(*firsts));
	join_texts(m, ret, bases);
	ret->entries = mem_alloc(f->lower_count * sizeof(*ret->entries));
	ret->room = f->lower_count;
	for (; ret->count < f->lower_count; ret->count++) {
		const size_t layer = f->lower[ret->count].layer;
		struct entry *entry = &ret->entries[ret->count];

		*entry = *entry_of(f, ret->count);
		uint32_t *first = &firsts[begins[layer] + entry->first];
		if (*first == UINT32_MAX)
			*first = (uint32_t)ret->count;
		entry->first = *first;
		entry->layer = (uint8_t)layer;
		entry->path += bases[layer];
		entry->link += entry->link ? bases[layer] : 0;
		entry->source += entry->source ? bases[layer] : 0;
	}
	for (size_t i = 0; i < m->count; i++)
		tree_done(&m->layers[i].tree);
}

static bool has_patterns(const struct list *patterns)
{
	return patterns && patterns->count > 0;
}

static bool has_filters(const struct merge *m)
{
	return has_patterns(m->include) || has_patterns(m->exclude);
}

/* What is kept for its own name. */
static void mark_fitting(const struct merge *m, const struct tree *t, bool *marks)
{
	size_t included = has_patterns(m->include) ? 0 : t->count; /* all before it */

	for (size_t i = 0; i < t->count;) {
		const char *path = tree_path(t, &t->entries[i]);

		if (pattern_fits_one(m->exclude, path)) {
			i = tree_end_of(t, i);
			continue;
		}
		if (i >= included && pattern_fits_one(m->include, path))
			included = tree_end_of(t, i);
		marks[i] = i < included;
		i++;
	}
}

/* From the end: what lies below a directory follows it at once, so the next kept one tells. */
static void mark_on_the_way(const struct tree *t, bool *marks)
{
	const char *kept = "";

	for (size_t i = t->count; i-- > 0;) {
		const char *path = tree_path(t, &t->entries[i]);
		size_t length = strlen(path);

		if (!strncmp(path, kept, length) && kept[length] == '/')
			marks[i] = true;
		if (marks[i])
			kept = path;
	}
}

static void filter(const struct merge *m, struct tree *t)
{
	owned bool *marks = mem_alloc(t->count * sizeof(*marks));

	mark_fitting(m, t, marks);
	mark_on_the_way(t, marks);
	tree_keep_only(t, marks);
}

static void take_only(struct layer *l, struct tree *ret)
{
	*ret = l->tree;
	l->tree = (struct tree){ 0 };
	for (size_t i = 0; i < ret->count; i++)
		ret->entries[i].layer = 0;
}

int merge_layers(const struct merge *m, struct tree *ret, struct err *e)
{
	struct fold f = { .m = m };
	int status = 0;

	*ret = (struct tree){ 0 };
	if (m->count > LAYERS_MOST)
		return err_set(e, ERR_USAGE, "%zu sources: no more than %d can be merged", m->count,
			       LAYERS_MOST);
	for (size_t i = 0; i < m->count && status == 0; i++)
		status = fold_layer(&f, i, e);
	if (status == 0 && m->count == 1 && f.lower_count == m->layers[0].tree.count)
		take_only(&m->layers[0], ret);
	else if (status == 0 && m->count > 0)
		build(&f, ret);
	if (status == 0 && has_filters(m))
		filter(m, ret);
	free(f.lower);
	free(f.gone.items);
	return status;
}

bool merge_is_plain(const struct merge *m)
{
	return m->count == 1 && m->layers[0].sealed && !has_filters(m);
}

int merge_single(const struct tree *t, struct tree *ret, struct err *e)
{
	owned bool *marks = mem_alloc(t->count * sizeof(*marks));
	struct indexes markers = { 0 };
	int status = find_markers(t, &markers, e);

	*ret = (struct tree){ 0 };
	if (status == 0) {
		*ret = *t;
		ret->room = t->count;
		ret->texts_room = t->texts_length;
		ret->entries = mem_alloc(t->count * sizeof(*t->entries));
		ret->texts = mem_alloc(t->texts_length);
		if (t->count)
			memcpy(ret->entries, t->entries, t->count * sizeof(*t->entries));
		if (t->texts_length)
			memcpy(ret->texts, t->texts, t->texts_length);
		memset(marks, true, t->count);
		for (size_t i = 0; i < markers.count; i++)
			marks[markers.items[i]] = false;
		tree_keep_only(ret, marks);
	}
	free(markers.items);
	return status;
}
