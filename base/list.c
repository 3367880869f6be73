/* SPDX-License-Identifier: Apache-2.0 */
/* list: see list.h. */
#include "base/list.h"

#include "base/mem.h"

void list_add(struct list *l, const char *text)
{
	l->items = mem_resize(l->items, l->count + 2, sizeof(*l->items));
	l->items[l->count++] = mem_copy(text);
	l->items[l->count] = NULL;
}

char *list_join(const struct list *l, const char *between)
{
	char *all = mem_copy("");

	for (size_t i = 0; i < l->count; i++) {
		char *longer = mem_format("%s%s%s", all, i ? between : "", l->items[i]);

		free(all);
		all = longer;
	}
	return all;
}

void list_clear(struct list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->items[i]);
	free(l->items);
	*l = (struct list){ 0 };
}
