/* SPDX-License-Identifier: Apache-2.0 */
/* publication: see publication.h. */
#include "reloader/publication.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>
#include <unistd.h>

#define MARK "publishing.json"

bool publication_is_state(const char *name)
{
	return text_is(name, PUBLICATION_STATE) || text_starts(name, PUBLICATION_STATE "-");
}

static void add(struct list *places, const char *folder, const char *name, const char *of)
{
	owned char *path = mem_format("%s/%s%s", folder, name, of);

	list_add(places, path);
}

void publication_places(const char *root, struct list *ret)
{
	owned char *path = mem_copy(root);

	for (;;) {
		char *slash = strrchr(path, '/');

		add(ret, path, PUBLICATION_STATE, "");
		if (!slash) {
			add(ret, ".", PUBLICATION_STATE "-", path);
			return;
		}
		*slash = '\0';
		if (slash[1])
			add(ret, path, PUBLICATION_STATE "-", slash + 1);
		if (!*path)
			return;
	}
}

bool publication_is_under_way(const struct list *places)
{
	for (size_t i = 0; i < places->count; i++) {
		owned char *mark = mem_format("%s/" MARK, places->items[i]);

		if (access(mark, F_OK) == 0)
			return true;
	}
	return false;
}
