/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn: one source in a process of its own. What breaks a library, or takes all memory there is,
 * ends that process: the other sources have their turn all the same.
 */
#pragma once

#include <stdbool.h>

struct fetch_source;
struct json;

/*
 * Into the folder called name of the cache, whose path is dir; its answer is added to result.
 * False: it has no directory.
 */
bool turn_take(int cache, const char *dir, const char *name, const struct fetch_source *s,
	       struct json *result);
