/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/io.h"
#include "base/list.h"
#include "base/mem.h"
#include "sync/state.h"
#include "sync/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGEST_A "00112233445566778899aabbccddeeff"
#define DIGEST_B "ffeeddccbbaa99887766554433221100"

static void open_fresh(struct state *s)
{
	owned char *path = state_default_path(unit_directory());
	struct err e = { 0 };

	*s = STATE_INIT;
	assert_int_equal(state_open(s, path, &e), 0);
	assert_string_equal(s->path, path);
}

static struct record record_of(const char *digest, int64_t serial)
{
	struct record r = { .serial = serial, .files = 3, .bytes = 5000000000 };

	(void)snprintf(r.digest, sizeof(r.digest), "%s", digest);
	(void)snprintf(r.at, sizeof(r.at), "2026-11-20T10:15:30.123Z");
	return r;
}

static void assert_record(const struct record *r, const char *digest, int64_t serial)
{
	assert_string_equal(r->digest, digest);
	assert_int_equal(r->serial, serial);
	assert_int_equal(r->files, 3);
	assert_int_equal(r->bytes, 5000000000);
	assert_string_equal(r->at, "2026-11-20T10:15:30.123Z");
}

static void add_file(struct tree *t, const char *path)
{
	struct entry *e = tree_add(t, path, ENTRY_FILE);

	e->mode = 0644;
	e->content = (struct digest){ .bytes = { 1 } };
}

static void the_directory_is_made_for_us_alone(void **state)
{
	struct state s, again = STATE_INIT;
	struct err e = { 0 };
	struct stat st;

	(void)state;
	open_fresh(&s);
	assert_int_equal(fstat(s.dir, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	assert_int_equal(fstatat(s.dir, "manifests", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	assert_int_equal(state_open(&again, s.path, &e), 0);
	state_close(&again);
	assert_int_equal(state_open_existing(&again, s.path, &e), 0);
	state_close(&again);
	state_close(&s);
	assert_int_equal(s.dir, -1);
	assert_null(s.path);
	state_close(&s);
}

static void what_is_not_there_is_not_made(void **state)
{
	owned char *path = state_default_path(unit_directory());
	struct state s = STATE_INIT;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(state_open_existing(&s, path, &e), 1);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(s.dir, -1);
}

static void a_link_or_file_in_its_place_is_refused(void **state)
{
	owned char *base = mem_copy(unit_directory());
	owned char *link = mem_format("%s/link", base), *file = mem_format("%s/file", base);
	owned char *below = mem_format("%s/none/state", base);
	struct state s = STATE_INIT;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(symlink(base, link), 0);
	assert_int_equal(state_open(&s, link, &e), -1);
	assert_true(e.sys == ELOOP || e.sys == ENOTDIR);
	assert_int_equal(io_replace_file(AT_FDCWD, file, "x", 1, &e), 0);
	assert_int_equal(state_open(&s, file, &e), -1);
	assert_int_equal(e.sys, ENOTDIR);
	assert_int_equal(state_open(&s, below, &e), -1);
	assert_int_equal(e.sys, ENOENT);
	assert_int_equal(s.dir, -1);
}

static bool is_cut_off(const struct state *s)
{
	struct record published, cut_off;
	struct err e = { 0 };

	assert_int_equal(state_load(s, &published, &cut_off, &e), 0);
	return cut_off.digest[0];
}

static void there_is_nothing_at_first(void **state)
{
	struct state s;
	struct list digests = { 0 };
	struct tree t = { 0 };
	struct err e = { 0 };

	(void)state;
	open_fresh(&s);
	assert_string_equal(state_published(&s).digest, "");
	assert_false(is_cut_off(&s));
	assert_string_equal(state_acknowledged(&s).digest, "");
	assert_int_equal(state_manifests(&s, &digests, &e), 0);
	assert_int_equal(digests.count, 0);
	assert_int_equal(state_manifest(&s, DIGEST_A, &t, &e), -1);
	assert_int_equal(e.sys, ENOENT);
	assert_int_equal(state_commit(&s, &e), -1);
	assert_int_equal(e.sys, ENOENT);
	state_close(&s);
}

static char *begin(struct state *s, const char *path, int64_t serial)
{
	struct tree t = { 0 };
	char *digest = mem_alloc(DIGEST_TEXT_SIZE);
	struct err e = { 0 };

	add_file(&t, path);
	struct digest d = tree_digest(&t);
	(void)digest_text(&d, digest);
	struct record r = record_of(digest, serial);
	assert_int_equal(state_begin(s, &r, &t, &e), 0);
	tree_done(&t);
	return digest;
}

static void a_publication_is_begun_and_committed(void **state)
{
	struct state s;
	struct err e = { 0 };
	struct tree t = { 0 };

	(void)state;
	open_fresh(&s);
	owned char *digest = begin(&s, "a", 1);
	assert_true(is_cut_off(&s));
	assert_string_equal(state_published(&s).digest, "");
	assert_int_equal(state_commit(&s, &e), 0);
	struct record r = state_published(&s);
	assert_record(&r, digest, 1);
	assert_false(is_cut_off(&s));
	assert_int_equal(state_manifest(&s, digest, &t, &e), 0);
	assert_int_equal(t.count, 1);
	assert_string_equal(tree_path(&t, &t.entries[0]), "a");
	tree_done(&t);
	state_close(&s);
}

static void a_cut_off_publication_leaves_the_old_one(void **state)
{
	struct state s;
	struct err e = { 0 };
	struct list digests = { 0 };

	(void)state;
	open_fresh(&s);
	owned char *old = begin(&s, "a", 1);
	assert_int_equal(state_commit(&s, &e), 0);
	owned char *new = begin(&s, "b", 2);
	struct record r = state_published(&s);
	assert_record(&r, old, 1);
	assert_true(is_cut_off(&s));
	assert_int_equal(state_manifests(&s, &digests, &e), 0);
	assert_int_equal(digests.count, 2);
	list_clear(&digests);
	state_tidy(&s, new);
	assert_int_equal(state_manifests(&s, &digests, &e), 0);
	assert_int_equal(digests.count, 1);
	assert_string_equal(digests.items[0], new);
	list_clear(&digests);
	state_close(&s);
}

static void an_acknowledgement_is_kept(void **state)
{
	struct state s;
	struct record published = record_of(DIGEST_A, 7);
	struct err e = { 0 };

	(void)state;
	open_fresh(&s);
	assert_int_equal(state_acknowledge(&s, &published, &e), 0);
	struct record r = state_acknowledged(&s);
	assert_string_equal(r.digest, DIGEST_A);
	assert_int_equal(r.serial, 7);
	assert_int_equal(strlen(r.at), 24);
	assert_string_not_equal(r.at, published.at);
	assert_string_equal(state_published(&s).digest, "");
	state_close(&s);
}

static struct record record_from(const char *text)
{
	struct state s;
	struct err e = { 0 };

	open_fresh(&s);
	assert_int_equal(io_replace_file(s.dir, "published.json", text, strlen(text), &e), 0);
	struct record r = state_published(&s);
	state_close(&s);
	return r;
}

static void a_damaged_record_is_as_good_as_none(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"null",
		"{}",
		"{\"digest\":7,\"serial\":1}",
		"{\"digest\":\"\",\"serial\":1}",
		"{\"digest\":\"0011\",\"serial\":1}",
		"{\"digest\":\"" DIGEST_A "0\",\"serial\":1}",
		"{\"digest\":\"../../etc/passwd/aaaaaaaaaaaaaaa\",\"serial\":1}",
		"{\"digest\":\"" DIGEST_A "\",\"serial\":1",
		"{\"digest\":\"" DIGEST_A "\",\"serial\":1} x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct record r = record_from(bad[i]);

		assert_string_equal(r.digest, "");
		assert_int_equal(r.serial, 0);
	}
	owned char *large = mem_format("{\"digest\":\"" DIGEST_A "\"}%5000s", "");
	assert_string_equal(record_from(large).digest, "");
}

static void a_record_with_the_least_is_one(void **state)
{
	struct record r = record_from("{\"digest\":\"" DIGEST_B "\"}");

	(void)state;
	assert_string_equal(r.digest, DIGEST_B);
	assert_int_equal(r.serial, 0);
	assert_int_equal(r.files, 0);
	assert_string_equal(r.at, "");
	r = record_from("{\"digest\":\"" DIGEST_B "\",\"serial\":-5,\"files\":\"x\",\"at\":"
			"\"0123456789012345678901234567890123456789\"}");
	assert_int_equal(r.serial, 0);
	assert_int_equal(r.files, 0);
	assert_true(strlen(r.at) < sizeof(r.at));
}

/* A number that no integer holds must not become a negative one. */
static void an_impossible_serial_is_damage(void **state)
{
	static const char *const numbers[] = { "1e300", "1e999", "9223372036854775808" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		owned char *text =
			mem_format("{\"digest\":\"" DIGEST_A "\",\"serial\":%s}", numbers[i]);
		struct record r = record_from(text);

		assert_true(r.serial >= 0);
	}
}

static void the_lock_is_held_once(void **state)
{
	struct state one, other = STATE_INIT;
	struct err e = { 0 };

	(void)state;
	open_fresh(&one);
	assert_int_equal(state_open(&other, one.path, &e), 0);
	assert_int_equal(state_try_lock(&one, &e), 0);
	assert_true(one.lock >= 0);
	assert_int_equal(state_try_lock(&other, &e), 1);
	assert_int_equal(other.lock, -1);
	/* A child's copy is the same open file: the lock goes when both are closed. */
	struct state child = STATE_INIT;
	state_adopt_lock(&child, dup(one.lock));
	state_close(&one);
	assert_int_equal(state_try_lock(&other, &e), 1);
	state_close(&child);
	assert_int_equal(state_try_lock(&other, &e), 0);
	state_close(&other);
}

static void a_link_is_no_lock(void **state)
{
	struct state s;
	struct err e = { 0 };

	(void)state;
	open_fresh(&s);
	assert_int_equal(symlinkat("elsewhere", s.dir, "lock"), 0);
	assert_int_equal(state_try_lock(&s, &e), -1);
	assert_int_equal(e.sys, ELOOP);
	state_close(&s);
}

static void a_damaged_manifest_is_an_error(void **state)
{
	struct state s;
	struct tree t = { 0 };
	struct err e = { 0 };

	(void)state;
	open_fresh(&s);
	assert_int_equal(io_replace_file(s.dir, "manifests/" DIGEST_A, "x", 1, &e), 0);
	assert_int_equal(state_manifest(&s, DIGEST_A, &t, &e), -1);
	assert_string_equal(e.text,
			    "'manifests/" DIGEST_A "': it is not a manifest of this program");
	state_close(&s);
}

/* Cut between two entries, or of another version: its digest is not the one in its name. */
static void a_manifest_of_another_tree_is_an_error(void **state)
{
	struct state s;
	struct tree t = { 0 };
	struct err e = { 0 };

	(void)state;
	open_fresh(&s);
	owned char *digest = begin(&s, "a", 1);
	owned char *from = mem_format("manifests/%s", digest);
	assert_int_equal(renameat(s.dir, from, s.dir, "manifests/" DIGEST_A), 0);
	int status = state_manifest(&s, DIGEST_A, &t, &e);
	tree_done(&t);
	state_close(&s);
	assert_int_equal(status, -1);
}

static void digest_number(unsigned number, char text[DIGEST_TEXT_SIZE])
{
	(void)snprintf(text, DIGEST_TEXT_SIZE, "%032x", number);
}

static void what_was_rejected_is_known_until_it_is_forgiven(void **state)
{
	struct state s;
	struct err e = { 0 };

	(void)state;
	open_fresh(&s);
	assert_false(state_has_rejected(&s));
	assert_int_equal(state_reject(&s, "", &e), 0);
	assert_false(state_has_rejected(&s));
	assert_int_equal(state_reject(&s, DIGEST_A, &e), 0);
	assert_int_equal(state_reject(&s, DIGEST_A, &e), 0);
	assert_true(state_has_rejected(&s));
	assert_true(state_is_rejected(&s, DIGEST_A));
	assert_false(state_is_rejected(&s, DIGEST_B));
	assert_false(state_is_rejected(&s, ""));
	assert_int_equal(state_reject(&s, DIGEST_B, &e), 0);
	assert_true(state_is_rejected(&s, DIGEST_A) && state_is_rejected(&s, DIGEST_B));
	state_forgive(&s);
	assert_false(state_has_rejected(&s));
	assert_false(state_is_rejected(&s, DIGEST_A));
	state_forgive(&s);
	state_close(&s);
}

static void of_very_many_rejected_ones_the_oldest_go(void **state)
{
	char text[DIGEST_TEXT_SIZE];
	struct state s;
	struct err e = { 0 };

	(void)state;
	open_fresh(&s);
	for (unsigned i = 1; i <= 150; i++) {
		digest_number(i, text);
		assert_int_equal(state_reject(&s, text, &e), 0);
		assert_true(state_is_rejected(&s, text));
	}
	for (unsigned i = 1; i <= 150; i++) {
		digest_number(i, text);
		assert_int_equal(state_is_rejected(&s, text), i > 50);
	}
	state_close(&s);
}

static void a_label_is_changed_without_a_publication(void **state)
{
	struct state s;
	struct err e = { 0 };

	(void)state;
	open_fresh(&s);
	owned char *digest = begin(&s, "a", 4);
	assert_int_equal(state_commit(&s, &e), 0);
	struct record r = state_published(&s);
	(void)snprintf(r.label, sizeof(r.label), "v1.0");
	assert_int_equal(state_relabel(&s, &r, &e), 0);
	r = state_published(&s);
	assert_string_equal(r.label, "v1.0");
	assert_record(&r, digest, 4);
	assert_false(is_cut_off(&s));
	state_close(&s);
}

static void it_is_tidy_with_one_manifest_and_nothing_of_a_crash(void **state)
{
	struct state s;
	struct err e = { 0 };

	(void)state;
	open_fresh(&s);
	assert_false(state_is_tidy(&s, DIGEST_A));
	owned char *digest = begin(&s, "a", 1);
	assert_false(state_is_tidy(&s, digest));
	assert_int_equal(state_commit(&s, &e), 0);
	assert_true(state_is_tidy(&s, digest));
	assert_false(state_is_tidy(&s, DIGEST_A));
	assert_int_equal(mkdirat(s.dir, STATE_STAGE, 0700), 0);
	assert_false(state_is_tidy(&s, digest));
	assert_int_equal(unlinkat(s.dir, STATE_STAGE, AT_REMOVEDIR), 0);
	assert_int_equal(state_begin_migration(&s, &e), 0);
	assert_true(state_is_migrating(&s));
	assert_false(state_is_tidy(&s, digest));
	assert_int_equal(state_end_migration(&s, &e), 0);
	assert_false(state_is_migrating(&s));
	assert_int_equal(state_end_migration(&s, &e), -1);
	owned char *other = begin(&s, "b", 2);
	assert_false(state_is_tidy(&s, digest));
	struct record cut_off = record_of(other, 2);
	assert_int_equal(state_abandon(&s, &cut_off, &e), 0);
	assert_true(state_is_tidy(&s, digest));
	assert_int_equal(state_abandon(&s, &cut_off, &e), 0);
	state_close(&s);
}

/* To what is published already: its manifest is not only the cut off one's. */
static void the_published_manifest_is_not_abandoned(void **state)
{
	struct state s;
	struct err e = { 0 };

	(void)state;
	open_fresh(&s);
	owned char *digest = begin(&s, "a", 1);
	assert_int_equal(state_commit(&s, &e), 0);
	owned char *same = begin(&s, "a", 2);
	struct record cut_off = record_of(same, 2);
	assert_int_equal(state_abandon(&s, &cut_off, &e), 0);
	assert_true(state_is_tidy(&s, digest));
	state_close(&s);
}

static void it_moves_with_its_lock(void **state)
{
	owned char *base = mem_copy(unit_directory());
	owned char *path = mem_format("%s/one", base), *to = mem_format("%s/two", base);
	struct state s = STATE_INIT, other = STATE_INIT;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(state_open(&s, path, &e), 0);
	assert_int_equal(state_try_lock(&s, &e), 0);
	owned char *digest = begin(&s, "a", 1);
	assert_int_equal(state_move(&s, to, &e), 0);
	assert_string_equal(s.path, to);
	assert_int_equal(state_commit(&s, &e), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(state_open(&other, to, &e), 0);
	assert_string_equal(state_published(&other).digest, digest);
	assert_int_equal(state_try_lock(&other, &e), 1);
	state_close(&other);
	owned char *nowhere = mem_format("%s/none/x", base);
	assert_int_equal(state_move(&s, nowhere, &e), -1);
	assert_string_equal(s.path, to);
	state_close(&s);
}

int test_state(void);

int test_state(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_directory_is_made_for_us_alone),
		cmocka_unit_test(what_is_not_there_is_not_made),
		cmocka_unit_test(a_link_or_file_in_its_place_is_refused),
		cmocka_unit_test(there_is_nothing_at_first),
		cmocka_unit_test(a_publication_is_begun_and_committed),
		cmocka_unit_test(a_cut_off_publication_leaves_the_old_one),
		cmocka_unit_test(an_acknowledgement_is_kept),
		cmocka_unit_test(a_damaged_record_is_as_good_as_none),
		cmocka_unit_test(a_record_with_the_least_is_one),
		cmocka_unit_test(an_impossible_serial_is_damage),
		cmocka_unit_test(the_lock_is_held_once),
		cmocka_unit_test(a_link_is_no_lock),
		cmocka_unit_test(a_damaged_manifest_is_an_error),
		cmocka_unit_test(a_manifest_of_another_tree_is_an_error),
		cmocka_unit_test(what_was_rejected_is_known_until_it_is_forgiven),
		cmocka_unit_test(of_very_many_rejected_ones_the_oldest_go),
		cmocka_unit_test(a_label_is_changed_without_a_publication),
		cmocka_unit_test(it_is_tidy_with_one_manifest_and_nothing_of_a_crash),
		cmocka_unit_test(the_published_manifest_is_not_abandoned),
		cmocka_unit_test(it_moves_with_its_lock),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
