/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/hash.h"
#include "sync/layer.h"
#include "sync/notes.h"
#include "sync/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct scan_place nowhere = { .source = -1, .target = -1, .state = -1 };

static void no_note(void *owner, const char *text)
{
	(void)owner;
	fail_msg("unexpected note: %s", text);
}

static int before = -1;

/* A fresh directory to work in: specs are then short. */
static int set_up(void **state)
{
	(void)state;
	before = open(".", O_PATH | O_CLOEXEC);
	return chdir(unit_directory());
}

static int tear_down(void **state)
{
	int status = fchdir(before);

	(void)state;
	fd_close(&before);
	return status;
}

static void make_directory(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

static void make_link(const char *target, const char *path)
{
	assert_int_equal(symlink(target, path), 0);
}

static void make_file(const char *path, const char *content)
{
	owned_fd fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	const ssize_t length = (ssize_t)strlen(content);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, (size_t)length), length);
}

static int load(struct layer *l, const struct scan_place *place, enum verify_how how, struct err *e)
{
	const struct sync_notes notes = { .note = no_note };

	return layer_load(l, place, how, 1, &notes, e);
}

/* The layer of spec has these names, divided by blanks. */
static void assert_has(const char *spec, const char *names)
{
	struct layer l;
	struct err e = { 0 };
	owned char *all = mem_copy("");

	assert_int_equal(layer_open(&l, spec, &e), 0);
	assert_ptr_equal(l.spec, spec);
	assert_int_equal(load(&l, &nowhere, VERIFY_STAT, &e), 0);
	for (size_t i = 0; i < l.tree.count; i++) {
		char *more = mem_format("%s%s%s", all, i ? " " : "",
					tree_path(&l.tree, &l.tree.entries[i]));

		free(all);
		all = more;
	}
	assert_string_equal(all, names);
	layer_close(&l);
	assert_int_equal(l.root, -1);
}

static void assert_cannot_open(const char *spec, enum err_kind kind, const char *text)
{
	struct layer l;
	struct err e = { 0 };

	assert_int_equal(layer_open(&l, spec, &e), -1);
	assert_string_equal(e.text, text);
	assert_int_equal(e.kind, kind);
	assert_int_equal(l.root, -1);
	layer_close(&l);
}

static void assert_cannot_load(const char *spec, const struct scan_place *place,
			       enum verify_how how, enum err_kind kind, const char *text)
{
	struct layer l;
	struct err e = { 0 };

	assert_int_equal(layer_open(&l, spec, &e), 0);
	assert_int_equal(load(&l, place, how, &e), -1);
	assert_string_equal(e.text, text);
	assert_int_equal(e.kind, kind);
	layer_close(&l);
}

static void a_spec_is_a_directory_or_one_in_it(void **state)
{
	(void)state;
	make_directory("src");
	make_directory("src/js");
	make_directory("src/js/lib");
	make_file("src/js/lib/a", "");
	make_file("src/js/..x", "");
	make_link("src", "link");
	assert_has("src/js/lib", "a");
	assert_has("src:js/lib", "a");
	assert_has("src/js:lib", "a");
	assert_has("src/:js/lib", "a");
	assert_has("link:js/lib", "a");
	make_directory("..x");
	make_file("..x/y", "");
	assert_has(".:..x", "y");
}

static void the_name_of_a_directory_is_that_directory(void **state)
{
	(void)state;
	make_directory("src");
	make_directory("src/js");
	make_file("src/js/part", "");
	assert_has("src:js", "part");
	make_file("src:js", "no directory");
	assert_has("src:js", "part");
	assert_int_equal(unlink("src:js"), 0);
	make_directory("src:js");
	make_file("src:js/whole", "");
	assert_has("src:js", "whole");
	/* The last colon counts. */
	make_directory("src:js/lib");
	make_file("src:js/lib/a", "");
	assert_has("src:js:lib", "a");
	make_directory("src/js:lib");
	assert_cannot_open("src:js:none", ERR_SYSTEM,
			   "source 'src:js:none': No such file or directory");
}

static void a_subpath_has_to_be_one(void **state)
{
	static const struct {
		const char *spec, *says;
	} rows[] = {
		{ ":", "there is no directory before ':'" },
		{ ":js", "there is no directory before ':'" },
		{ "src:", "there is no path behind ':'" },
		{ "src:/js", "'/js' behind ':' begins with a slash" },
		{ "src:/", "'/' behind ':' begins with a slash" },
		{ "src:js/", "'js/' behind ':' has a part without a name" },
		{ "src:js//lib", "'js//lib' behind ':' has a part without a name" },
		{ "src:.", "'.' behind ':' has a part '.' or '..'" },
		{ "src:..", "'..' behind ':' has a part '.' or '..'" },
		{ "src:js/..", "'js/..' behind ':' has a part '.' or '..'" },
		{ "src:js/../js", "'js/../js' behind ':' has a part '.' or '..'" },
		{ "src:js/./js", "'js/./js' behind ':' has a part '.' or '..'" },
	};

	(void)state;
	make_directory("src");
	make_directory("src/js");
	for (size_t i = 0; i < COUNT(rows); i++) {
		owned char *text = mem_format("source '%s': %s", rows[i].spec, rows[i].says);

		assert_cannot_open(rows[i].spec, ERR_USAGE, text);
	}
}

static void what_cannot_be_opened_is_named(void **state)
{
	(void)state;
	make_directory("src");
	make_directory("outside");
	make_directory("outside/js");
	make_file("src/file", "");
	make_link("../outside", "src/out");
	assert_cannot_open("none", ERR_SYSTEM, "source 'none': No such file or directory");
	assert_cannot_open("none:js", ERR_SYSTEM, "source 'none:js': No such file or directory");
	assert_cannot_open("src:none", ERR_SYSTEM, "source 'src:none': No such file or directory");
	assert_cannot_open("src/file", ERR_SYSTEM, "source 'src/file': Not a directory");
	assert_cannot_open("src:file", ERR_SYSTEM, "source 'src:file': Not a directory");
	assert_cannot_open("src/file:x", ERR_SYSTEM, "source 'src/file:x': Not a directory");
	assert_cannot_open("", ERR_SYSTEM, "source '': No such file or directory");
	/* No link is followed behind the colon. */
	struct layer l;
	struct err e;
	assert_int_equal(layer_open(&l, "src:out", &e), -1);
	assert_int_equal(layer_open(&l, "src:out/js", &e), -1);
	assert_true(e.sys == ELOOP || e.sys == ENOTDIR);
}

/* As kubelet's AtomicWriter makes one. */
static void make_version(const char *version, const char *file)
{
	owned char *conf = mem_format("vol/%s/conf", version);
	owned char *sub = mem_format("vol/%s/conf/sub", version);
	owned char *dir = mem_format("vol/%s", version), *path = mem_format("%s/%s", sub, file);

	make_directory(dir);
	make_directory(conf);
	make_directory(sub);
	make_file(path, "");
	make_link(version, "vol/..data_tmp");
	assert_int_equal(rename("vol/..data_tmp", "vol/..data"), 0);
}

static void a_subpath_of_a_volume_is_in_the_current_version(void **state)
{
	(void)state;
	make_directory("vol");
	make_version("..v1", "one");
	make_link("..data/conf", "vol/conf");
	make_directory("vol/real");
	make_file("vol/real/file", "");
	assert_has("vol:conf", "sub sub/one");
	assert_has("vol:conf/sub", "one");
	assert_has("vol", "conf conf/sub conf/sub/one real real/file");
	assert_has("vol:real", "file");
	assert_cannot_open("vol:none", ERR_SYSTEM, "source 'vol:none': No such file or directory");
	make_version("..v2", "two");
	assert_has("vol:conf/sub", "two");
	/* That version alone, whatever comes: a person asked for it. */
	assert_has("vol:..v1/conf/sub", "one");
	assert_int_equal(unlink("vol/..data"), 0);
	make_link("../vol", "vol/..data");
	struct layer l;
	struct err e;
	assert_int_equal(layer_open(&l, "vol:conf/sub", &e), -1);
	assert_true(e.sys == ELOOP || e.sys == ENOTDIR);
}

static void a_version_that_goes_is_not_half_a_layer(void **state)
{
	struct layer l;
	struct err e = { 0 };

	(void)state;
	make_directory("vol");
	make_version("..v1", "one");
	make_link("..data/conf", "vol/conf");
	assert_int_equal(layer_open(&l, "vol:conf/sub", &e), 0);
	make_version("..v2", "two");
	assert_int_equal(unlink("vol/..v1/conf/sub/one"), 0);
	assert_int_equal(load(&l, &nowhere, VERIFY_STAT, &e), -1);
	assert_string_equal(e.text, "source 'vol:conf/sub': it was replaced while it was read");
	assert_int_equal(e.kind, ERR_SYSTEM);
	layer_close(&l);
	assert_has("vol:conf/sub", "two");
	assert_int_equal(layer_open(&l, "vol:conf", &e), 0);
	assert_int_equal(unlink("vol/..data"), 0);
	assert_int_equal(load(&l, &nowhere, VERIFY_STAT, &e), -1);
	assert_string_equal(e.text, "source 'vol:conf': it was replaced while it was read");
	layer_close(&l);
}

static void what_exists_on_its_own_can_be_watched(void **state)
{
	static const struct {
		const char *spec, *directory;
	} rows[] = {
		{ "src", "src" },       { "src:js/lib", "src" },  { "/a/none:b", "/a/none" },
		{ "src:js", "src:js" }, { "src:js:x", "src:js" }, { "none", "none" },
	};

	(void)state;
	make_directory("src:js");
	for (size_t i = 0; i < COUNT(rows); i++) {
		owned char *directory = layer_directory(rows[i].spec);

		assert_string_equal(directory, rows[i].directory);
	}
}

/* As `seal` does it. */
static void seal(const char *spec)
{
	const struct sync_notes notes = { .note = no_note };
	struct scan_place place = nowhere;
	owned_fd root = open(spec, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct tree t = { 0 };
	struct err e;

	place.source = root;
	assert_int_equal(scan_source(&place, &notes, &t, &e), 0);
	assert_int_equal(hash_all(root, &t, 1, &e), 0);
	assert_int_equal(seal_write(root, &t, "v1", INT64_MAX, &e), 0);
	tree_done(&t);
}

static void make_sealed(void)
{
	make_directory("src");
	make_directory("src/d");
	make_file("src/d/a", "one");
	make_file("src/d/.gs-remove.b", "");
	make_link("a", "src/d/l");
	seal("src");
}

static void a_seal_spares_the_hashing(void **state)
{
	struct layer l;
	struct err e = { 0 };

	(void)state;
	make_sealed();
	assert_int_equal(layer_open(&l, "src", &e), 0);
	assert_true(l.sealed);
	assert_string_equal(l.seal.label, "v1");
	assert_int_equal(l.seal.whiteouts, 1);
	for (int how = VERIFY_NONE; how <= VERIFY_FULL; how++) {
		/* A second time, too. */
		assert_int_equal(load(&l, &nowhere, (enum verify_how)how, &e), 0);
		assert_int_equal(l.tree.count, 4);
		assert_true(entry_is_hashed(tree_find(&l.tree, "d/a")));
		assert_non_null(tree_find(&l.tree, "d/.gs-remove.b"));
	}
	layer_close(&l);
	assert_int_equal(unlink("src/" SEAL_NAME), 0);
	assert_int_equal(layer_open(&l, "src", &e), 0);
	assert_false(l.sealed);
	assert_int_equal(load(&l, &nowhere, VERIFY_FULL, &e), 0);
	assert_int_equal(l.tree.count, 4);
	assert_false(entry_is_hashed(tree_find(&l.tree, "d/a")));
	layer_close(&l);
	/* What lies below a sealed one is not sealed. */
	seal("src");
	assert_int_equal(layer_open(&l, "src:d", &e), 0);
	assert_false(l.sealed);
	layer_close(&l);
	seal("src/d");
	assert_int_equal(layer_open(&l, "src:d", &e), 0);
	assert_true(l.sealed);
	layer_close(&l);
}

static void what_a_seal_does_not_match_is_named(void **state)
{
	const char *const says = "source 'src': its seal does not match: ";

	(void)state;
	make_sealed();
	make_file("src/d/new", "");
	owned char *added = mem_format("%s'd/new' is there too", says);
	assert_cannot_load("src", &nowhere, VERIFY_STAT, ERR_SYSTEM, added);
	assert_int_equal(unlink("src/d/new"), 0);
	assert_has("src", "d d/.gs-remove.b d/a d/l");

	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1000 } };
	make_file("src/d/a", "two");
	assert_int_equal(utimensat(AT_FDCWD, "src/d/a", times, 0), 0);
	owned char *content = mem_format("%s'd/a' has another content", says);
	assert_cannot_load("src", &nowhere, VERIFY_STAT, ERR_SYSTEM, content);
	assert_cannot_load("src", &nowhere, VERIFY_FULL, ERR_SYSTEM, content);
	make_file("src/d/a", "one"); /* of another time: it is hashed, and is what it was */
	assert_has("src", "d d/.gs-remove.b d/a d/l");

	assert_int_equal(unlink("src/d/a"), 0);
	owned char *missing = mem_format("%s'd/a' is missing", says);
	assert_cannot_load("src", &nowhere, VERIFY_STAT, ERR_SYSTEM, missing);
	/* It is believed whatever is there. */
	struct layer l;
	struct err e;
	assert_int_equal(layer_open(&l, "src", &e), 0);
	assert_int_equal(load(&l, &nowhere, VERIFY_NONE, &e), 0);
	assert_int_equal(l.tree.count, 4);
	layer_close(&l);
}

/* Images keep whole seconds, and give files to whom they like. */
static void parts_of_seconds_and_owners_are_no_mismatch(void **state)
{
	struct layer l;
	struct err e = { 0 };
	struct stat st;

	(void)state;
	make_sealed();
	assert_int_equal(stat("src/d/a", &st), 0);
	make_file("src/d/a", "two"); /* believed: hashed it would not be the same */
	const struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = st.st_mtim.tv_sec, .tv_nsec = (st.st_mtim.tv_nsec + 1) % 1000 },
	};
	assert_int_equal(utimensat(AT_FDCWD, "src/d/a", times, 0), 0);
	/* Who may not give it away keeps it. */
	(void)!chown("src/d/a", 1, 2);
	assert_int_equal(stat("src/d/a", &st), 0);
	assert_int_equal(layer_open(&l, "src", &e), 0);
	assert_int_equal(load(&l, &nowhere, VERIFY_STAT, &e), 0);
	const struct entry *a = tree_find(&l.tree, "d/a");
	assert_int_equal(a->uid, st.st_uid);
	assert_int_equal(a->gid, st.st_gid);
	layer_close(&l);
}

static void the_place_of_the_state_is_refused_sealed_or_not(void **state)
{
	struct scan_place place = nowhere;

	(void)state;
	make_sealed();
	place.reserved = "d/a";
	static const char text[] = "source 'src': it has 'd/a', where the state directory is: "
				   "rename it or set --state";
	assert_cannot_load("src", &place, VERIFY_NONE, ERR_USAGE, text);
	assert_cannot_load("src", &place, VERIFY_STAT, ERR_USAGE, text);
	assert_int_equal(unlink("src/" SEAL_NAME), 0);
	assert_cannot_load("src", &place, VERIFY_STAT, ERR_USAGE, text);
}

static void a_damaged_seal_is_no_missing_one(void **state)
{
	struct layer l;
	struct err e = { 0 };

	(void)state;
	make_sealed();
	assert_int_equal(layer_open(&l, "src", &e), 0);
	assert_int_equal(unlink("src/" SEAL_NAME), 0);
	assert_int_equal(load(&l, &nowhere, VERIFY_STAT, &e), -1);
	assert_string_equal(e.text, "source 'src': its seal was removed just now");
	assert_int_equal(e.kind, ERR_SYSTEM);
	layer_close(&l);

	make_file("src/" SEAL_NAME, "no seal");
	assert_cannot_open("src", ERR_USAGE,
			   "source 'src': seal '" SEAL_NAME
			   "': it is not a manifest of this program");
	assert_int_equal(unlink("src/" SEAL_NAME), 0);
	make_directory("src/" SEAL_NAME);
	assert_cannot_open("src", ERR_USAGE,
			   "source 'src': seal '" SEAL_NAME "': it is not a file");
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int test_layer(void);

int test_layer(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIRECTORY(a_spec_is_a_directory_or_one_in_it),
		IN_DIRECTORY(the_name_of_a_directory_is_that_directory),
		IN_DIRECTORY(a_subpath_has_to_be_one),
		IN_DIRECTORY(what_cannot_be_opened_is_named),
		IN_DIRECTORY(a_subpath_of_a_volume_is_in_the_current_version),
		IN_DIRECTORY(a_version_that_goes_is_not_half_a_layer),
		IN_DIRECTORY(what_exists_on_its_own_can_be_watched),
		IN_DIRECTORY(a_seal_spares_the_hashing),
		IN_DIRECTORY(what_a_seal_does_not_match_is_named),
		IN_DIRECTORY(parts_of_seconds_and_owners_are_no_mismatch),
		IN_DIRECTORY(the_place_of_the_state_is_refused_sealed_or_not),
		IN_DIRECTORY(a_damaged_seal_is_no_missing_one),
	};

	return cmocka_run_group_tests_name("layer", tests, NULL, NULL);
}
