/* SPDX-License-Identifier: Apache-2.0 */
/* trust: the only file of gs-fetch that sees Mbed TLS. */
#include "fetch/trust.h"

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"

#include <fcntl.h>
#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/sha256.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define KEY_FILE_MOST ((size_t)16 * 1024)
#define RSA_LEAST 2048 /* bits */
#define CHUNK ((size_t)64 * 1024)

struct trust_stream {
	mbedtls_sha256_context sha;
};

/* No hardware is asked, which could refuse: what these functions return is always 0. */
struct trust_stream *trust_stream_new(void)
{
	struct trust_stream *s = mem_alloc(sizeof(*s));

	mbedtls_sha256_init(&s->sha);
	(void)mbedtls_sha256_starts_ret(&s->sha, 0);
	return s;
}

void trust_stream_free(struct trust_stream *s)
{
	free(s);
}

void trust_add(struct trust_stream *s, const void *bytes, size_t count)
{
	(void)mbedtls_sha256_update_ret(&s->sha, bytes, count);
}

struct trust_digest trust_result(const struct trust_stream *s)
{
	struct trust_digest d;
	mbedtls_sha256_context so_far;

	mbedtls_sha256_init(&so_far);
	mbedtls_sha256_clone(&so_far, &s->sha);
	(void)mbedtls_sha256_finish_ret(&so_far, d.bytes);
	return d;
}

int trust_file(int fd, struct trust_digest *ret, struct err *e)
{
	owned char *chunk = mem_alloc(CHUNK);
	struct trust_stream *s = trust_stream_new();
	off_t at = 0;
	ssize_t got;

	while ((got = pread(fd, chunk, CHUNK, at)) > 0) {
		trust_add(s, chunk, (size_t)got);
		at += got;
	}
	*ret = trust_result(s);
	trust_stream_free(s);
	return got < 0 ? err_sys(e, "read") : 0;
}

bool trust_equal(const struct trust_digest *a, const struct trust_digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

const char *trust_text(const struct trust_digest *d, char text[TRUST_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < TRUST_BYTES; i++) {
		text[2 * i] = digits[d->bytes[i] >> 4];
		text[2 * i + 1] = digits[d->bytes[i] & 15];
	}
	text[TRUST_TEXT_SIZE - 1] = '\0';
	return text;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool trust_parse(const char *text, struct trust_digest *ret)
{
	struct trust_digest d;

	if (strlen(text) != TRUST_TEXT_SIZE - 1)
		return false;
	for (size_t i = 0; i < TRUST_BYTES; i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		d.bytes[i] = (unsigned char)(high << 4 | low);
	}
	*ret = d;
	return true;
}

static int parse_key(mbedtls_pk_context *key, const struct buf *pem, struct err *e)
{
	/* PEM counts its NUL. */
	if (mbedtls_pk_parse_public_key(key, (const unsigned char *)pem->data, pem->length + 1))
		return err_set(e, ERR_USAGE,
			       "no public key in PEM, as `openssl pkey -pubout` writes it");
	if (mbedtls_pk_can_do(key, MBEDTLS_PK_RSA)) {
		if (mbedtls_pk_get_bitlen(key) >= RSA_LEAST)
			return 0;
		return err_set(e, ERR_USAGE, "an RSA key of %zu bits, less than %d",
			       mbedtls_pk_get_bitlen(key), RSA_LEAST);
	}
	if (mbedtls_pk_can_do(key, MBEDTLS_PK_ECDSA) &&
	    mbedtls_pk_ec(*key)->grp.id == MBEDTLS_ECP_DP_SECP256R1)
		return 0;
	return err_set(e, ERR_USAGE, "neither a key of ECDSA P-256 nor of RSA");
}

static int verify(mbedtls_pk_context *key, const struct trust_digest *content,
		  const void *signature, size_t length, struct err *e)
{
	if (mbedtls_pk_verify(key, MBEDTLS_MD_SHA256, content->bytes, sizeof(content->bytes),
			      signature, length))
		return err_set(e, ERR_REMOTE, "the signature is not of this content by this key");
	return 0;
}

int trust_signed(const char *public_key, const struct trust_digest *content, const void *signature,
		 size_t length, struct err *e)
{
	owned_buf pem = BUF_INIT(KEY_FILE_MOST);
	mbedtls_pk_context key;
	int status = io_read_file(AT_FDCWD, public_key, &pem, e);

	mbedtls_pk_init(&key);
	if (status == 0 && (status = parse_key(&key, &pem, e)) < 0)
		(void)err_in(e, "'%s'", public_key);
	if (status == 0)
		status = verify(&key, content, signature, length, e);
	mbedtls_pk_free(&key);
	return status;
}
