/* SPDX-License-Identifier: Apache-2.0 */
/* bench: sources "a", "b" and "c" that say what a test says, when it says so. */
#pragma once

#include "probe/condition.h"

#define BENCH_SOURCES 3
#define BENCH_STALE_MS 3500 /* three times every, and timeout */

struct bench {
	struct source_settings settings[BENCH_SOURCES];
	struct source sources[BENCH_SOURCES];
	bool used[BENCH_SOURCES];
	struct condition_names names;
	int64_t now;
	bool direct;
};

/* *b must not move. */
void bench_init(struct bench *b);

struct condition_view bench_view(const struct bench *b);

/* A look that took so long ends now; text NULL: it is unknown. */
void bench_say(struct bench *b, size_t i, int64_t took, const char *text);
