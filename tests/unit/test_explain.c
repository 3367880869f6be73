/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "sync/explain.h"
#include "sync/layer.h"
#include "sync/merge.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT_MOST 4096

/* "js/" is a directory, "l>x" a link to x, anything else a file. */
static const char *const base[] = {
	"conf/", "conf/a", "js/",   "js/app.js", "js/app.map", "js/old.js",
	"l",     "lib/",   "lib/x", "x/",        "x/y",
};
static const char *const middle[] = {
	"conf>elsewhere", "js/", "js/app.js", "lib/", "lib/x", "only\n",
};
static const char *const top[] = {
	".gs-remove.lib", "js/", "js/.gs-remove.old.js", "l>there", "lib/", "lib/z", "x",
};

static void make_layer(struct layer *l, const char *spec, const char *const *names, size_t count)
{
	*l = LAYER_INIT;
	l->spec = spec;
	for (size_t i = 0; i < count; i++) {
		owned char *path = mem_copy(names[i]);
		char *arrow = strchr(path, '>'), *end = path + strlen(path) - 1;
		enum entry_type type = arrow         ? ENTRY_LINK
				       : *end == '/' ? ENTRY_DIRECTORY
						     : ENTRY_FILE;

		if (arrow)
			*arrow = '\0';
		else if (type == ENTRY_DIRECTORY)
			*end = '\0';
		struct entry *e = tree_add(&l->tree, path, type);
		if (arrow)
			e->link = tree_add_text(&l->tree, arrow + 1);
	}
	tree_sort(&l->tree);
}

static void assert_says(const struct merge *m, const char *path, bool found, const char *text)
{
	owned_buf b = BUF_INIT(TEXT_MOST);

	assert_int_equal(merge_explain(m, path, &b), found);
	assert_string_equal(b.data, text);
}

#define TOP "  source 'top' (layer 3 of 3): "
#define MIDDLE "  source 'middle' (layer 2 of 3): "
#define BASE "  source 'base' (layer 1 of 3): "

static const struct {
	const char *path;
	bool found;
	const char *text;
} fates[] = {
	{ "js/app.js", true,
	  "js/app.js comes from source 'middle'\n" MIDDLE "a file\n" BASE "a file, covered\n" },
	{ "js/app.map", true, "js/app.map comes from source 'base'\n" BASE "a file\n" },
	{ "js", true,
	  "js has its mode, owner and time from source 'top'\n" TOP "a directory\n" MIDDLE
	  "a directory, merged\n" BASE "a directory, merged\n" },
	{ "js/old.js", false,
	  "js/old.js is not there\n" TOP
	  "js/.gs-remove.old.js removes js/old.js of the layers below\n" BASE "a file, removed\n" },
	{ "l", true,
	  "l comes from source 'top'\n" TOP "a link to 'there'\n" BASE "a file, covered\n" },
	{ "l/x", false,
	  "no source has l/x\n" TOP "l is a link to 'there', which is not followed\n" BASE
	  "l is a file, with nothing below it\n" },
	{ "conf", true,
	  "conf comes from source 'middle'\n" MIDDLE "a link to 'elsewhere'\n" BASE
	  "a directory, covered\n" },
	{ "conf/a", false,
	  "conf/a is not there\n" MIDDLE
	  "conf is a link to 'elsewhere', which is not followed\n" BASE "a file, covered\n" },
	{ "x/y", false,
	  "x/y is not there\n" TOP "x is a file, with nothing below it\n" BASE
	  "a file, covered\n" },
	/* A marker and a directory of the same name replace what is below. */
	{ "lib", true,
	  "lib has its mode, owner and time from source 'top'\n" TOP "a directory\n" TOP
	  ".gs-remove.lib removes lib of the layers below\n" MIDDLE "a directory, removed\n" BASE
	  "a directory, removed\n" },
	{ "lib/x", false,
	  "lib/x is not there\n" TOP ".gs-remove.lib removes lib of the layers below\n" MIDDLE
	  "a file, removed\n" BASE "a file, removed\n" },
	{ "lib/z", true,
	  "lib/z comes from source 'top'\n" TOP "a file\n" TOP
	  ".gs-remove.lib removes lib of the layers below\n" },
	{ ".gs-remove.lib", false,
	  ".gs-remove.lib is not synced itself: it removes lib of the layers below\n" TOP
	  "a file\n" },
	{ "js/.gs-remove.old.js", false,
	  "js/.gs-remove.old.js is not synced itself: it removes js/old.js of the layers "
	  "below\n" TOP "a file\n" },
	{ ".gs-remove.nobody", false, "no source has .gs-remove.nobody\n" },
	{ "js/nothing", false, "no source has js/nothing\n" },
	{ "", false, "the top of a source is the target itself, which stays as it is\n" },
	{ "/.", false, "the top of a source is the target itself, which stays as it is\n" },
	{ "..data", false, "..data is never synced: names that begin with '..' are reserved\n" },
	{ "js/../x", false, "js/../x is never synced: names that begin with '..' are reserved\n" },
	{ "./js//app.map/", true, "js/app.map comes from source 'base'\n" BASE "a file\n" },
	{ "only\n", true, "only\\n comes from source 'middle'\n" MIDDLE "a file\n" },
};

static void each_fate_is_told(void **state)
{
	struct layer layers[3];
	const struct merge m = { .layers = layers, .count = COUNT(layers) };

	(void)state;
	make_layer(&layers[0], "base", base, COUNT(base));
	make_layer(&layers[1], "middle", middle, COUNT(middle));
	make_layer(&layers[2], "top", top, COUNT(top));
	struct digest before = tree_digest(&layers[0].tree);
	for (size_t i = 0; i < COUNT(fates); i++)
		assert_says(&m, fates[i].path, fates[i].found, fates[i].text);
	/* They stay as they are. */
	struct digest after = tree_digest(&layers[0].tree);
	assert_true(digest_equal(&before, &after));
	for (size_t i = 0; i < COUNT(layers); i++)
		layer_close(&layers[i]);
}

static void filters_are_told(void **state)
{
	struct layer l;
	struct list include = { 0 }, exclude = { 0 };
	const struct merge m = {
		.layers = &l, .count = 1, .include = &include, .exclude = &exclude
	};
	static const char *const names[] = {
		"img/", "img/a.png", "js/", "js/app.js", "js/app.map", "js/empty/", "tmp/", "tmp/x",
	};

	(void)state;
	make_layer(&l, "src", names, COUNT(names));
	assert_says(&m, "js/app.js", true,
		    "js/app.js comes from source 'src'\n  source 'src': a file\n");
	list_add(&exclude, "*.png");
	list_add(&exclude, "*.map");
	list_add(&exclude, "/tmp/");
	assert_says(&m, "js/app.map", false,
		    "js/app.map is left out: exclude '*.map' fits it\n  source 'src': a file\n");
	assert_says(&m, "tmp/x", false,
		    "tmp/x is left out: exclude '/tmp/' fits tmp, which holds it\n"
		    "  source 'src': a file\n");
	assert_says(&m, "js", true,
		    "js has its mode, owner and time from source 'src'\n"
		    "  source 'src': a directory\n");
	list_add(&include, "*.js");
	assert_says(&m, "js/app.js", true,
		    "js/app.js comes from source 'src'\n  source 'src': a file\n");
	assert_says(&m, "js", true,
		    "js has its mode, owner and time from source 'src'\n"
		    "  no include fits it: it is there because of js/app.js\n"
		    "  source 'src': a directory\n");
	assert_says(&m, "js/empty", false,
		    "js/empty is left out: no include fits it or what it holds\n"
		    "  source 'src': a directory\n");
	assert_says(&m, "img", false,
		    "img is left out: no include fits it or what it holds\n"
		    "  source 'src': a directory\n");
	assert_says(&m, "js/nothing", false, "no source has js/nothing\n");
	list_clear(&include);
	list_add(&include, "tmp");
	assert_says(&m, "img/a.png", false,
		    "img/a.png is left out: exclude '*.png' fits it\n  source 'src': a file\n");
	assert_says(&m, "js/app.js", false,
		    "js/app.js is left out: no include fits it\n  source 'src': a file\n");
	list_clear(&include);
	list_clear(&exclude);
	layer_close(&l);
}

int test_explain(void);

int test_explain(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fate_is_told),
		cmocka_unit_test(filters_are_told),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
