/* SPDX-License-Identifier: Apache-2.0 */
/* notes: see notes.h. */
#include "sync/notes.h"

#include <stdarg.h>
#include <stdio.h>

#define NOTE_MOST 1024

void sync_note(const struct sync_notes *n, const char *format, ...)
{
	char text[NOTE_MOST];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	n->note(n->owner, text);
}
