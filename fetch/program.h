/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program: runs another program to its end or the deadline, whichever is first.
 *
 * It has a process group of its own, which is killed with the deadline and with us. Our environment
 * is its environment, with changes.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
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

/* A file that only we and our children have, to be read from its beginning: "/proc/self/fd/N". */
int program_secret(const char *text, int *ret_fd, struct err *e);
