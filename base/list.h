/* SPDX-License-Identifier: Apache-2.0 */
/* list: texts in order, NULL-terminated, so that items can be an argv. */
#pragma once

#include <stddef.h>

struct list {
	char **items; /* NULL while empty */
	size_t count;
};

/* Copies text. */
void list_add(struct list *l, const char *text);

/* All items with text between them, on the heap. */
char *list_join(const struct list *l, const char *between);
void list_clear(struct list *l);
