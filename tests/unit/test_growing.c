/* SPDX-License-Identifier: Apache-2.0 */
/* A writer and a reader in two processes, by the file and by the ring. */
#include "tests/unit/unit.h"

#include "base/fd.h"
#include "fetch/growing.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILED ((int64_t)100000)
#define WHOLE ((int64_t)GROWING_RING * 5 + 12345)
#define PIECE 70001 /* prime to all sizes of rings */

static struct growing *new_growing(void)
{
	void *g = mmap(NULL, sizeof(struct growing), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(g != MAP_FAILED);
	return g;
}

static unsigned char byte_at(int64_t n)
{
	return (unsigned char)(n * 7 + n / 251);
}

static _Noreturn void write_all(struct growing *g)
{
	unsigned char piece[PIECE];

	growing_has(g, FILED);
	for (int64_t n = FILED; n < WHOLE;) {
		size_t count = WHOLE - n < PIECE ? (size_t)(WHOLE - n) : PIECE;

		for (size_t i = 0; i < count; i++)
			piece[i] = byte_at(n + (int64_t)i);
		while (!growing_await_room(g, n + (int64_t)count - 1))
			continue;
		growing_put(g, n, piece, count);
		n += (int64_t)count;
		growing_has(g, n);
	}
	growing_end(g);
	_exit(0);
}

static bool are_right(const unsigned char *bytes, int64_t n, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes[i] != byte_at(n + (int64_t)i))
			return false;
	return true;
}

static void all_comes_through_the_ring(void **state)
{
	struct growing *g = new_growing();
	int64_t n = 0;

	(void)state;
	growing_straight(g);
	assert_true(growing_use_ring(g, FILED, WHOLE));
	assert_true(growing_expect(g, 0) == WHOLE);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		write_all(g);
	while (growing_wait(g, n)) {
		size_t count = 50021;
		const void *at = growing_at(g, n, &count);

		assert_true(count > 0 && count <= 50021);
		assert_true((at == NULL) == (n < FILED));
		assert_true(n >= FILED || n + (int64_t)count <= FILED);
		if (at)
			assert_true(are_right(at, n, count));
		n += (int64_t)count;
		growing_take(g, n);
	}
	assert_true(n == WHOLE);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(munmap(g, sizeof(*g)), 0);
}

static void a_full_ring_is_waited_for_until_the_reader_leaves(void **state)
{
	struct growing *g = new_growing();
	const int64_t last = (int64_t)GROWING_RING - 1;

	(void)state;
	assert_true(growing_await_room(g, last));
	assert_false(growing_await_room(g, last + 1));
	growing_take(g, 1);
	assert_true(growing_await_room(g, last + 1));
	assert_false(growing_await_room(g, last + 2));
	growing_leave(g);
	assert_true(growing_await_room(g, last + 2));
	assert_int_equal(munmap(g, sizeof(*g)), 0);
}

static void who_asks_how_much_there_will_be_is_told_when_it_is_known(void **state)
{
	struct growing *g = new_growing();
	int status;

	(void)state;
	growing_has(g, FILED);
	growing_straight(g);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(20);
		_exit(growing_expect(g, FILED) != WHOLE);
	}
	while (!g->more.sleeps)
		continue;
	assert_true(growing_use_ring(g, FILED, WHOLE));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(munmap(g, sizeof(*g)), 0);
}

static void who_may_go_back_needs_the_file(void **state)
{
	struct growing *g = new_growing();
	size_t count = 1000;

	(void)state;
	assert_false(growing_use_ring(g, FILED, WHOLE));
	growing_has(g, WHOLE);
	assert_null(growing_at(g, WHOLE - 10, &count));
	assert_int_equal(count, 10);
	assert_true(growing_expect(g, WHOLE - 1) == WHOLE);
	growing_end(g);
	assert_false(growing_wait(g, WHOLE));
	assert_true(growing_expect(g, WHOLE) == WHOLE);
	assert_int_equal(munmap(g, sizeof(*g)), 0);
}

int test_growing(void);

int test_growing(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_comes_through_the_ring),
		cmocka_unit_test(a_full_ring_is_waited_for_until_the_reader_leaves),
		cmocka_unit_test(who_asks_how_much_there_will_be_is_told_when_it_is_known),
		cmocka_unit_test(who_may_go_back_needs_the_file),
	};
	return cmocka_run_group_tests_name("growing", tests, NULL, NULL);
}
