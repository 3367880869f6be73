/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown is valid UTF-8 without control characters, and the bytes can be had back. */
#include "tests/fuzz/guard.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>

/* Length of the character at s as the table of RFC 3629, section 4, has it; 0 if there is none. */
static size_t character_length(const unsigned char *s)
{
	static const struct {
		unsigned char first_least, first_most, second_least, second_most, length;
	} forms[] = {
		{ 0x20, 0x7e, 0x00, 0x00, 1 }, { 0xc2, 0xc2, 0xa0, 0xbf, 2 }, /* U+00A0 */
		{ 0xc3, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t form = 0, length;

	while (form < sizeof(forms) / sizeof(forms[0]) &&
	       (s[0] < forms[form].first_least || s[0] > forms[form].first_most))
		form++;
	if (form == sizeof(forms) / sizeof(forms[0]))
		return 0;
	length = forms[form].length;
	if (length > 1 && (s[1] < forms[form].second_least || s[1] > forms[form].second_most))
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* The byte that is written at *at, which is moved behind it. */
static unsigned char take_byte(const char **at)
{
	if (**at != '\\')
		return (unsigned char)*(*at)++;
	const char kind = (*at)[1];
	MUST(kind == 'n' || kind == 't' || kind == '\\' || kind == 'x');
	if (kind != 'x') {
		*at += 2;
		return kind == 'n' ? '\n' : kind == 't' ? '\t' : '\\';
	}
	MUST(isxdigit((unsigned char)(*at)[2]) && isxdigit((unsigned char)(*at)[3]));
	const char digits[] = { (*at)[2], (*at)[3], '\0' };
	*at += 4;
	return (unsigned char)strtoul(digits, NULL, 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = guard_text(data, size);

	if (!text)
		return 0;
	owned char *shown = text_printable(text);
	for (const char *at = shown; *at;) {
		size_t length = character_length((const unsigned char *)at);

		MUST(length);
		at += length;
	}
	const char *at = shown;
	for (; *text; text++)
		MUST(*at && take_byte(&at) == (unsigned char)*text);
	MUST(!*at);
	return 0;
}
