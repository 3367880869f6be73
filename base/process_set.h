/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_set: which processes there are, to see that new ones have come: a server that has
 * reloaded has new workers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

#define PROCESS_SET_MOST 1024

struct process_id {
	pid_t pid;
	uint64_t
		start; /* in ticks since boot, field 22 of /proc/PID/stat: numbers are used again */
};

struct process_set {
	struct process_id *items;
	size_t count;
};

/*
 * All processes that the pattern of process.h matches, not just the topmost; of pidfile: the one it
 * names and its children. None at all is an empty set. Freed by process_set_done(). -1 with e when
 * they cannot be listed or are more than PROCESS_SET_MOST; the set is empty then.
 */
int process_set_take(int proc, const char *pattern, struct process_set *ret, struct err *e);

/* Whether after has one that before has not. */
bool process_set_has_new(const struct process_set *before, const struct process_set *after);

void process_set_done(struct process_set *s);
