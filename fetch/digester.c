/* SPDX-License-Identifier: Apache-2.0 */
/* digester: see digester.h. A ring, of which the thread digests one end while the other one grows.
 */
#include "fetch/digester.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define RING ((size_t)512 * 1024)
#define PIECE ((size_t)128 * 1024) /* the room that is given back at once */

struct digester {
	struct trust_stream *stream;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t more, room;
	size_t begin, length;
	bool asked, ended; /* for a thread; of it */
	bool runs;
	pthread_t thread;
	char ring[RING];
};

struct digester *digester_new(void)
{
	struct digester *d = mem_alloc(sizeof(*d));

	d->stream = trust_stream_new();
	(void)pthread_mutex_init(&d->lock, NULL);
	(void)pthread_cond_init(&d->more, NULL);
	(void)pthread_cond_init(&d->room, NULL);
	return d;
}

static size_t at_most(size_t count, size_t most)
{
	return count < most ? count : most;
}

/* The lock is held, but not meanwhile; there is something. */
static void digest_piece(struct digester *d)
{
	const char *piece = d->ring + d->begin;
	size_t count = at_most(at_most(d->length, RING - d->begin), PIECE);

	(void)pthread_mutex_unlock(&d->lock);
	trust_add(d->stream, piece, count);
	(void)pthread_mutex_lock(&d->lock);
	d->begin = (d->begin + count) % RING;
	d->length -= count;
	(void)pthread_cond_signal(&d->room);
}

static void *run(void *owner)
{
	struct digester *d = owner;

	(void)pthread_mutex_lock(&d->lock);
	while (!d->ended || d->length) {
		if (d->length)
			digest_piece(d);
		else
			(void)pthread_cond_wait(&d->more, &d->lock);
	}
	(void)pthread_mutex_unlock(&d->lock);
	return NULL;
}

static void await_room(struct digester *d)
{
	if (!d->asked) {
		d->asked = true;
		d->runs = pthread_create(&d->thread, NULL, run, d) == 0;
	}
	while (d->length == RING) {
		if (d->runs)
			(void)pthread_cond_wait(&d->room, &d->lock);
		else
			digest_piece(d);
	}
}

void digester_add(struct digester *d, const void *bytes, size_t count)
{
	const char *from = bytes;

	(void)pthread_mutex_lock(&d->lock);
	while (count) {
		if (d->length == RING)
			await_room(d);
		size_t end = (d->begin + d->length) % RING;
		size_t part = at_most(at_most(count, RING - d->length), RING - end);

		/* The thread does not look at what is not counted yet. */
		(void)pthread_mutex_unlock(&d->lock);
		memcpy(d->ring + end, from, part);
		(void)pthread_mutex_lock(&d->lock);
		d->length += part;
		from += part;
		count -= part;
		(void)pthread_cond_signal(&d->more);
	}
	(void)pthread_mutex_unlock(&d->lock);
}

struct trust_digest digester_result(struct digester *d)
{
	(void)pthread_mutex_lock(&d->lock);
	while (d->length && d->runs)
		(void)pthread_cond_wait(&d->room, &d->lock);
	while (d->length)
		digest_piece(d);
	(void)pthread_mutex_unlock(&d->lock);
	return trust_result(d->stream);
}

/* What is left to be digested is little. */
void digester_free(struct digester *d)
{
	if (!d)
		return;
	(void)pthread_mutex_lock(&d->lock);
	d->ended = true;
	(void)pthread_cond_signal(&d->more);
	(void)pthread_mutex_unlock(&d->lock);
	if (d->runs)
		(void)pthread_join(d->thread, NULL);
	(void)pthread_cond_destroy(&d->room);
	(void)pthread_cond_destroy(&d->more);
	(void)pthread_mutex_destroy(&d->lock);
	trust_stream_free(d->stream);
	free(d);
}
