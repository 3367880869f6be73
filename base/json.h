/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: the only door to cJSON: building, printing, and reading with limits.
 *
 * Texts that are put in are made valid UTF-8 first (text_valid()), so what is printed is valid JSON
 * whatever a file was called.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct list;
struct json; /* a value; an object or array owns what is put into it */

struct json *json_object(void);
struct json *json_array(void);
void json_free(struct json *j);

/* text NULL becomes null. */
void json_put_text(struct json *object, const char *key, const char *text);
void json_put_number(struct json *object, const char *key, double number);
void json_put_bool(struct json *object, const char *key, bool value);

void json_add_text(struct json *array, const char *text);

struct json *json_copy(const struct json *j);

/* An array of them. */
struct json *json_list(const struct list *l);

/* Both take value over. */
void json_put(struct json *object, const char *key, struct json *value);
void json_add(struct json *array, struct json *value);

/* On the heap, on one line, or indented for people with a newline at the end. */
char *json_print(const struct json *j, bool for_people);

/*
 * The whole text must be one JSON value, without \u0000 in texts. NULL with e (ERR_USAGE) and the
 * place where it went wrong.
 */
struct json *json_read(const char *text, struct err *e);

/* What a value is; NULL when it is not that. */
const char *json_text(const struct json *j);
const struct json *json_get(const struct json *object, const char *key);
/* What a JSON pointer such as "/a/0/b" (RFC 6901) leads to; NULL: nothing. */
const struct json *json_at(const struct json *j, const char *pointer);
bool json_number(const struct json *j, double *ret);
/* A whole number that a double holds exactly; 0 for everything else, negative ones too. */
uint64_t json_count(const struct json *j);
bool json_bool(const struct json *j, bool *ret);
bool json_is_object(const struct json *j);
bool json_is_array(const struct json *j);

/* Members in order, none of NULL; the key of a member of an object. */
const struct json *json_first(const struct json *container);
const struct json *json_next(const struct json *member);
const char *json_key(const struct json *member);
