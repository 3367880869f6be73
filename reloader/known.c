/* SPDX-License-Identifier: Apache-2.0 */
/* known: see known.h. */
#include "reloader/known.h"

#include "base/mem.h"

#define ROOM_LEAST 64
#define ROUND 1U /* this bit of a key tells when it was used last */
#define USED 2U  /* this one is never 0, which marks a free place */

struct fact {
	uint64_t key;
	uint64_t content;
};

void known_done(struct known *k)
{
	free(k->facts);
	*k = KNOWN_INIT;
}

/* Where the key is, or belongs. */
static struct fact *place_of(const struct known *k, uint64_t key)
{
	size_t i = (size_t)((key >> 32) * k->room >> 32);

	while (k->facts[i].key && ((k->facts[i].key ^ key) | ROUND) != ROUND)
		i = i + 1 < k->room ? i + 1 : 0;
	return &k->facts[i];
}

/* Into a new table with that room, only those of this round if not all. */
static void rebuild(struct known *k, size_t room, bool all)
{
	struct known old = *k;

	k->facts = mem_resize(NULL, room, sizeof(*k->facts));
	for (size_t i = 0; i < room; i++)
		k->facts[i].key = 0;
	k->room = room;
	k->count = 0;
	for (size_t i = 0; i < old.room; i++) {
		const struct fact *f = &old.facts[i];

		if (!f->key || (!all && (f->key & ROUND) != k->round))
			continue;
		*place_of(k, f->key) = *f;
		k->count++;
	}
	free(old.facts);
}

bool known_find(struct known *k, uint64_t key, uint64_t *ret_content)
{
	struct fact *f = k->room ? place_of(k, key | USED) : NULL;

	if (!f || !f->key)
		return false;
	f->key = (f->key & ~(uint64_t)ROUND) | k->round;
	*ret_content = f->content;
	return true;
}

void known_add(struct known *k, uint64_t key, uint64_t content)
{
	if (k->count == KNOWN_MOST)
		return;
	if (k->count >= k->room / 8 * 7)
		rebuild(k, k->room ? k->room + k->room / 2 : ROOM_LEAST, true);
	*place_of(k, key | USED) =
		(struct fact){ ((key | USED) & ~(uint64_t)ROUND) | k->round, content };
	k->count++;
}

void known_sweep(struct known *k)
{
	size_t used = 0;

	for (size_t i = 0; i < k->room; i++)
		used += k->facts[i].key && (k->facts[i].key & ROUND) == k->round;
	size_t room = used / 7 * 8 + ROOM_LEAST;
	if (used < k->count || room < k->room)
		rebuild(k, room, false);
	k->round ^= ROUND;
}
