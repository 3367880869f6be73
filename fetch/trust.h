/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust: whether bytes are those that somebody named, by SHA-256, or signed.
 *
 * A signature is what `openssl dgst -sha256 -sign KEY` makes of a file: ECDSA with P-256, or RSA
 * (PKCS #1 v1.5) with at least 2048 bits. The public key is a PEM file.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define TRUST_BYTES 32
#define TRUST_TEXT_SIZE (2 * TRUST_BYTES + 1)
#define TRUST_SIGNATURE_MOST 1024 /* bytes: RSA with 8192 bits */

struct trust_digest {
	unsigned char bytes[TRUST_BYTES];
};

/* Of a stream, piece by piece. */
struct trust_stream;

struct trust_stream *trust_stream_new(void);
/* From its beginning without the CPU's own instructions, as where there are none; for tests. */
void trust_stream_in_c(struct trust_stream *s);
void trust_stream_free(struct trust_stream *s);
void trust_add(struct trust_stream *s, const void *bytes, size_t count);

/* Of all that was added so far; more may follow. */
struct trust_digest trust_result(const struct trust_stream *s);

/* Of a whole file, whatever its offset is, which stays. */
int trust_file(int fd, struct trust_digest *ret, struct err *e);

bool trust_equal(const struct trust_digest *a, const struct trust_digest *b);

/* 64 lower-case hexadecimal digits; returns text. */
const char *trust_text(const struct trust_digest *d, char text[TRUST_TEXT_SIZE]);

/* Exactly 64 hexadecimal digits, or false. */
bool trust_parse(const char *text, struct trust_digest *ret);

/*
 * 0 when signature is that of content with this digest by the owner of the key in the file
 * public_key. Otherwise ERR_REMOTE: it is not; ERR_USAGE: this is no such key; ERR_SYSTEM: it
 * cannot be read.
 */
int trust_signed(const char *public_key, const struct trust_digest *content, const void *signature,
		 size_t length, struct err *e);

/* The SHA-256 of that file, so that another key is noticed. */
int trust_key_file(const char *public_key, struct trust_digest *ret, struct err *e);
