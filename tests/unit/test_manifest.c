/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "sync/manifest.h"
#include "sync/tree.h"

#include <limits.h>
#include <string.h>

#define HEAD "gs-sidecar manifest 1\n"
#define CONTENT "00112233445566778899aabbccddeeff"
/* What stands before the path of an ordinary file. */
#define FILE_LINE "f 644 0 0 1.000000000 5 " CONTENT " "

static struct entry *add(struct tree *t, const char *path, enum entry_type type, mode_t mode)
{
	struct entry *e = tree_add(t, mem_copy(path), type);

	e->mode = mode;
	return e;
}

static struct tree make_odd_tree(void)
{
	struct tree t = { 0 };
	char longest[NAME_MAX + 1];

	memset(longest, 'n', NAME_MAX);
	longest[NAME_MAX] = '\0';
	(void)add(&t, " leading and  inner ", ENTRY_DIRECTORY, 01777);
	(void)add(&t, " leading and  inner /\"quote'", ENTRY_FILE, 0);
	(void)add(&t, "%n%s", ENTRY_FILE, 0644);
	(void)add(&t, "-rf", ENTRY_FILE, 06755);
	(void)add(&t, ".hidden", ENTRY_FILE, 0644);
	(void)add(&t, "12 34", ENTRY_FILE, 0644);
	(void)add(&t, "a\nb", ENTRY_FILE, 0644);
	(void)add(&t, "a\\b\t\r", ENTRY_FILE, 0644);
	add(&t, "link", ENTRY_LINK, 0777)->link = mem_copy(" ../x\ny ");
	(void)add(&t, longest, ENTRY_FILE, 0644);
	(void)add(&t, "x..", ENTRY_FILE, 0644);
	(void)add(&t, "\xff\xfe\x80", ENTRY_FILE, 0644);
	tree_sort(&t);
	return t;
}

static void set_numbers(struct tree *t)
{
	for (size_t i = 0; i < t->count; i++) {
		struct entry *e = &t->entries[i];

		e->uid = i % 2 ? UINT_MAX : 0;
		e->gid = i % 2 ? 0 : UINT_MAX;
		e->mtime.tv_sec = (time_t)(i % 3 ? INT64_MIN / 2 : INT64_MAX);
		e->mtime.tv_nsec = i % 2 ? 999999999 : 1;
		e->size = i % 2 ? UINT64_MAX : 0;
		if (e->type == ENTRY_FILE)
			memset(e->content.bytes, (int)i, sizeof(e->content.bytes));
	}
	t->entries[5].first = 1;
	t->entries[3].mtime.tv_sec = -1;
}

static void assert_same_entry(const struct entry *a, const struct entry *b)
{
	assert_string_equal(a->path, b->path);
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->gid, b->gid);
	assert_int_equal(a->mtime.tv_sec, b->mtime.tv_sec);
	assert_int_equal(a->mtime.tv_nsec, b->mtime.tv_nsec);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->first, b->first);
	assert_memory_equal(a->content.bytes, b->content.bytes, sizeof(a->content.bytes));
	assert_int_equal(a->link != NULL, b->link != NULL);
	if (a->link)
		assert_string_equal(a->link, b->link);
}

static void a_tree_is_read_back(void **state)
{
	struct tree t = make_odd_tree(), again = { 0 };
	owned_buf b = BUF_INIT(MANIFEST_MOST);
	struct err e = { 0 };

	(void)state;
	set_numbers(&t);
	assert_int_equal(manifest_write(&t, &b, &e), 0);
	assert_int_equal(manifest_read(b.data, b.length, &again, &e), 0);
	assert_int_equal(again.count, t.count);
	for (size_t i = 0; i < t.count; i++)
		assert_same_entry(&again.entries[i], &t.entries[i]);
	struct digest one = tree_digest(&t), other = tree_digest(&again);
	assert_true(digest_equal(&one, &other));
	tree_done(&t);
	tree_done(&again);
}

static void its_form_is_fixed(void **state)
{
	static const char expected[] = HEAD "d 755 1000 2000 -5.000000007 4096 - 0 js\0\0"
					    "f 4644 0 0 1.000000000 5 " CONTENT " 1 js/a\0\0"
					    "l 777 0 0 2.500000000 1 - 2 l\0/x\0";
	struct tree t = { 0 };
	owned_buf b = BUF_INIT(MANIFEST_MOST);
	struct err e;

	(void)state;
	assert_int_equal(manifest_read(expected, sizeof(expected) - 1, &t, &e), 0);
	assert_int_equal(t.count, 3);
	assert_int_equal(t.entries[0].type, ENTRY_DIRECTORY);
	assert_int_equal(t.entries[0].uid, 1000);
	assert_int_equal(t.entries[0].gid, 2000);
	assert_int_equal(t.entries[0].mtime.tv_sec, -5);
	assert_int_equal(t.entries[0].mtime.tv_nsec, 7);
	assert_int_equal(t.entries[1].mode, 04644);
	assert_int_equal(t.entries[1].content.bytes[15], 0xff);
	assert_string_equal(t.entries[2].link, "/x");
	assert_int_equal(manifest_write(&t, &b, &e), 0);
	assert_int_equal(b.length, sizeof(expected) - 1);
	assert_memory_equal(b.data, expected, b.length);
	tree_done(&t);
}

static void an_empty_tree_has_one(void **state)
{
	struct tree t = { 0 };
	owned_buf b = BUF_INIT(100);
	struct err e;

	(void)state;
	assert_int_equal(manifest_write(&t, &b, &e), 0);
	assert_string_equal(b.data, HEAD);
	assert_int_equal(manifest_read(b.data, b.length, &t, &e), 0);
	assert_int_equal(t.count, 0);
}

static void over_the_limit_is_an_error(void **state)
{
	struct tree t = make_odd_tree();
	owned_buf b = BUF_INIT(200);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(manifest_write(&t, &b, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_string_equal(e.text, "the manifest would be larger than 200 bytes");
	tree_done(&t);
}

/* Its text, since what is refused is worth seeing. */
static bool is_read(const char *bytes, size_t length)
{
	struct tree t = { 0 };
	struct err e = { 0 };
	int status = manifest_read(bytes, length, &t, &e);

	if (status < 0) {
		assert_int_equal(e.kind, ERR_SYSTEM);
		assert_null(t.entries);
	}
	tree_done(&t);
	return status == 0;
}

/* Entries are texts and their NULs; the literal's own NUL ends the last link. */
#define ASSERT_REFUSED(entries)                                \
	do {                                                   \
		static const char bytes_[] = HEAD entries;     \
		assert_false(is_read(bytes_, sizeof(bytes_))); \
	} while (0)
#define ASSERT_READ(entries)                                  \
	do {                                                  \
		static const char bytes_[] = HEAD entries;    \
		assert_true(is_read(bytes_, sizeof(bytes_))); \
	} while (0)

static void paths_that_lead_away_are_refused(void **state)
{
	(void)state;
	ASSERT_READ(FILE_LINE "0 a\0");
	ASSERT_READ(FILE_LINE "0 a/b\0");
	ASSERT_READ(FILE_LINE "0 .a\0");
	ASSERT_READ(FILE_LINE "0 a..\0");
	ASSERT_REFUSED(FILE_LINE "0 \0");
	ASSERT_REFUSED(FILE_LINE "0 ../x\0");
	ASSERT_REFUSED(FILE_LINE "0 /x\0");
	ASSERT_REFUSED(FILE_LINE "0 a//b\0");
	ASSERT_REFUSED(FILE_LINE "0 a/\0");
	ASSERT_REFUSED(FILE_LINE "0 .\0");
	ASSERT_REFUSED(FILE_LINE "0 ..\0");
	ASSERT_REFUSED(FILE_LINE "0 ..x\0");
	ASSERT_REFUSED(FILE_LINE "0 ..data\0");
	ASSERT_REFUSED(FILE_LINE "0 a/..\0");
	ASSERT_REFUSED(FILE_LINE "0 a/./b\0");
	ASSERT_REFUSED(FILE_LINE "0 a/../b\0");
	ASSERT_REFUSED(FILE_LINE "0 a/..b\0");
	ASSERT_REFUSED(FILE_LINE "0 ./a\0");
}

static bool path_is_read(size_t parts, size_t part_length)
{
	owned_buf b = BUF_INIT(100000);
	char part[NAME_MAX + 2];

	memset(part, 'p', part_length);
	part[part_length] = '\0';
	assert_int_equal(buf_add_text(&b, HEAD FILE_LINE "0 "), 0);
	for (size_t i = 0; i < parts; i++)
		assert_int_equal(buf_add_format(&b, "%s%s", i ? "/" : "", part), 0);
	assert_int_equal(buf_add(&b, "\0\0", 2), 0);
	return is_read(b.data, b.length);
}

static void paths_that_are_too_long_are_refused(void **state)
{
	(void)state;
	assert_true(path_is_read(1, NAME_MAX));
	assert_false(path_is_read(1, NAME_MAX + 1));
	assert_true(path_is_read(15, NAME_MAX));
	assert_true(path_is_read(2048, 1)); /* 4095 bytes */
	assert_false(path_is_read(2049, 1));
	assert_false(path_is_read(17, NAME_MAX));
}

static void order_and_doubles_are_refused(void **state)
{
	(void)state;
	ASSERT_READ(FILE_LINE "0 a\0\0" FILE_LINE "0 b\0");
	ASSERT_REFUSED(FILE_LINE "0 b\0\0" FILE_LINE "0 a\0");
	ASSERT_REFUSED(FILE_LINE "0 a\0\0" FILE_LINE "0 a\0");
	ASSERT_REFUSED(FILE_LINE "0 a\xff\0\0" FILE_LINE "0 az\0");
}

static void types_and_links_have_to_fit(void **state)
{
	(void)state;
	ASSERT_READ("l 777 0 0 1.000000000 5 - 0 a\0b");
	ASSERT_REFUSED("l 777 0 0 1.000000000 5 - 0 a\0");
	ASSERT_REFUSED(FILE_LINE "0 a\0b");
	ASSERT_REFUSED("d 755 0 0 1.000000000 5 - 0 a\0b");
	ASSERT_REFUSED("x 644 0 0 1.000000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("F 644 0 0 1.000000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED(" 644 0 0 1.000000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("f 644 0 0 1.000000000 5 - 0 a\0");
	ASSERT_REFUSED("f 644 0 0 1.000000000 5 0011 0 a\0");
	ASSERT_REFUSED("f 644 0 0 1.000000000 5 " CONTENT "0 0 a\0");
	ASSERT_REFUSED("f 644 0 0 1.000000000 5 g0112233445566778899aabbccddeeff 0 a\0");
}

static void numbers_have_to_be_whole(void **state)
{
	(void)state;
	ASSERT_REFUSED("f 10000 0 0 1.000000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("f 8 0 0 1.000000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("f x 0 0 1.000000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("f 644 0 1.000000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("f 644 0 0 1 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("f 644 0 0 1.1000000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("f 644 0 0 1.000000000 5.0 " CONTENT " 0 a\0");
	ASSERT_REFUSED(FILE_LINE "x a\0");
	ASSERT_REFUSED(FILE_LINE "0a\0");
	ASSERT_REFUSED(FILE_LINE "0\0");
	ASSERT_REFUSED("\0");
}

static void first_may_not_be_later(void **state)
{
	(void)state;
	ASSERT_READ(FILE_LINE "0 a\0\0" FILE_LINE "1 b\0");
	ASSERT_REFUSED(FILE_LINE "1 a\0");
	ASSERT_REFUSED(FILE_LINE "0 a\0\0" FILE_LINE "2 b\0");
	ASSERT_REFUSED(FILE_LINE "18446744073709551615 a\0");
}

/* Numbers that do not fit must not become others: owner 2^32 is not root. */
static void huge_numbers_are_refused(void **state)
{
	(void)state;
	ASSERT_READ("f 644 4294967295 4294967295 1.000000000 18446744073709551615 " CONTENT
		    " 0 a\0");
	ASSERT_REFUSED("f 644 4294967296 0 1.000000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("f 644 0 4294967296 1.000000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("f 40000000644 0 0 1.000000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("f 644 0 0 9223372036854775808.000000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("f 644 0 0 1.000000000 18446744073709551616 " CONTENT " 0 a\0");
	ASSERT_REFUSED(FILE_LINE "18446744073709551616 a\0");
}

/* Each is what a reading function of C would take for the number that belongs there. */
static void other_forms_of_numbers_are_refused(void **state)
{
	(void)state;
	ASSERT_REFUSED("f 644 -1 0 1.000000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("f 644 +0 0 1.000000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("f  644 0 0 1.000000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("f 644\t0\n0 1.000000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("f 644 0 0 1.+00000000 5 " CONTENT " 0 a\0");
	ASSERT_REFUSED("f 644 0 0 1.000000000 -1 " CONTENT " 0 a\0");
	ASSERT_REFUSED("d 755 0 0 1.000000000 5 junk 0 a\0");
	ASSERT_REFUSED(FILE_LINE "-0 a\0");
}

static void what_is_cut_is_refused(void **state)
{
	struct tree t = make_odd_tree();
	owned_buf b = BUF_INIT(MANIFEST_MOST);
	struct err e;
	size_t whole = 0;

	(void)state;
	assert_int_equal(manifest_write(&t, &b, &e), 0);
	tree_done(&t);
	for (size_t length = 0; length < b.length; length++) {
		owned char *cut = mem_copy_part(b.data, length);
		struct tree part = { 0 };

		if (manifest_read(cut, length, &part, &e) < 0)
			continue;
		/* Between two entries it cannot be seen here: the digest of the tree tells. */
		assert_int_equal(part.count, whole);
		whole++;
		tree_done(&part);
	}
	assert_int_equal(whole, 12);
}

static void other_files_are_refused(void **state)
{
	struct tree t = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(manifest_read("", 0, &t, &e), -1);
	assert_string_equal(e.text, "it is not a manifest of this program");
	assert_false(is_read("gs-sidecar manifest 2\n", 22));
	assert_false(is_read("gs-sidecar manifest 1", 21));
	assert_int_equal(manifest_read(HEAD "x", strlen(HEAD "x"), &t, &e), -1);
	assert_string_equal(e.text, "the manifest is damaged at entry 0");
}

int test_manifest(void);

int test_manifest(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_is_read_back),
		cmocka_unit_test(its_form_is_fixed),
		cmocka_unit_test(an_empty_tree_has_one),
		cmocka_unit_test(over_the_limit_is_an_error),
		cmocka_unit_test(paths_that_lead_away_are_refused),
		cmocka_unit_test(paths_that_are_too_long_are_refused),
		cmocka_unit_test(order_and_doubles_are_refused),
		cmocka_unit_test(types_and_links_have_to_fit),
		cmocka_unit_test(numbers_have_to_be_whole),
		cmocka_unit_test(first_may_not_be_later),
		cmocka_unit_test(huge_numbers_are_refused),
		cmocka_unit_test(other_forms_of_numbers_are_refused),
		cmocka_unit_test(what_is_cut_is_refused),
		cmocka_unit_test(other_files_are_refused),
	};

	return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
