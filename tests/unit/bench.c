/* SPDX-License-Identifier: Apache-2.0 */
/* bench: see bench.h. */
#include "tests/unit/bench.h"

#include <stdio.h>

void bench_init(struct bench *b)
{
	static char names[BENCH_SOURCES][2] = { "a", "b", "c" };

	*b = (struct bench){ .now = 1000 };
	b->names = (struct condition_names){ b->settings, BENCH_SOURCES, b->used };
	for (size_t i = 0; i < BENCH_SOURCES; i++) {
		b->settings[i].name = names[i];
		b->settings[i].every = 1000;
		b->settings[i].timeout = 500;
		b->sources[i].settings = &b->settings[i];
	}
}

struct condition_view bench_view(const struct bench *b)
{
	return (struct condition_view){ b->sources, b->now, b->direct };
}

void bench_say(struct bench *b, size_t i, int64_t took, const char *text)
{
	struct reading r = { .known = text != NULL, .from = b->now - took, .at = b->now };

	(void)snprintf(r.text, sizeof(r.text), "%s", text ? text : "");
	source_take(&b->sources[i], &r);
}
