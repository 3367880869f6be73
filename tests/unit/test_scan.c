/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "sync/notes.h"
#include "sync/scan.h"
#include "sync/tree.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOBODY 65534

/* A source, what it is scanned with, and what came of it. */
struct fixture {
	struct scan_place place;
	struct list exclude, notes;
	struct tree tree;
	struct err e;
};

static int set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	f->place = (struct scan_place){ .target = -1, .state = -1, .exclude = &f->exclude };
	f->place.source = open(unit_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return f->place.source < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	fd_close(&f->place.source);
	list_clear(&f->exclude);
	list_clear(&f->notes);
	tree_done(&f->tree);
	free(f);
	return 0;
}

static void write_down(void *owner, const char *text)
{
	list_add(owner, text);
}

static int scan(struct fixture *f)
{
	const struct sync_notes notes = { .note = write_down, .owner = &f->notes };

	tree_done(&f->tree);
	return scan_source(&f->place, &notes, &f->tree, &f->e);
}

static void make_file(const struct fixture *f, const char *path, const char *content)
{
	owned_fd fd = openat(f->place.source, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	const ssize_t length = (ssize_t)strlen(content);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, (size_t)length), length);
}

static void make_directory(const struct fixture *f, const char *path)
{
	assert_int_equal(mkdirat(f->place.source, path, 0755), 0);
}

static void make_link(const struct fixture *f, const char *target, const char *path)
{
	assert_int_equal(symlinkat(target, f->place.source, path), 0);
}

static const struct entry *find(const struct fixture *f, const char *path)
{
	const struct entry *e = tree_find(&f->tree, path);

	assert_non_null(e);
	return e;
}

/* All paths of the tree, each followed by its type, such as "js d, js/a f". */
static void assert_holds(const struct fixture *f, const char *expected)
{
	owned char *all = mem_copy("");

	for (size_t i = 0; i < f->tree.count; i++) {
		const struct entry *e = &f->tree.entries[i];
		char *more = mem_format("%s%s%s %c", all, i ? ", " : "", tree_path(&f->tree, e),
					e->type);

		free(all);
		all = more;
		assert_int_equal(e->layer, 0);
		assert_false(entry_is_hashed(e));
	}
	assert_string_equal(all, expected);
}

static void assert_refused(struct fixture *f, enum err_kind kind, const char *text)
{
	assert_int_equal(scan(f), -1);
	assert_string_equal(f->e.text, text);
	assert_int_equal(f->e.kind, kind);
}

static void everything_is_found_in_order(void **state)
{
	struct fixture *f = *state;

	make_directory(f, "a");
	make_file(f, "a-", "");
	make_file(f, "a.b", "12345");
	make_directory(f, "a/b");
	make_file(f, "a/b/c", "1");
	make_file(f, "a/b c", "");
	make_file(f, "a/\377", "");
	make_file(f, ".hidden", "");
	make_directory(f, "empty");
	make_link(f, "../out/of/here", "a/link");
	assert_int_equal(fchmodat(f->place.source, "a.b", 04751, 0), 0);
	assert_int_equal(scan(f), 0);
	assert_holds(f, ".hidden f, a d, a/b d, a/b/c f, a/b c f, a/link l, a/\377 f, a- f, "
			"a.b f, empty d");
	assert_int_equal(find(f, "a.b")->size, 5);
	assert_int_equal(find(f, "a.b")->mode, 04751);
	assert_int_equal(find(f, "a")->size, 0);
	assert_string_equal(tree_link(&f->tree, find(f, "a/link")), "../out/of/here");
	assert_string_equal(tree_source(&f->tree, find(f, "a/b/c")), "a/b/c");
	assert_int_equal(find(f, "a/b/c")->source, 0);
	assert_int_equal(f->notes.count, 0);
}

static void an_empty_source_is_an_empty_tree(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(scan(f), 0);
	assert_holds(f, "");
}

static void names_of_one_inode_share_their_first(void **state)
{
	struct fixture *f = *state;
	const int root = f->place.source;

	make_directory(f, "d");
	make_file(f, "z", "1");
	make_file(f, "m", "2");
	make_file(f, "single", "3");
	assert_int_equal(linkat(root, "z", root, "d/x", 0), 0);
	assert_int_equal(linkat(root, "z", root, "b", 0), 0);
	assert_int_equal(linkat(root, "m", root, "n", 0), 0);
	/* One name only is in the source. */
	assert_int_equal(linkat(root, "single", root, "..gs-sidecar-other", 0), 0);
	assert_int_equal(scan(f), 0);
	assert_holds(f, "b f, d d, d/x f, m f, n f, single f, z f");
	static const uint32_t firsts[] = { 0, 1, 0, 3, 3, 5, 0 };
	for (size_t i = 0; i < f->tree.count; i++)
		assert_int_equal(f->tree.entries[i].first, firsts[i]);
}

static void what_is_no_content_is_left_out_with_a_note(void **state)
{
	struct fixture *f = *state;

	make_directory(f, "d");
	assert_int_equal(mkfifoat(f->place.source, "d/pipe", 0644), 0);
	assert_int_equal(mknodat(f->place.source, "socket", S_IFSOCK | 0644, 0), 0);
	make_file(f, "file", "");
	assert_int_equal(scan(f), 0);
	assert_holds(f, "d d, file f");
	assert_int_equal(f->notes.count, 2);
	assert_string_equal(f->notes.items[0],
			    "'d/pipe' in the source is not a file, directory or link: left out");
	assert_string_equal(f->notes.items[1],
			    "'socket' in the source is not a file, directory or link: left out");
}

static void reserved_names_are_refused_unless_excluded(void **state)
{
	struct fixture *f = *state;

	make_directory(f, "d");
	make_file(f, "d/..x", "");
	make_file(f, "d/x..", "");
	make_file(f, "..gs-sidecar-seal", "");
	assert_refused(f, ERR_USAGE,
		       "'d/..x' has a reserved name (begins with '..'): rename or exclude it");
	list_add(&f->exclude, "*.map");
	list_add(&f->exclude, "d/..x");
	assert_int_equal(scan(f), 0);
	assert_holds(f, "d d, d/x.. f");
	list_clear(&f->exclude);
	f->place.exclude = NULL;
	assert_refused(f, ERR_USAGE,
		       "'d/..x' has a reserved name (begins with '..'): rename or exclude it");
	assert_int_equal(unlinkat(f->place.source, "d/..x", 0), 0);
	/* What is below an excluded one is never looked at. */
	make_directory(f, "...");
	make_file(f, ".../..y", "");
	f->place.exclude = &f->exclude;
	list_add(&f->exclude, "...");
	assert_int_equal(scan(f), 0);
	assert_holds(f, "d d, d/x.. f");
}

/* As kubelet's AtomicWriter makes one. */
static void make_volume(const struct fixture *f, const char *folder, const char *version)
{
	owned char *data = mem_format("%s..data", folder);
	owned char *dir = mem_format("%s%s", folder, version);
	owned char *file = mem_format("%s/game.json", dir),
		   *link = mem_format("%sgame.json", folder);
	owned char *sub = mem_format("%s/js", dir), *inner = mem_format("%s/js/app.js", dir);
	owned char *sub_link = mem_format("%sjs", folder);

	make_directory(f, dir);
	make_directory(f, sub);
	make_file(f, file, "{}");
	make_file(f, inner, "1");
	make_link(f, version, data);
	make_link(f, "..data/game.json", link);
	make_link(f, "..data/js", sub_link);
}

static void a_kubelet_volume_is_read_as_what_it_stands_for(void **state)
{
	struct fixture *f = *state;

	make_directory(f, "conf");
	make_volume(f, "", "..v1");
	make_volume(f, "conf/", "..v2");
	make_link(f, "..data/other", "strange");
	make_link(f, "game.json", "alias");
	make_file(f, "mounted", "");
	assert_int_equal(scan(f), 0);
	assert_holds(f, "alias l, conf d, conf/game.json f, conf/js d, conf/js/app.js f, "
			"game.json f, js d, js/app.js f, mounted f, strange l");
	assert_string_equal(tree_source(&f->tree, find(f, "js/app.js")), "..v1/js/app.js");
	assert_string_equal(tree_source(&f->tree, find(f, "conf/game.json")),
			    "conf/..v2/game.json");
	assert_string_equal(tree_source(&f->tree, find(f, "conf/js")), "conf/..v2/js");
	assert_int_equal(find(f, "mounted")->source, 0);
	assert_int_equal(find(f, "conf/game.json")->size, 2);
	assert_int_equal(f->notes.count, 0);
}

static void below_a_volume_names_are_reserved_again(void **state)
{
	struct fixture *f = *state;

	make_volume(f, "", "..v1");
	make_file(f, "..v1/js/..x", "");
	assert_refused(f, ERR_USAGE,
		       "'js/..x' has a reserved name (begins with '..'): rename or exclude it");
}

static void what_a_volume_lacks_is_named(void **state)
{
	struct fixture *f = *state;

	make_volume(f, "", "..v1");
	assert_int_equal(unlinkat(f->place.source, "..v1/game.json", 0), 0);
	assert_refused(f, ERR_SYSTEM, "stat '..v1/game.json': No such file or directory");
	make_link(f, "x", "..v1/game.json");
	assert_refused(f, ERR_SYSTEM, "'..v1/game.json' is not a file or directory");
}

/* Only what kubelet makes is gone through: nothing upwards, and no place elsewhere. */
static void other_data_links_are_reserved_names(void **state)
{
	static const char *const targets[] = { ".", "..", "d/e", "/tmp", "../x" };
	struct fixture *f = *state;

	make_directory(f, "d");
	make_link(f, "..data/d", "d/d");
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		make_link(f, targets[i], "d/..data");
		assert_refused(f, ERR_USAGE,
			       "'d/..data' has a reserved name (begins with '..'): rename or "
			       "exclude it");
		assert_int_equal(unlinkat(f->place.source, "d/..data", 0), 0);
	}
	make_file(f, "d/..data", "");
	assert_refused(f, ERR_USAGE,
		       "'d/..data' has a reserved name (begins with '..'): rename or exclude it");
}

/* A note is what is called in the middle of a scan. */
static void replace_version(void *owner, const char *text)
{
	const struct fixture *f = owner;

	(void)text;
	make_link(f, "..v2", "..data_tmp");
	assert_int_equal(renameat(f->place.source, "..data_tmp", f->place.source, "..data"), 0);
}

static void a_volume_that_changes_meanwhile_is_no_version(void **state)
{
	struct fixture *f = *state;
	const struct sync_notes notes = { .note = replace_version, .owner = f };

	make_volume(f, "", "..v1");
	assert_int_equal(mkfifoat(f->place.source, "pipe", 0644), 0);
	assert_int_equal(scan_source(&f->place, &notes, &f->tree, &f->e), -1);
	assert_string_equal(f->e.text, "'.' was replaced while it was read");
	assert_int_equal(f->e.kind, ERR_SYSTEM);
}

static void our_own_directories_are_refused(void **state)
{
	struct fixture *f = *state;
	const int root = f->place.source;

	make_directory(f, "d");
	make_directory(f, "d/target");
	f->place.target = openat(root, "d/target", O_PATH | O_CLOEXEC);
	assert_refused(f, ERR_USAGE, "its 'd/target' is the target or the state directory");
	f->place.state = f->place.target;
	f->place.target = -1;
	assert_refused(f, ERR_USAGE, "its 'd/target' is the target or the state directory");
	fd_close(&f->place.state);
	f->place.state = -1;
	f->place.reserved = "d/target";
	assert_refused(f, ERR_USAGE,
		       "it has 'd/target', where the state directory is: rename it or set --state");
	f->place.reserved = "target";
	assert_int_equal(scan(f), 0);
}

static void a_directory_that_cannot_be_read_is_named(void **state)
{
	struct fixture *f = *state;
	const uid_t user = geteuid();

	make_directory(f, "d");
	make_directory(f, "d/secret");
	make_file(f, "d/unreadable", "");
	assert_int_equal(fchmodat(f->place.source, "d/unreadable", 0, 0), 0);
	/* Files are not opened: who copies or hashes them will see. */
	assert_int_equal(scan(f), 0);
	assert_int_equal(fchmodat(f->place.source, "d/secret", 0, 0), 0);
	/* Under emulation there may be no other user to become. */
	if (user == 0 && seteuid(NOBODY) < 0)
		return;
	int status = scan(f);
	assert_int_equal(seteuid(user), 0);
	assert_int_equal(status, -1);
	assert_string_equal(f->e.text, "open 'd/secret': Permission denied");
	assert_int_equal(f->e.kind, ERR_SYSTEM);
	assert_int_equal(fchmodat(f->place.source, "d/secret", 0755, 0), 0);
}

static void too_long_a_path_is_an_error(void **state)
{
	struct fixture *f = *state;
	char name[NAME_MAX + 1];
	int at = dup(f->place.source);

	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	for (int i = 0; i < PATH_MAX / NAME_MAX; i++) {
		assert_int_equal(mkdirat(at, name, 0755), 0);
		int next = openat(at, name, O_PATH | O_CLOEXEC);
		fd_close(&at);
		at = next;
	}
	assert_int_equal(scan(f), 0);
	assert_int_equal(f->tree.count, PATH_MAX / NAME_MAX);
	assert_int_equal(mkdirat(at, name, 0755), 0);
	fd_close(&at);
	assert_int_equal(scan(f), -1);
	assert_true(text_starts(f->e.text, "a path is longer than 4095 bytes: 'nnnn"));
	assert_int_equal(f->e.kind, ERR_SYSTEM);
}

static void the_reason_is_told_however_long_the_path(void **state)
{
	struct fixture *f = *state;
	owned char *path = mem_alloc(PATH_MAX);

	for (int i = 0; i < 4; i++) {
		memset(path + strlen(path), 'n', 200);
		make_directory(f, path);
		memcpy(path + strlen(path), "/", 2);
	}
	memcpy(path + strlen(path), "..x", 4);
	make_file(f, path, "");
	assert_int_equal(scan(f), -1);
	assert_true(text_ends(f->e.text,
			      "has a reserved name (begins with '..'): rename or exclude it"));
}

int test_scan(void);

#define WITH_SOURCE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int test_scan(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SOURCE(everything_is_found_in_order),
		WITH_SOURCE(an_empty_source_is_an_empty_tree),
		WITH_SOURCE(names_of_one_inode_share_their_first),
		WITH_SOURCE(what_is_no_content_is_left_out_with_a_note),
		WITH_SOURCE(reserved_names_are_refused_unless_excluded),
		WITH_SOURCE(a_kubelet_volume_is_read_as_what_it_stands_for),
		WITH_SOURCE(below_a_volume_names_are_reserved_again),
		WITH_SOURCE(what_a_volume_lacks_is_named),
		WITH_SOURCE(other_data_links_are_reserved_names),
		WITH_SOURCE(a_volume_that_changes_meanwhile_is_no_version),
		WITH_SOURCE(our_own_directories_are_refused),
		WITH_SOURCE(a_directory_that_cannot_be_read_is_named),
		WITH_SOURCE(too_long_a_path_is_an_error),
		WITH_SOURCE(the_reason_is_told_however_long_the_path),
	};

	return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
