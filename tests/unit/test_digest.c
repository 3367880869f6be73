/* SPDX-License-Identifier: Apache-2.0 */
/* Expected values are from `xxhsum -H2` of Debian's xxhash 0.8.1. */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/digest.h"

#include <string.h>

static void assert_digest(const void *bytes, size_t count, const char *expected)
{
	struct digest_stream *s = digest_new();
	char text[DIGEST_TEXT_SIZE];

	digest_add(s, bytes, count);
	struct digest d = digest_result(s);
	digest_free(s);
	assert_string_equal(digest_text(&d, text), expected);
}

/* What seq(1) prints. */
static void add_numbers(struct buf *b, int last)
{
	for (int i = 1; i <= last; i++)
		assert_int_equal(buf_add_format(b, "%d\n", i), 0);
}

static void known_values(void **state)
{
	owned_buf b = BUF_INIT(1000000);

	(void)state;
	assert_digest("", 0, "99aa06d3014798d86001c324468d497f");
	assert_digest("a", 1, "a96faf705af16834e6c632b61e964e1f");
	assert_digest("abc", 3, "06b05ab6733a618578af5f94892f3950");
	add_numbers(&b, 100000);
	assert_int_equal(b.length, 588895);
	assert_digest(b.data, 200, "45d2cc04f482c901c2485ff6dc0d51a1");
	assert_digest(b.data, b.length, "a6bb1ae3f57b6a512881c59907229fa4");
}

static void pieces_make_the_same(void **state)
{
	owned_buf b = BUF_INIT(1000000);
	struct digest_stream *s = digest_new();
	char text[DIGEST_TEXT_SIZE];

	(void)state;
	add_numbers(&b, 100000);
	digest_add(s, "of something else", 17);
	digest_reset(s);
	for (size_t at = 0, step = 1; at < b.length; at += step, step = step * 3 % 4093 + 1) {
		size_t left = b.length - at;

		digest_add(s, b.data + at, step < left ? step : left);
	}
	struct digest d = digest_result(s), same = digest_result(s);
	digest_free(s);
	assert_string_equal(digest_text(&d, text), "a6bb1ae3f57b6a512881c59907229fa4");
	assert_true(digest_equal(&d, &same));
}

static void texts_are_read_back(void **state)
{
	static const char known[] = "06b05ab6733a618578af5f94892f3950";
	char text[DIGEST_TEXT_SIZE];
	struct digest d, upper;

	(void)state;
	assert_true(digest_parse(known, &d));
	assert_int_equal(d.bytes[0], 0x06);
	assert_int_equal(d.bytes[15], 0x50);
	assert_ptr_equal(digest_text(&d, text), text);
	assert_string_equal(text, known);
	assert_true(digest_parse("06B05AB6733A618578AF5F94892F3950", &upper));
	assert_true(digest_equal(&d, &upper));
	upper.bytes[15] ^= 1;
	assert_false(digest_equal(&d, &upper));
}

static void other_texts_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"06b05ab6733a618578af5f94892f395",
		"06b05ab6733a618578af5f94892f39500",
		"06b05ab6733a618578af5f94892f395g",
		" 6b05ab6733a618578af5f94892f3950",
		"06b05ab6733a618578af5f94892f395 ",
		"0x6b05ab6733a618578af5f94892f395",
		"06b05ab6733a6185/8af5f94892f3950",
		"06b05ab6733a6185:8af5f94892f3950",
		"06b05ab6733a6185@8af5f94892f3950",
		"06b05ab6733a6185`8af5f94892f3950",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct digest d = { .bytes = { 7 } };

		assert_false(digest_parse(bad[i], &d));
		assert_int_equal(d.bytes[0], 7);
	}
}

static void freeing_nothing_is_fine(void **state)
{
	(void)state;
	digest_free(NULL);
}

int test_digest(void);

int test_digest(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values),
		cmocka_unit_test(pieces_make_the_same),
		cmocka_unit_test(texts_are_read_back),
		cmocka_unit_test(other_texts_are_refused),
		cmocka_unit_test(freeing_nothing_is_fine),
	};

	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
