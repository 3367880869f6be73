/* SPDX-License-Identifier: Apache-2.0 */
/* growing: see growing.h. */
#include "fetch/growing.h"

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The reader says that it sleeps before it looks a last time, so one of both sees the other. */
static void tell(struct growing *g)
{
	g->turn++;
	if (g->sleeps)
		(void)syscall(SYS_futex, &g->turn, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void growing_has(struct growing *g, int64_t length)
{
	g->length = length;
	tell(g);
}

void growing_end(struct growing *g)
{
	g->ended = true;
	tell(g);
}

bool growing_wait(struct growing *g, int64_t length)
{
	bool more;

	for (;;) {
		g->sleeps = 1;
		uint32_t turn = g->turn;
		bool ended = g->ended;

		more = g->length > length;
		if (more || ended)
			break;
		(void)syscall(SYS_futex, &g->turn, FUTEX_WAIT, turn, NULL, NULL, 0);
	}
	g->sleeps = 0;
	return more;
}

int64_t growing_length(const struct growing *g)
{
	return g->length;
}
