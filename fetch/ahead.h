/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ahead: an archive is unpacked by a process of its own, while it still comes.
 *
 * It reads behind who writes the file. What an archive does to it, be it memory that runs out or
 * worse, ends that process and no other; and it ends when we do.
 */
#pragma once

#include "base/err.h"
#include "fetch/unpack.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ahead_shared;

struct ahead {
	pid_t pid; /* 0: none runs */
	struct ahead_shared *shared;
	int64_t told;
	bool gone; /* it ended without a word */
};

struct ahead_plan {
	int archive;      /* its offset stays */
	const char *name; /* for errors */
	int tree;         /* an empty directory */
	struct unpack_limits most;
	int64_t deadline; /* as clock_ms() counts */
};

/* The caller's descriptors stay the caller's. */
int ahead_start(struct ahead *a, const struct ahead_plan *plan, struct err *e);

/* So many bytes of it are there. */
void ahead_has(struct ahead *a, int64_t length);

/* What follows the first filed bytes of all comes by ahead_put(). False: the file has to have it.
 */
bool ahead_use_ring(struct ahead *a, int64_t filed, int64_t whole);

/* Bytes from n on, after it has waited for room; what nobody needs any more is left out. */
int ahead_put(struct ahead *a, int64_t n, const void *bytes, size_t count, int64_t deadline,
	      struct err *e);

/* All of it is there, length bytes; what unpack() says of it. */
int ahead_await(struct ahead *a, int64_t length, struct err *e);

/* It is of no use; nothing when none runs. Afterwards nobody writes to the tree. */
void ahead_stop(struct ahead *a);
