/* SPDX-License-Identifier: Apache-2.0 */
/* text: see text.h. */
#include "base/text.h"

#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

bool text_is(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

bool text_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_has_word(const char *words, const char *word)
{
	size_t length = strlen(word);

	if (!length || strchr(word, ' '))
		return false;
	for (const char *at = words; (at = strstr(at, word)); at += length)
		if ((at == words || at[-1] == ' ') && (!at[length] || at[length] == ' '))
			return true;
	return false;
}

bool text_ends(const char *text, const char *suffix)
{
	size_t length = strlen(text), wanted = strlen(suffix);

	return length >= wanted && memcmp(text + length - wanted, suffix, wanted) == 0;
}

/* Length of the UTF-8 sequence at s, 0 if there is none: no overlong forms, no surrogates. */
static size_t utf8_length(const unsigned char *s, uint32_t *ret_value)
{
	uint32_t least, value;
	size_t length;

	if (s[0] < 0x80) {
		length = 1, least = 0, value = s[0];
	} else if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		length = 2, least = 0x80, value = s[0] & 0x1f;
	} else if ((s[0] & 0xf0) == 0xe0) {
		length = 3, least = 0x800, value = s[0] & 0x0f;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		length = 4, least = 0x10000, value = s[0] & 0x07;
	} else {
		return 0;
	}
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (s[i] & 0x3f);
	}
	if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*ret_value = value;
	return length;
}

/* Both blocks of control characters can steer a terminal. */
static bool is_printable(uint32_t value)
{
	return value >= 0x20 && (value < 0x7f || value >= 0xa0) && value != '\\';
}

static void add_escaped(struct buf *b, const unsigned char *bytes, size_t count)
{
	if (count == 1 && *bytes == '\n')
		(void)buf_add_text(b, "\\n");
	else if (count == 1 && *bytes == '\t')
		(void)buf_add_text(b, "\\t");
	else if (count == 1 && *bytes == '\\')
		(void)buf_add_text(b, "\\\\");
	else
		for (size_t i = 0; i < count; i++)
			(void)buf_add_format(b, "\\x%02x", bytes[i]);
}

static char *escape(const char *text, bool printable)
{
	struct buf b = BUF_INIT(SIZE_MAX / 8);
	uint32_t value = 0;

	for (const unsigned char *s = (const unsigned char *)text; *s;) {
		size_t length = utf8_length(s, &value);

		if (length && (!printable || is_printable(value)))
			(void)buf_add(&b, s, length);
		else
			add_escaped(&b, s, length ? length : 1);
		s += length ? length : 1;
	}
	return buf_take(&b);
}

char *text_printable(const char *text)
{
	return escape(text, true);
}

char *text_valid(const char *text)
{
	return escape(text, false);
}

const char *text_last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *text_size(unsigned long long bytes, char text[TEXT_SIZE_ROOM])
{
	static const char *const units[] = { "kB", "MB", "GB", "TB" };
	double value = (double)bytes / 1000;
	size_t unit = 0;

	if (bytes < 1000) {
		(void)snprintf(text, TEXT_SIZE_ROOM, "%llu B", bytes);
		return text;
	}
	for (; value >= 999.95 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		value /= 1000;
	(void)snprintf(text, TEXT_SIZE_ROOM, "%.1f %s", value, units[unit]);
	return text;
}
