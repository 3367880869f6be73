/* SPDX-License-Identifier: Apache-2.0 */
/* pattern: see pattern.h. */
#include "base/pattern.h"

#include <fnmatch.h>
#include <limits.h>
#include <string.h>

/* A longer one could fit no path. */
#define PATTERN_MOST (PATH_MAX - 1)

/*
 * Where the set that begins at open ends, or NULL. What musl and glibc read differently is none: a
 * backslash or slash in a set, "[." and "[=".
 */
static const char *set_end(const char *open)
{
	const char *at = open + 1;

	at += *at == '!' || *at == '^';
	at += *at == ']';
	for (; *at && *at != ']'; at++) {
		if (strchr("\\/", *at) || !strncmp(at, "[.", 2) || !strncmp(at, "[=", 2))
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

	const char *end = set_end(at);

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
	/* LEADING_DIR: the path may go on behind a slash. */
	const int flags = FNM_PATHNAME | FNM_LEADING_DIR;
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
		return !fnmatch(pattern + (*pattern == '/'), path, flags);
	for (const char *name = path; name; name = strchr(name, '/')) {
		name += *name == '/';
		if (!fnmatch(pattern, name, flags))
			return true;
	}
	return false;
}
