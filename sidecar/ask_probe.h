/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask_probe: a probe's verdict, for a process that does not stay: the resident's, or, with
 * probe-direct or the settings of `drained`, one of our own after one look.
 */
#pragma once

#include "probe/rules.h"

struct config;
struct json;

/* ERR_USAGE when there is no such probe, or it cannot be looked at. */
int ask_probe_check(const struct config *c, const char *name, struct err *e);

/*
 * Within timeout_ms. Whatever goes wrong is the verdict `unknown`, with the reason. ret_all, if it
 * is not NULL, gets all that is known of it, as panel_json() says it; NULL when that is nothing.
 */
struct verdict ask_probe(const struct config *c, const char *name, int64_t timeout_ms,
			 struct json **ret_all);

/* The resident's answer to such a question, as it has it: one line, on the heap. */
char *ask_probe_answer(const char *name, const struct verdict *v);
