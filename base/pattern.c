/* SPDX-License-Identifier: Apache-2.0 */
/* pattern: see pattern.h. */
#include "base/pattern.h"

#include "base/list.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

/* A longer one could fit no path. */
#define PATTERN_MOST (PATH_MAX - 1)

/*
 * Where the set that begins at open ends, or NULL. A strict one has nothing in it that shells read
 * differently: a backslash or slash, "[." and "[=".
 */
static const char *set_end(const char *open, bool strict)
{
	const char *at = open + 1;

	at += *at == '!' || *at == '^';
	at += *at == ']';
	for (; *at && *at != ']'; at++) {
		if (strict &&
		    (strchr("\\/", *at) || !strncmp(at, "[.", 2) || !strncmp(at, "[=", 2)))
			return NULL;
		if (!strncmp(at, "[:", 2)) {
			at += 2 + strspn(at + 2, "abcdefghijklmnopqrstuvwxyz");
			if (strncmp(at, ":]", 2) != 0)
				return NULL;
			at++;
		}
	}
	return *at ? at : NULL;
}

/* name goes on behind its length; a class nobody knows has no members. */
static bool in_class(const char *name, size_t length, int byte)
{
	static const struct {
		char name[8];
		int (*has)(int);
	} classes[] = {
		{ "alnum", isalnum }, { "alpha", isalpha }, { "blank", isblank },
		{ "cntrl", iscntrl }, { "digit", isdigit }, { "graph", isgraph },
		{ "lower", islower }, { "print", isprint }, { "punct", ispunct },
		{ "space", isspace }, { "upper", isupper }, { "xdigit", isxdigit },
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strlen(classes[i].name) == length && !memcmp(classes[i].name, name, length))
			return classes[i].has(byte);
	return false;
}

/* at is what follows the set's "[", end its "]". */
static bool in_set(const char *at, const char *end, unsigned char byte)
{
	bool others = *at == '!' || *at == '^', in = false;

	at += others;
	do {
		unsigned char first = (unsigned char)*at, last = first;

		if (!strncmp(at, "[:", 2)) {
			size_t length = strcspn(at + 2, ":");

			in = in || in_class(at + 2, length, byte);
			at += length + 4;
			continue;
		}
		at++;
		if (*at == '-' && at + 1 < end) {
			last = (unsigned char)at[1];
			at += 2;
		}
		in = in || (first <= byte && byte <= last);
	} while (at < end);
	return in != others;
}

/* What follows the one character or set at pattern, or NULL when byte is not that. */
static const char *fit_one(const char *pattern, char byte, char fence)
{
	const char *end = *pattern == '[' ? set_end(pattern, false) : NULL;

	if (*pattern == '?')
		return byte != fence ? pattern + 1 : NULL;
	if (end)
		return byte != fence && in_set(pattern + 1, end, (unsigned char)byte) ? end + 1
										      : NULL;
	pattern += *pattern == '\\' && pattern[1];
	return *pattern && *pattern == byte ? pattern + 1 : NULL;
}

/*
 * Nothing but itself takes a fence, and text may go on behind one. Only the last star is ever tried
 * again: what an earlier one could take more, this one could, too. So the time is at worst the
 * product of both lengths.
 */
static bool fit(const char *pattern, const char *text, char fence)
{
	const char *star = NULL, *taken = NULL;

	while (*pattern || (*text && *text != fence)) {
		const char *next = *text ? fit_one(pattern, *text, fence) : NULL;

		if (*pattern == '*') {
			star = ++pattern;
			taken = text;
		} else if (next) {
			star = *text == fence ? NULL : star;
			pattern = next;
			text++;
		} else if (star && *taken && *taken != fence) {
			pattern = star;
			text = ++taken;
		} else {
			return false;
		}
	}
	return true;
}

static int check_part(const char *part, size_t length, struct err *e)
{
	if (!length)
		return err_set(e, ERR_USAGE, "two slashes have no name between them");
	if (!strncmp(part, "..", length) && length <= 2)
		return err_set(e, ERR_USAGE, "'.' and '..' are no names");
	return 0;
}

/* One character of a pattern, or one set; returns what follows it, or NULL. */
static const char *check_one(const char *at, struct err *e)
{
	if (*at == '\\' && (!at[1] || at[1] == '/')) {
		(void)err_set(e, ERR_USAGE, "a backslash has nothing to escape");
		return NULL;
	}
	if (*at == '\\')
		return at + 2;
	if (!strncmp(at, "**", 2)) {
		(void)err_set(e, ERR_USAGE,
			      "'**' is not known: without a slash ('*.map') a name is meant at any "
			      "depth, and what fits a directory fits all below it");
		return NULL;
	}
	if (*at != '[')
		return at + 1;

	const char *end = set_end(at, true);

	if (!end) {
		(void)err_set(e, ERR_USAGE,
			      "'[' begins no set such as [0-9] or [[:digit:]] ('\\[' is the "
			      "character)");
		return NULL;
	}
	return end + 1;
}

static int check(const char *pattern, struct err *e)
{
	const char *part = pattern + (*pattern == '/');

	if (!*part)
		return err_set(e, ERR_USAGE, "it is empty");
	if (strlen(pattern) > PATTERN_MOST)
		return err_set(e, ERR_USAGE, "it has more than %d bytes", PATTERN_MOST);
	while (*part) {
		const char *at = part;

		while (at && *at && *at != '/')
			at = check_one(at, e);
		if (!at || check_part(part, (size_t)(at - part), e) < 0)
			return -1;
		part = at + (*at == '/');
	}
	return 0;
}

int pattern_check(const char *pattern, struct err *e)
{
	return check(pattern, e) < 0 ? err_in(e, "pattern '%s'", pattern) : 0;
}

bool pattern_fits(const char *pattern, const char *path)
{
	size_t length = strlen(pattern);
	char bare[PATTERN_MOST + 1];

	if (length && pattern[length - 1] == '/') {
		if (--length > PATTERN_MOST)
			return false;
		memcpy(bare, pattern, length);
		bare[length] = '\0';
		pattern = bare;
	}
	if (strchr(pattern, '/'))
		return fit(pattern + (*pattern == '/'), path, '/');
	for (const char *name = path; name; name = strchr(name, '/')) {
		name += *name == '/';
		if (fit(pattern, name, '/'))
			return true;
	}
	return false;
}

bool pattern_fits_one(const struct list *patterns, const char *path)
{
	for (size_t i = 0; patterns && i < patterns->count; i++)
		if (pattern_fits(patterns->items[i], path))
			return true;
	return false;
}

bool pattern_fits_line(const char *pattern, const char *line)
{
	return fit(pattern, line, '\0');
}
