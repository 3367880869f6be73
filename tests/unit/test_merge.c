/* SPDX-License-Identifier: Apache-2.0 */
/* What test_merge_model.c does not reach: markers that make no sense, limits, short cuts. */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/explain.h"
#include "sync/layer.h"
#include "sync/merge.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct entry *add(struct tree *t, const char *path, enum entry_type type)
{
	struct entry *e = tree_add(t, path, type);

	if (type == ENTRY_LINK)
		e->link = tree_add_text(t, "target");
	return e;
}

static void a_marker_has_to_make_sense(void **state)
{
	static const struct {
		const char *path;
		enum entry_type type;
		const char *says;
	} rows[] = {
		{ "d/.gs-remove.x", ENTRY_DIRECTORY,
		  "'d/.gs-remove.x' is a directory: a name to remove is marked by a file of that "
		  "name" },
		{ ".gs-remove.x", ENTRY_LINK,
		  "'.gs-remove.x' is a link: a name to remove is marked by a file of that name" },
		{ ".gs-remove.", ENTRY_FILE,
		  "'.gs-remove.' has no name of something to remove behind '.gs-remove.'" },
		{ "d/.gs-remove..", ENTRY_FILE,
		  "'d/.gs-remove..' has no name of something to remove behind '.gs-remove.'" },
		{ "d/.gs-remove...", ENTRY_FILE,
		  "'d/.gs-remove...' has no name of something to remove behind '.gs-remove.'" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct layer layers[] = { LAYER_INIT, LAYER_INIT, LAYER_INIT };
		const struct merge how = { .layers = layers, .count = COUNT(layers) };
		owned_buf b = BUF_INIT(1000);
		struct tree t;
		struct err e;

		for (size_t k = 0; k < COUNT(layers); k++) {
			layers[k].spec = k == 1 ? "bad" : "good";
			(void)add(&layers[k].tree, "d", ENTRY_DIRECTORY);
			if (k == 1)
				(void)add(&layers[k].tree, rows[i].path, rows[i].type);
			tree_sort(&layers[k].tree);
		}
		assert_int_equal(merge_single(&layers[1].tree, &t, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_string_equal(e.text, rows[i].says);
		assert_null(t.entries);
		owned char *text = mem_format("source 'bad': %s", rows[i].says);
		owned char *line = mem_format("nothing is synced: %s\n", text);
		assert_false(merge_explain(&how, "d", &b));
		assert_string_equal(b.data, line);
		assert_int_equal(merge_layers(&how, &t, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_string_equal(e.text, text);
		assert_null(t.entries);
		for (size_t k = 0; k < COUNT(layers); k++)
			layer_close(&layers[k]);
	}
}

static void the_reason_is_told_however_long_the_path(void **state)
{
	static char path[4000];
	struct layer l = LAYER_INIT;
	const struct merge how = { .layers = &l, .count = 1 };
	struct tree t;
	struct err e;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	for (size_t i = 200; i < sizeof(path) - 20; i += 200)
		path[i] = '/';
	(void)snprintf(path + sizeof(path) - 14, 14, "/.gs-remove.x");
	l.spec = path;
	(void)add(&l.tree, path, ENTRY_LINK);
	assert_int_equal(merge_layers(&how, &t, &e), -1);
	assert_true(text_ends(e.text, "a name to remove is marked by a file of that name"));
	layer_close(&l);
}

/* Almost markers, and markers of what is not there, are not worth a word. */
static void other_names_are_no_markers(void **state)
{
	struct layer layers[] = { LAYER_INIT, LAYER_INIT };
	const struct merge how = { .layers = layers, .count = 2 };
	struct tree t;
	struct err e;

	(void)state;
	(void)add(&layers[0].tree, ".gs-remove", ENTRY_FILE);
	(void)add(&layers[0].tree, "x", ENTRY_FILE);
	(void)add(&layers[1].tree, ".gs-remove.nothing", ENTRY_FILE);
	(void)add(&layers[1].tree, ".gs-remove.x.gs-remove.x", ENTRY_FILE);
	(void)add(&layers[1].tree, "d.gs-remove.x", ENTRY_DIRECTORY);
	(void)add(&layers[1].tree, "d.gs-remove.x/y", ENTRY_FILE);
	for (size_t i = 0; i < 2; i++)
		tree_sort(&layers[i].tree);
	assert_int_equal(merge_layers(&how, &t, &e), 0);
	assert_int_equal(t.count, 4);
	assert_string_equal(tree_path(&t, &t.entries[0]), ".gs-remove");
	assert_string_equal(tree_path(&t, &t.entries[3]), "x");
	tree_done(&t);
	for (size_t i = 0; i < 2; i++)
		layer_close(&layers[i]);
}

static void a_layer_that_needs_no_change_is_not_copied(void **state)
{
	struct layer l = LAYER_INIT;
	const struct merge how = { .layers = &l, .count = 1 };
	struct tree t;
	struct err e;

	(void)state;
	add(&l.tree, "x", ENTRY_FILE)->layer = 7;
	const struct entry *entries = l.tree.entries;
	const char *texts = l.tree.texts;
	assert_int_equal(merge_layers(&how, &t, &e), 0);
	assert_ptr_equal(t.entries, entries);
	assert_ptr_equal(t.texts, texts);
	assert_int_equal(t.entries[0].layer, 0);
	layer_close(&l);
	tree_done(&t);
}

static void as_many_layers_as_allowed_are_merged(void **state)
{
	static struct layer layers[LAYERS_MOST + 1];
	struct merge how = { .layers = layers };
	struct tree t;
	struct err e;

	(void)state;
	assert_int_equal(merge_layers(&how, &t, &e), 0);
	assert_int_equal(t.count, 0);
	for (; how.count < COUNT(layers); how.count++) {
		owned char *path = mem_format("%02zu", how.count);

		layers[how.count] = LAYER_INIT;
		(void)add(&layers[how.count].tree, path, ENTRY_FILE);
		(void)add(&layers[how.count].tree, "x", ENTRY_FILE);
	}
	assert_int_equal(merge_layers(&how, &t, &e), -1);
	assert_string_equal(e.text, "65 sources: no more than 64 can be merged");
	assert_int_equal(e.kind, ERR_USAGE);
	how.count = LAYERS_MOST;
	assert_int_equal(merge_layers(&how, &t, &e), 0);
	assert_int_equal(t.count, LAYERS_MOST + 1);
	assert_int_equal(t.entries[LAYERS_MOST].layer, LAYERS_MOST - 1);
	tree_done(&t);
	layer_close(&layers[LAYERS_MOST]);
}

static void only_one_sealed_layer_without_filters_is_plain(void **state)
{
	struct layer layers[] = { { .root = -1, .sealed = true }, { .root = -1, .sealed = true } };
	struct list some = { 0 }, none = { 0 };
	struct merge how = { .layers = layers, .count = 1 };

	(void)state;
	assert_true(merge_is_plain(&how));
	how.include = how.exclude = &none;
	assert_true(merge_is_plain(&how));
	list_add(&some, "x");
	how.include = &some;
	assert_false(merge_is_plain(&how));
	how.include = NULL;
	how.exclude = &some;
	assert_false(merge_is_plain(&how));
	how.exclude = NULL;
	how.count = 2;
	assert_false(merge_is_plain(&how));
	how.count = 1;
	layers[0].sealed = false;
	assert_false(merge_is_plain(&how));
	list_clear(&some);
}

int test_merge(void);

int test_merge(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_marker_has_to_make_sense),
		cmocka_unit_test(the_reason_is_told_however_long_the_path),
		cmocka_unit_test(other_names_are_no_markers),
		cmocka_unit_test(a_layer_that_needs_no_change_is_not_copied),
		cmocka_unit_test(as_many_layers_as_allowed_are_merged),
		cmocka_unit_test(only_one_sealed_layer_without_filters_is_plain),
	};

	return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
