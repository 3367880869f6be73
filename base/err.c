/* SPDX-License-Identifier: Apache-2.0 */
/* err: see err.h. Too long a text is cut at the end: the front says where. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void err_fill(struct err *e, enum err_kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	e->kind = kind;
	e->sys = 0;
}

void err_fill_from_errno(struct err *e, const char *format, ...)
{
	int sys = errno;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);

	size_t used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof(e->text) - used, ": %s", strerror(sys));
	e->kind = ERR_SYSTEM;
	e->sys = sys;
}

void err_put_in_front(struct err *e, const char *format, ...)
{
	char before[sizeof(e->text)];
	char whole[2 * sizeof(e->text) + 2];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(before, sizeof(before), format, args);
	va_end(args);
	(void)snprintf(whole, sizeof(whole), "%s: %s", before, e->text);
	memcpy(e->text, whole, sizeof(e->text));
	e->text[sizeof(e->text) - 1] = '\0';
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
