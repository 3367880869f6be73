/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "sync/tree.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* In order: what a directory holds follows it at once, whatever its neighbours are called. */
static const char *const sorted[] = {
	"A",      "a",     "a/\001", "a/b",   "a/b/c",    "a/b c", "a/b-c",     "a/c",
	"a/\377", "a\001", "a b",    "a b/x", "a-b",      "a-b/c", "a.b",       "a.b/c",
	"a0",     "ab",    "ab/c",   "b",     "\303\251", "\377",  "\377/\377", "\377\377",
};

static struct entry *add(struct tree *t, const char *path, enum entry_type type)
{
	struct entry *e = tree_add(t, path, type);

	e->mode = type == ENTRY_DIRECTORY ? 0755 : 0644;
	if (type == ENTRY_LINK) {
		e->mode = 0;
		e->link = tree_add_text(t, "target");
	}
	return e;
}

static struct entry *add_file(struct tree *t, const char *path, unsigned char content)
{
	struct entry *e = add(t, path, ENTRY_FILE);

	memset(e->content.bytes, content, sizeof(e->content.bytes));
	return e;
}

static int sign(int number)
{
	return number < 0 ? -1 : number > 0;
}

static void the_slash_is_the_smallest_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(sorted); i++)
		for (size_t j = 0; j < COUNT(sorted); j++)
			if (tree_compare(sorted[i], sorted[j]) != sign((int)i - (int)j))
				fail_msg("'%s' and '%s': %d", sorted[i], sorted[j],
					 tree_compare(sorted[i], sorted[j]));
	assert_int_equal(tree_compare("", ""), 0);
	assert_int_equal(tree_compare("", "/"), -1);
	assert_int_equal(tree_compare("", "a"), -1);
	for (int byte = 1; byte < 256; byte++) {
		const char other[] = { 'a', (char)byte, '\0' };

		assert_int_equal(tree_compare("a", other), -1);
		assert_int_equal(tree_compare("a/z", other), byte == '/' ? 1 : -1);
		assert_int_equal(tree_compare(other, "a/z"), byte == '/' ? -1 : 1);
	}
}

static void entries_are_sorted(void **state)
{
	struct tree t = { 0 }, empty = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(sorted); i++) {
		struct entry *e = add(&t, sorted[i * 7 % COUNT(sorted)], ENTRY_FILE);

		e->size = i * 7 % COUNT(sorted);
		e->first = 3;
	}
	for (int again = 0; again < 2; again++) {
		tree_sort(&t);
		for (size_t i = 0; i < COUNT(sorted); i++) {
			assert_string_equal(tree_path(&t, &t.entries[i]), sorted[i]);
			assert_int_equal(t.entries[i].size, i);
			assert_int_equal(t.entries[i].first, i);
		}
	}
	tree_done(&t);
	assert_int_equal(t.count, 0);
	assert_null(t.entries);
	assert_null(t.texts);
	tree_sort(&empty);
	tree_done(&empty);
}

static void a_new_entry_is_empty(void **state)
{
	struct tree t = { 0 };

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		owned char *path = mem_format("dir/%u", i);
		const struct entry wanted = { .type = ENTRY_LINK,
					      .first = i,
					      .path = tree_add(&t, path, ENTRY_LINK)->path };

		assert_memory_equal(&t.entries[i], &wanted, sizeof(wanted));
		assert_string_equal(tree_path(&t, &t.entries[i]), path);
		assert_string_equal(tree_link(&t, &t.entries[i]), "");
		assert_string_equal(tree_source(&t, &t.entries[i]), path);
	}
	assert_int_equal(t.count, 5000);
	assert_int_equal(t.texts[0], '\0');
	for (unsigned i = 0; i < 5000; i++) {
		owned char *path = mem_format("dir/%u", i);

		assert_string_equal(tree_path(&t, &t.entries[i]), path);
	}
	tree_done(&t);
}

static void texts_are_kept_apart(void **state)
{
	struct tree t = { 0 };
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	uint32_t empty = tree_add_text(&t, ""), one = tree_add_text(&t, "one");
	uint32_t long_one = tree_add_text(&t, text), last = tree_add_text(&t, text);
	assert_true(empty > 0 && one > empty && long_one > one && last > long_one);
	assert_string_equal(t.texts + empty, "");
	assert_string_equal(t.texts + one, "one");
	assert_string_equal(t.texts + long_one, text);
	assert_string_equal(t.texts + last, text);
	assert_int_equal(t.texts_length, last + sizeof(text));
	tree_done(&t);
}

static void the_source_is_the_path_unless_told(void **state)
{
	struct tree t = { 0 };
	struct entry *e = add(&t, "a", ENTRY_FILE);

	(void)state;
	assert_string_equal(tree_source(&t, e), "a");
	e->source = tree_add_text(&t, "..v1/a");
	assert_string_equal(tree_source(&t, e), "..v1/a");
	assert_string_equal(tree_path(&t, e), "a");
	tree_done(&t);
}

static void a_copy_has_texts_of_its_own(void **state)
{
	struct tree from = { 0 }, to = { 0 };
	struct entry *e;

	(void)state;
	(void)add_file(&from, "first", 1);
	e = add(&from, "link", ENTRY_LINK);
	e->source = tree_add_text(&from, "..v1/link");
	e->size = 1;
	e->seconds = -2;
	e->nanoseconds = 3;
	e->inode = 4;
	e->uid = 5;
	e->gid = 6;
	e->layer = 7;
	e->first = 0;
	(void)add(&to, "other", ENTRY_DIRECTORY);
	(void)tree_add_copy(&to, &from, &from.entries[1]);
	const struct entry *plain = tree_add_copy(&to, &from, &from.entries[0]);
	const struct entry *copy = &to.entries[1];
	tree_done(&from);
	assert_string_equal(tree_path(&to, copy), "link");
	assert_string_equal(tree_link(&to, copy), "target");
	assert_string_equal(tree_source(&to, copy), "..v1/link");
	assert_int_equal(copy->type, ENTRY_LINK);
	assert_int_equal(copy->size, 1);
	assert_int_equal(copy->seconds, -2);
	assert_int_equal(copy->nanoseconds, 3);
	assert_int_equal(copy->inode, 4);
	assert_int_equal(copy->uid, 5);
	assert_int_equal(copy->gid, 6);
	assert_int_equal(copy->layer, 7);
	assert_int_equal(copy->first, 1); /* of the new tree: itself */
	assert_string_equal(tree_path(&to, plain), "first");
	assert_int_equal(plain->link, 0);
	assert_int_equal(plain->source, 0);
	assert_int_equal(plain->content.bytes[15], 1);
	tree_done(&to);
}

static void entries_are_found(void **state)
{
	struct tree t = { 0 };

	(void)state;
	assert_null(tree_find(&t, "a"));
	for (size_t i = 0; i < COUNT(sorted); i++)
		(void)add(&t, sorted[i], ENTRY_FILE);
	for (size_t i = 0; i < COUNT(sorted); i++)
		assert_ptr_equal(tree_find(&t, sorted[i]), &t.entries[i]);
	static const char *const others[] = { "",    "/",   "a/",       "/a", "0", "a/a", "a/b/",
					      "a/d", "a  ", "\377\376", "aa", "c", "A/a" };
	for (size_t i = 0; i < COUNT(others); i++)
		assert_null(tree_find(&t, others[i]));
	tree_done(&t);
}

static void what_a_directory_holds_ends_somewhere(void **state)
{
	static const struct {
		const char *path, *behind;
	} rows[] = {
		{ "A", "a" },
		{ "a", "a\001" },
		{ "a/\001", "a/b" },
		{ "a/b", "a/b c" },
		{ "a/b/c", "a/b c" },
		{ "a/c", "a/\377" },
		{ "a/\377", "a\001" },
		{ "a b", "a-b" },
		{ "a-b", "a.b" },
		{ "a.b", "a0" },
		{ "ab", "b" },
		{ "\377", "\377\377" },
		{ "\377/\377", "\377\377" },
	};
	struct tree t = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(sorted); i++)
		(void)add(&t, sorted[i], ENTRY_DIRECTORY);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct entry *e = tree_find(&t, rows[i].path);
		size_t end = tree_end_of(&t, (size_t)(e - t.entries));

		assert_true(end < t.count);
		assert_string_equal(tree_path(&t, &t.entries[end]), rows[i].behind);
	}
	assert_int_equal(tree_end_of(&t, t.count - 1), t.count);
	tree_done(&t);

	(void)add(&t, "d", ENTRY_DIRECTORY);
	(void)add(&t, "d/e", ENTRY_DIRECTORY);
	(void)add(&t, "d/e/f", ENTRY_FILE);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(tree_end_of(&t, i), 3);
	tree_done(&t);
}

static void only_marked_entries_are_kept(void **state)
{
	/* a, c and f are one inode; b and e another; g is alone */
	static const uint32_t firsts[] = { 0, 1, 0, 3, 1, 0, 6 };
	static const struct {
		const char *marks, *kept;
		uint32_t firsts[7];
	} rows[] = {
		{ "1111111", "abcdefg", { 0, 1, 0, 3, 1, 0, 6 } },
		{ "0111111", "bcdefg", { 0, 1, 2, 0, 1, 5 } },
		{ "0101010", "bdf", { 0, 1, 2 } },
		{ "1000010", "af", { 0, 0 } },
		{ "0010110", "cef", { 0, 1, 0 } },
		{ "0001001", "dg", { 0, 1 } },
		{ "0000000", "", { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tree t = { 0 };
		bool marks[7];

		for (size_t j = 0; j < COUNT(firsts); j++) {
			const char path[] = { (char)('a' + j), '\0' };

			add_file(&t, path, (unsigned char)j)->first = firsts[j];
			marks[j] = rows[i].marks[j] == '1';
		}
		tree_keep_only(&t, marks);
		assert_int_equal(t.count, strlen(rows[i].kept));
		for (size_t j = 0; j < t.count; j++) {
			assert_int_equal(*tree_path(&t, &t.entries[j]), rows[i].kept[j]);
			assert_int_equal(t.entries[j].content.bytes[0], rows[i].kept[j] - 'a');
			assert_int_equal(t.entries[j].first, rows[i].firsts[j]);
		}
		tree_done(&t);
	}
	struct tree empty = { 0 };
	tree_keep_only(&empty, NULL);
	assert_int_equal(empty.count, 0);
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

static void assert_changes(struct tree *t, bool changes)
{
	struct tree original = make_tree();
	struct digest one = tree_digest(&original), other = tree_digest(t);

	assert_int_equal(digest_equal(&one, &other), !changes);
	tree_done(&original);
	tree_done(t);
	*t = make_tree();
}

static void the_digest_covers_what_counts(void **state)
{
	struct tree t = make_tree();

	(void)state;
	t.texts[t.entries[1].path + 4] = 'A';
	assert_changes(&t, true);
	t.entries[0].mode = 0750;
	assert_changes(&t, true);
	t.entries[1].mode = 04644;
	assert_changes(&t, true);
	t.entries[2].content.bytes[15] ^= 1;
	assert_changes(&t, true);
	t.texts[t.entries[3].link] = 'T';
	assert_changes(&t, true);
	t.entries[3].type = ENTRY_FILE;
	assert_changes(&t, true);
	t.entries[0].type = ENTRY_FILE;
	assert_changes(&t, true);
	t.count--;
	assert_changes(&t, true);
	(void)add(&t, "z", ENTRY_DIRECTORY);
	assert_changes(&t, true);

	struct digest kept = t.entries[1].content;
	t.entries[1].content = t.entries[2].content;
	t.entries[2].content = kept;
	assert_changes(&t, true);
	tree_done(&t);
}

static void the_digest_leaves_the_rest_out(void **state)
{
	struct tree t = make_tree();

	(void)state;
	assert_changes(&t, false);
	for (size_t i = 0; i < t.count; i++) {
		struct entry *e = &t.entries[i];

		e->seconds = 5;
		e->nanoseconds = 6;
		e->uid = 7;
		e->gid = 8;
		e->inode = 10;
		e->size = 11;
		e->layer = 12;
		e->first = 0;
		e->source = tree_add_text(&t, "elsewhere");
	}
	t.entries[3].mode = 0777;                                       /* of a link */
	memset(&t.entries[0].content, 1, sizeof(t.entries[0].content)); /* of a directory */
	assert_changes(&t, false);
	tree_done(&t);

	/* Nor does it depend on where the texts lie. */
	(void)tree_add_text(&t, "first of all");
	struct tree from = make_tree();
	for (size_t i = 0; i < from.count; i++)
		(void)tree_add_copy(&t, &from, &from.entries[i]);
	tree_done(&from);
	assert_changes(&t, false);
	tree_done(&t);
}

static void parts_do_not_run_into_each_other(void **state)
{
	struct tree one = { 0 }, other = { 0 };

	(void)state;
	add(&one, "a", ENTRY_LINK)->link = tree_add_text(&one, "bc");
	add(&other, "ab", ENTRY_LINK)->link = tree_add_text(&other, "c");
	struct digest left = tree_digest(&one), right = tree_digest(&other);
	assert_false(digest_equal(&left, &right));
	tree_done(&one);
	tree_done(&other);
}

static void the_digest_is_that_of_the_bytes(const struct tree *t)
{
	struct digest_stream *stream = digest_new();

	for (size_t i = 0; i < t->count; i++) {
		const struct entry *e = &t->entries[i];
		const unsigned char head[] = { e->type, (unsigned char)(e->mode >> 8),
					       (unsigned char)e->mode };

		digest_add(stream, head, sizeof(head));
		digest_add(stream, tree_path(t, e), strlen(tree_path(t, e)) + 1);
		if (e->type == ENTRY_LINK)
			digest_add(stream, tree_link(t, e), strlen(tree_link(t, e)) + 1);
		if (e->type == ENTRY_FILE)
			digest_add(stream, e->content.bytes, sizeof(e->content.bytes));
	}
	struct digest wanted = digest_result(stream), d = tree_digest(t);
	assert_true(digest_equal(&wanted, &d));
	digest_free(stream);
}

/* Bytes are gathered before they are hashed: at no length may one be lost. */
static void the_digest_is_right_at_every_length(void **state)
{
	struct tree t = { 0 };
	static char text[40000];

	(void)state;
	for (size_t length = 1; length < sizeof(text); length = 2 * length + length / 3) {
		memset(text, 'x', length);
		text[length] = '\0';
		(void)add_file(&t, text, (unsigned char)length);
		the_digest_is_that_of_the_bytes(&t);
		add(&t, "link", ENTRY_LINK)->link = tree_add_text(&t, text);
		the_digest_is_that_of_the_bytes(&t);
	}
	for (unsigned i = 0; i < 1500; i++) {
		(void)add_file(&t, "some/path", (unsigned char)i);
		if (i % 37 == 0)
			the_digest_is_that_of_the_bytes(&t);
	}
	tree_done(&t);
}

/* A published digest must be known again by every later version of this program. */
static void digests_stay_what_they_are(void **state)
{
	struct tree t = make_tree(), empty = { 0 };
	struct digest d = tree_digest(&t), none = tree_digest(&empty);
	char text[DIGEST_TEXT_SIZE];

	(void)state;
	assert_string_equal(digest_text(&none, text), "99aa06d3014798d86001c324468d497f");
	assert_string_equal(digest_text(&d, text), "6c873cb89bf075d981869039f5c12a20");
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

static struct stat make_stat(mode_t mode)
{
	return (struct stat){
		.st_mode = mode,
		.st_uid = 1,
		.st_gid = 2,
		.st_size = 30,
		.st_ino = 4,
		.st_mtim = { .tv_sec = 1000, .tv_nsec = 999999999 },
	};
}

static void an_entry_is_described_by_its_inode(void **state)
{
	static const struct {
		enum entry_type type;
		mode_t mode;
		unsigned has;
		uint64_t size;
	} rows[] = {
		{ ENTRY_FILE, S_IFREG | 06755, 06755, 30 },
		{ ENTRY_DIRECTORY, S_IFDIR | 01777, 01777, 0 },
		{ ENTRY_LINK, S_IFLNK | 0777, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct entry e = { .type = (uint8_t)rows[i].type, .path = 77, .first = 78 };
		struct stat st = make_stat(rows[i].mode);

		entry_describe(&e, &st);
		assert_int_equal(e.mode, rows[i].has);
		assert_int_equal(e.size, rows[i].size);
		assert_int_equal(e.uid, 1);
		assert_int_equal(e.gid, 2);
		assert_int_equal(e.inode, 4);
		assert_int_equal(e.seconds, 1000);
		assert_int_equal(e.nanoseconds, 999999999);
		assert_int_equal(e.path, 77);
		assert_int_equal(e.first, 78);
		assert_false(entry_is_hashed(&e));
		for (size_t j = 0; j < COUNT(rows); j++) {
			struct stat other = make_stat(rows[j].mode);

			assert_int_equal(entry_has_type(&e, &other), i == j);
			assert_int_equal(entry_looks_like(&e, &other), i == j);
		}
	}
	const struct entry e = { .type = ENTRY_LINK };
	struct stat pipe = make_stat(S_IFIFO | 0644), socket = make_stat(S_IFSOCK | 0644);
	assert_false(entry_has_type(&e, &pipe));
	assert_false(entry_has_type(&e, &socket));
}

static void size_and_time_tell_whether_it_changed(void **state)
{
	static const struct {
		enum entry_type type;
		mode_t mode;
		bool by_size, by_time;
	} rows[] = {
		{ ENTRY_FILE, S_IFREG | 0644, true, true },
		{ ENTRY_LINK, S_IFLNK | 0777, false, true },
		{ ENTRY_DIRECTORY, S_IFDIR | 0755, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct entry e = { .type = (uint8_t)rows[i].type };
		struct stat st = make_stat(rows[i].mode), other = st;

		entry_describe(&e, &st);
		assert_true(entry_has_time(&e, &st));
		other.st_size++;
		assert_int_equal(entry_looks_like(&e, &other), !rows[i].by_size);
		other = st;
		other.st_mtim.tv_sec--;
		assert_false(entry_has_time(&e, &other));
		assert_int_equal(entry_looks_like(&e, &other), !rows[i].by_time);
		other = st;
		other.st_mtim.tv_nsec--;
		assert_false(entry_has_time(&e, &other));
		assert_int_equal(entry_looks_like(&e, &other), !rows[i].by_time);
		other = st;
		other.st_mode ^= 0111;
		other.st_uid = 99;
		other.st_ino = 99;
		assert_true(entry_looks_like(&e, &other));
	}
}

static void all_zero_means_not_hashed(void **state)
{
	struct entry e = { .type = ENTRY_FILE };

	(void)state;
	assert_false(entry_is_hashed(&e));
	for (size_t i = 0; i < sizeof(e.content.bytes); i++) {
		e.content.bytes[i] = 1;
		assert_true(entry_is_hashed(&e));
		e.content.bytes[i] = 0;
	}
}

static void the_same_is_type_and_content(void **state)
{
	struct tree one = make_tree(), other = { 0 };

	(void)state;
	(void)tree_add_text(&other, "so that offsets differ");
	add_file(&other, "file", 1)->mode = 0600;
	(void)add(&other, "dir", ENTRY_DIRECTORY);
	(void)add(&other, "link", ENTRY_LINK);
	add(&other, "other", ENTRY_LINK)->link = tree_add_text(&other, "elsewhere");
	static const struct {
		size_t left, right;
		bool same;
	} rows[] = {
		{ 0, 1, true },  { 0, 0, false }, { 0, 2, false }, { 1, 0, true },  { 2, 0, false },
		{ 1, 2, false }, { 3, 2, true },  { 3, 3, false }, { 3, 0, false },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct entry *a = &one.entries[rows[i].left];
		const struct entry *b = &other.entries[rows[i].right];

		assert_int_equal(entry_is_same(&one, a, &other, b), rows[i].same);
		assert_int_equal(entry_is_same(&other, b, &one, a), rows[i].same);
	}
	tree_done(&one);
	tree_done(&other);
}

int test_tree(void);

int test_tree(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_slash_is_the_smallest_byte),
		cmocka_unit_test(entries_are_sorted),
		cmocka_unit_test(a_new_entry_is_empty),
		cmocka_unit_test(texts_are_kept_apart),
		cmocka_unit_test(the_source_is_the_path_unless_told),
		cmocka_unit_test(a_copy_has_texts_of_its_own),
		cmocka_unit_test(entries_are_found),
		cmocka_unit_test(what_a_directory_holds_ends_somewhere),
		cmocka_unit_test(only_marked_entries_are_kept),
		cmocka_unit_test(the_digest_covers_what_counts),
		cmocka_unit_test(the_digest_leaves_the_rest_out),
		cmocka_unit_test(parts_do_not_run_into_each_other),
		cmocka_unit_test(the_digest_is_right_at_every_length),
		cmocka_unit_test(digests_stay_what_they_are),
		cmocka_unit_test(totals_count_what_is_not_a_directory),
		cmocka_unit_test(an_entry_is_described_by_its_inode),
		cmocka_unit_test(size_and_time_tell_whether_it_changed),
		cmocka_unit_test(all_zero_means_not_hashed),
		cmocka_unit_test(the_same_is_type_and_content),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
