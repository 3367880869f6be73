/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Makefile links with --wrap=pthread_create: how many threads this machine has left, or -1. */
static int threads_left = -1;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			  void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			  void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			  void *argument)
{
	if (!threads_left)
		return EAGAIN;
	if (threads_left > 0)
		threads_left--;
	return __real_pthread_create(thread, attr, start, argument);
}

/* More than there may be. */
#define WORKERS 16UL

/* The work of these tests; assertions are for the main thread only. */
struct task {
	atomic_uint *done; /* how often, for each index */
	size_t fails_from, fails_every;
	int64_t pause_ns;
	atomic_uint meeting; /* threads that arrived */
	unsigned expected;
	atomic_bool sees_signals;
};

struct worker {
	size_t done;
	bool busy, mixed;
	pthread_t thread;
};

static int work(void *owner, void *worker, size_t index, struct err *e)
{
	struct task *t = owner;
	struct worker *w = worker;

	if (w->busy || (w->done && !pthread_equal(w->thread, pthread_self())))
		w->mixed = true;
	w->busy = true;
	w->thread = pthread_self();
	w->done++;
	if (t->pause_ns) {
		struct timespec pause = { .tv_nsec = (long)(index * 7919 % 5) * t->pause_ns };

		(void)nanosleep(&pause, NULL);
	}
	atomic_fetch_add(&t->done[index], 1);
	w->busy = false;
	if (t->fails_every && index >= t->fails_from && !((index - t->fails_from) % t->fails_every))
		return err_set(e, ERR_REMOTE, "index %zu", index);
	return 0;
}

/* Everything is done exactly once, by workers that are each one thread's own. */
static void assert_all_done(size_t count, size_t chunk, size_t threads)
{
	owned atomic_uint *done = mem_alloc((count + 1) * sizeof(*done));
	struct task t = { .done = done };
	struct worker workers[WORKERS] = { 0 };
	struct pool_job job = { count, chunk, threads, work, &t, workers, sizeof(workers[0]) };
	struct err e = { 0 };
	size_t total = 0;

	assert_int_equal(pool_run(&job, &e), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(atomic_load(&done[i]), 1);
	assert_int_equal(atomic_load(&done[count]), 0);
	for (size_t i = 0; i < WORKERS; i++) {
		assert_false(workers[i].mixed);
		assert_true(!workers[i].done || i < (threads ? threads : 1));
		assert_true(!workers[i].done || i < POOL_MOST);
		total += workers[i].done;
	}
	assert_int_equal(total, count);
}

static void every_index_is_done_once(void **state)
{
	static const size_t counts[] = { 0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 1000 };
	static const size_t chunks[] = { 0, 1, 2, 3, 8, 64, 1000, 1001, SIZE_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (size_t j = 0; j < sizeof(chunks) / sizeof(chunks[0]); j++)
			for (size_t threads = 0; threads <= POOL_MOST + 2; threads++)
				assert_all_done(counts[i], chunks[j], threads);
}

static void the_smallest_failure_is_reported(void **state)
{
	enum { COUNT = 300 };
	owned atomic_uint *done = mem_alloc(COUNT * sizeof(*done));

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct task t = {
			.done = done,
			.fails_from = round * 37 % COUNT,
			.fails_every = 1 + round % 3,
			.pause_ns = round % 4 ? 20000 : 0,
		};
		struct worker workers[POOL_MOST] = { 0 };
		struct pool_job job = { COUNT, 1 + round % 7, 1 + round % POOL_MOST, work,
					&t,    workers,       sizeof(workers[0]) };
		struct err e = { 0 };
		char expected[32];

		memset(done, 0, COUNT * sizeof(*done));
		(void)snprintf(expected, sizeof(expected), "index %zu", t.fails_from);
		assert_int_equal(pool_run(&job, &e), -1);
		assert_string_equal(e.text, expected);
		assert_int_equal(e.kind, ERR_REMOTE);
		for (size_t i = 0; i < COUNT; i++)
			assert_true(i <= t.fails_from ? done[i] == 1 : done[i] <= 1);
	}
}

/* Nobody begins what comes after a failure: alone it shows exactly. */
static void a_failure_ends_it(void **state)
{
	atomic_uint done[100] = { 0 };
	struct task t = { .done = done, .fails_from = 41, .fails_every = 1 };
	struct worker worker = { 0 };
	struct pool_job job = { 100, 8, 1, work, &t, &worker, sizeof(worker) };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(pool_run(&job, &e), -1);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(atomic_load(&done[i]), i <= 41);
}

/* Returns when all are there, or after 10 s. */
static int meet(void *owner, void *worker, size_t index, struct err *e)
{
	struct task *t = owner;
	struct timespec pause = { .tv_nsec = 1000000 };
	sigset_t mask;

	(void)worker, (void)index, (void)e;
	(void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
	if (!sigismember(&mask, SIGTERM))
		atomic_store(&t->sees_signals, true);
	atomic_fetch_add(&t->meeting, 1);
	for (int i = 0; i < 10000 && atomic_load(&t->meeting) < t->expected; i++)
		(void)nanosleep(&pause, NULL);
	return 0;
}

static void threads_work_at_the_same_time(void **state)
{
	struct task t = { .expected = POOL_MOST };
	struct pool_job job = { POOL_MOST, 1, POOL_MOST, meet, &t, NULL, 0 };
	struct err e = { 0 };
	struct timespec before, after;

	(void)state;
	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(pool_run(&job, &e), 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec < 9);
	assert_int_equal(atomic_load(&t.meeting), POOL_MOST);
}

static void signals_are_for_the_caller(void **state)
{
	struct task t = { .expected = 4 };
	struct pool_job job = { 4, 1, 4, meet, &t, NULL, 0 };
	struct err e = { 0 };
	sigset_t term, before, after;

	(void)state;
	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &term, &before);
	assert_int_equal(pool_run(&job, &e), 0);
	assert_false(atomic_load(&t.sees_signals));
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);

	assert_int_equal(pool_run(&job, &e), 0);
	(void)pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_false(sigismember(&after, SIGTERM));
}

static void without_threads_it_is_only_slower(void **state)
{
	(void)state;
	for (threads_left = 0; threads_left < 4; threads_left++) {
		int left = threads_left;

		assert_all_done(1000, 3, 6);
		assert_int_equal(threads_left, 0);
		threads_left = left;
	}
	/* One thread, or one chunk, asks for none. */
	threads_left = 3;
	assert_all_done(1000, 3, 1);
	assert_all_done(1000, 1000, 4);
	assert_all_done(0, 1, 4);
	assert_int_equal(threads_left, 3);
	assert_all_done(1000, 500, 4);
	assert_int_equal(threads_left, 2);
	threads_left = -1;
}

static void as_many_threads_as_cpus(void **state)
{
	cpu_set_t kept, one;

	(void)state;
	assert_int_equal(pool_threads(1), 1);
	assert_int_equal(pool_threads(POOL_MOST), POOL_MOST);
	assert_int_equal(pool_threads(POOL_MOST + 1), POOL_MOST);
	assert_int_equal(pool_threads(INT64_MAX), POOL_MOST);
	assert_in_range(pool_threads(0), 1, POOL_MOST);

	assert_int_equal(sched_getaffinity(0, sizeof(kept), &kept), 0);
	CPU_ZERO(&one);
	for (int cpu = 0; !CPU_COUNT(&one); cpu++)
		if (CPU_ISSET(cpu, &kept))
			CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(pool_threads(0), 1);
	assert_int_equal(sched_setaffinity(0, sizeof(kept), &kept), 0);
}

int test_pool(void);

int test_pool(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_index_is_done_once),
		cmocka_unit_test(the_smallest_failure_is_reported),
		cmocka_unit_test(a_failure_ends_it),
		cmocka_unit_test(threads_work_at_the_same_time),
		cmocka_unit_test(signals_are_for_the_caller),
		cmocka_unit_test(without_threads_it_is_only_slower),
		cmocka_unit_test(as_many_threads_as_cpus),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
