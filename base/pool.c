/* SPDX-License-Identifier: Apache-2.0 */
/* pool: see pool.h. */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

/* glibc would reserve 8 MB for each. */
#define POOL_STACK (256UL * 1024)

/* Chunks that are taken in order. */
struct lane {
	atomic_size_t next; /* the one that nobody has taken */
	size_t end;
};

/* What the threads of one pool_run() share. */
struct pool {
	const struct pool_job *job;
	size_t chunk;
	struct lane lanes[POOL_MOST];
	size_t lane_count;    /* as many as there should be threads */
	atomic_size_t failed; /* the smallest index that failed; count while none did */
	pthread_mutex_t lock; /* for changes of failed, and for failure */
	struct err failure;
};

struct member {
	struct pool *pool;
	void *worker;
	size_t lane; /* to begin with */
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

/*
 * Chunks are taken in order. After a failure only what is before it is gone on with: in the end all
 * of that is done.
 */
static void follow_lane(struct pool *p, struct lane *lane, void *worker)
{
	for (;;) {
		size_t taken = atomic_fetch_add(&lane->next, 1);

		if (taken >= lane->end || taken * p->chunk >= atomic_load(&p->failed))
			return;
		do_chunk(p, worker, taken * p->chunk);
	}
}

static void *take_part(void *argument)
{
	struct member *m = argument;
	struct pool *p = m->pool;

	for (size_t i = 0; i < p->lane_count; i++)
		follow_lane(p, &p->lanes[(m->lane + i) % p->lane_count], m->worker);
	return NULL;
}

static void make_lanes(struct pool *p, size_t chunks, size_t count)
{
	p->lane_count = count;
	for (size_t i = 0; i < count; i++) {
		atomic_init(&p->lanes[i].next, chunks / count * i);
		p->lanes[i].end = i + 1 < count ? chunks / count * (i + 1) : chunks;
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
	size_t threads, chunks, helpers;

	if (!job->count)
		return 0;
	pool.chunk = job->chunk ? job->chunk : 1;
	chunks = (job->count - 1) / pool.chunk + 1;
	atomic_init(&pool.failed, job->count);
	threads = least(least(job->threads ? job->threads : 1, POOL_MOST), chunks);
	make_lanes(&pool, chunks, threads);
	for (size_t i = 0; i < POOL_MOST; i++) {
		members[i].pool = &pool;
		/* The caller, who is the last, begins with 0. */
		members[i].lane = i + 1 < threads ? i + 1 : 0;
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
