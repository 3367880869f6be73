/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "sync/copy.h"
#include "sync/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CHUNK ((size_t)128 * 1024) /* as in copy.c: at its edges is where mistakes are */

static int fresh_root(void)
{
	int root = open(unit_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(root >= 0);
	return root;
}

static void put(int root, const char *name, const void *bytes, size_t count)
{
	owned_fd fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(io_write(fd, bytes, count), 0);
}

static struct digest digest_of(const void *bytes, size_t count)
{
	struct digest_stream *s = digest_new();

	digest_add(s, bytes, count);
	struct digest d = digest_result(s);
	digest_free(s);
	return d;
}

static char *make_bytes(size_t count)
{
	char *bytes = mem_alloc(count + 1);

	for (size_t i = 0; i < count; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	return bytes;
}

/* ---- bytes ---- */

static void bytes_are_hashed_and_written(void **state)
{
	static const size_t sizes[] = { 0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5 };
	owned_fd root = fresh_root();
	struct copier c = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		owned char *bytes = make_bytes(sizes[i]);
		const struct digest wanted = digest_of(bytes, sizes[i]);
		struct digest got;
		bool exact = false;

		put(root, "from", bytes, sizes[i]);
		owned_fd from = copy_open(root, "from");
		owned_fd to = openat(root, "to", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		assert_int_equal(copy_bytes(&c, from, to, sizes[i], &got, &exact), 0);
		assert_true(exact);
		assert_true(digest_equal(&got, &wanted));
		owned char *written = mem_alloc(sizes[i] + 1);
		assert_int_equal(pread(to, written, sizes[i] + 1, 0), sizes[i]);
		assert_memory_equal(written, bytes, sizes[i]);
	}
	copier_done(&c);
}

static bool is_exact(struct copier *c, int root, uint64_t size)
{
	owned_fd fd = copy_open(root, "file");
	struct digest d;
	bool exact;

	assert_int_equal(copy_bytes(c, fd, -1, size, &d, &exact), 0);
	return exact;
}

static void another_size_is_seen(void **state)
{
	static const size_t sizes[] = { 1, CHUNK - 1, CHUNK, CHUNK + 1 };
	owned_fd root = fresh_root();
	struct copier c = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		owned char *bytes = make_bytes(sizes[i]);

		put(root, "file", bytes, sizes[i]);
		assert_true(is_exact(&c, root, sizes[i]));
		assert_false(is_exact(&c, root, sizes[i] - 1));
		assert_false(is_exact(&c, root, sizes[i] + 1));
		assert_false(is_exact(&c, root, INT64_MAX));
		assert_false(is_exact(&c, root, 0));
	}
	copier_done(&c);
}

/* It would never come to its end. */
static void a_file_without_an_end_is_left(void **state)
{
	owned_fd zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	struct copier c = { 0 };
	struct digest d;
	bool exact = true;

	(void)state;
	assert_int_equal(copy_bytes(&c, zero, -1, CHUNK, &d, &exact), 0);
	assert_false(exact);
	copier_done(&c);
	copier_done(&c);
}

static void failures_keep_their_reason(void **state)
{
	owned_fd root = fresh_root(), full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct copier c = { 0 };
	struct digest d;
	bool exact;

	(void)state;
	assert_int_equal(copy_bytes(&c, root, -1, 5, &d, &exact), -1);
	assert_int_equal(errno, EISDIR);
	put(root, "file", "hello", 5);
	owned_fd fd = copy_open(root, "file");
	assert_int_equal(copy_bytes(&c, fd, full, 5, &d, &exact), -1);
	assert_int_equal(errno, ENOSPC);
	copier_done(&c);
}

static void opening_follows_and_awaits_nothing(void **state)
{
	owned_fd root = fresh_root(), pipe = -1;

	(void)state;
	assert_int_equal(symlinkat("/etc/passwd", root, "link"), 0);
	assert_int_equal(mkfifoat(root, "pipe", 0600), 0);
	assert_int_equal(copy_open(root, "link"), -1);
	assert_int_equal(errno, ELOOP);
	pipe = copy_open(root, "pipe");
	assert_true(pipe >= 0);
}

/* ---- a source's file ---- */

struct source {
	int root;
	struct tree tree;
	struct entry *entry;
};

static struct source make_source(void)
{
	struct source s = { .root = fresh_root() };
	struct stat st;

	assert_int_equal(mkdirat(s.root, "dir", 0755), 0);
	put(s.root, "dir/f", "content", 7);
	assert_int_equal(fstatat(s.root, "dir/f", &st, 0), 0);
	s.entry = tree_add(&s.tree, "dir/f", ENTRY_FILE);
	entry_describe(s.entry, &st);
	return s;
}

static void source_done(struct source *s)
{
	fd_close(&s->root);
	tree_done(&s->tree);
}

static int copy_it(struct source *s, struct err *e)
{
	struct beneath from = beneath_init(s->root);
	struct copier c = { 0 };
	int status = copy_source(&c, &from, &s->tree, s->entry, -1, e);

	copier_done(&c);
	beneath_done(&from);
	return status;
}

static void assert_not_copied(struct source *s, const char *says)
{
	const struct digest before = s->entry->content;
	struct err e = { 0 };

	assert_int_equal(copy_it(s, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_memory_equal(e.text, says, strlen(says));
	assert_true(digest_equal(&before, &s->entry->content));
	source_done(s);
}

static void a_source_is_hashed_on_the_way(void **state)
{
	struct source s = make_source();
	const struct digest wanted = digest_of("content", 7);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(copy_it(&s, &e), 0);
	assert_true(digest_equal(&s.entry->content, &wanted));
	/* Known now, and still the same. */
	assert_int_equal(copy_it(&s, &e), 0);
	source_done(&s);
}

/* Some of these share blocks with it where the filesystem can. */
static void a_source_of_any_size_arrives(void **state)
{
	static const size_t sizes[] = { 0, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK };
	struct copier c = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct source s = make_source();
		struct beneath from = beneath_init(s.root);
		owned char *bytes = make_bytes(sizes[i]), *arrived = mem_alloc(sizes[i] + 1);
		const struct digest wanted = digest_of(bytes, sizes[i]);
		struct err e = { 0 };
		struct stat st;

		put(s.root, "dir/f", bytes, sizes[i]);
		assert_int_equal(fstatat(s.root, "dir/f", &st, 0), 0);
		entry_describe(s.entry, &st);
		owned_fd to = openat(s.root, "to", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		assert_int_equal(copy_source(&c, &from, &s.tree, s.entry, to, &e), 0);
		assert_true(digest_equal(&s.entry->content, &wanted));
		assert_int_equal(pread(to, arrived, sizes[i] + 1, 0), sizes[i]);
		assert_memory_equal(arrived, bytes, sizes[i]);
		beneath_done(&from);
		source_done(&s);
	}
	copier_done(&c);
}

static void a_source_that_is_another_is_refused(void **state)
{
	static const char changed[] = "'dir/f' of the source changed while it was read";
	struct source s = make_source();

	(void)state;
	put(s.root, "dir/f", "content and more", 16);
	assert_not_copied(&s, changed);
	s = make_source();
	put(s.root, "dir/f", "", 0);
	assert_not_copied(&s, changed);
	s = make_source();
	put(s.root, "dir/g", "CONTENT", 7);
	assert_int_equal(renameat(s.root, "dir/g", s.root, "dir/f"), 0);
	assert_not_copied(&s, changed);
	s = make_source();
	assert_int_equal(unlinkat(s.root, "dir/f", 0), 0);
	assert_not_copied(&s, "open 'dir/f' of the source: ");
	s = make_source();
	assert_int_equal(unlinkat(s.root, "dir/f", 0), 0);
	assert_int_equal(mkfifoat(s.root, "dir/f", 0600), 0);
	assert_not_copied(&s, "'dir/f' of the source is no longer a file");
	s = make_source();
	assert_int_equal(renameat(s.root, "dir", s.root, "moved"), 0);
	assert_int_equal(symlinkat("moved", s.root, "dir"), 0);
	assert_not_copied(&s, "open 'dir/f' of the source: ");
}

/* Of a sealed one the inode is not known, and the time need not be the same. */
static void a_sealed_source_has_to_agree_with_its_seal(void **state)
{
	static const char other[] = "'dir/f' of the source changed, or is not what its seal says";
	struct source s = make_source();
	struct err e = { 0 };

	(void)state;
	s.entry->inode = 0;
	s.entry->seconds = 5;
	s.entry->content = digest_of("content", 7);
	assert_int_equal(copy_it(&s, &e), 0);
	put(s.root, "dir/f", "CONTENT", 7);
	assert_not_copied(&s, other);
	s = make_source();
	s.entry->inode = 0;
	s.entry->content = digest_of("content", 7);
	put(s.root, "dir/f", "content and more", 16);
	assert_not_copied(&s, other);
	/* One that was hashed by us has no seal to disagree with. */
	s = make_source();
	s.entry->content = digest_of("CONTENT", 7);
	assert_not_copied(&s, "'dir/f' of the source changed while it was read");
}

/* ---- another's file ---- */

static void only_files_have_a_hash(void **state)
{
	owned_fd root = fresh_root();
	struct copier c = { 0 };
	const struct digest wanted = digest_of("hello", 5);
	struct digest d;

	(void)state;
	put(root, "file", "hello", 5);
	assert_int_equal(fchmodat(root, "file", 0, 0), 0);
	assert_true(copy_hash_of(&c, root, "file", &d)); /* though nobody may read it: it is ours */
	assert_true(digest_equal(&d, &wanted));
	struct stat st;
	assert_int_equal(fstatat(root, "file", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG);
	assert_int_equal(symlinkat("file", root, "link"), 0);
	assert_int_equal(mkfifoat(root, "pipe", 0600), 0);
	assert_int_equal(mkdirat(root, "dir", 0700), 0);
	assert_false(copy_hash_of(&c, root, "link", &d));
	assert_false(copy_hash_of(&c, root, "pipe", &d));
	assert_false(copy_hash_of(&c, root, "dir", &d));
	assert_false(copy_hash_of(&c, root, "nothing", &d));
	/* It has more than its size says, as a file that grows. */
	owned_fd proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_false(copy_hash_of(&c, proc, "status", &d));
	copier_done(&c);
}

int test_copy(void);

int test_copy(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_hashed_and_written),
		cmocka_unit_test(another_size_is_seen),
		cmocka_unit_test(a_file_without_an_end_is_left),
		cmocka_unit_test(failures_keep_their_reason),
		cmocka_unit_test(opening_follows_and_awaits_nothing),
		cmocka_unit_test(a_source_is_hashed_on_the_way),
		cmocka_unit_test(a_source_of_any_size_arrives),
		cmocka_unit_test(a_source_that_is_another_is_refused),
		cmocka_unit_test(a_sealed_source_has_to_agree_with_its_seal),
		cmocka_unit_test(only_files_have_a_hash),
	};

	return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
