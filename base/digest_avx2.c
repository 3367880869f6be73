/* SPDX-License-Identifier: Apache-2.0 */
/* digest_avx2: see digest_avx2.h. xxHash chooses its vectors by what it is compiled for. */
#include "base/digest_avx2.h"

#ifdef __x86_64__

#include <cpuid.h>

#define OS_SAVES (1U << 27) /* of leaf 1, ecx: registers, as XCR0 says */
#define AVX2 (1U << 5)      /* of leaf 7, ebx */
#define VECTORS 6U          /* of XCR0: xmm and ymm */

/* Intel, Software Developer's Manual, volume 1, 14.3. */
static bool ask_cpu(void)
{
	unsigned a, b, c, d, saved;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OS_SAVES))
		return false;
	__asm__("xgetbv" : "=a"(saved), "=d"(d) : "c"(0));
	return (saved & VECTORS) == VECTORS && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
	       (b & AVX2);
}

bool digest_avx2_is_there(void)
{
	static _Atomic enum { UNKNOWN, NO, YES } known;

	if (known == UNKNOWN)
		known = ask_cpu() ? YES : NO;
	return known == YES;
}

/* What is above runs on every CPU. */
#pragma GCC target("avx2")
#define XXH_INLINE_ALL
#include <xxhash.h>

void digest_avx2_add(void *state, const void *bytes, size_t count)
{
	(void)XXH3_128bits_update(state, bytes, count);
}

#endif
