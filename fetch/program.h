/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program: runs another program to its end or the deadline, whichever is first.
 *
 * It has a process group of its own, which is killed with the deadline and with us; what it has
 * started is killed when it has ended, wherever that has gone. Our environment is its environment,
 * with changes.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct list;

#define PROGRAM_SAID_MOST 2048 /* the last bytes of what it says */

struct program_plan {
	const char *const *argv;
	const struct list *environment; /* "NAME=VALUE"; "NAME" and "NAME*" are gone; or NULL */
	int directory;                  /* 0: ours */
	int pass;                       /* a descriptor that stays open; 0: none */
	int in;                         /* becomes its stdin; 0: nothing can be read there */
	int64_t deadline;               /* as clock_ms() counts */
	struct buf *out;                /* its stdout; NULL: told with stderr */
	/* Instead of out, each piece of it; -1 ends the program. NULL: none. */
	int (*take)(void *owner, const char *bytes, size_t count, struct err *e);
	/* Now and then while it runs; -1 ends it. NULL: none. */
	int (*check)(void *owner, struct err *e);
	void *owner; /* of both */
};

struct program_end {
	int status; /* 128 + signal */
	char said[PROGRAM_SAID_MOST + 1];
};

/*
 * 0 when it has ended with 0. -1 with e when it could not be started, did not end in time
 * (ERR_DEADLINE), said more than out can hold, or ended with something else (ERR_REMOTE), and
 * then with the last lines it said.
 */
int program_run(const struct program_plan *plan, struct program_end *ret, struct err *e);

/* Changes by which nothing of our environment is left but what finds programs and servers. */
void program_bare(struct list *changes);

/* A file that only we and our children have, to be read from its beginning: "/proc/self/fd/N". */
int program_secret(const char *text, int *ret_fd, struct err *e);
