/* SPDX-License-Identifier: Apache-2.0 */
/* hex: see hex.h. */
#include "base/hex.h"

#include <string.h>

const char *hex_text(const unsigned char *bytes, size_t count, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < count; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * count] = '\0';
	return text;
}

static unsigned value_of(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
}

bool hex_parse(const char *text, unsigned char *bytes, size_t count)
{
	if (strlen(text) != 2 * count || strspn(text, "0123456789abcdefABCDEF") != 2 * count)
		return false;
	for (size_t i = 0; i < count; i++)
		bytes[i] = (unsigned char)(value_of(text[2 * i]) << 4 | value_of(text[2 * i + 1]));
	return true;
}
