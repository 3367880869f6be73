/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting_object: a JSON object whose members are settings, by the rows of setting.h.
 *
 *   setting_object_init()   the defaults
 *   setting_object_set()    the members
 *   setting_object_clear()  memory freed, all zero
 */
#pragma once

#include "base/setting.h"

struct err;
struct json;

struct setting_object {
	const char *what; /* "a trigger" */
	const struct setting_group *const *groups;
	size_t count;
	size_t prefix; /* how many letters of a row's name its key goes without */
	size_t size;   /* of the values */
};

void setting_object_init(const struct setting_object *o, void *values);

/* ERR_USAGE, naming the member: one that no row has, that is there twice, or that is wrong. */
int setting_object_set(const struct setting_object *o, void *values, const struct json *object,
		       struct err *e);

void setting_object_clear(const struct setting_object *o, void *values);
