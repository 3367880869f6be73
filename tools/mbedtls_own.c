/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mbedtls_config.h takes out of Mbed TLS to have it done here. build-libs.sh appends it to
 * library/entropy_poll.c.
 */
#include "mbedtls/aes.h"
#include "mbedtls/sha1.h"

#include <sys/random.h>

/* The library's own source asks the kernel only under glibc, and reads /dev/urandom elsewhere. */
int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen)
{
	ssize_t n = getrandom(output, len, 0);

	(void)data;
	*olen = n > 0 ? (size_t)n : 0;
	return n > 0 ? 0 : MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
}

/* GCM decrypts by encrypting a counter: the inverse cipher is never called. */
int mbedtls_aes_setkey_dec(mbedtls_aes_context *ctx, const unsigned char *key, unsigned int bits)
{
	(void)ctx;
	(void)key;
	(void)bits;
	return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}

int mbedtls_internal_aes_decrypt(mbedtls_aes_context *ctx, const unsigned char input[16],
				 unsigned char output[16])
{
	(void)ctx;
	(void)input;
	(void)output;
	return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}

static uint32_t rotate(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

/* FIPS 180-4, 6.1.2, as a loop: the library's is unrolled, which is 4 kB for a rare old signature.
 */
int mbedtls_internal_sha1_process(mbedtls_sha1_context *ctx, const unsigned char data[64])
{
	static const uint32_t constants[] = { 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6 };
	uint32_t w[80], s[5];

	memcpy(s, ctx->state, sizeof(s));
	for (int t = 0; t < 80; t++) {
		uint32_t f = s[1] ^ s[2] ^ s[3];

		if (t < 16)
			w[t] = (uint32_t)data[4 * t] << 24 | (uint32_t)data[4 * t + 1] << 16 |
			       (uint32_t)data[4 * t + 2] << 8 | data[4 * t + 3];
		else
			w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
		if (t < 20)
			f = (s[1] & s[2]) | (~s[1] & s[3]);
		else if (t >= 40 && t < 60)
			f = (s[1] & s[2]) | (s[1] & s[3]) | (s[2] & s[3]);
		f += rotate(s[0], 5) + s[4] + constants[t / 20] + w[t];
		s[4] = s[3];
		s[3] = s[2];
		s[2] = rotate(s[1], 30);
		s[1] = s[0];
		s[0] = f;
	}
	for (int i = 0; i < 5; i++)
		ctx->state[i] += s[i];
	return 0;
}
