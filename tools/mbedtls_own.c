/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mbedtls_config.h takes out of Mbed TLS to have it done here. build-libs.sh puts it in
 * the place of library/ctr_drbg.c.
 */
#include "mbedtls/aes.h"
#include "mbedtls/ctr_drbg.h"
#include "mbedtls/entropy.h"
#include "mbedtls/platform.h"
#include "mbedtls/sha1.h"

#include <sys/random.h>

/* Randomness is the kernel's: there is nothing to set up, to seed or to wipe. */
int mbedtls_ctr_drbg_random(void *p_rng, unsigned char *output, size_t len)
{
	(void)p_rng;
	/* Whole up to 256 bytes, once the kernel has been seeded. */
	for (size_t n; len; output += n, len -= n) {
		n = len < 256 ? len : 256;
		if (getrandom(output, n, 0) != (ssize_t)n)
			return MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED;
	}
	return 0;
}

void mbedtls_ctr_drbg_init(mbedtls_ctr_drbg_context *ctx)
{
	(void)ctx;
}

int mbedtls_ctr_drbg_seed(mbedtls_ctr_drbg_context *ctx,
			  int (*entropy)(void *, unsigned char *, size_t), void *p_entropy,
			  const unsigned char *custom, size_t len)
{
	(void)ctx;
	(void)entropy;
	(void)p_entropy;
	(void)custom;
	(void)len;
	return 0;
}

void mbedtls_ctr_drbg_free(mbedtls_ctr_drbg_context *ctx)
{
	(void)ctx;
}

void mbedtls_entropy_init(mbedtls_entropy_context *ctx)
{
	(void)ctx;
}

int mbedtls_entropy_func(void *data, unsigned char *output, size_t len)
{
	return mbedtls_ctr_drbg_random(data, output, len);
}

void mbedtls_entropy_free(mbedtls_entropy_context *ctx)
{
	(void)ctx;
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

/*
 * A certificate that is signed by SHA-1 is not trusted, as nowhere today. The algorithm only has to
 * have a name, so that roots with such a signature, which nobody verifies, can be read.
 */
int mbedtls_internal_sha1_process(mbedtls_sha1_context *ctx, const unsigned char data[64])
{
	(void)ctx;
	(void)data;
	return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}
