/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool: the same work on many indexes, by a few threads. Each begins far from the others, for
 * neighbours share a directory, which lets one thread at a time make names in it; who is done with
 * a part helps in the others.
 *
 * The caller is one of the threads; the others live for one pool_run(), and have all signals but
 * the faults blocked. With one thread, one chunk, or no room for threads (a pids limit) the caller
 * does it all. The work runs at the same time as itself: it writes only what belongs to its index
 * or its worker, and does not log.
 */
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define POOL_MOST 8

struct pool_job {
	size_t count;   /* work is called once for each index from 0 on */
	size_t chunk;   /* neighbours that one thread takes at a time: they share a directory */
	size_t threads; /* with the caller; never more than POOL_MOST */
	int (*work)(void *owner, void *worker, size_t index, struct err *e);
	void *owner;
	void *workers; /* an array of as many as threads, each for one thread; or NULL */
	size_t worker_size;
};

/*
 * -1 with the failure of the smallest index that failed, however the threads ran: all before it is
 * done, what comes after it may be undone or done.
 */
int pool_run(const struct pool_job *job, struct err *e);

/* wanted, or for 0 as many as this process has CPUs (sched_getaffinity(2)), at most POOL_MOST. */
size_t pool_threads(int64_t wanted);
