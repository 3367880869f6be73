/* SPDX-License-Identifier: Apache-2.0 */
/*
 * growing: how far a file has come that one process writes, for another one that reads behind it.
 *
 * When the reader never goes back, the file need not hold what still comes: that goes through a
 * ring, in which the writer waits for room.
 *
 * It lies in memory that both share, and nothing in it can be left locked: whoever dies when, the
 * other one is only told no more. All zeros at first.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GROWING_RING ((size_t)2 << 20) /* bytes: what fits into the caches of a core */

/* Another turn with each change; sleeps: how many wait for it. */
struct growing_bell {
	_Atomic uint32_t turn, sleeps;
};

struct growing {
	_Atomic int64_t length;
	_Atomic int64_t taken; /* the reader is done with so many */
	_Atomic int64_t filed; /* so many are in the file, and what follows in the ring; 0: all */
	_Atomic int64_t whole; /* what length will be; 0: not known */
	_Atomic bool ended;    /* there will be no more */
	_Atomic bool straight; /* the reader never goes back */
	_Atomic bool left;     /* and is not there any more */
	struct growing_bell more, room;
	unsigned char ring[GROWING_RING];
};

/* The writer's: so many bytes are there; there will be no more. */
void growing_has(struct growing *g, int64_t length);
void growing_end(struct growing *g);

/*
 * What follows goes through the ring, up to a length that is known. False: the reader may go back,
 * and the file has to have all.
 */
bool growing_use_ring(struct growing *g, int64_t filed, int64_t whole);

/* Waits for room until byte n can come. False: there is none within a tenth of a second. */
bool growing_await_room(struct growing *g, int64_t n);

/* Bytes from n on into the ring, for which there is room; growing_has() tells of them. */
void growing_put(struct growing *g, int64_t n, const void *bytes, size_t count);

/*
 * The reader's, of which this and growing_expect() may be called by several threads: waits until
 * more than length bytes are there. False: there never will be.
 */
bool growing_wait(struct growing *g, int64_t length);
int64_t growing_length(const struct growing *g);

/*
 * The reader's: what the length will be, as soon as that is known, since nobody can wait for what
 * comes after the ring is full. Until then as growing_wait(): the length that it has.
 */
int64_t growing_expect(struct growing *g, int64_t length);

/* The reader's: from here on it never goes back; it is done with so many; with all. */
void growing_straight(struct growing *g);
void growing_take(struct growing *g, int64_t taken);
void growing_leave(struct growing *g);

/*
 * Byte n, which is there, in the ring; NULL: it is in the file. *count, which says how many are
 * wanted from there on, becomes less where fewer follow it. What it returns stays until
 * growing_take().
 */
const void *growing_at(const struct growing *g, int64_t n, size_t *count);
