/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 against the examples of FIPS 180; what openssl signs is in fetch_verify.bats. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "fetch/trust.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static const char of_nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char of_abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char of_two_blocks[] =
	"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
static const char of_million_a[] =
	"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void expect_digest(const struct trust_digest *d, const char *text)
{
	char got[TRUST_TEXT_SIZE];

	assert_string_equal(trust_text(d, got), text);
}

/* Both ways, if this machine has both. */
static struct trust_stream *new_stream(bool in_c)
{
	struct trust_stream *s = trust_stream_new();

	if (in_c)
		trust_stream_in_c(s);
	return s;
}

static void expect_of(const char *bytes, const char *text)
{
	for (int in_c = 0; in_c < 2; in_c++) {
		struct trust_stream *s = new_stream(in_c);

		trust_add(s, bytes, strlen(bytes));
		struct trust_digest d = trust_result(s);
		expect_digest(&d, text);
		trust_stream_free(s);
	}
}

static void examples(void **state)
{
	(void)state;
	expect_of("", of_nothing);
	expect_of("abc", of_abc);
	expect_of(two_blocks, of_two_blocks);
}

static void pieces_of_any_size(void **state)
{
	char piece[1000];

	(void)state;
	memset(piece, 'a', sizeof(piece));
	for (size_t size = 1; size <= sizeof(piece); size = size * 3 + 1) {
		struct trust_stream *s = trust_stream_new();
		size_t left = 1000000;

		for (; left >= size; left -= size)
			trust_add(s, piece, size);
		trust_add(s, piece, left);
		struct trust_digest d = trust_result(s);
		expect_digest(&d, of_million_a);
		trust_stream_free(s);
	}
}

static void every_length_is_as_in_c(void **state)
{
	unsigned char bytes[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7);
	for (size_t length = 0; length <= sizeof(bytes); length++) {
		struct trust_stream *s = trust_stream_new(), *other = new_stream(true);

		trust_add(s, bytes, length / 3);
		trust_add(s, bytes + length / 3, length - length / 3);
		trust_add(other, bytes, length);
		struct trust_digest d = trust_result(s), in_c = trust_result(other);
		assert_true(trust_equal(&d, &in_c));
		trust_stream_free(s);
		trust_stream_free(other);
	}
}

static void a_result_is_no_end(void **state)
{
	struct trust_stream *s = trust_stream_new();

	(void)state;
	struct trust_digest before = trust_result(s);
	trust_add(s, "a", 1);
	(void)trust_result(s);
	trust_add(s, "bc", 2);
	struct trust_digest d = trust_result(s);
	expect_digest(&before, of_nothing);
	expect_digest(&d, of_abc);
	assert_false(trust_equal(&d, &before));
	trust_stream_free(s);
}

static void a_file_from_its_beginning(void **state)
{
	owned char *path = mem_format("%s/file", unit_directory());
	owned_fd fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct trust_digest d;
	struct err e;

	(void)state;
	assert_int_equal(write(fd, "abc", 3), 3);
	assert_int_equal(trust_file(fd, &d, &e), 0);
	expect_digest(&d, of_abc);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 3);
	owned_fd directory = open("/", O_RDONLY | O_CLOEXEC);
	assert_int_equal(trust_file(directory, &d, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
}

static void digests_as_text(void **state)
{
	struct trust_digest d;

	(void)state;
	assert_true(trust_parse(of_abc, &d));
	expect_digest(&d, of_abc);
	assert_true(trust_parse("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
				&d));
	expect_digest(&d, of_abc);
	assert_false(trust_parse("", &d));
	assert_false(trust_parse(of_abc + 1, &d));
	assert_false(trust_parse("ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
				 &d));
	assert_false(trust_parse(
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0", &d));
	expect_digest(&d, of_abc);
}

int test_trust(void);

int test_trust(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples),
		cmocka_unit_test(pieces_of_any_size),
		cmocka_unit_test(every_length_is_as_in_c),
		cmocka_unit_test(a_result_is_no_end),
		cmocka_unit_test(a_file_from_its_beginning),
		cmocka_unit_test(digests_as_text),
	};
	return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
