/* SPDX-License-Identifier: Apache-2.0 */
/* err: see err.h. Too long a text is cut so that the reason stays. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CONTEXT_MOST 256

void err_fill(struct err *e, enum err_kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	e->kind = kind;
	e->sys = 0;
}

/* Puts tail behind text, which is cut so that the reason, at the end, is always whole. */
static void append(struct err *e, const char *text, const char *tail)
{
	size_t room = sizeof(e->text) - 1, used = strlen(tail) + strlen(": ");
	size_t length = used < room ? room - used : 0;

	(void)snprintf(e->text, sizeof(e->text), "%.*s: %s", (int)length, text, tail);
}

void err_fill_from_errno(struct err *e, const char *format, ...)
{
	int sys = errno;
	char text[sizeof(e->text)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	append(e, text, strerror(sys));
	e->kind = ERR_SYSTEM;
	e->sys = sys;
}

void err_put_in_front(struct err *e, const char *format, ...)
{
	char before[CONTEXT_MOST], behind[sizeof(e->text)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(before, sizeof(before), format, args);
	va_end(args);
	memcpy(behind, e->text, sizeof(behind));
	/* Both have a long path at the worst: then the inner one gives way, from its front. */
	size_t room = sizeof(e->text) - strlen(before) - sizeof(": ");
	size_t length = strlen(behind);
	append(e, before, length > room ? behind + length - room : behind);
}

enum exit_status err_exit_status(const struct err *e)
{
	switch (e->kind) {
	case ERR_NONE:
		return EXIT_DONE;
	case ERR_USAGE:
		return EXIT_USAGE;
	case ERR_DEADLINE:
		return EXIT_DEADLINE;
	case ERR_REMOTE:
		return EXIT_REMOTE;
	case ERR_SYSTEM:
		break;
	}
	return EXIT_SYSTEM;
}

enum err_kind err_kind_of(int exit_status)
{
	if (exit_status == EXIT_USAGE)
		return ERR_USAGE;
	if (exit_status == EXIT_DEADLINE)
		return ERR_DEADLINE;
	return exit_status == EXIT_REMOTE ? ERR_REMOTE : ERR_SYSTEM;
}
