/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest: the identity of content, XXH3 with 128 bits.
 *
 * Fast, and wide enough that two versions of a game never meet by chance. It is not a defence
 * against somebody who makes collisions on purpose: whoever writes the source image is trusted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_BYTES 16
#define DIGEST_TEXT_SIZE (2 * DIGEST_BYTES + 1)

struct digest {
	unsigned char bytes[DIGEST_BYTES]; /* canonical, so most significant first */
};

struct digest_stream;

struct digest_stream *digest_new(void);
void digest_free(struct digest_stream *s);

/* Forget what was added. */
void digest_reset(struct digest_stream *s);
void digest_add(struct digest_stream *s, const void *bytes, size_t count);
struct digest digest_result(const struct digest_stream *s);

bool digest_equal(const struct digest *a, const struct digest *b);

/* 32 lower-case hexadecimal digits; returns text. */
const char *digest_text(const struct digest *d, char text[DIGEST_TEXT_SIZE]);

/* Exactly 32 hexadecimal digits, or false. */
bool digest_parse(const char *text, struct digest *ret);
