/* SPDX-License-Identifier: Apache-2.0 */
/* mem: see mem.h. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Not through the log: it may want memory too. */
_Noreturn void mem_exhausted(void)
{
	static const char text[] = "gs-sidecar: out of memory\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	abort();
}

void *mem_alloc(size_t size)
{
	void *memory = calloc(1, size ? size : 1);

	if (!memory)
		mem_exhausted();
	return memory;
}

void *mem_resize(void *old, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		mem_exhausted();

	size_t bytes = count * size;
	void *memory = realloc(old, bytes ? bytes : 1);
	if (!memory)
		mem_exhausted();
	return memory;
}

char *mem_copy(const char *text)
{
	return mem_copy_part(text, strlen(text));
}

char *mem_copy_part(const char *text, size_t length)
{
	char *copy = mem_alloc(length + 1);

	memcpy(copy, text, length);
	return copy;
}

char *mem_format(const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		mem_exhausted();
	va_end(args);
	return text;
}
