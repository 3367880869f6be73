/* SPDX-License-Identifier: Apache-2.0 */
/* base64: see base64.h. */
#include "fetch/base64.h"

#include "base/mem.h"

#include <stdint.h>

char *base64_encode(const void *bytes, size_t count)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789+/";
	const unsigned char *from = bytes;
	char *text = mem_alloc((count + 2) / 3 * 4 + 1), *to = text;

	for (size_t i = 0; i < count; i += 3) {
		size_t left = count - i;
		uint32_t three = (uint32_t)from[i] << 16 |
				 (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) |
				 (left > 2 ? from[i + 2] : 0);

		*to++ = letters[three >> 18];
		*to++ = letters[three >> 12 & 63];
		*to++ = left > 1 ? letters[three >> 6 & 63] : '=';
		*to++ = left > 2 ? letters[three & 63] : '=';
	}
	return text;
}
