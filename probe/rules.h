/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules: one probe: its rules in order, of which the first that holds makes the verdict.
 *
 *   {"name": "drain", "rules": [{"if": CONDITION, "result": "done", "pass": true}, ...]}
 *
 * A rule is reached when all before it are known not to hold: one that cannot be told hides those
 * behind it, so that an error is never the rest. A rule without "if" holds when it is reached. When
 * none is reached and holds, the verdict is `unknown`, fail.
 */
#pragma once

#include "probe/condition.h"
#include "probe/word.h"

#define RULES_MOST 32
#define RULES_UNKNOWN "unknown"
#define RULES_REFRESHED "-2"

struct rule {
	struct condition when;
	bool always; /* it has no "if" */
	char *result;
	bool pass;
	/*
	 * The word is another one, "-2" behind it, in every second period of so long: a change that
	 * makes OKG act again. 0: it stays.
	 */
	int64_t refresh_ms;
	enum truth truth;
};

struct rules {
	char *name;
	struct rule *items;
	size_t count;
	const struct rule *holds; /* NULL: none */
	int64_t since;            /* that one does, clock_ms() */
	bool *used;               /* of each source: whether it is named */
};

struct verdict {
	char word[WORD_MOST + 1];
	bool pass;
	char why[240]; /* why it is unknown; "" when it is not */
};

/* Reads the JSON object text; *ret is to be freed in any case. ERR_USAGE. */
int rules_read(const char *text, const struct condition_names *names, struct rules *ret,
	       struct err *e);
void rules_done(struct rules *r);

/* Looks at all conditions: to be done before and after a reading is replaced. */
void rules_look(struct rules *r, const struct condition_view *v);

/* What follows from the last look. names are those that it was read with. */
struct verdict rules_verdict(const struct rules *r, const struct condition_view *v,
			     size_t source_count);
