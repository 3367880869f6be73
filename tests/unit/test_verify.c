/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/text.h"
#include "sync/hash.h"
#include "sync/notes.h"
#include "sync/scan.h"
#include "sync/tree.h"
#include "sync/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LONG_AGO 1000000000

/* ---- a directory and its tree ---- */

static int fresh_root(void)
{
	int root = open(unit_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(root >= 0);
	return root;
}

static void set_time(int root, const char *path, time_t seconds, long nanoseconds)
{
	const struct timespec times[] = { { seconds, nanoseconds }, { seconds, nanoseconds } };

	assert_int_equal(utimensat(root, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

/* With the same time again and again, so that only what is said to differ does. */
static void put(int root, const char *path, const char *text)
{
	owned_fd fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(io_write(fd, text, strlen(text)), 0);
	set_time(root, path, LONG_AGO, 0);
}

static void make_dir(int root, const char *path)
{
	assert_int_equal(mkdirat(root, path, 0755), 0);
}

static void make_link(int root, const char *path, const char *target)
{
	assert_int_equal(symlinkat(target, root, path), 0);
}

static void take(int root, const char *path)
{
	if (unlinkat(root, path, 0) < 0)
		assert_int_equal(unlinkat(root, path, AT_REMOVEDIR), 0);
}

static struct tree scan_alone(int root)
{
	const struct scan_place place = { .source = root, .target = -1, .state = -1 };
	const struct sync_notes notes = { 0 };
	struct tree t = { 0 };
	struct err e = { 0 };

	assert_int_equal(scan_source(&place, &notes, &t, &e), 0);
	return t;
}

static struct tree scan(int root)
{
	struct tree t = scan_alone(root);
	struct err e = { 0 };

	if (hash_all(root, &t, 2, &e) < 0)
		fail_msg("%s", e.text);
	return t;
}

static int make_some(void)
{
	int root = fresh_root();

	put(root, "a", "1");
	make_dir(root, "dir");
	make_dir(root, "dir/empty");
	put(root, "dir/f", "content");
	make_link(root, "dir/l", "f");
	put(root, "dir.txt", "2");
	put(root, "z", "3");
	return root;
}

/* What is found, by any number of threads, or "". */
static char *first_of(const struct verify *how)
{
	char *first = NULL;

	for (size_t threads = 0; threads <= POOL_MOST; threads++) {
		struct verify v = *how;
		struct err e = { 0 };

		v.threads = threads;
		if (verify_first(&v, &e) < 0) {
			assert_int_equal(e.kind, ERR_SYSTEM);
			assert_true(e.text[0]);
		}
		if (first)
			assert_string_equal(e.text, first);
		else
			first = mem_copy(e.text);
	}
	return first;
}

static void assert_first(int root, struct tree *t, enum verify_how how, const char *says)
{
	const struct verify v = { .root = root, .tree = t, .how = how, .extras = true };
	owned char *first = first_of(&v);

	assert_string_equal(first, says);
}

struct told {
	char text[4096];
	size_t length;
};

static void note(void *owner, const char *path, const char *what)
{
	struct told *told = owner;

	told->length += (size_t)snprintf(told->text + told->length,
					 sizeof(told->text) - told->length, "%s %s\n", what, path);
	assert_true(told->length < sizeof(told->text));
}

static int64_t all_of(const struct verify *v, struct told *ret)
{
	struct err e = { 0 };

	*ret = (struct told){ 0 };
	return verify_all(v, note, ret, &e);
}

static void assert_all(int root, struct tree *t, enum verify_how how, int64_t count,
		       const char *says)
{
	for (size_t threads = 1; threads <= POOL_MOST; threads += 3) {
		const struct verify v = {
			.root = root, .tree = t, .how = how, .threads = threads, .extras = true
		};
		struct told told;

		assert_int_equal(all_of(&v, &told), count);
		assert_string_equal(told.text, says);
	}
}

/* ---- one difference ---- */

static void what_is_untouched_is_the_same(void **state)
{
	owned_fd root = make_some(), empty_root = fresh_root();
	struct tree t = scan(root), empty = { 0 };

	(void)state;
	assert_int_equal(t.count, 7);
	for (int how = VERIFY_NONE; how <= VERIFY_FULL; how++) {
		assert_first(root, &t, (enum verify_how)how, "");
		assert_all(root, &t, (enum verify_how)how, 0, "");
		assert_first(empty_root, &empty, (enum verify_how)how, "");
		assert_all(empty_root, &empty, (enum verify_how)how, 0, "");
	}
	tree_done(&t);
}

static void remove_it(int root)
{
	take(root, "dir/f");
}

static void add_it(int root)
{
	put(root, "dir/new", "");
}

static void add_a_directory(int root)
{
	make_dir(root, "dir/empty/new");
	put(root, "dir/empty/new/file", "");
}

static void add_a_link(int root)
{
	make_link(root, "0", "nowhere");
}

static void file_to_directory(int root)
{
	take(root, "dir/f");
	make_dir(root, "dir/f");
}

static void file_to_link(int root)
{
	take(root, "dir/f");
	put(root, "z", "content");
	make_link(root, "dir/f", "../z");
}

static void file_to_pipe(int root)
{
	take(root, "dir/f");
	assert_int_equal(mkfifoat(root, "dir/f", 0644), 0);
}

static void link_to_file(int root)
{
	take(root, "dir/l");
	put(root, "dir/l", "f");
}

static void directory_to_file(int root)
{
	take(root, "dir/empty");
	put(root, "dir/empty", "");
}

static void directory_to_link(int root)
{
	assert_int_equal(renameat(root, "dir", root, "elsewhere"), 0);
	make_link(root, "dir", "elsewhere");
}

static void change_mode(int root)
{
	assert_int_equal(fchmodat(root, "dir/f", 0755, 0), 0);
}

static void change_sticky(int root)
{
	assert_int_equal(fchmodat(root, "dir/empty", 01755, 0), 0);
}

static void make_longer(int root)
{
	put(root, "dir/f", "content and more");
}

static void empty_it(int root)
{
	put(root, "dir/f", "");
}

static void change_target(int root)
{
	take(root, "dir/l");
	make_link(root, "dir/l", "e");
}

static void lengthen_target(int root)
{
	take(root, "dir/l");
	make_link(root, "dir/l", "ff");
}

static void change_content(int root)
{
	put(root, "dir/f", "CONTENT");
	set_time(root, "dir/f", LONG_AGO, 1);
}

static void each_kind_of_difference_is_told(void **state)
{
	static const struct {
		void (*change)(int root);
		const char *first, *all;
		int64_t count;
	} cases[] = {
		{ remove_it, "'dir/f' is missing", "missing dir/f\n", 1 },
		{ add_it, "'dir/new' is there too", "added dir/new\n", 1 },
		{ add_a_directory, "'dir/empty/new' is there too", "added dir/empty/new\n", 1 },
		{ add_a_link, "'0' is there too", "added 0\n", 1 },
		{ file_to_directory, "'dir/f' has another type", "type dir/f\n", 1 },
		{ file_to_link, "'dir/f' has another type", "type dir/f\nsize z\n", 2 },
		{ file_to_pipe, "'dir/f' has another type", "type dir/f\n", 1 },
		{ link_to_file, "'dir/l' has another type", "type dir/l\n", 1 },
		{ directory_to_file, "'dir/empty' has another type", "type dir/empty\n", 1 },
		{ directory_to_link, "'dir' has another type", "type dir\nadded elsewhere\n", 2 },
		{ change_mode, "'dir/f' has another mode", "mode dir/f\n", 1 },
		{ change_sticky, "'dir/empty' has another mode", "mode dir/empty\n", 1 },
		{ make_longer, "'dir/f' has another size", "size dir/f\n", 1 },
		{ empty_it, "'dir/f' has another size", "size dir/f\n", 1 },
		{ change_target, "'dir/l' leads elsewhere", "target dir/l\n", 1 },
		{ lengthen_target, "'dir/l' leads elsewhere", "target dir/l\n", 1 },
		{ change_content, "'dir/f' has another content", "content dir/f\n", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		owned_fd root = make_some();
		struct tree t = scan(root);

		cases[i].change(root);
		for (int how = VERIFY_STAT; how <= VERIFY_FULL; how++) {
			assert_first(root, &t, (enum verify_how)how, cases[i].first);
			assert_all(root, &t, (enum verify_how)how, cases[i].count, cases[i].all);
		}
		tree_done(&t);
	}
}

/* ---- how far times are believed ---- */

static void a_time_is_no_difference(void **state)
{
	owned_fd root = make_some();
	struct tree t = scan(root);

	(void)state;
	set_time(root, "dir/f", LONG_AGO + 5, 0);
	set_time(root, "dir", 5, 0);
	set_time(root, "dir/l", 5, 0);
	assert_first(root, &t, VERIFY_STAT, "");
	assert_first(root, &t, VERIFY_FULL, "");
	tree_done(&t);
}

static void only_full_reads_what_looks_the_same(void **state)
{
	owned_fd root = make_some();
	struct tree t = scan(root);

	(void)state;
	put(root, "dir/f", "CONTENT");
	assert_first(root, &t, VERIFY_STAT, "");
	assert_first(root, &t, VERIFY_FULL, "'dir/f' has another content");
	tree_done(&t);
}

static void of_times_whole_seconds_can_be_enough(void **state)
{
	owned_fd root = make_some();
	struct tree t = scan(root);
	struct verify v = { .root = root, .tree = &t, .how = VERIFY_STAT };
	struct err e = { 0 };

	(void)state;
	change_content(root);
	assert_int_equal(verify_first(&v, &e), -1);
	v.whole_seconds = true;
	assert_int_equal(verify_first(&v, &e), 0);
	set_time(root, "dir/f", LONG_AGO + 1, 0);
	assert_int_equal(verify_first(&v, &e), -1);
	tree_done(&t);
}

static void of_times_a_fraction_may_be_rounded(void **state)
{
	owned_fd root = make_some();
	struct err e = { 0 };

	(void)state;
	set_time(root, "dir/f", LONG_AGO, 700000000);
	struct tree t = scan(root);
	const struct verify v = {
		.root = root, .tree = &t, .how = VERIFY_STAT, .whole_seconds = true
	};
	change_content(root);
	set_time(root, "dir/f", LONG_AGO + 1, 0);
	assert_int_equal(verify_first(&v, &e), 0);
	set_time(root, "dir/f", LONG_AGO + 1, 1);
	assert_int_equal(verify_first(&v, &e), -1);
	set_time(root, "dir/f", LONG_AGO + 2, 0);
	assert_int_equal(verify_first(&v, &e), -1);
	tree_done(&t);
}

/* ---- names that are not in the tree ---- */

static void extras_count_only_when_asked_for(void **state)
{
	owned_fd root = make_some();
	struct tree t = scan(root);
	const struct verify v = { .root = root, .tree = &t, .how = VERIFY_FULL };
	owned char *first = NULL;
	struct told told;

	(void)state;
	put(root, "b", "");
	put(root, "dir/b", "");
	first = first_of(&v);
	assert_string_equal(first, "");
	assert_int_equal(all_of(&v, &told), 0);
	assert_all(root, &t, VERIFY_FULL, 2, "added b\nadded dir/b\n");
	tree_done(&t);
}

/* What a scan leaves out is no difference either. */
static void reserved_names_and_pipes_are_no_extras(void **state)
{
	owned_fd root = make_some();
	struct tree t = scan(root);

	(void)state;
	put(root, "..gs-sidecar-seal", "");
	put(root, "dir/..x", "");
	assert_int_equal(mkfifoat(root, "dir/pipe", 0644), 0);
	assert_first(root, &t, VERIFY_FULL, "");
	assert_all(root, &t, VERIFY_FULL, 0, "");
	put(root, "dir/.x", "");
	assert_first(root, &t, VERIFY_FULL, "'dir/.x' is there too");
	tree_done(&t);
}

/* One name for another: a directory has as many as before. */
static void an_added_name_is_seen_beside_a_missing_one(void **state)
{
	owned_fd root = make_some();
	struct tree t = scan(root);

	(void)state;
	take(root, "dir/l");
	put(root, "dir/e", "");
	assert_first(root, &t, VERIFY_STAT, "'dir/e' is there too");
	assert_all(root, &t, VERIFY_STAT, 2, "added dir/e\nmissing dir/l\n");
	take(root, "z");
	put(root, "0", "");
	assert_first(root, &t, VERIFY_STAT, "'0' is there too");
	take(root, "0");
	put(root, "dirt", "");
	assert_first(root, &t, VERIFY_STAT, "'dir/e' is there too");
	take(root, "dir/e");
	assert_first(root, &t, VERIFY_STAT, "'dir/l' is missing");
	tree_done(&t);
}

/* ---- order ---- */

static void all_are_told_in_order(void **state)
{
	owned_fd root = make_some();
	struct tree t = scan(root);

	(void)state;
	take(root, "a");
	take(root, "dir/f");
	take(root, "dir/l");
	put(root, "dir/g", "");
	put(root, "dir/l x", "");
	put(root, "zz", "");
	put(root, "dir-", "");
	put(root, "dir.txt", "22");
	assert_all(root, &t, VERIFY_STAT, 8,
		   "missing a\nmissing dir/f\nadded dir/g\nmissing dir/l\nadded dir/l x\n"
		   "added dir-\nsize dir.txt\nadded zz\n");
	tree_done(&t);
}

static void of_a_directory_that_is_gone_only_itself_is_told(void **state)
{
	owned_fd root = make_some(), other = make_some();
	struct tree t = scan(root);

	(void)state;
	assert_int_equal(renameat(root, "dir", root, "moved"), 0);
	assert_all(root, &t, VERIFY_STAT, 2, "missing dir\nadded moved\n");
	assert_first(root, &t, VERIFY_STAT, "'dir' is missing");
	assert_int_equal(renameat(other, "dir", other, "moved"), 0);
	put(other, "dir", "");
	assert_all(other, &t, VERIFY_STAT, 2, "type dir\nadded moved\n");
	tree_done(&t);
}

/* Small pseudo-random numbers, the same on every machine. */
static unsigned next_number(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % below;
}

static void change_something(int root, unsigned *seed)
{
	char path[32];
	unsigned folder = next_number(seed, 12), number = next_number(seed, 25);

	(void)snprintf(path, sizeof(path), "d%02u/f%02u", folder, number);
	switch (next_number(seed, 4)) {
	case 0:
		(void)unlinkat(root, path, 0);
		break;
	case 1:
		put(root, path, "another size");
		break;
	case 2:
		(void)fchmodat(root, path, 0600, 0);
		break;
	default:
		path[strlen(path) - 3] = "eg"[next_number(seed, 2)];
		put(root, path, "");
	}
}

/* By any number of threads the first is the one that is told first of all. */
static void the_first_is_the_first_of_all(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		owned_fd root = fresh_root();
		unsigned random = seed;
		struct told told;
		char path[32];

		for (unsigned i = 0; i < 12 * 25; i++) {
			(void)snprintf(path, sizeof(path), "d%02u", i / 25);
			if (i % 25 == 0)
				make_dir(root, path);
			(void)snprintf(path, sizeof(path), "d%02u/f%02u", i / 25, i % 25);
			put(root, path, "x");
		}
		struct tree t = scan(root);
		for (unsigned i = 0; i < seed; i++)
			change_something(root, &random);

		const struct verify v = {
			.root = root, .tree = &t, .how = VERIFY_STAT, .extras = true
		};
		assert_in_range(all_of(&v, &told), 1, seed);
		const char *first_path = strchr(told.text, ' ') + 1;
		owned char *begin =
			mem_format("'%.*s' ", (int)strcspn(first_path, "\n"), first_path);
		owned char *first = first_of(&v);
		if (!text_starts(first, begin))
			fail_msg("seed %u: %s, expected %s", seed, first, told.text);
		tree_done(&t);
	}
}

/* ---- owners ---- */

static void owners_are_taken_when_asked_for(void **state)
{
	owned_fd root = make_some();
	struct tree t = scan(root);
	struct verify v = { .root = root, .tree = &t, .how = VERIFY_STAT };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < t.count; i++)
		t.entries[i].uid = t.entries[i].gid = 4711;
	assert_int_equal(verify_first(&v, &e), 0);
	for (size_t i = 0; i < t.count; i++)
		assert_int_equal(t.entries[i].uid, 4711);
	v.take_owners = true;
	v.threads = 3;
	assert_int_equal(verify_first(&v, &e), 0);
	for (size_t i = 0; i < t.count; i++) {
		assert_int_equal(t.entries[i].uid, geteuid());
		assert_int_equal(t.entries[i].gid, getegid());
	}
	tree_done(&t);
}

/* ---- what cannot be told ---- */

static void what_cannot_be_looked_at_is_an_error(void **state)
{
	owned_fd root = make_some();
	struct tree t = scan(root);
	char name[NAME_MAX + 2];
	struct told told;
	struct err e = { 0 };

	(void)state;
	memset(name, 'n', NAME_MAX + 1);
	name[NAME_MAX + 1] = '\0';
	(void)tree_add(&t, name, ENTRY_FILE);
	tree_sort(&t);
	const struct verify v = { .root = root, .tree = &t, .how = VERIFY_STAT, .threads = 2 };
	assert_int_equal(verify_first(&v, &e), -1);
	assert_int_equal(e.sys, ENAMETOOLONG);
	assert_non_null(strstr(e.text, "nnn' cannot be read: "));
	assert_true(text_ends(e.text, strerror(ENAMETOOLONG)));
	assert_int_equal(all_of(&v, &told), -1);
	assert_int_equal(told.length, 0);
	/* A difference before it is one that can be told. */
	take(root, "a");
	assert_int_equal(verify_first(&v, &e), -1);
	assert_string_equal(e.text, "'a' is missing");
	assert_int_equal(e.sys, 0);
	tree_done(&t);
}

/* Of a size that the kernel says, and with more in it: as if it grew while it is read. */
static void a_file_that_grows_is_seen(void **state)
{
	owned_fd root = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct tree t = { 0 };
	struct entry *en = tree_add(&t, "status", ENTRY_FILE);
	struct stat st;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(fstatat(root, "status", &st, 0), 0);
	entry_describe(en, &st);
	assert_int_equal(hash_all(root, &t, 1, &e), -1);
	assert_string_equal(e.text, "'status' changed while it was read");
	assert_int_equal(e.kind, ERR_SYSTEM);
	en->content.bytes[0] = 1;
	const struct verify v = { .root = root, .tree = &t, .how = VERIFY_FULL };
	assert_int_equal(verify_first(&v, &e), -1);
	assert_string_equal(e.text, "'status' has another size");
	tree_done(&t);
}

/* ---- hashing ---- */

static struct digest digest_of(const char *text)
{
	struct digest_stream *s = digest_new();

	digest_add(s, text, strlen(text));
	struct digest d = digest_result(s);
	digest_free(s);
	return d;
}

static void files_are_hashed(void **state)
{
	static const struct digest none;

	(void)state;
	for (size_t threads = 0; threads <= POOL_MOST; threads++) {
		owned_fd root = make_some();
		struct tree t = scan_alone(root);
		struct err e = { 0 };

		assert_int_equal(hash_all(root, &t, threads, &e), 0);
		for (size_t i = 0; i < t.count; i++)
			assert_int_equal(entry_is_hashed(&t.entries[i]),
					 t.entries[i].type == ENTRY_FILE);
		const struct digest wanted = digest_of("content"), empty = digest_of("");
		assert_true(digest_equal(&tree_find(&t, "dir/f")->content, &wanted));
		assert_false(digest_equal(&empty, &none));
		tree_done(&t);
	}
}

static void names_of_one_inode_are_read_once(void **state)
{
	owned_fd root = make_some();
	struct err e = { 0 };

	(void)state;
	assert_int_equal(linkat(root, "dir/f", root, "dir/g", 0), 0);
	assert_int_equal(linkat(root, "dir/f", root, "y", 0), 0);
	struct tree t = scan_alone(root);
	take(root, "dir/g");
	take(root, "y");
	/* Fewer names is another time of change, but the same file. */
	assert_int_equal(hash_all(root, &t, 2, &e), 0);
	assert_true(digest_equal(&tree_find(&t, "dir/f")->content, &tree_find(&t, "y")->content));
	assert_true(entry_is_hashed(tree_find(&t, "dir/g")));
	tree_done(&t);
}

/* Both were looked at, one after the other, and it was written to in between. */
static void names_of_one_inode_have_one_size(void **state)
{
	owned_fd root = make_some();
	struct err e = { 0 };

	(void)state;
	assert_int_equal(linkat(root, "dir/f", root, "y", 0), 0);
	struct tree t = scan_alone(root);
	((struct entry *)tree_find(&t, "y"))->size++;
	assert_int_equal(hash_all(root, &t, 2, &e), -1);
	assert_string_equal(e.text, "'y' changed while it was read");
	tree_done(&t);
}

static void what_is_hashed_is_not_read_again(void **state)
{
	owned_fd root = make_some();
	struct tree t = scan_alone(root);
	struct entry *en = (struct entry *)tree_find(&t, "a");
	struct err e = { 0 };

	(void)state;
	en->content = digest_of("something else");
	take(root, "a");
	assert_int_equal(hash_all(root, &t, 1, &e), 0);
	const struct digest wanted = digest_of("something else");
	assert_true(digest_equal(&en->content, &wanted));
	tree_done(&t);
}

static void a_file_is_hashed_where_its_source_has_it(void **state)
{
	owned_fd root = make_some();
	struct tree t = scan_alone(root);
	struct entry *en = (struct entry *)tree_find(&t, "a");
	struct err e = { 0 };

	(void)state;
	en->source = tree_add_text(&t, "dir/b");
	assert_int_equal(renameat(root, "a", root, "dir/b"), 0);
	assert_int_equal(hash_all(root, &t, 1, &e), 0);
	const struct digest wanted = digest_of("1");
	assert_true(digest_equal(&tree_find(&t, "a")->content, &wanted));
	tree_done(&t);
}

static void what_changed_since_is_not_hashed(void **state)
{
	static const struct {
		void (*change)(int root);
		const char *says;
	} cases[] = {
		{ remove_it, "'dir/f' cannot be read: " },
		{ make_longer, "'dir/f' changed while it was read" },
		{ change_content, "'dir/f' changed while it was read" },
		{ file_to_directory, "'dir/f' changed while it was read" },
		{ file_to_pipe, "'dir/f' changed while it was read" },
		{ file_to_link, "'dir/f' cannot be read: " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		owned_fd root = make_some();
		struct tree t = scan_alone(root);
		struct err e = { 0 };

		cases[i].change(root);
		assert_int_equal(hash_all(root, &t, 3, &e), -1);
		assert_memory_equal(e.text, cases[i].says, strlen(cases[i].says));
		assert_int_equal(e.kind, ERR_SYSTEM);
		tree_done(&t);
	}
}

int test_verify(void);

int test_verify(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_untouched_is_the_same),
		cmocka_unit_test(each_kind_of_difference_is_told),
		cmocka_unit_test(a_time_is_no_difference),
		cmocka_unit_test(only_full_reads_what_looks_the_same),
		cmocka_unit_test(of_times_whole_seconds_can_be_enough),
		cmocka_unit_test(of_times_a_fraction_may_be_rounded),
		cmocka_unit_test(extras_count_only_when_asked_for),
		cmocka_unit_test(reserved_names_and_pipes_are_no_extras),
		cmocka_unit_test(an_added_name_is_seen_beside_a_missing_one),
		cmocka_unit_test(all_are_told_in_order),
		cmocka_unit_test(of_a_directory_that_is_gone_only_itself_is_told),
		cmocka_unit_test(the_first_is_the_first_of_all),
		cmocka_unit_test(owners_are_taken_when_asked_for),
		cmocka_unit_test(what_cannot_be_looked_at_is_an_error),
		cmocka_unit_test(a_file_that_grows_is_seen),
		cmocka_unit_test(files_are_hashed),
		cmocka_unit_test(names_of_one_inode_are_read_once),
		cmocka_unit_test(names_of_one_inode_have_one_size),
		cmocka_unit_test(what_is_hashed_is_not_read_again),
		cmocka_unit_test(a_file_is_hashed_where_its_source_has_it),
		cmocka_unit_test(what_changed_since_is_not_hashed),
	};

	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
