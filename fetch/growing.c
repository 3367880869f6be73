/* SPDX-License-Identifier: Apache-2.0 */
/* growing: see growing.h. */
#include "fetch/growing.h"

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WAIT_NS 100000000L

/* Who sleeps says so before it looks a last time, so one of both sees the other. */
static void tell(struct growing_bell *b)
{
	b->turn++;
	if (b->sleeps)
		(void)syscall(SYS_futex, &b->turn, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* NULL: for ever. */
static void sleep_until_told(struct growing_bell *b, uint32_t turn, const struct timespec *most)
{
	(void)syscall(SYS_futex, &b->turn, FUTEX_WAIT, turn, most, NULL, 0);
}

/* ---- the writer's ---- */

void growing_has(struct growing *g, int64_t length)
{
	g->length = length;
	tell(&g->more);
}

void growing_end(struct growing *g)
{
	g->ended = true;
	tell(&g->more);
}

bool growing_use_ring(struct growing *g, int64_t filed, int64_t whole)
{
	if (!g->straight)
		return false;
	g->filed = filed;
	g->whole = whole;
	tell(&g->more);
	return true;
}

static bool has_room(const struct growing *g, int64_t n)
{
	return n - g->taken < (int64_t)GROWING_RING || g->left;
}

bool growing_await_room(struct growing *g, int64_t n)
{
	const struct timespec most = { .tv_nsec = WAIT_NS };

	if (has_room(g, n))
		return true;
	g->room.sleeps = 1;
	uint32_t turn = g->room.turn;
	if (!has_room(g, n))
		sleep_until_told(&g->room, turn, &most);
	g->room.sleeps = 0;
	return has_room(g, n);
}

static size_t place_of(int64_t n)
{
	return (size_t)n % GROWING_RING;
}

void growing_put(struct growing *g, int64_t n, const void *bytes, size_t count)
{
	size_t at = place_of(n), first = GROWING_RING - at < count ? GROWING_RING - at : count;

	memcpy(g->ring + at, bytes, first);
	memcpy(g->ring, (const char *)bytes + first, count - first);
}

/* ---- the reader's ---- */

static bool wait_for_more(struct growing *g, int64_t length, bool whole_will_do)
{
	for (;;) {
		g->more.sleeps++;
		uint32_t turn = g->more.turn;
		bool ended = g->ended;
		bool more = g->length > length || (whole_will_do && g->whole);

		if (!more && !ended)
			sleep_until_told(&g->more, turn, NULL);
		g->more.sleeps--;
		if (more || ended)
			return more;
	}
}

bool growing_wait(struct growing *g, int64_t length)
{
	return wait_for_more(g, length, false);
}

int64_t growing_length(const struct growing *g)
{
	return g->length;
}

int64_t growing_expect(struct growing *g, int64_t length)
{
	(void)wait_for_more(g, length, true);
	return g->whole ? g->whole : g->length;
}

void growing_straight(struct growing *g)
{
	g->straight = true;
}

void growing_take(struct growing *g, int64_t taken)
{
	g->taken = taken;
	tell(&g->room);
}

void growing_leave(struct growing *g)
{
	g->left = true;
	tell(&g->room);
}

const void *growing_at(const struct growing *g, int64_t n, size_t *count)
{
	int64_t length = g->length, filed = g->filed;
	bool in_file = !filed || n < filed;
	int64_t most = in_file && filed && filed < length ? filed - n : length - n;

	if (!in_file && most > (int64_t)(GROWING_RING - place_of(n)))
		most = (int64_t)(GROWING_RING - place_of(n));
	if ((uint64_t)most < *count)
		*count = (size_t)most;
	return in_file ? NULL : g->ring + place_of(n);
}
