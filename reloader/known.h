/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known: contents that were found out before, by a key that says which file, and in what state.
 *
 * A hash table of 16 bytes an entry, at most 7/8 full.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More are not remembered: they are found out each time. */
#define KNOWN_MOST ((size_t)1 << 20)

struct fact;

struct known {
	struct fact *facts;
	size_t room, count;
	uint64_t round;
};

#define KNOWN_INIT ((struct known){ 0 })

void known_done(struct known *k);

/* Two keys of which 62 bits are the same are the same. */
bool known_find(struct known *k, uint64_t key, uint64_t *ret_content);

/* For a key that was not found. */
void known_add(struct known *k, uint64_t key, uint64_t content);

/* Forgets what was neither found nor added since the last sweep. */
void known_sweep(struct known *k);
