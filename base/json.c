/* SPDX-License-Identifier: Apache-2.0 */
/* json: the only file that sees cJSON. struct json is a cJSON under another name. */
#include "base/json.h"

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"

#include <cjson/cJSON.h>
#include <string.h>

static cJSON *in(struct json *j)
{
	return (cJSON *)j;
}

static const cJSON *in_const(const struct json *j)
{
	return (const cJSON *)j;
}

/* cJSON answers NULL only when memory is gone. */
static struct json *out(cJSON *c)
{
	if (!c)
		abort();
	return (struct json *)c;
}

struct json *json_object(void)
{
	return out(cJSON_CreateObject());
}

struct json *json_array(void)
{
	return out(cJSON_CreateArray());
}

void json_free(struct json *j)
{
	cJSON_Delete(in(j));
}

static struct json *text_value(const char *text)
{
	if (!text)
		return out(cJSON_CreateNull());
	owned char *valid = text_valid(text);
	return out(cJSON_CreateString(valid));
}

void json_put_text(struct json *object, const char *key, const char *text)
{
	json_put(object, key, text_value(text));
}

void json_put_number(struct json *object, const char *key, double number)
{
	json_put(object, key, out(cJSON_CreateNumber(number)));
}

void json_put_bool(struct json *object, const char *key, bool value)
{
	json_put(object, key, out(cJSON_CreateBool(value)));
}

struct json *json_copy(const struct json *j)
{
	return out(cJSON_Duplicate(in_const(j), true));
}

void json_put(struct json *object, const char *key, struct json *value)
{
	(void)cJSON_AddItemToObject(in(object), key, in(value));
}

struct json *json_list(const struct list *l)
{
	struct json *j = json_array();

	for (size_t i = 0; i < l->count; i++)
		json_add_text(j, l->items[i]);
	return j;
}

void json_add(struct json *array, struct json *value)
{
	(void)cJSON_AddItemToArray(in(array), in(value));
}

void json_add_text(struct json *array, const char *text)
{
	json_add(array, text_value(text));
}

char *json_print(const struct json *j, bool for_people)
{
	char *text = for_people ? cJSON_Print(in_const(j)) : cJSON_PrintUnformatted(in_const(j));

	if (!text)
		abort();
	if (!for_people)
		return text;
	char *with_newline = mem_format("%s\n", text);
	free(text);
	return with_newline;
}

static int line_at(const char *text, const char *place)
{
	int line = 1;

	for (; text < place && *text; text++)
		line += *text == '\n';
	return line;
}

/* "\\u0000", which would end a C string early. Only texts have backslashes. */
static const char *find_zero(const char *text)
{
	for (; *text; text++) {
		if (*text != '\\')
			continue;
		if (strncmp(text, "\\u0000", 6) == 0)
			return text;
		if (!*++text)
			break;
	}
	return NULL;
}

struct json *json_read(const char *text, struct err *e)
{
	const char *end = NULL;
	const char *zero = find_zero(text);
	cJSON *c = zero ? NULL : cJSON_ParseWithOpts(text, &end, true);

	if (c)
		return out(c);
	(void)err_set(e, ERR_USAGE, "not valid JSON near line %d",
		      line_at(text, zero ? zero : end));
	return NULL;
}

const char *json_text(const struct json *j)
{
	return cJSON_GetStringValue(in_const(j));
}

const struct json *json_get(const struct json *object, const char *key)
{
	return (const struct json *)cJSON_GetObjectItemCaseSensitive(in_const(object), key);
}

/* "~1" is a slash and "~0" a tilde, RFC 6901 section 4. On the heap. */
static char *pointer_part(const char *at, size_t length)
{
	char *part = mem_copy_part(at, length), *to = part;

	for (const char *from = part; *from; from++) {
		bool escaped = *from == '~' && (from[1] == '0' || from[1] == '1');

		*to++ = !escaped ? *from : *++from == '0' ? '~' : '/';
	}
	*to = '\0';
	return part;
}

/* Only digits, without zeros in front. */
static const struct json *item_at(const struct json *array, const char *digits)
{
	size_t length = strspn(digits, "0123456789");

	if (!length || digits[length] || length > 9 || (*digits == '0' && length > 1))
		return NULL;
	return (const struct json *)cJSON_GetArrayItem(in_const(array),
						       (int)strtol(digits, NULL, 10));
}

const struct json *json_at(const struct json *j, const char *pointer)
{
	while (j && *pointer == '/') {
		size_t length = strcspn(pointer + 1, "/");
		owned char *part = pointer_part(pointer + 1, length);

		j = json_is_array(j) ? item_at(j, part) : json_get(j, part);
		pointer += 1 + length;
	}
	return *pointer ? NULL : j;
}

bool json_number(const struct json *j, double *ret)
{
	if (!cJSON_IsNumber(in_const(j)))
		return false;
	*ret = cJSON_GetNumberValue(in_const(j));
	return true;
}

#define EXACT_MOST 9007199254740992.0 /* 2^53 */

uint64_t json_count(const struct json *j)
{
	double number = 0;

	if (!json_number(j, &number) || !(number > 0 && number <= EXACT_MOST))
		return 0;
	return (double)(uint64_t)number < number ? 0 : (uint64_t)number;
}

bool json_bool(const struct json *j, bool *ret)
{
	*ret = cJSON_IsTrue(in_const(j));
	return cJSON_IsBool(in_const(j));
}

bool json_is_object(const struct json *j)
{
	return cJSON_IsObject(in_const(j));
}

bool json_is_array(const struct json *j)
{
	return cJSON_IsArray(in_const(j));
}

const struct json *json_first(const struct json *container)
{
	return container ? (const struct json *)in_const(container)->child : NULL;
}

const struct json *json_next(const struct json *member)
{
	return (const struct json *)in_const(member)->next;
}

const char *json_key(const struct json *member)
{
	return in_const(member)->string;
}
