/* SPDX-License-Identifier: Apache-2.0 */
/* path: see path.h. */
#include "fetch/path.h"

#include "base/mem.h"

#include <limits.h>
#include <string.h>

#define SHOWN_MOST 160

static bool is_dots(const char *part, size_t length)
{
	return length >= 2 && part[0] == '.' && part[1] == '.';
}

static int check_part(const char *part, size_t length, struct err *e)
{
	if (is_dots(part, length))
		return err_set(e, ERR_REMOTE,
			       length == 2 ? "its name has a part '..'"
					   : "a part of its name begins with '..'");
	if (length > NAME_MAX)
		return err_set(e, ERR_REMOTE, "a part of its name has %zu bytes, more than %d",
			       length, NAME_MAX);
	return 0;
}

char *path_sound(const char *name, struct err *e)
{
	size_t depth = 0;
	owned char *path = NULL;
	char *to;

	if (!*name || *name == '/' || strlen(name) > PATH_LENGTH_MOST) {
		(void)err_set(e, ERR_REMOTE, "its name is %s",
			      !*name         ? "empty"
			      : *name == '/' ? "absolute"
					     : "too long");
		return NULL;
	}
	to = path = mem_alloc(strlen(name) + 1);
	for (const char *part = name; *part; part += strspn(part, "/")) {
		size_t length = strcspn(part, "/");

		if (length != 1 || *part != '.') {
			if (check_part(part, length, e) < 0)
				return NULL;
			if (to > path)
				*to++ = '/';
			memcpy(to, part, length);
			to += length;
			depth++;
		}
		part += length;
	}
	if (depth > PATH_DEPTH_MOST) {
		(void)err_set(e, ERR_REMOTE, "its name has %zu parts, more than %d", depth,
			      PATH_DEPTH_MOST);
		return NULL;
	}
	return mem_take(path);
}

char *path_shown(const char *path)
{
	size_t length = strlen(path);

	if (length <= SHOWN_MOST)
		return mem_copy(path);
	return mem_format("%.*s...%s", SHOWN_MOST / 2, path, path + length - SHOWN_MOST / 2);
}

bool path_link_stays(const char *target, size_t depth)
{
	bool up = true;

	if (!*target || *target == '/')
		return false;
	for (const char *part = target; *part; part += strspn(part, "/")) {
		size_t length = strcspn(part, "/");

		if (length == 2 && is_dots(part, length)) {
			if (!up || depth-- == 0)
				return false;
		} else if (length != 1 || *part != '.') {
			up = false;
		}
		part += length;
	}
	return true;
}
