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
void list_clear(struct list *l);
