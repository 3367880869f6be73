/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "sync/merge.h"
#include "sync/seal.h"
#include "sync/tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY SEAL_NAME ".new"

static int fresh_root(void)
{
	int root = open(unit_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(root >= 0);
	return root;
}

static struct entry *add_file(struct tree *t, const char *path, int64_t seconds)
{
	struct entry *e = tree_add(t, path, ENTRY_FILE);

	e->mode = 0640;
	e->size = 5;
	e->seconds = seconds;
	e->nanoseconds = 7;
	memset(e->content.bytes, 0x22, sizeof(e->content.bytes));
	return e;
}

static struct tree make_tree(void)
{
	struct tree t = { 0 };

	(void)add_file(&t, "a", 100);
	(void)tree_add(&t, "dir", ENTRY_DIRECTORY);
	(void)add_file(&t, "dir/b", 200);
	return t;
}

static void seal(int root, const struct tree *t, const char *label, int64_t latest)
{
	struct err e = { 0 };

	if (seal_write(root, t, label, latest, &e) < 0)
		fail_msg("%s", e.text);
}

static void assert_not_sealed(int root, const struct tree *t, const char *label, enum err_kind kind,
			      const char *says)
{
	struct err e = { 0 };
	struct stat st;

	assert_int_equal(seal_write(root, t, label, INT64_MAX, &e), -1);
	assert_int_equal(e.kind, kind);
	assert_string_equal(e.text, says);
	/* Neither a half one. */
	assert_int_equal(fstatat(root, TEMPORARY, &st, AT_SYMLINK_NOFOLLOW), -1);
}

static struct manifest_head read_seal(int root, struct tree *ret)
{
	struct manifest_head head, alone;
	struct err e = { 0 };

	if (seal_read(root, &head, ret, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(seal_head(root, &alone, &e), 0);
	assert_memory_equal(&head, &alone, sizeof(head));
	return head;
}

static void assert_unsound(int root, const char *says)
{
	struct manifest_head head;
	struct tree t = { .count = 7 };
	struct err e = { 0 };

	assert_int_equal(seal_read(root, &head, &t, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_string_equal(e.text, says);
	assert_int_equal(t.count, 0);
	assert_null(t.entries);
	assert_int_equal(seal_head(root, &head, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
}

static void what_is_sealed_is_read_back(void **state)
{
	owned_fd root = fresh_root();
	struct tree t = make_tree(), again;

	(void)state;
	seal(root, &t, "v1.4.2", INT64_MAX);
	const struct manifest_head head = read_seal(root, &again);
	const struct digest digest = tree_digest(&t);
	assert_true(digest_equal(&head.digest, &digest));
	assert_string_equal(head.label, "v1.4.2");
	assert_int_equal(head.files, 2);
	assert_int_equal(head.bytes, 10);
	assert_int_equal(head.whiteouts, 0);
	assert_int_equal(again.count, 3);
	assert_int_equal(tree_find(&again, "dir/b")->seconds, 200);
	assert_int_equal(tree_find(&again, "dir/b")->nanoseconds, 7);
	assert_int_equal(tree_find(&again, "a")->mode, 0640);
	tree_done(&t);
	tree_done(&again);
}

static void nothing_can_be_sealed(void **state)
{
	owned_fd root = fresh_root();
	struct tree t = { 0 }, again;

	(void)state;
	seal(root, &t, "", 0);
	const struct manifest_head head = read_seal(root, &again);
	assert_int_equal(again.count, 0);
	assert_string_equal(head.label, "");
	tree_done(&again);
}

static void there_may_be_none(void **state)
{
	owned_fd root = fresh_root();
	struct manifest_head head;
	struct tree t = { .count = 7 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(seal_head(root, &head, &e), 1);
	assert_int_equal(seal_read(root, &head, &t, &e), 1);
	assert_int_equal(t.count, 0);
	assert_int_equal(e.kind, ERR_NONE);
}

/* Whoever syncs may be another user than who built the image. */
static void all_may_read_it(void **state)
{
	owned_fd root = fresh_root();
	struct tree t = make_tree();
	struct stat st;

	(void)state;
	mode_t before = umask(077);
	seal(root, &t, "", INT64_MAX);
	(void)umask(before);
	assert_int_equal(fstatat(root, SEAL_NAME, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(fstatat(root, TEMPORARY, &st, AT_SYMLINK_NOFOLLOW), -1);
	tree_done(&t);
}

static struct buf bytes_of(int root)
{
	struct buf b = BUF_INIT(100000);
	struct err e = { 0 };

	assert_int_equal(io_read_file(root, SEAL_NAME, &b, &e), 0);
	return b;
}

static void again_it_is_the_same(void **state)
{
	owned_fd root = fresh_root(), other = fresh_root();
	struct tree t = make_tree();

	(void)state;
	seal(root, &t, "v1", 150);
	owned_buf one = bytes_of(root);
	seal(root, &t, "v1", 150);
	seal(other, &t, "v1", 150);
	owned_buf two = bytes_of(root), three = bytes_of(other);
	assert_int_equal(one.length, two.length);
	assert_memory_equal(one.data, two.data, one.length);
	assert_int_equal(one.length, three.length);
	assert_memory_equal(one.data, three.data, one.length);
	tree_done(&t);
}

static void a_label_has_a_longest_length(void **state)
{
	owned_fd root = fresh_root();
	char label[MANIFEST_LABEL_SIZE + 1];
	struct tree t = make_tree(), again;
	struct stat st;

	(void)state;
	memset(label, 'x', MANIFEST_LABEL_SIZE);
	label[MANIFEST_LABEL_SIZE] = '\0';
	assert_not_sealed(root, &t, label, ERR_USAGE, "a label has at most 47 bytes");
	assert_int_equal(fstatat(root, SEAL_NAME, &st, AT_SYMLINK_NOFOLLOW), -1);
	label[MANIFEST_LABEL_SIZE - 1] = '\0';
	seal(root, &t, label, INT64_MAX);
	assert_string_equal(read_seal(root, &again).label, label);
	tree_done(&t);
	tree_done(&again);
}

static void assert_time(const struct tree *t, const char *path, int64_t seconds, unsigned nano)
{
	assert_int_equal(tree_find(t, path)->seconds, seconds);
	assert_int_equal(tree_find(t, path)->nanoseconds, nano);
}

static void later_times_are_clamped(void **state)
{
	owned_fd root = fresh_root();
	struct tree t = { 0 }, again;

	(void)state;
	(void)add_file(&t, "after", 101);
	(void)add_file(&t, "at", 100);
	(void)add_file(&t, "before", 99);
	tree_add(&t, "dir", ENTRY_DIRECTORY)->seconds = INT64_MAX;
	(void)add_file(&t, "long ago", -5);
	seal(root, &t, "", 100);
	(void)read_seal(root, &again);
	assert_time(&again, "after", 100, 0);
	assert_time(&again, "at", 100, 0);
	assert_time(&again, "before", 99, 7);
	assert_time(&again, "dir", 100, 0);
	assert_time(&again, "long ago", -5, 7);
	/* What was sealed is the caller's and as it was. */
	assert_time(&t, "after", 101, 7);
	tree_done(&t);
	tree_done(&again);
}

/* ---- markers, see sync/merge.h ---- */

static void markers_are_sealed_but_do_not_name_the_version(void **state)
{
	owned_fd root = fresh_root();
	struct tree without = make_tree(), t = { 0 }, again;

	(void)state;
	(void)add_file(&t, MERGE_REMOVE_PREFIX "old", 1);
	(void)add_file(&t, "a", 100);
	(void)tree_add(&t, "dir", ENTRY_DIRECTORY);
	(void)add_file(&t, "dir/" MERGE_REMOVE_PREFIX "x", 1);
	(void)add_file(&t, "dir/b", 200);
	seal(root, &t, "", INT64_MAX);
	const struct manifest_head head = read_seal(root, &again);
	const struct digest digest = tree_digest(&without);
	assert_int_equal(head.whiteouts, 2);
	assert_true(digest_equal(&head.digest, &digest));
	assert_int_equal(again.count, 5);
	assert_non_null(tree_find(&again, "dir/" MERGE_REMOVE_PREFIX "x"));
	tree_done(&without);
	tree_done(&t);
	tree_done(&again);
}

static void markers_that_make_no_sense_are_refused(void **state)
{
	owned_fd root = fresh_root();
	struct tree t = { 0 };

	(void)state;
	(void)add_file(&t, MERGE_REMOVE_PREFIX, 1);
	assert_not_sealed(root, &t, "", ERR_USAGE,
			  "'.gs-remove.' has no name of something to remove behind '.gs-remove.'");
	tree_done(&t);
	(void)tree_add(&t, MERGE_REMOVE_PREFIX "x", ENTRY_DIRECTORY);
	assert_not_sealed(root, &t, "", ERR_USAGE,
			  "'.gs-remove.x' is a directory: a name to remove is marked by a file of "
			  "that name");
	tree_done(&t);
}

/* ---- what cannot be sealed ---- */

static void what_kubelet_mounts_is_refused(void **state)
{
	owned_fd root = fresh_root();
	struct tree t = make_tree();

	(void)state;
	t.entries[0].source = tree_add_text(&t, "..2026_11_20/a");
	assert_not_sealed(root, &t, "", ERR_USAGE,
			  "'a' is a link through '..data': what kubelet mounts cannot be sealed");
	tree_done(&t);
}

static void what_is_not_hashed_is_refused(void **state)
{
	owned_fd root = fresh_root();
	struct tree t = make_tree();

	(void)state;
	t.entries[2].content = (struct digest){ 0 };
	assert_not_sealed(root, &t, "", ERR_SYSTEM, "'dir/b' is not hashed");
	tree_done(&t);
}

/* ---- what lies in its place ---- */

static void a_link_in_its_place_is_not_followed(void **state)
{
	owned_fd root = fresh_root(), other = fresh_root();
	struct tree t = make_tree(), again;
	struct stat st;

	(void)state;
	seal(other, &t, "", INT64_MAX);
	assert_int_equal(renameat(other, SEAL_NAME, root, "elsewhere"), 0);
	assert_int_equal(symlinkat("elsewhere", root, SEAL_NAME), 0);
	assert_int_equal(symlinkat("elsewhere", root, TEMPORARY), 0);
	assert_unsound(root, "seal '" SEAL_NAME "': it is not a file");
	assert_int_equal(unlinkat(root, "elsewhere", 0), 0);
	assert_unsound(root, "seal '" SEAL_NAME "': it is not a file");
	seal(root, &t, "", INT64_MAX);
	(void)read_seal(root, &again);
	assert_int_equal(fstatat(root, "elsewhere", &st, 0), -1);
	tree_done(&t);
	tree_done(&again);
}

static void a_pipe_in_its_place_is_not_waited_for(void **state)
{
	owned_fd root = fresh_root();
	struct tree t = make_tree(), again;

	(void)state;
	assert_int_equal(mkfifoat(root, SEAL_NAME, 0644), 0);
	assert_int_equal(mkfifoat(root, TEMPORARY, 0644), 0);
	assert_unsound(root, "seal '" SEAL_NAME "': it is not a file");
	seal(root, &t, "", INT64_MAX);
	(void)read_seal(root, &again);
	tree_done(&t);
	tree_done(&again);
}

static void a_directory_in_its_place_is_an_error(void **state)
{
	owned_fd root = fresh_root();
	struct tree t = make_tree();

	(void)state;
	assert_int_equal(mkdirat(root, SEAL_NAME, 0755), 0);
	assert_unsound(root, "seal '" SEAL_NAME "': it is not a file");
	assert_not_sealed(root, &t, "", ERR_SYSTEM, "write '" SEAL_NAME "': Is a directory");
	tree_done(&t);
}

/* ---- damage ---- */

static void a_damaged_seal_is_refused(void **state)
{
	owned_fd root = fresh_root();
	struct tree t = make_tree();
	struct manifest_head head;
	struct err e = { 0 };
	char byte;

	(void)state;
	seal(root, &t, "", INT64_MAX);
	tree_done(&t);
	owned_fd fd = openat(root, SEAL_NAME, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &byte, 1, 200), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, 200), 1);
	assert_int_equal(seal_head(root, &head, &e), 0); /* which is whole */
	assert_int_equal(seal_read(root, &head, &t, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_string_equal(e.text, "seal '" SEAL_NAME
				    "': the manifest is damaged: its bytes have changed");
	assert_int_equal(ftruncate(fd, 200), 0);
	assert_unsound(root, "seal '" SEAL_NAME "': the manifest is cut, or too long");
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_unsound(root, "seal '" SEAL_NAME "': it is not a manifest of this program");
	assert_int_equal(ftruncate(fd, (off_t)MANIFEST_MOST + 1), 0);
	assert_unsound(root, "seal '" SEAL_NAME "': it is not a manifest of this program");
}

int test_seal(void);

int test_seal(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_is_read_back),
		cmocka_unit_test(nothing_can_be_sealed),
		cmocka_unit_test(there_may_be_none),
		cmocka_unit_test(all_may_read_it),
		cmocka_unit_test(again_it_is_the_same),
		cmocka_unit_test(a_label_has_a_longest_length),
		cmocka_unit_test(later_times_are_clamped),
		cmocka_unit_test(markers_are_sealed_but_do_not_name_the_version),
		cmocka_unit_test(markers_that_make_no_sense_are_refused),
		cmocka_unit_test(what_kubelet_mounts_is_refused),
		cmocka_unit_test(what_is_not_hashed_is_refused),
		cmocka_unit_test(a_link_in_its_place_is_not_followed),
		cmocka_unit_test(a_pipe_in_its_place_is_not_waited_for),
		cmocka_unit_test(a_directory_in_its_place_is_an_error),
		cmocka_unit_test(a_damaged_seal_is_refused),
	};

	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
