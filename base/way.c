/* SPDX-License-Identifier: Apache-2.0 */
/* way: see way.h. */
#include "base/way.h"

#include "base/mem.h"
#include "base/text.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#define LINKS_MOST 40 /* as in the kernel */

/* What a link leads to, on the heap; NULL when it is not a link. */
static char *read_link(const char *path)
{
	char target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof(target));

	return length < 0 ? NULL : mem_copy_part(target, (size_t)length);
}

void way_follow(const char *path,
		bool (*on_part)(void *owner, const char *folder, const char *name), void *owner)
{
	char *at = mem_copy(*path == '/' ? "/" : ".");
	char *rest = mem_copy(path);
	unsigned links = 0;
	bool goes_on = true;

	while (goes_on) {
		const char *part = rest + strspn(rest, "/");
		size_t length = strcspn(part, "/");

		if (!length)
			break;
		owned char *name = mem_copy_part(part, length);
		if (!text_is(name, ".") && !text_is(name, ".."))
			goes_on = on_part(owner, at, name);
		char *next = mem_format("%s/%s", at, name);
		owned char *link = links < LINKS_MOST ? read_link(next) : NULL;
		char *tail =
			link ? mem_format("%s/%s", link, part + length) : mem_copy(part + length);

		links += link != NULL;
		free(rest);
		rest = tail;
		if (link && *link != '/') {
			free(next);
			continue;
		}
		free(at);
		at = next;
		if (link) {
			free(at);
			at = mem_copy("/");
		}
	}
	free(at);
	free(rest);
}
