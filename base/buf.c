/* SPDX-License-Identifier: Apache-2.0 */
/* buf: see buf.h. room == 0 means that data is not ours to free. */
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ROOM_FIRST 256

char buf_nothing[1];

char *buf_space(struct buf *b, size_t count)
{
	if (count > b->limit || b->length > b->limit - count)
		return NULL;

	size_t wanted = b->length + count + 1;
	if (wanted > b->room) {
		size_t room = b->room ? b->room : ROOM_FIRST;

		while (room < wanted)
			room *= 2;
		b->data = mem_resize(b->room ? b->data : NULL, room, 1);
		b->room = room;
		b->data[b->length] = '\0';
	}
	return b->data + b->length;
}

void buf_grown(struct buf *b, size_t count)
{
	b->length += count;
	b->data[b->length] = '\0';
}

int buf_add(struct buf *b, const void *bytes, size_t count)
{
	char *space = buf_space(b, count);

	if (!space)
		return -1;
	memcpy(space, bytes, count);
	buf_grown(b, count);
	return 0;
}

int buf_add_text(struct buf *b, const char *text)
{
	return buf_add(b, text, strlen(text));
}

int buf_add_format(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int length = vsnprintf(NULL, 0, format, args);
	va_end(args);

	char *space = length < 0 ? NULL : buf_space(b, (size_t)length);
	if (!space)
		return -1;
	va_start(args, format);
	(void)vsnprintf(space, (size_t)length + 1, format, args);
	va_end(args);
	buf_grown(b, (size_t)length);
	return 0;
}

void buf_clear(struct buf *b)
{
	b->length = 0;
	if (b->room)
		b->data[0] = '\0';
}

void buf_done(struct buf *b)
{
	if (b->room)
		free(b->data);
	b->data = buf_nothing;
	b->length = 0;
	b->room = 0;
}

char *buf_take(struct buf *b)
{
	char *text = b->room ? b->data : mem_copy("");

	b->room = 0;
	buf_done(b);
	return text;
}
