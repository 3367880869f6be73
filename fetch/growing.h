/* SPDX-License-Identifier: Apache-2.0 */
/*
 * growing: how far a file has come that one process writes, for another one that reads behind it.
 *
 * It lies in memory that both share, and nothing in it can be left locked: whoever dies when, the
 * other one is only told no more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct growing {
	_Atomic int64_t length;
	_Atomic uint32_t turn;   /* another one with each change: what is waited for */
	_Atomic uint32_t sleeps; /* the reader does */
	_Atomic bool ended;      /* there will be no more */
};

/* The writer's: so many bytes are there; there will be no more. */
void growing_has(struct growing *g, int64_t length);
void growing_end(struct growing *g);

/* The reader's: waits until more than length bytes are there. False: there never will be. */
bool growing_wait(struct growing *g, int64_t length);
int64_t growing_length(const struct growing *g);
