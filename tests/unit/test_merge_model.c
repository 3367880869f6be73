/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random layers are merged and compared with a model that does the same with an array of paths and
 * no thought of speed. GS_SEED=number repeats a run.
 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "base/text.h"
#include "sync/explain.h"
#include "sync/layer.h"
#include "sync/merge.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROUNDS 6000
#define ROUNDS_LARGE 60
#define NAMES_LARGE 300
#define LAYERS 5
#define DEPTH 3

/* ---- layers ---- */

static unsigned seed;

/* Not rand(): a seed has to mean the same with every libc. */
static unsigned below(unsigned limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % limit;
}

static struct entry *add(struct tree *t, const char *path, enum entry_type type)
{
	static unsigned number;
	struct entry *e = tree_add(t, path, type);
	unsigned id = ++number;

	e->size = id;
	memcpy(e->content.bytes, &id, sizeof(id));
	if (type == ENTRY_LINK)
		e->link = tree_add_text(t, path);
	return e;
}

/* As a scan leaves a tree: sorted, and hard links are found. */
static void finish(struct tree *t)
{
	tree_sort(t);
	for (size_t i = 0; i < t->count; i++)
		for (size_t k = 0; k < i && t->entries[i].inode; k++)
			if (t->entries[k].inode == t->entries[i].inode) {
				t->entries[i].first = t->entries[k].first;
				t->entries[i].content = t->entries[k].content;
				t->entries[i].size = t->entries[k].size;
				break;
			}
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as DEPTH */
static void fill(struct tree *t, const char *folder, unsigned depth)
{
	static const char *const names[] = { "a", "a-", "a.b", "b", "\377" };

	for (size_t i = 0; i < COUNT(names); i++) {
		owned char *path = mem_format("%s%s", folder, names[i]);
		owned char *inner = mem_format("%s/", path);
		owned char *marker = mem_format("%s" MERGE_REMOVE_PREFIX "%s", folder, names[i]);

		if (below(8) == 0)
			(void)add(t, marker, ENTRY_FILE);
		switch (below(7)) {
		case 0:
			(void)add(t, path, ENTRY_LINK);
			break;
		case 1:
			add(t, path, ENTRY_FILE)->source = tree_add_text(t, "..v/elsewhere");
			break;
		case 2:
			add(t, path, ENTRY_FILE)->inode = 1 + below(3);
			break;
		case 3:
		case 4:
			(void)add(t, path, ENTRY_DIRECTORY);
			if (depth < DEPTH)
				fill(t, inner, depth + 1);
			break;
		default:
			break;
		}
	}
}

static void make_small(struct tree *t)
{
	if (below(10))
		fill(t, "", 1);
	finish(t);
}

/* Many names or few, so that looking close by and far away are both done. */
static void make_large(struct tree *t)
{
	static const unsigned shares[] = { 1, 2, 10, 100 };
	const unsigned share = shares[below(COUNT(shares))];

	(void)add(t, "d", ENTRY_DIRECTORY);
	for (unsigned i = 0; i < NAMES_LARGE; i++) {
		owned char *path = mem_format("%s%u", i % 3 ? "d/" : "", i);
		owned char *marker =
			mem_format("%s" MERGE_REMOVE_PREFIX "%u", i % 3 ? "d/" : "", i);

		if (below(share) == 0)
			add(t, path, ENTRY_FILE)->inode = below(2) ? 1 + below(20) : 0;
		if (below(share * 8) == 0)
			(void)add(t, marker, ENTRY_FILE);
	}
	finish(t);
}

/* ---- the model ---- */

struct item {
	char *path;
	struct entry entry; /* offsets are those of its layer's texts */
	char *link, *source;
	size_t layer;
	bool own; /* kept for its own name, not for what it holds */
};

struct model {
	struct item *items;
	size_t count;
};

static bool is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return !strncmp(path, folder, length) && path[length] == '/';
}

static void item_done(struct item *item)
{
	free(item->path);
	free(item->link);
	free(item->source);
}

static void model_done(struct model *m)
{
	for (size_t i = 0; i < m->count; i++)
		item_done(&m->items[i]);
	free(m->items);
	*m = (struct model){ 0 };
}

static void model_remove(struct model *m, const char *path, bool and_below)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->count; i++) {
		struct item *item = &m->items[i];

		if (text_is(item->path, path) || (and_below && is_below(item->path, path)))
			item_done(item);
		else
			m->items[kept++] = *item;
	}
	m->count = kept;
}

static char *marked(const char *path)
{
	const char *name = text_last_part(path);

	if (!text_starts(name, MERGE_REMOVE_PREFIX))
		return NULL;
	return mem_format("%.*s%s", (int)(name - path), path, name + strlen(MERGE_REMOVE_PREFIX));
}

static void model_lay(struct model *m, const struct tree *t, size_t layer)
{
	for (size_t i = 0; i < t->count; i++) {
		owned char *removed = marked(tree_path(t, &t->entries[i]));

		if (removed)
			model_remove(m, removed, true);
	}
	for (size_t i = 0; i < t->count; i++) {
		const struct entry *e = &t->entries[i];
		owned char *removed = marked(tree_path(t, e));

		if (removed)
			continue;
		model_remove(m, tree_path(t, e), e->type != ENTRY_DIRECTORY);
		m->items = mem_resize(m->items, m->count + 1, sizeof(*m->items));
		m->items[m->count++] = (struct item){ .path = mem_copy(tree_path(t, e)),
						      .link = mem_copy(tree_link(t, e)),
						      .source = mem_copy(tree_source(t, e)),
						      .entry = *e,
						      .layer = layer };
	}
}

static bool fits_one(const struct list *l, const char *path)
{
	for (size_t i = 0; l && i < l->count; i++)
		if (pattern_fits(l->items[i], path))
			return true;
	return false;
}

static void model_filter(struct model *m, const struct merge *how)
{
	const bool all = !how->include || !how->include->count;
	size_t kept = 0;

	for (size_t i = 0; i < m->count; i++) {
		const char *path = m->items[i].path;

		m->items[i].own =
			!fits_one(how->exclude, path) && (all || fits_one(how->include, path));
	}
	owned bool *marks = mem_alloc(m->count);
	for (size_t i = 0; i < m->count; i++) {
		marks[i] = m->items[i].own;
		for (size_t k = 0; k < m->count; k++)
			marks[i] |= m->items[k].own && is_below(m->items[k].path, m->items[i].path);
	}
	for (size_t i = 0; i < m->count; i++) {
		if (marks[i])
			m->items[kept++] = m->items[i];
		else
			item_done(&m->items[i]);
	}
	m->count = kept;
}

static int by_path(const void *a, const void *b)
{
	return tree_compare(((const struct item *)a)->path, ((const struct item *)b)->path);
}

static struct model model_of(const struct merge *how)
{
	struct model m = { .items = mem_alloc(sizeof(*m.items)) };

	for (size_t i = 0; i < how->count; i++)
		model_lay(&m, &how->layers[i].tree, i);
	model_filter(&m, how);
	qsort(m.items, m.count, sizeof(*m.items), by_path);
	return m;
}

static size_t first_of(const struct model *m, size_t index)
{
	const struct item *item = &m->items[index];

	for (size_t i = 0; i < index && item->entry.inode; i++)
		if (m->items[i].layer == item->layer &&
		    m->items[i].entry.inode == item->entry.inode)
			return i;
	return index;
}

static void assert_is_model(const struct tree *t, const struct model *m)
{
	assert_int_equal(t->count, m->count);
	for (size_t i = 0; i < t->count; i++) {
		const struct entry *e = &t->entries[i];
		const struct item *item = &m->items[i];

		assert_string_equal(tree_path(t, e), item->path);
		assert_string_equal(tree_link(t, e), item->link);
		assert_string_equal(tree_source(t, e), item->source);
		assert_int_equal(e->link != 0, e->type == ENTRY_LINK);
		assert_int_equal(e->source != 0, item->entry.source != 0);
		assert_int_equal(e->layer, item->layer);
		assert_int_equal(e->type, item->entry.type);
		assert_int_equal(e->size, item->entry.size);
		assert_int_equal(e->inode, item->entry.inode);
		assert_int_equal(e->first, first_of(m, i));
		assert_memory_equal(&e->content, &item->entry.content, sizeof(e->content));
	}
}

/* ---- the tests ---- */

struct round {
	struct layer layers[LAYERS];
	struct list include, exclude;
	struct merge merge;
};

static void add_patterns(struct list *l)
{
	static const char *const patterns[] = { "a",   "b",   "a-/b", "/a", "*/b",
						"a?b", "a/*", "[!a]", "0/", "?2*" };

	for (unsigned i = below(3); i > 0; i--)
		list_add(l, patterns[below(COUNT(patterns))]);
}

static void make_round(struct round *r, void (*make)(struct tree *t))
{
	static const char *const specs[LAYERS] = { "one", "two", "three", "four", "five" };

	*r = (struct round){ .merge = { .count = 1 + below(LAYERS) } };
	r->merge.layers = r->layers;
	r->merge.include = below(2) ? &r->include : NULL;
	r->merge.exclude = below(2) ? &r->exclude : NULL;
	if (below(2))
		add_patterns(&r->include);
	if (below(2))
		add_patterns(&r->exclude);
	for (size_t i = 0; i < r->merge.count; i++) {
		r->layers[i] = LAYER_INIT;
		r->layers[i].spec = specs[i];
		make(&r->layers[i].tree);
	}
}

static void round_done(struct round *r)
{
	for (size_t i = 0; i < r->merge.count; i++)
		layer_close(&r->layers[i]);
	list_clear(&r->include);
	list_clear(&r->exclude);
}

/* Also that explain() says the same of each name of any layer as the model. */
static void explain_agrees(const struct round *r, const struct model *m, const char *path)
{
	owned_buf b = BUF_INIT(10000);
	bool found = merge_explain(&r->merge, path, &b);
	size_t at = 0;

	while (at < m->count && !text_is(m->items[at].path, path))
		at++;
	assert_int_equal(found, at < m->count);
	if (found) {
		owned char *end =
			mem_format(" from source '%s'\n", r->layers[m->items[at].layer].spec);

		assert_non_null(strstr(b.data, end));
	}
}

static void one_round(struct round *r, bool explained)
{
	struct model m = model_of(&r->merge);
	struct tree merged;
	struct err e;

	for (size_t i = 0; i < r->merge.count && explained; i++) {
		const struct tree *t = &r->layers[i].tree;

		for (size_t k = 0; k < t->count; k++)
			explain_agrees(r, &m, tree_path(t, &t->entries[k]));
	}
	assert_int_equal(merge_layers(&r->merge, &merged, &e), 0);
	assert_is_model(&merged, &m);
	tree_done(&merged);
	model_done(&m);
}

static void rounds(unsigned count, void (*make)(struct tree *t), unsigned explained_every)
{
	const char *given = getenv("GS_SEED");
	unsigned start = given ? (unsigned)strtoul(given, NULL, 10)
			       : (unsigned)time(NULL) ^ (unsigned)getpid() << 16;

	print_message("GS_SEED=%u\n", start);
	seed = start ? start : 1;
	for (unsigned i = 0; i < count; i++) {
		struct round r;

		make_round(&r, make);
		one_round(&r, explained_every && i % explained_every == 0);
		round_done(&r);
	}
}

static void small_layers_merge_as_in_the_model(void **state)
{
	(void)state;
	rounds(ROUNDS, make_small, 30);
}

static void large_layers_merge_as_in_the_model(void **state)
{
	(void)state;
	rounds(ROUNDS_LARGE, make_large, 0);
}

/* What a seal's digest is of: the layer without its markers, and the tree itself stays. */
static void a_single_layer_is_without_its_markers(void **state)
{
	(void)state;
	seed = 77;
	for (unsigned i = 0; i < ROUNDS / 10; i++) {
		struct layer l = LAYER_INIT;
		const struct merge how = { .layers = &l, .count = 1 };
		struct tree single, merged;
		size_t markers = 0;
		struct err e;

		(i % 2 ? make_small : make_large)(&l.tree);
		struct model m = model_of(&how);
		struct digest before = tree_digest(&l.tree);
		for (size_t k = 0; k < l.tree.count; k++) {
			owned char *removed = marked(tree_path(&l.tree, &l.tree.entries[k]));

			markers += removed != NULL;
		}
		assert_int_equal(merge_count_markers(&l.tree), markers);
		assert_int_equal(merge_single(&l.tree, &single, &e), 0);
		assert_is_model(&single, &m);
		struct digest after = tree_digest(&l.tree);
		assert_true(digest_equal(&before, &after));
		assert_int_equal(merge_layers(&how, &merged, &e), 0);
		assert_is_model(&merged, &m);
		/* It is a tree like any other: more can be added. */
		assert_string_equal(tree_path(&single, add(&single, "z", ENTRY_LINK)), "z");
		tree_done(&single);
		tree_done(&merged);
		model_done(&m);
		layer_close(&l);
	}
}

int test_merge_model(void);

int test_merge_model(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_layers_merge_as_in_the_model),
		cmocka_unit_test(large_layers_merge_as_in_the_model),
		cmocka_unit_test(a_single_layer_is_without_its_markers),
	};

	return cmocka_run_group_tests_name("merge_model", tests, NULL, NULL);
}
