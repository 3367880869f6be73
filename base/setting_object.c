/* SPDX-License-Identifier: Apache-2.0 */
/* setting_object: see setting_object.h. */
#include "base/setting_object.h"

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

static const struct setting *find_row(const struct setting_object *o, const char *key)
{
	for (size_t i = 0; i < o->count; i++)
		for (size_t row = 0; row < o->groups[i]->count; row++)
			if (text_is(o->groups[i]->rows[row].name + o->prefix, key))
				return &o->groups[i]->rows[row];
	return NULL;
}

/* Texts, numbers and flags. */
static int set_value(const struct setting *row, void *values, const struct json *value,
		     struct err *e)
{
	const char *text = json_text(value);
	owned char *printed = text ? mem_copy(text) : json_print(value, false);

	if (json_is_object(value) || json_is_array(value) || (!text && text_is(printed, "null")))
		return err_set(e, ERR_USAGE, "expected a text or a number");
	return setting_add(row, values, printed, e);
}

/* The items of a list one after the other. */
static int set_member(const struct setting *row, void *values, const struct json *value,
		      struct err *e)
{
	if (row->type != SETTING_LIST || !json_is_array(value))
		return set_value(row, values, value, e);
	for (const struct json *item = json_first(value); item; item = json_next(item))
		if (set_value(row, values, item, e) < 0)
			return -1;
	return 0;
}

void setting_object_init(const struct setting_object *o, void *values)
{
	struct err ignored;

	memset(values, 0, o->size);
	for (size_t i = 0; i < o->count; i++)
		for (size_t row = 0; row < o->groups[i]->count; row++)
			if (o->groups[i]->rows[row].standard)
				(void)setting_set(&o->groups[i]->rows[row], values,
						  o->groups[i]->rows[row].standard, &ignored);
}

int setting_object_set(const struct setting_object *o, void *values, const struct json *object,
		       struct err *e)
{
	if (!json_is_object(object))
		return err_set(e, ERR_USAGE, "expected a JSON object");
	for (const struct json *m = json_first(object); m; m = json_next(m)) {
		const struct setting *row = find_row(o, json_key(m));

		if (!row)
			return err_set(e, ERR_USAGE, "\"%s\": no setting of %s has this name",
				       json_key(m), o->what);
		if (json_get(object, json_key(m)) != m)
			return err_set(e, ERR_USAGE, "\"%s\": it is there twice", json_key(m));
		if (set_member(row, values, m, e) < 0)
			return err_in(e, "\"%s\"", json_key(m));
	}
	return 0;
}

void setting_object_clear(const struct setting_object *o, void *values)
{
	for (size_t i = 0; i < o->count; i++)
		for (size_t row = 0; row < o->groups[i]->count; row++)
			setting_clear(&o->groups[i]->rows[row], values);
	memset(values, 0, o->size);
}
