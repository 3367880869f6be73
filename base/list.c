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

void list_clear(struct list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->items[i]);
	free(l->items);
	*l = (struct list){ 0 };
}
