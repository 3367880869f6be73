/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem: allocate or end the program.
 *
 * For what we size ourselves; it never returns NULL. What a peer sizes goes through base/buf.h,
 * which has a limit and an error. Everything is freed with free().
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>

/* Zeroed. */
void *mem_alloc(size_t size);

/* For growing arrays; checks count * size for overflow. */
void *mem_resize(void *old, size_t count, size_t size);

/* Ends the program. */
_Noreturn void mem_exhausted(void);

char *mem_copy(const char *text);
char *mem_copy_part(const char *text, size_t length);
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline void mem_free_at(void *place)
{
	free(*(void **)place);
}

/* owned char *name = ...; is freed when it goes out of scope. */
#define owned __attribute__((cleanup(mem_free_at)))

/* Moves an owned pointer out: the variable is NULL afterwards. */
#define mem_take(variable)                                \
	({                                                \
		__typeof__(variable) taken_ = (variable); \
		(variable) = NULL;                        \
		taken_;                                   \
	})
