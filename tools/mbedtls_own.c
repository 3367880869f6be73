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
