/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard: the input of a fuzz target, copied so that it ends where memory ends: a byte read beyond
 * it is a fault in every build, not only with sanitizers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Declared here, since every target defines it; in the unit tests it has other names. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define GUARD_MOST ((size_t)1 << 20)

/* What must hold: an abort is a finding, and in the unit tests a failure. */
#ifdef IN_UNIT_TESTS
void corpus_failed(const char *condition);
#else
#define corpus_failed(condition) abort()
#endif
#define MUST(condition)                            \
	do {                                       \
		if (!(condition))                  \
			corpus_failed(#condition); \
	} while (0)

/* The place where memory ends. It is made once, and used by one target at a time. */
static inline char *guard_end(void)
{
	static char *end;

	if (!end) {
		size_t page = (size_t)sysconf(_SC_PAGESIZE);
		char *memory = mmap(NULL, GUARD_MOST + page, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		MUST(memory != MAP_FAILED);
		MUST(mprotect(memory + GUARD_MOST, page, PROT_NONE) == 0);
		end = memory + GUARD_MOST;
	}
	return end;
}

/* Exactly the bytes; NULL when there are too many. */
static inline const char *guard_bytes(const uint8_t *data, size_t size)
{
	if (size > GUARD_MOST)
		return NULL;
	char *copy = guard_end() - size;
	if (size)
		memcpy(copy, data, size);
	return copy;
}

/* The bytes and a NUL, the last byte of all; NULL when there are too many. */
static inline const char *guard_text(const uint8_t *data, size_t size)
{
	if (size >= GUARD_MOST)
		return NULL;
	char *copy = guard_end() - size - 1;
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}
