/* SPDX-License-Identifier: Apache-2.0 */
/* result: what became of the sources, as JSON for who asked, and in a line each for the log. */
#pragma once

#include "fetch/source.h"

struct err;
struct json;
struct list;

struct json *result_new(void);

/* e is ERR_NONE for what could be had. */
void result_add(struct json *result, const struct fetch *f, enum source_state state,
		const struct err *e);

/* One line to stdout. */
int result_print(const struct json *result, struct err *e);

/* What is as it was the last time is not worth a line. */
void result_log(const struct fetch *f, enum source_state state, const struct err *e);
