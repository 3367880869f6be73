/* SPDX-License-Identifier: Apache-2.0 */
/* trust: the only file of gs-fetch that sees Mbed TLS. */
#include "fetch/trust.h"

#include "base/buf.h"
#include "base/hex.h"
#include "base/io.h"
#include "base/mem.h"
#include "fetch/sha256.h"

#include <endian.h>
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
	bool in_c; /* by sha; else by all the others */
	mbedtls_sha256_context sha;
	uint32_t state[8];
	uint64_t count;
	unsigned char block[SHA256_BLOCK]; /* what is left of the last bytes */
};

struct trust_stream *trust_stream_new(void)
{
	static const uint32_t beginning[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	struct trust_stream *s = mem_alloc(sizeof(*s));

	memcpy(s->state, beginning, sizeof(beginning));
	s->in_c = !sha256_is_there();
	if (s->in_c)
		trust_stream_in_c(s);
	return s;
}

/* What these functions return is always 0 without hardware of theirs. */
void trust_stream_in_c(struct trust_stream *s)
{
	s->in_c = true;
	mbedtls_sha256_init(&s->sha);
	(void)mbedtls_sha256_starts_ret(&s->sha, 0);
}

void trust_stream_free(struct trust_stream *s)
{
	free(s);
}

static void add_fast(struct trust_stream *s, const unsigned char *bytes, size_t count)
{
	size_t used = s->count % SHA256_BLOCK;

	s->count += count;
	if (used) {
		size_t room = SHA256_BLOCK - used, part = count < room ? count : room;

		memcpy(s->block + used, bytes, part);
		if (part == room)
			sha256_blocks(s->state, s->block, 1);
		bytes += part;
		count -= part;
	}
	if (count >= SHA256_BLOCK)
		sha256_blocks(s->state, bytes, count / SHA256_BLOCK);
	if (count % SHA256_BLOCK)
		memcpy(s->block, bytes + count / SHA256_BLOCK * SHA256_BLOCK, count % SHA256_BLOCK);
}

void trust_add(struct trust_stream *s, const void *bytes, size_t count)
{
	if (s->in_c)
		(void)mbedtls_sha256_update_ret(&s->sha, bytes, count);
	else
		add_fast(s, bytes, count);
}

/* A one, zeros, and the number of bits in the last 8 bytes of a block. */
static void finish_fast(struct trust_stream *s, struct trust_digest *d)
{
	static const unsigned char padding[SHA256_BLOCK] = { 0x80 };
	uint64_t bits = htobe64(s->count * 8);

	add_fast(s, padding, SHA256_BLOCK - (s->count + sizeof(bits)) % SHA256_BLOCK);
	add_fast(s, (const unsigned char *)&bits, sizeof(bits));
	for (size_t i = 0; i < 8; i++)
		s->state[i] = htobe32(s->state[i]);
	memcpy(d->bytes, s->state, sizeof(d->bytes));
}

struct trust_digest trust_result(const struct trust_stream *s)
{
	struct trust_stream copy = *s;
	struct trust_digest d;

	if (s->in_c)
		(void)mbedtls_sha256_finish_ret(&copy.sha, d.bytes);
	else
		finish_fast(&copy, &d);
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
	return hex_text(d->bytes, sizeof(d->bytes), text);
}

bool trust_parse(const char *text, struct trust_digest *ret)
{
	return hex_parse(text, ret->bytes, sizeof(ret->bytes));
}

/* Of several, Mbed TLS takes one, and not always the first. */
static int check_is_one(const struct buf *pem, struct err *e)
{
	static const char begin[] = "-----BEGIN ";
	const char *first = memmem(pem->data, pem->length, begin, strlen(begin));
	size_t before = first ? (size_t)(first - pem->data) + strlen(begin) : 0;

	if (first && memmem(pem->data + before, pem->length - before, begin, strlen(begin)))
		return err_set(e, ERR_USAGE, "more than one key, and only one can be meant");
	return 0;
}

static int parse_key(mbedtls_pk_context *key, const struct buf *pem, struct err *e)
{
	if (check_is_one(pem, e) < 0)
		return -1;
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

int trust_key_file(const char *public_key, struct trust_digest *ret, struct err *e)
{
	owned_buf pem = BUF_INIT(KEY_FILE_MOST);

	if (io_read_file(AT_FDCWD, public_key, &pem, e) < 0)
		return -1;
	struct trust_stream *s = trust_stream_new();
	trust_add(s, pem.data, pem.length);
	*ret = trust_result(s);
	trust_stream_free(s);
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
