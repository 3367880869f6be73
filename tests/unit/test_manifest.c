/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "sync/manifest.h"
#include "sync/tree.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define AT_CHECK offsetof(struct manifest_head, check)

/* ---- trees, and what is written of them ---- */

static struct entry *add(struct tree *t, const char *path, enum entry_type type)
{
	struct entry *e = tree_add(t, path, type);

	e->mode = type == ENTRY_LINK ? 0 : 0644;
	if (type == ENTRY_LINK)
		e->link = tree_add_text(t, "target");
	if (type == ENTRY_FILE) {
		e->size = 5;
		memset(e->content.bytes, 0x11, sizeof(e->content.bytes));
	}
	return e;
}

/* For manifest_write() takes any: what is not sound is found by whoever reads it. */
static struct buf write_tree(const struct tree *t)
{
	const struct manifest_head head = { .digest = tree_digest(t), .label = "v1" };
	struct buf b = BUF_INIT(MANIFEST_MOST);
	struct err e = { 0 };

	assert_int_equal(manifest_write(t, &head, &b, &e), 0);
	return b;
}

static struct entry *entry_at(const struct buf *b, size_t index)
{
	return (struct entry *)(void *)(b->data + sizeof(struct manifest_head)) + index;
}

static struct manifest_head *head_of(const struct buf *b)
{
	return (struct manifest_head *)(void *)b->data;
}

/* Where its texts begin. */
static size_t texts_of(const struct buf *b)
{
	return sizeof(struct manifest_head) + head_of(b)->entries * sizeof(struct entry);
}

/* As somebody would who means it: the hash of what was changed is right again. */
static void repair(const struct buf *b)
{
	const size_t behind = AT_CHECK + sizeof(struct digest);
	struct digest_stream *s = digest_new();

	digest_add(s, b->data, AT_CHECK);
	digest_add(s, b->data + behind, b->length - behind);
	const struct digest check = digest_result(s);
	memcpy(b->data + AT_CHECK, &check, sizeof(check));
	digest_free(s);
}

/* From memory that ends where the bytes end. */
static int read_exactly(const char *bytes, size_t length, struct manifest_head *head,
			struct tree *t, struct err *e)
{
	owned char *copy = mem_alloc(length ? length : 1);

	if (length)
		memcpy(copy, bytes, length);
	return manifest_read(copy, length, head, t, e);
}

static void assert_refused_as(const char *bytes, size_t length, const char *says)
{
	struct manifest_head head;
	struct tree t = { .count = 7 };
	struct err e = { 0 };

	if (read_exactly(bytes, length, &head, &t, &e) == 0)
		fail_msg("it was read, expected: %s", says);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_int_equal(t.count, 0);
	assert_null(t.entries);
	assert_null(t.texts);
	if (!strstr(e.text, says))
		fail_msg("expected: %s\nbut it says: %s", says, e.text);
}

/* And the buffer is done with. */
static void assert_refused(struct buf *b, const char *says)
{
	repair(b);
	assert_refused_as(b->data, b->length, says);
	buf_done(b);
}

static void assert_tree_refused(struct tree *t, const char *says)
{
	struct buf b = write_tree(t);

	assert_refused(&b, says);
	tree_done(t);
}

static void assert_tree_read(struct tree *t)
{
	owned_buf b = write_tree(t);
	struct manifest_head head;
	struct tree again;
	struct err e = { 0 };

	if (read_exactly(b.data, b.length, &head, &again, &e) < 0)
		fail_msg("%s", e.text);
	owned_buf once_more = write_tree(&again);
	assert_int_equal(once_more.length, b.length);
	assert_memory_equal(once_more.data, b.data, b.length);
	tree_done(&again);
	tree_done(t);
}

/* Everything there is, with names as odd as they may be. */
static struct tree make_odd_tree(void)
{
	static const char *const files[] = {
		" leading and  inner /\"quote'",
		"%n%s",
		"-rf",
		".gs-remove.x",
		".hidden",
		"12 34",
		"a\nb",
		"a\\b\t\r",
		"x..",
		"x...y",
		"\xff\xfe\x80",
	};
	struct tree t = { 0 };
	char longest[NAME_MAX + 1];
	struct entry *e;

	memset(longest, 'n', NAME_MAX);
	longest[NAME_MAX] = '\0';
	add(&t, " leading and  inner ", ENTRY_DIRECTORY)->mode = 01777;
	for (size_t i = 0; i < COUNT(files); i++)
		memset(add(&t, files[i], ENTRY_FILE)->content.bytes, (int)i + 1, DIGEST_BYTES);
	(void)add(&t, longest, ENTRY_FILE);
	e = add(&t, "link", ENTRY_LINK);
	e->link = tree_add_text(&t, " ../x\ny ");
	add(&t, "empty", ENTRY_DIRECTORY)->mode = 0;
	tree_sort(&t);
	for (size_t i = 0; i < t.count; i++) {
		e = &t.entries[i];
		e->uid = i % 2 ? UINT_MAX : 0;
		e->gid = i % 2 ? 0 : UINT_MAX;
		e->seconds = i % 3 ? INT64_MIN + (int64_t)i : INT64_MAX;
		e->nanoseconds = i % 2 ? 999999999 : 1;
		e->inode = i + 1;
		e->layer = 3;
		if (e->type == ENTRY_FILE && i % 4 == 0)
			e->mode = 07777;
	}
	t.entries[1].seconds = -1;
	t.entries[4].size = INT64_MAX;
	t.entries[6].first = 5;
	t.entries[6].content = t.entries[5].content;
	t.entries[7].first = 5;
	t.entries[7].content = t.entries[5].content;
	return t;
}

static void assert_same_entry(const struct tree *ta, const struct entry *a, const struct tree *tb,
			      const struct entry *b)
{
	assert_string_equal(tree_path(ta, a), tree_path(tb, b));
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->gid, b->gid);
	assert_int_equal(a->seconds, b->seconds);
	assert_int_equal(a->nanoseconds, b->nanoseconds);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->first, b->first);
	assert_memory_equal(a->content.bytes, b->content.bytes, sizeof(a->content.bytes));
	assert_string_equal(tree_link(ta, a), tree_link(tb, b));
}

/* ---- what is written is read ---- */

static void a_tree_is_read_back(void **state)
{
	struct tree t = make_odd_tree(), again = { 0 };
	struct manifest_head head = { .digest = tree_digest(&t), .whiteouts = 1 }, read;
	owned_buf b = BUF_INIT(MANIFEST_MOST);
	struct err e = { 0 };

	(void)state;
	memset(head.label, 'l', sizeof(head.label) - 1);
	assert_int_equal(manifest_write(&t, &head, &b, &e), 0);
	assert_int_equal(read_exactly(b.data, b.length, &read, &again, &e), 0);
	assert_int_equal(again.count, t.count);
	for (size_t i = 0; i < t.count; i++) {
		assert_same_entry(&again, &again.entries[i], &t, &t.entries[i]);
		assert_int_equal(again.entries[i].inode, 0);
		assert_int_equal(again.entries[i].layer, 0);
		assert_ptr_equal(tree_find(&again, tree_path(&t, &t.entries[i])),
				 &again.entries[i]);
	}
	const struct digest digest = tree_digest(&again);
	assert_true(digest_equal(&digest, &head.digest));
	assert_true(digest_equal(&read.digest, &head.digest));
	assert_string_equal(read.label, head.label);
	assert_int_equal(read.whiteouts, 1);
	assert_int_equal(read.entries, t.count);
	assert_int_equal(read.files, t.count - 2);
	assert_int_equal(read.bytes, INT64_MAX + (t.count - 4) * 5);
	tree_done(&t);
	assert_tree_read(&again);
}

/* What was read can be added to: that is how a tree is merged with others. */
static void a_tree_that_was_read_can_grow(void **state)
{
	struct tree t = { 0 }, again = { 0 };
	struct manifest_head head;
	struct err e = { 0 };

	(void)state;
	(void)add(&t, "a", ENTRY_FILE);
	owned_buf b = write_tree(&t);
	assert_int_equal(manifest_read(b.data, b.length, &head, &again, &e), 0);
	(void)add(&again, "b", ENTRY_LINK);
	assert_string_equal(tree_path(&again, &again.entries[0]), "a");
	assert_string_equal(tree_path(&again, &again.entries[1]), "b");
	tree_done(&t);
	assert_tree_read(&again);
}

static uint64_t number_at(const struct buf *b, size_t offset, size_t size)
{
	uint64_t number = 0;

	while (size--)
		number = number << 8 | (unsigned char)b->data[offset + size];
	return number;
}

/* By offsets: an older sidecar's record, or another machine's seal, is read by this one. */
static void its_form_is_fixed(void **state)
{
	struct tree t = { 0 };
	struct entry *e = add(&t, "js", ENTRY_DIRECTORY);
	char check[DIGEST_TEXT_SIZE];

	(void)state;
	e->mode = 0755;
	e->uid = 1000;
	e->gid = 2000;
	e->seconds = -5;
	e->nanoseconds = 7;
	(void)add(&t, "js/a", ENTRY_FILE);
	(void)add(&t, "l", ENTRY_LINK);
	owned_buf b = write_tree(&t);
	tree_done(&t);
	assert_int_equal(b.length, 128 + 3 * 72 + 1 + 3 + 5 + 2 + 7);
	assert_memory_equal(b.data, "gs-tree1", 8);
	assert_int_equal(number_at(&b, 8, 8), b.length);
	assert_int_equal(number_at(&b, 48, 8), 2);
	assert_int_equal(number_at(&b, 56, 8), 5);
	assert_int_equal(number_at(&b, 64, 4), 3);
	assert_int_equal(number_at(&b, 68, 4), 18);
	assert_memory_equal(b.data + 72, "\0\0\0\0\0\0\0\0v1\0", 11);
	assert_int_equal(number_at(&b, 128, 8), 0);
	assert_int_equal((int64_t)number_at(&b, 136, 8), -5);
	assert_int_equal(number_at(&b, 168, 4), 7);
	assert_int_equal(number_at(&b, 172, 4), 1);
	assert_int_equal(number_at(&b, 188, 4), 1000);
	assert_int_equal(number_at(&b, 192, 4), 2000);
	assert_int_equal(number_at(&b, 196, 2), 0755);
	assert_memory_equal(b.data + 198, "d", 2);
	assert_int_equal(number_at(&b, 200, 8), 5);
	assert_memory_equal(b.data + 224, "\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11",
			    13);
	assert_int_equal(number_at(&b, 244, 4), 4);
	assert_int_equal(number_at(&b, 256, 4), 1);
	assert_int_equal(number_at(&b, 320, 4), 11);
	assert_memory_equal(b.data + 344, "\0js\0js/a\0l\0target\0", 18);
	assert_string_equal(digest_text(&head_of(&b)->digest, check),
			    "9c425de1590413b433afb8d2970f3cb3");
	assert_string_equal(digest_text(&head_of(&b)->check, check),
			    "175c72cde35e58808167611d3bb1f1ac");
}

static void an_empty_tree_has_one(void **state)
{
	struct tree t = { 0 };
	owned_buf b = write_tree(&t);

	(void)state;
	assert_int_equal(b.length, 129);
	assert_tree_read(&t);
}

static void equal_trees_are_written_alike(void **state)
{
	struct tree t = make_odd_tree(), other = { 0 };

	(void)state;
	(void)tree_add_text(&other, "texts may lie anywhere");
	for (size_t i = 0; i < t.count; i++) {
		struct entry *e = tree_add_copy(&other, &t, &t.entries[i]);

		e->first = t.entries[i].first;
		e->inode += 77;
		e->layer = 1;
		e->source = tree_add_text(&other, "elsewhere");
	}
	owned_buf one = write_tree(&t), two = write_tree(&other);
	assert_int_equal(one.length, two.length);
	assert_memory_equal(one.data, two.data, one.length);
	tree_done(&t);
	tree_done(&other);
}

static void over_the_limit_is_an_error(void **state)
{
	struct tree t = make_odd_tree();
	const struct manifest_head head = { 0 };
	owned_buf b = BUF_INIT(200);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(manifest_write(&t, &head, &b, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_string_equal(e.text, "the manifest would be larger than 200 bytes");
	assert_int_equal(b.length, 0);
	tree_done(&t);
}

static void what_is_not_hashed_is_not_written(void **state)
{
	struct tree t = { 0 };
	const struct manifest_head head = { 0 };
	owned_buf b = BUF_INIT(MANIFEST_MOST);
	struct err e = { 0 };

	(void)state;
	(void)add(&t, "a", ENTRY_FILE);
	memset(&add(&t, "b", ENTRY_FILE)->content, 0, sizeof(struct digest));
	assert_int_equal(manifest_write(&t, &head, &b, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_string_equal(e.text, "'b' is not hashed");
	assert_int_equal(b.length, 0);
	tree_done(&t);
}

/* ---- paths ---- */

/* The directories that a path needs are before it, so only what is odd in itself is odd. */
static struct tree tree_of_path(const char *path)
{
	struct tree t = { 0 };

	for (const char *slash = path; (slash = strchr(slash, '/')) != NULL; slash++) {
		owned char *folder = mem_copy_part(path, (size_t)(slash - path));

		(void)add(&t, folder, ENTRY_DIRECTORY);
	}
	(void)add(&t, path, ENTRY_FILE);
	return t;
}

static void paths_that_lead_away_are_refused(void **state)
{
	static const char *const bad[] = {
		"",       "..",    "../x",   "/",       "/x",    "//",   "a//b",
		"a/",     ".",     "./a",    "a/.",     "a/./b", "a/..", "..x",
		"..data", "a/..b", "a/../b", "a/..b/c", "..a/b", "...",  "/../x",
	};
	static const char *const good[] = { "a", "a/b", ".a", "a..", "a/.b", "a../b..", "a/b/c/d" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct tree t = tree_of_path(bad[i]);

		assert_tree_refused(&t, "has a path that is not allowed");
		/* Alone, it may be in no directory as well: which is said does not matter. */
		(void)add(&t, bad[i], ENTRY_DIRECTORY);
		assert_tree_refused(&t, "entry 0 ('");
	}
	for (size_t i = 0; i < COUNT(good); i++) {
		struct tree t = tree_of_path(good[i]);

		assert_tree_read(&t);
	}
}

static void the_entry_is_named(void **state)
{
	struct tree t = { 0 };

	(void)state;
	(void)add(&t, "a", ENTRY_FILE);
	(void)add(&t, "b\n", ENTRY_DIRECTORY);
	(void)add(&t, "b\n/../etc", ENTRY_FILE);
	assert_tree_refused(&t, "entry 2 ('b\\n/../etc') has a path that is not allowed");
}

static struct tree tree_of_parts(size_t parts, size_t length)
{
	owned_buf path = BUF_INIT(100000);
	owned char *part = mem_alloc(length + 1);

	memset(part, 'p', length);
	for (size_t i = 0; i < parts; i++)
		assert_int_equal(buf_add_format(&path, "%s%s", i ? "/" : "", part), 0);
	return tree_of_path(path.data);
}

static void paths_that_are_too_long_are_refused(void **state)
{
	static const struct {
		size_t parts, length;
		bool fits;
	} cases[] = {
		{ 1, NAME_MAX, true },      { 1, NAME_MAX + 1, false }, { 16, NAME_MAX, true },
		{ 17, NAME_MAX, false },    { 2048, 1, true },          { 2049, 1, false },
		{ 2, NAME_MAX + 1, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct tree t = tree_of_parts(cases[i].parts, cases[i].length);

		if (cases[i].fits)
			assert_tree_read(&t);
		else
			assert_tree_refused(&t, "has a path that is not allowed");
	}
}

/* Of entries: a type and a path each. */
static struct tree tree_of(const char *const *lines)
{
	struct tree t = { 0 };

	for (; *lines; lines++)
		(void)add(&t, *lines + 1, (enum entry_type) * *lines);
	return t;
}

#define LINES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void order_and_doubles_are_refused(void **state)
{
	static const struct {
		const char *lines[6], *says;
	} cases[] = {
		{ { "fb", "fa" }, "entry 1 ('a') is not in order" },
		{ { "fa", "fa" }, "entry 1 ('a') is not in order" },
		{ { "da", "da" }, "entry 1 ('a') is not in order" },
		{ { "fa\xff", "faz" }, "entry 1 ('az') is not in order" },
		{ { "da", "fa/b", "fa/a" }, "entry 2 ('a/a') is not in order" },
		{ { "da", "fa/b", "fa/b" }, "entry 2 ('a/b') is not in order" },
		{ { "da", "fa/b", "fa" }, "entry 2 ('a') is not in order" },
		{ { "da", "fa.b", "fa/b" }, "entry 2 ('a/b') is in no directory before it" },
		{ { "da", "da/b", "fa/b/c", "fa/b/a" }, "entry 3 ('a/b/a') is not in order" },
		{ { "da", "da/b", "fa/b/c", "fa/a" }, "entry 3 ('a/a') is not in order" },
		{ { "da", "fa/b", "fb", "fa/c" }, "entry 3 ('a/c') is in no directory before it" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct tree t = tree_of(cases[i].lines);

		assert_tree_refused(&t, cases[i].says);
	}
	struct tree t =
		tree_of(LINES("da", "da/b", "fa/b/c", "la/b0", "fa/c", "fa b", "fa.b", "fb"));
	assert_tree_read(&t);
}

static void what_is_in_no_directory_is_refused(void **state)
{
	static const struct {
		const char *lines[5], *says;
	} cases[] = {
		{ { "fa/b" }, "entry 0 ('a/b') is in no directory before it" },
		{ { "db", "fa/b" }, "entry 1 ('a/b') is in no directory before it" },
		{ { "fa", "fa/b" }, "entry 1 ('a/b') is in no directory before it" },
		{ { "la", "fa/b" }, "entry 1 ('a/b') is in no directory before it" },
		{ { "da", "fa/b/c" }, "entry 1 ('a/b/c') is in no directory before it" },
		{ { "da", "fa/b", "fa/b/c" }, "entry 2 ('a/b/c') is in no directory before it" },
		{ { "da", "la/b", "fa/b/c" }, "entry 2 ('a/b/c') is in no directory before it" },
		{ { "dab", "fa/b" }, "entry 1 ('a/b') is in no directory before it" },
		{ { "da", "fab/c" }, "entry 1 ('ab/c') is in no directory before it" },
		{ { "da", "da/b", "fa/bc/d" }, "entry 2 ('a/bc/d') is in no directory before it" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct tree t = tree_of(cases[i].lines);

		assert_tree_refused(&t, cases[i].says);
	}
}

/* ---- what else an entry says ---- */

static struct buf write_three(void)
{
	struct tree t = tree_of(LINES("da", "fa/b", "lc"));
	struct buf b = write_tree(&t);

	tree_done(&t);
	return b;
}

#define ASSERT_ENTRY_REFUSED(index, change, says)         \
	do {                                              \
		struct buf b_ = write_three();            \
		struct entry *e = entry_at(&b_, (index)); \
		change;                                   \
		assert_refused(&b_, (says));              \
	} while (0)

enum { DIRECTORY, FILE_ENTRY, LINK };

static void fields_have_to_make_sense(void **state)
{
	(void)state;
	ASSERT_ENTRY_REFUSED(FILE_ENTRY, e->type = 'x', "entry 1 ('a/b') has an unknown type");
	ASSERT_ENTRY_REFUSED(FILE_ENTRY, e->type = 0, "has an unknown type");
	ASSERT_ENTRY_REFUSED(FILE_ENTRY, e->type = ENTRY_LINK, "has an impossible mode");
	ASSERT_ENTRY_REFUSED(FILE_ENTRY, e->type = ENTRY_DIRECTORY, "has an impossible size");
	ASSERT_ENTRY_REFUSED(FILE_ENTRY, e->mode = 010000, "has an impossible mode");
	ASSERT_ENTRY_REFUSED(DIRECTORY, e->mode |= 0x8000, "has an impossible mode");
	ASSERT_ENTRY_REFUSED(LINK, e->mode = 0777, "entry 2 ('c') has an impossible mode");
	ASSERT_ENTRY_REFUSED(FILE_ENTRY, e->nanoseconds = 1000000000, "has an impossible time");
	ASSERT_ENTRY_REFUSED(DIRECTORY, e->nanoseconds = UINT32_MAX, "has an impossible time");
	ASSERT_ENTRY_REFUSED(FILE_ENTRY, e->size = (uint64_t)INT64_MAX + 1, "an impossible size");
	ASSERT_ENTRY_REFUSED(DIRECTORY, e->size = 4096, "has an impossible size");
	ASSERT_ENTRY_REFUSED(LINK, e->size = 1, "has an impossible size");
	ASSERT_ENTRY_REFUSED(FILE_ENTRY, memset(&e->content, 0, sizeof(e->content)), "has no hash");
	ASSERT_ENTRY_REFUSED(DIRECTORY, e->content.bytes[15] = 1, "has no hash of its content, or");
	ASSERT_ENTRY_REFUSED(LINK, e->content.bytes[0] = 1, "has no hash of its content, or");
	ASSERT_ENTRY_REFUSED(FILE_ENTRY, e->inode = 1, "has what is not kept in a manifest");
	ASSERT_ENTRY_REFUSED(FILE_ENTRY, e->source = 1, "has what is not kept in a manifest");
	ASSERT_ENTRY_REFUSED(DIRECTORY, e->layer = 1, "has what is not kept in a manifest");
}

static void texts_have_to_lie_in_order(void **state)
{
	(void)state;
	ASSERT_ENTRY_REFUSED(DIRECTORY, e->path = 0, "entry 0 ('') has a path out of place");
	ASSERT_ENTRY_REFUSED(DIRECTORY, e->path = 2, "has a path out of place");
	ASSERT_ENTRY_REFUSED(FILE_ENTRY, e->path = 1, "entry 1 ('a') has a path out of place");
	ASSERT_ENTRY_REFUSED(FILE_ENTRY, e->path = 5, "has a path out of place");
	ASSERT_ENTRY_REFUSED(FILE_ENTRY, e->path = UINT32_MAX, "entry 1 ('') has a path out of pl");
	ASSERT_ENTRY_REFUSED(FILE_ENTRY, e->link = 1, "leads nowhere, or is not a link");
	ASSERT_ENTRY_REFUSED(LINK, e->link = 0, "entry 2 ('c') leads nowhere, or is not a link");
	ASSERT_ENTRY_REFUSED(LINK, e->link = 1, "leads nowhere, or out of the manifest");
	ASSERT_ENTRY_REFUSED(LINK, e->link++, "leads nowhere, or out of the manifest");
	ASSERT_ENTRY_REFUSED(LINK, e->link = UINT32_MAX, "leads nowhere, or out of the manifest");
}

static void texts_have_to_be_those_of_the_entries(void **state)
{
	struct buf b = write_three();

	(void)state;
	b.data[texts_of(&b)] = 'x';
	assert_refused(&b, "the manifest's texts are damaged");
	b = write_three();
	b.data[b.length - 1] = 'x';
	assert_refused(&b, "the manifest's texts are damaged");
	/* A NUL in the middle ends the last text early. */
	b = write_three();
	b.data[b.length - 3] = '\0';
	assert_refused(&b, "the manifest has texts of no entry");
	b = write_three();
	b.data[b.length - strlen("target") - 1] = '\0';
	assert_refused(&b, "entry 2 ('c') leads nowhere");
	b = write_three();
	b.data[texts_of(&b) + 1] = '\0';
	assert_refused(&b, "entry 0 ('') has a path that is not allowed");
	/* More bytes than the entries need. */
	b = write_three();
	assert_int_equal(buf_add(&b, "more", 5), 0);
	head_of(&b)->length += 5;
	head_of(&b)->texts += 5;
	assert_refused(&b, "the manifest has texts of no entry");
}

static void links_that_are_too_long_are_refused(void **state)
{
	(void)state;
	for (size_t length = PATH_MAX - 1; length <= PATH_MAX; length++) {
		struct tree t = { 0 };
		owned char *target = mem_alloc(length + 1);

		memset(target, 't', length);
		add(&t, "l", ENTRY_LINK)->link = tree_add_text(&t, target);
		if (length < PATH_MAX)
			assert_tree_read(&t);
		else
			assert_tree_refused(&t, "leads nowhere, or out of the manifest");
	}
}

static void names_of_one_file_have_to_agree(void **state)
{
	static const char says[] = "entry 2 ('c') is another name of what is not the same file";
	const struct tree twins = tree_of(LINES("fa", "fb", "fc", "dd", "le"));
	struct tree t = twins;
	owned_buf good = BUF_INIT(MANIFEST_MOST);

	(void)state;
	t.entries[1].first = 0;
	t.entries[2].first = 0;
	good = write_tree(&t);
	tree_done(&t);
#define ASSERT_TWIN_REFUSED(change, says)                                 \
	do {                                                              \
		struct buf b = BUF_INIT(MANIFEST_MOST);                   \
		assert_int_equal(buf_add(&b, good.data, good.length), 0); \
		change;                                                   \
		assert_refused(&b, (says));                               \
	} while (0)
	ASSERT_TWIN_REFUSED(entry_at(&b, 2)->first = 1, says);
	ASSERT_TWIN_REFUSED(entry_at(&b, 2)->first = 3, says);
	ASSERT_TWIN_REFUSED(entry_at(&b, 2)->first = UINT32_MAX, says);
	ASSERT_TWIN_REFUSED(entry_at(&b, 2)->content.bytes[9] ^= 1, says);
	ASSERT_TWIN_REFUSED(entry_at(&b, 2)->size++, says);
	ASSERT_TWIN_REFUSED(entry_at(&b, 0)->first = 1, "entry 0 ('a') is another name");
	ASSERT_TWIN_REFUSED(entry_at(&b, 3)->first = 0, "entry 3 ('d') is another name");
	ASSERT_TWIN_REFUSED(entry_at(&b, 4)->first = 0, "entry 4 ('e') is another name");
	ASSERT_TWIN_REFUSED(entry_at(&b, 4)->first = 3, "entry 4 ('e') is another name");
#undef ASSERT_TWIN_REFUSED
}

static void sizes_that_overflow_are_refused(void **state)
{
	struct tree t = tree_of(LINES("fa", "fb", "fc"));

	(void)state;
	for (size_t i = 0; i < t.count; i++)
		t.entries[i].size = INT64_MAX;
	assert_tree_refused(&t, "entry 2 ('c') has an impossible size");
	t = tree_of(LINES("fa", "fb"));
	t.entries[0].size = t.entries[1].size = INT64_MAX;
	assert_tree_read(&t);
}

/* ---- the head ---- */

#define ASSERT_HEAD_REFUSED(change, says)              \
	do {                                           \
		struct buf b = write_three();          \
		struct manifest_head *h = head_of(&b); \
		change;                                \
		assert_refused(&b, (says));            \
	} while (0)

static void counts_have_to_fit(void **state)
{
	static const char damaged[] = "the manifest's head is damaged";

	(void)state;
	ASSERT_HEAD_REFUSED(h->entries++, damaged);
	ASSERT_HEAD_REFUSED(h->entries--, damaged);
	ASSERT_HEAD_REFUSED(h->entries = UINT32_MAX, damaged);
	ASSERT_HEAD_REFUSED(h->texts++, damaged);
	ASSERT_HEAD_REFUSED(h->texts = 0, damaged);
	ASSERT_HEAD_REFUSED((h->entries = 0, h->texts += 216, h->files = 0),
			    "has texts of no entry");
	ASSERT_HEAD_REFUSED((h->entries = 3, h->texts = UINT32_MAX), damaged);
	ASSERT_HEAD_REFUSED(h->files = 4, damaged);
	ASSERT_HEAD_REFUSED(h->files = UINT64_MAX, damaged);
	ASSERT_HEAD_REFUSED(h->whiteouts = 4, damaged);
	ASSERT_HEAD_REFUSED(h->reserved = 1, damaged);
	ASSERT_HEAD_REFUSED(h->length++, "the manifest is cut, or too long");
	ASSERT_HEAD_REFUSED(h->length--, "the manifest is cut, or too long");
	ASSERT_HEAD_REFUSED(h->length = UINT64_MAX, "the manifest is cut, or too long");
	ASSERT_HEAD_REFUSED(h->files--, "the manifest's totals are wrong");
	ASSERT_HEAD_REFUSED(h->bytes++, "the manifest's totals are wrong");
}

static void labels_have_to_end(void **state)
{
	static const char damaged[] = "the manifest's head is damaged";

	(void)state;
	ASSERT_HEAD_REFUSED(memset(h->label, 'x', sizeof(h->label)), damaged);
	ASSERT_HEAD_REFUSED(h->label[sizeof(h->label) - 1] = 'x', damaged);
	ASSERT_HEAD_REFUSED(h->label[3] = 'x', damaged);
}

static void other_files_are_refused(void **state)
{
	static const char not_ours[] = "it is not a manifest of this program";
	struct buf b = write_three();

	(void)state;
	assert_refused_as("", 0, not_ours);
	assert_refused_as("gs-tree", 7, "another version of this program");
	assert_refused_as("gs-tree1", 8, "the manifest is cut");
	assert_refused_as("gs-sidecar manifest 1\n", 22, not_ours);
	b.data[7] = '2';
	assert_refused(&b, "it is a manifest of another version of this program");
	b = write_three();
	b.data[0] = 'G';
	assert_refused(&b, not_ours);
	/* A whole head of zeros and more. */
	b = write_three();
	memset(b.data, 0, b.length);
	assert_refused_as(b.data, b.length, not_ours);
	buf_done(&b);
}

/* ---- damage ---- */

static void what_is_cut_is_refused(void **state)
{
	struct tree t = make_odd_tree();
	owned_buf b = write_tree(&t);

	(void)state;
	tree_done(&t);
	for (size_t length = 0; length < b.length; length++)
		assert_refused_as(b.data, length, "manifest");
	assert_int_equal(buf_add(&b, "", 1), 0);
	assert_refused_as(b.data, b.length, "the manifest is cut, or too long");
}

static void every_changed_byte_is_seen(void **state)
{
	struct tree t = make_odd_tree();
	owned_buf b = write_tree(&t);

	(void)state;
	tree_done(&t);
	for (size_t i = 0; i < b.length; i++)
		for (int bit = 0; bit < 8; bit++) {
			b.data[i] = (char)(b.data[i] ^ 1 << bit);
			assert_refused_as(b.data, b.length, "manifest");
			b.data[i] = (char)(b.data[i] ^ 1 << bit);
		}
}

/* Whatever is read is what its bytes say, all of them: written again it is the same. */
static void nothing_is_misunderstood(void **state)
{
	struct tree t = make_odd_tree(), again;
	owned_buf b = write_tree(&t);
	struct manifest_head head;
	struct err e = { 0 };
	size_t read = 0;

	(void)state;
	tree_done(&t);
	for (size_t i = 0; i < b.length * 8; i++) {
		b.data[i / 8] = (char)(b.data[i / 8] ^ 1 << i % 8);
		repair(&b);
		if (read_exactly(b.data, b.length, &head, &again, &e) == 0) {
			owned_buf same = BUF_INIT(MANIFEST_MOST);

			assert_int_equal(manifest_write(&again, &head, &same, &e), 0);
			assert_int_equal(same.length, b.length);
			assert_memory_equal(same.data, b.data, b.length);
			tree_done(&again);
			read++;
		} else {
			assert_int_equal(e.kind, ERR_USAGE);
		}
		b.data[i / 8] = (char)(b.data[i / 8] ^ 1 << i % 8);
	}
	assert_true(read > 1000); /* times, owners, contents */
}

/* ---- the head alone ---- */

static int open_file(const char *bytes, size_t length)
{
	owned char *path = mem_format("%s/manifest", unit_directory());
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(io_write(fd, bytes, length), 0);
	return fd;
}

static void the_head_is_read_alone(void **state)
{
	struct tree t = make_odd_tree();
	owned_buf b = write_tree(&t);
	owned_fd fd = open_file(b.data, b.length);
	struct manifest_head head, whole;
	struct err e = { 0 };

	(void)state;
	tree_done(&t);
	/* Wherever the file stands. */
	assert_int_equal(manifest_read_head(fd, &head, &e), 0);
	assert_int_equal(manifest_read(b.data, b.length, &whole, &t, &e), 0);
	assert_memory_equal(&head, &whole, sizeof(head));
	assert_string_equal(head.label, "v1");
	tree_done(&t);
	assert_int_equal(ftruncate(fd, (off_t)b.length - 1), 0);
	assert_int_equal(manifest_read_head(fd, &head, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_string_equal(e.text, "the manifest is cut, or too long");
	for (off_t length = 127; length >= 0; length--) {
		assert_int_equal(ftruncate(fd, length), 0);
		assert_int_equal(manifest_read_head(fd, &head, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

static void a_head_is_only_in_a_file(void **state)
{
	struct manifest_head head;
	struct err e = { 0 };
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	owned_fd read_end = ends[0], write_end = ends[1];
	owned_fd dir = open(unit_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(manifest_read_head(read_end, &head, &e), -1);
	assert_string_equal(e.text, "it is not a file");
	assert_int_equal(manifest_read_head(dir, &head, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_int_equal(manifest_read_head(-1, &head, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_true(write_end >= 0);
}

int test_manifest(void);

int test_manifest(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_is_read_back),
		cmocka_unit_test(a_tree_that_was_read_can_grow),
		cmocka_unit_test(its_form_is_fixed),
		cmocka_unit_test(an_empty_tree_has_one),
		cmocka_unit_test(equal_trees_are_written_alike),
		cmocka_unit_test(over_the_limit_is_an_error),
		cmocka_unit_test(what_is_not_hashed_is_not_written),
		cmocka_unit_test(paths_that_lead_away_are_refused),
		cmocka_unit_test(the_entry_is_named),
		cmocka_unit_test(paths_that_are_too_long_are_refused),
		cmocka_unit_test(order_and_doubles_are_refused),
		cmocka_unit_test(what_is_in_no_directory_is_refused),
		cmocka_unit_test(fields_have_to_make_sense),
		cmocka_unit_test(texts_have_to_lie_in_order),
		cmocka_unit_test(texts_have_to_be_those_of_the_entries),
		cmocka_unit_test(links_that_are_too_long_are_refused),
		cmocka_unit_test(names_of_one_file_have_to_agree),
		cmocka_unit_test(sizes_that_overflow_are_refused),
		cmocka_unit_test(counts_have_to_fit),
		cmocka_unit_test(labels_have_to_end),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(what_is_cut_is_refused),
		cmocka_unit_test(every_changed_byte_is_seen),
		cmocka_unit_test(nothing_is_misunderstood),
		cmocka_unit_test(the_head_is_read_alone),
		cmocka_unit_test(a_head_is_only_in_a_file),
	};

	return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
