/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that a thread digests, beside the same without one. */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "fetch/digester.h"

#include <stdlib.h>

#define BYTES ((size_t)3 * 1024 * 1024 + 17)

static char *some_bytes(void)
{
	char *bytes = mem_alloc(BYTES);

	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (char)(i * 31 + i / 1021);
	return bytes;
}

static struct trust_digest digest_of(const char *bytes, size_t count)
{
	struct trust_stream *s = trust_stream_new();

	trust_add(s, bytes, count);
	struct trust_digest d = trust_result(s);
	trust_stream_free(s);
	return d;
}

static void expect_same(struct digester *d, const char *bytes, size_t count)
{
	const struct trust_digest got = digester_result(d), wanted = digest_of(bytes, count);

	assert_true(trust_equal(&got, &wanted));
}

static void pieces_of_any_size(void **state)
{
	static const size_t sizes[] = { 1021, 65536, 262144, 1000003, BYTES };
	owned char *bytes = some_bytes();

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct digester *d = digester_new();

		for (size_t at = 0; at < BYTES; at += sizes[i])
			digester_add(d, bytes + at, BYTES - at < sizes[i] ? BYTES - at : sizes[i]);
		expect_same(d, bytes, BYTES);
		digester_free(d);
	}
}

static void a_result_in_the_middle(void **state)
{
	owned char *bytes = some_bytes();
	struct digester *d = digester_new();

	(void)state;
	expect_same(d, bytes, 0);
	digester_add(d, bytes, 1000);
	expect_same(d, bytes, 1000);
	digester_add(d, bytes + 1000, 1500000);
	expect_same(d, bytes, 1501000);
	digester_add(d, bytes + 1501000, BYTES - 1501000);
	expect_same(d, bytes, BYTES);
	digester_free(d);
}

static void given_up_at_any_time(void **state)
{
	owned char *bytes = some_bytes();

	(void)state;
	digester_free(NULL);
	for (size_t count = 0; count <= BYTES; count += BYTES / 8) {
		struct digester *d = digester_new();

		digester_add(d, bytes, count);
		digester_free(d);
	}
}

int test_digester(void);

int test_digester(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_of_any_size),
		cmocka_unit_test(a_result_in_the_middle),
		cmocka_unit_test(given_up_at_any_time),
	};
	return cmocka_run_group_tests_name("digester", tests, NULL, NULL);
}
