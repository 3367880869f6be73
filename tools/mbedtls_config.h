/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mbed TLS as this program needs it: a TLS 1.2 client that verifies its server, and SHA-2.
 *
 * libcurl speaks TLS only through this library, so everything a client of today's servers does
 * not need is left out: it halves the cost of TLS in the binary. libcurl is compiled with this
 * file too, since its code and the size of the library's structs depend on it.
 */
#pragma once

/* The platform: a clock for expiry dates, files for the CA bundle, assembler for bignum and AES. */
#define MBEDTLS_HAVE_ASM
#define MBEDTLS_HAVE_TIME
#define MBEDTLS_HAVE_TIME_DATE
#define MBEDTLS_PLATFORM_C
#define MBEDTLS_FS_IO

/* Both are getrandom(): mbedtls_own.c. */
#define MBEDTLS_ENTROPY_C
#define MBEDTLS_CTR_DRBG_C
#define MBEDTLS_NO_PLATFORM_ENTROPY

/* TLS 1.2, ECDHE only, AEAD only. */
#define MBEDTLS_SSL_TLS_C
#define MBEDTLS_SSL_CLI_C
#define MBEDTLS_SSL_PROTO_TLS1_2
#define MBEDTLS_SSL_EXTENDED_MASTER_SECRET
#define MBEDTLS_SSL_SERVER_NAME_INDICATION
#define MBEDTLS_KEY_EXCHANGE_ECDHE_RSA_ENABLED
#define MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA_ENABLED
#define MBEDTLS_CIPHER_C
#define MBEDTLS_AES_C
#define MBEDTLS_AES_SETKEY_DEC_ALT /* mbedtls_own.c, as all of these */
#define MBEDTLS_AES_DECRYPT_ALT
#define MBEDTLS_AESNI_C
#define MBEDTLS_GCM_C

/* All that is possible with the above; without a list 200 names of others come along. */
#define MBEDTLS_SSL_CIPHERSUITES                                 \
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,         \
		MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,   \
		MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, \
		MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256

/* A server may send full records; we send requests. */
#define MBEDTLS_SSL_IN_CONTENT_LEN 16384
#define MBEDTLS_SSL_OUT_CONTENT_LEN 8192

/* Certificates, PEM and DER, RSA and EC. */
#define MBEDTLS_X509_USE_C
#define MBEDTLS_X509_CRT_PARSE_C
#define MBEDTLS_PEM_PARSE_C
#define MBEDTLS_BASE64_C
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_OID_C
#define MBEDTLS_PK_C
#define MBEDTLS_PK_PARSE_C
#define MBEDTLS_RSA_C
#define MBEDTLS_RSA_NO_CRT
#define MBEDTLS_PKCS1_V15
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_ECP_C
#define MBEDTLS_ECDH_C
#define MBEDTLS_ECDSA_C
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED
#define MBEDTLS_ECP_NIST_OPTIM

/* libcurl refers to the DER writer (pinned keys). */
#define MBEDTLS_PK_WRITE_C
#define MBEDTLS_ASN1_WRITE_C

/* SHA-1 only so that root certificates which name it (DigiCert, GlobalSign) can be loaded. */
#define MBEDTLS_MD_C
#define MBEDTLS_SHA1_C
#define MBEDTLS_SHA1_PROCESS_ALT
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA512_C

/*
 * Small tables: a handshake may take a millisecond more. 512 bytes are an RSA key of 4096 bits.
 * No MBEDTLS_ERROR_C: its texts cost 16 kB, and libcurl words what matters (certificates) itself.
 */
#define MBEDTLS_AES_FEWER_TABLES
#define MBEDTLS_SHA256_SMALLER
#define MBEDTLS_SHA512_SMALLER
#define MBEDTLS_ECP_WINDOW_SIZE 2
#define MBEDTLS_ECP_FIXED_POINT_OPTIM 0
#define MBEDTLS_MPI_WINDOW_SIZE 1
#define MBEDTLS_MPI_MAX_SIZE 512

#include "mbedtls/check_config.h"
