/* SPDX-License-Identifier: Apache-2.0 */
/* base64: bytes as letters, RFC 4648 section 4. */
#pragma once

#include <stddef.h>

/* On the heap. */
char *base64_encode(const void *bytes, size_t count);
