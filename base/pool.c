/* SPDX-License-Identifier: Apache-2.0 */
/* pool: see pool.h. */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

/* glibc would reserve 8 MB for each. */
#define POOL_STACK (256UL * 1024)

/* What the threads of one pool_run() share. */
struct pool {
	const struct pool_job *job;
	size_t chunk, chunks;
	atomic_size_t next;   /* the chunk that nobody has taken */
	atomic_size_t failed; /* the smallest index that failed; count while none did */
	pthread_mutex_t lock; /* for changes of failed, and for failure */
	struct err failure;
};

struct member {
	struct pool *pool;
	void *worker;
	pthread_t thread;
};

static void note_failure(struct pool *p, size_t index, const struct err *e)
{
	(void)pthread_mutex_lock(&p->lock);
	if (index < atomic_load(&p->failed)) {
		atomic_store(&p->failed, index);
		p->failure = *e;
	}
	(void)pthread_mutex_unlock(&p->lock);
}

static void do_chunk(struct pool *p, void *worker, size_t from)
{
	const struct pool_job *job = p->job;
	size_t to = job->count - from < p->chunk ? job->count : from + p->chunk;
	struct err e = { 0 };

	for (size_t i = from; i < to && i < atomic_load(&p->failed); i++)
		if (job->work(job->owner, worker, i, &e) < 0) {
			note_failure(p, i, &e);
			return;
		}
}

/* Chunks are taken in order: what is before a failure is done, or somebody is at it. */
static void *take_part(void *argument)
{
	struct member *m = argument;
	struct pool *p = m->pool;

	for (;;) {
		size_t taken = atomic_fetch_add(&p->next, 1);

		if (taken >= p->chunks || taken * p->chunk >= atomic_load(&p->failed))
			return NULL;
		do_chunk(p, m->worker, taken * p->chunk);
	}
}

/* A blocked fault could not end the program, see base/signals.h. */
static void all_but_faults(sigset_t *set)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT };

	(void)sigfillset(set);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		(void)sigdelset(set, faults[i]);
}

/* Returns how many helpers it made; fewer than wanted is slower, not wrong. */
static size_t make_helpers(struct member *members, size_t wanted)
{
	pthread_attr_t attr;
	sigset_t blocked, before;
	size_t made = 0;

	if (!wanted || pthread_attr_init(&attr))
		return 0;
	(void)pthread_attr_setstacksize(&attr, POOL_STACK);
	/* They inherit the mask: no moment in which one could take a signal. */
	all_but_faults(&blocked);
	(void)pthread_sigmask(SIG_BLOCK, &blocked, &before);
	while (made < wanted &&
	       !pthread_create(&members[made].thread, &attr, take_part, &members[made]))
		made++;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	return made;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

int pool_run(const struct pool_job *job, struct err *e)
{
	struct pool pool = { .job = job, .lock = PTHREAD_MUTEX_INITIALIZER };
	struct member members[POOL_MOST];
	size_t threads, helpers;

	if (!job->count)
		return 0;
	pool.chunk = job->chunk ? job->chunk : 1;
	pool.chunks = (job->count - 1) / pool.chunk + 1;
	atomic_init(&pool.next, 0);
	atomic_init(&pool.failed, job->count);
	threads = least(least(job->threads ? job->threads : 1, POOL_MOST), pool.chunks);
	for (size_t i = 0; i < POOL_MOST; i++) {
		members[i].pool = &pool;
		members[i].worker = job->workers && i < threads
					    ? (char *)job->workers + i * job->worker_size
					    : NULL;
	}

	helpers = make_helpers(members, threads - 1);
	(void)take_part(&members[threads - 1]);
	for (size_t i = 0; i < helpers; i++)
		(void)pthread_join(members[i].thread, NULL);

	if (atomic_load(&pool.failed) == job->count)
		return 0;
	*e = pool.failure;
	return -1;
}

size_t pool_threads(int64_t wanted)
{
	/* One set ends at 1024 CPUs, and the call fails where there could be more. */
	cpu_set_t cpus[8];

	if (wanted > 0)
		return least((size_t)wanted, POOL_MOST);
	if (sched_getaffinity(0, sizeof(cpus), cpus) < 0)
		return 1;
	return least((size_t)CPU_COUNT_S(sizeof(cpus), cpus), POOL_MOST);
}
