/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "sync/tree.h"

#include <string.h>

static struct entry *add(struct tree *t, const char *path, enum entry_type type)
{
	struct entry *e = tree_add(t, mem_copy(path), type);

	e->mode = type == ENTRY_DIRECTORY ? 0755 : 0644;
	if (type == ENTRY_LINK)
		e->link = mem_copy("target");
	return e;
}

static struct entry *add_file(struct tree *t, const char *path, unsigned char content)
{
	struct entry *e = add(t, path, ENTRY_FILE);

	memset(e->content.bytes, content, sizeof(e->content.bytes));
	return e;
}

static void paths_are_sorted_by_bytes(void **state)
{
	static const char *const sorted[] = { "A",     "a",   "a b", "a-b", "a.b",      "a/b",
					      "a/b/c", "a/c", "ab",  "b",   "\303\251", "\377" };
	static const size_t order[] = { 7, 0, 11, 5, 3, 9, 1, 10, 6, 2, 8, 4 };
	struct tree t = { 0 };

	(void)state;
	for (size_t i = 0; i < 12; i++)
		(void)add(&t, sorted[order[i]], ENTRY_FILE);
	tree_sort(&t);
	for (size_t i = 0; i < 12; i++) {
		assert_string_equal(t.entries[i].path, sorted[i]);
		assert_int_equal(t.entries[i].first, i);
	}
	tree_done(&t);
	assert_int_equal(t.count, 0);
	assert_null(t.entries);
}

static void entries_are_found(void **state)
{
	struct tree t = { 0 };

	(void)state;
	assert_null(tree_find(&t, "a"));
	for (int i = 0; i < 200; i++)
		(void)tree_add(&t, mem_format("%03d", i * 7 % 200), ENTRY_FILE);
	tree_sort(&t);
	for (int i = 0; i < 200; i++) {
		owned char *path = mem_format("%03d", i);

		assert_ptr_equal(tree_find(&t, path), &t.entries[i]);
	}
	assert_null(tree_find(&t, ""));
	assert_null(tree_find(&t, "200"));
	assert_null(tree_find(&t, "00"));
	assert_null(tree_find(&t, "0000"));
	tree_done(&t);
}

static void the_source_is_the_path_unless_told(void **state)
{
	struct tree t = { 0 };
	struct entry *e = add(&t, "a", ENTRY_FILE);

	(void)state;
	assert_string_equal(entry_source(e), "a");
	e->source = mem_copy("b");
	assert_string_equal(entry_source(e), "b");
	tree_done(&t);
}

static void set_inode(struct entry *e, dev_t device, ino_t inode, nlink_t links)
{
	e->device = device;
	e->inode = inode;
	e->links = links;
}

static void names_of_one_inode_find_each_other(void **state)
{
	static const size_t first[] = { 0, 1, 0, 3, 4, 0, 1, 7, 8 };
	struct tree t = { 0 };

	(void)state;
	set_inode(add_file(&t, "a", 0), 1, 10, 3);
	set_inode(add_file(&t, "b", 0), 1, 11, 2);
	set_inode(add_file(&t, "c", 0), 1, 10, 3);
	set_inode(add_file(&t, "d", 0), 2, 10, 2); /* another filesystem */
	set_inode(add_file(&t, "e", 0), 1, 12, 2); /* its other name is outside */
	set_inode(add_file(&t, "f", 0), 1, 10, 3);
	set_inode(add_file(&t, "g", 0), 1, 11, 2);
	set_inode(add(&t, "h", ENTRY_DIRECTORY), 1, 10, 3);
	set_inode(add_file(&t, "i", 0), 1, 10, 1);
	tree_find_hard_links(&t);
	for (size_t i = 0; i < t.count; i++)
		assert_int_equal(t.entries[i].first, first[i]);
	tree_done(&t);
	tree_find_hard_links(&t);
}

/* One entry of each type, to be changed. */
static struct tree make_tree(void)
{
	struct tree t = { 0 };

	(void)add(&t, "dir", ENTRY_DIRECTORY);
	(void)add_file(&t, "dir/a", 1);
	(void)add_file(&t, "dir/b", 2);
	(void)add(&t, "link", ENTRY_LINK);
	return t;
}

static void assert_changes(struct tree t, bool changes)
{
	struct tree original = make_tree();
	struct digest one = tree_digest(&original), other = tree_digest(&t);

	assert_int_equal(digest_equal(&one, &other), !changes);
	tree_done(&original);
	tree_done(&t);
}

static void the_digest_covers_what_counts(void **state)
{
	struct tree t;

	(void)state;
	t = make_tree();
	t.entries[1].path[4] = 'A';
	assert_changes(t, true);
	t = make_tree();
	t.entries[0].mode = 0750;
	assert_changes(t, true);
	t = make_tree();
	t.entries[1].mode = 04644;
	assert_changes(t, true);
	t = make_tree();
	t.entries[2].content.bytes[15] ^= 1;
	assert_changes(t, true);
	t = make_tree();
	t.entries[3].link[0] = 'T';
	assert_changes(t, true);
	t = make_tree();
	t.entries[3].type = ENTRY_FILE;
	assert_changes(t, true);
	t = make_tree();
	(void)add(&t, "z", ENTRY_DIRECTORY);
	assert_changes(t, true);
}

static void the_digest_knows_which_file_has_which_content(void **state)
{
	struct tree t = make_tree();
	struct digest kept = t.entries[1].content;

	(void)state;
	t.entries[1].content = t.entries[2].content;
	t.entries[2].content = kept;
	assert_changes(t, true);
}

static void the_digest_leaves_the_rest_out(void **state)
{
	struct tree t = make_tree();

	(void)state;
	for (size_t i = 0; i < t.count; i++) {
		struct entry *e = &t.entries[i];

		e->mtime = (struct timespec){ 5, 6 };
		e->uid = 7;
		e->gid = 8;
		e->device = 9;
		e->inode = 10;
		e->links = 2;
		e->first = 0;
		e->source = mem_copy("elsewhere");
	}
	t.entries[3].mode = 0777; /* of a link */
	assert_changes(t, false);
}

static void parts_do_not_run_into_each_other(void **state)
{
	struct tree one = { 0 }, other = { 0 };

	(void)state;
	struct entry *e = add(&one, "a", ENTRY_LINK);
	free(e->link);
	e->link = mem_copy("bc");
	e = add(&other, "ab", ENTRY_LINK);
	free(e->link);
	e->link = mem_copy("c");
	struct digest left = tree_digest(&one), right = tree_digest(&other);
	assert_false(digest_equal(&left, &right));
	tree_done(&one);
	tree_done(&other);
}

/* A published digest must be known again by every later version of this program. */
static void digests_stay_what_they_are(void **state)
{
	struct tree t = make_tree(), empty = { 0 };
	struct digest d = tree_digest(&t), none = tree_digest(&empty);
	char text[DIGEST_TEXT_SIZE];

	(void)state;
	assert_string_equal(digest_text(&none, text), "99aa06d3014798d86001c324468d497f");
	assert_string_equal(digest_text(&d, text), "0a6755cc16fd1df9b4813ee6c6f07e8e");
	tree_done(&t);
}

static void totals_count_what_is_not_a_directory(void **state)
{
	struct tree t = make_tree();
	uint64_t files, bytes;

	(void)state;
	t.entries[0].size = 4096;
	t.entries[1].size = 10;
	t.entries[2].size = 5000000000;
	t.entries[3].size = 6;
	tree_totals(&t, &files, &bytes);
	assert_int_equal(files, 3);
	assert_int_equal(bytes, 5000000016);
	tree_done(&t);
	tree_totals(&t, &files, &bytes);
	assert_int_equal(files, 0);
	assert_int_equal(bytes, 0);
}

int test_tree(void);

int test_tree(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_sorted_by_bytes),
		cmocka_unit_test(entries_are_found),
		cmocka_unit_test(the_source_is_the_path_unless_told),
		cmocka_unit_test(names_of_one_inode_find_each_other),
		cmocka_unit_test(the_digest_covers_what_counts),
		cmocka_unit_test(the_digest_knows_which_file_has_which_content),
		cmocka_unit_test(the_digest_leaves_the_rest_out),
		cmocka_unit_test(parts_do_not_run_into_each_other),
		cmocka_unit_test(digests_stay_what_they_are),
		cmocka_unit_test(totals_count_what_is_not_a_directory),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
