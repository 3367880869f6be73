/* SPDX-License-Identifier: Apache-2.0 */
/* digest_avx2: XXH3 by vectors that not every x86 CPU has; three times as fast there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __x86_64__

/* Asks the CPU, and what it saves at a switch, once. */
bool digest_avx2_is_there(void);

/* As XXH3_128bits_update() does, and only where it is there. */
void digest_avx2_add(void *state, const void *bytes, size_t count);

#else

static inline bool digest_avx2_is_there(void)
{
	return false;
}

static inline void digest_avx2_add(void *state, const void *bytes, size_t count)
{
	(void)state;
	(void)bytes;
	(void)count;
}

#endif
