/* SPDX-License-Identifier: Apache-2.0 */
/* lines: see lines.h. */
#include "base/lines.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct lines {
	int (*take)(char *line, void *user);
	void *user;
	int count;
};

/* All whole lines of text; how many bytes they were, or -1. */
static ssize_t take_lines(struct lines *l, char *text, size_t length)
{
	char *at = text, *end;

	while ((end = memchr(at, '\n', length - (size_t)(at - text)))) {
		*end = '\0';
		if (++l->count > LINES_MOST || l->take(at, l->user) < 0)
			return -1;
		at = end + 1;
	}
	return at - text;
}

int lines_each(const char *path, int64_t deadline, int (*take)(char *line, void *user), void *user,
	       struct err *e)
{
	owned_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	struct lines lines = { .take = take, .user = user };
	char text[LINES_LENGTH_MOST + 1];
	size_t length = 0;

	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	for (;;) {
		ssize_t got = read(fd, text + length, sizeof(text) - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, "read '%s'", path);
		if (got == 0 && length == 0)
			return 0;
		length += (size_t)got;
		ssize_t taken = got == 0 ? -1 : take_lines(&lines, text, length);
		if (taken < 0 || (taken == 0 && length == sizeof(text)))
			return err_set(e, ERR_SYSTEM, "'%s' has a line that it cannot have", path);
		length -= (size_t)taken;
		memmove(text, text + taken, length);
		if (clock_ms() >= deadline)
			return err_set(e, ERR_DEADLINE, "'%s' took too long to read", path);
	}
}
