/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf: growing bytes with a hard limit.
 *
 *   struct buf b = BUF_INIT(HTTP_BODY_MAX);
 *
 * data is always NUL-terminated (the NUL is not counted), also when empty, so it can be used as
 * text. Over the limit nothing is added and -1 is returned: never a cut.
 */
#pragma once

#include <stddef.h>

struct buf {
	char *data;
	size_t length;
	size_t room;
	size_t limit;
};

/* What data points to while a buf is empty. */
extern char buf_nothing[1];

#define BUF_INIT(most) ((struct buf){ .data = buf_nothing, .limit = (most) })

/* Return 0, or -1 when it would pass the limit (b is unchanged then). */
int buf_add(struct buf *b, const void *bytes, size_t count);
int buf_add_text(struct buf *b, const char *text);
int buf_add_format(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for count more bytes at the returned place, then buf_grown(); NULL over the limit. */
char *buf_space(struct buf *b, size_t count);
void buf_grown(struct buf *b, size_t count);

/* Empty again, memory kept. */
void buf_clear(struct buf *b);

/* Frees the memory; b is empty and usable. */
void buf_done(struct buf *b);

/* The bytes as a heap string for free(); b is empty afterwards. */
char *buf_take(struct buf *b);

#define owned_buf __attribute__((cleanup(buf_done))) struct buf
