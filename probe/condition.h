/* SPDX-License-Identifier: Apache-2.0 */
/*
 * condition: what a rule asks of readings: holds, does not hold, or cannot be told.
 *
 *   {"source": "players", "equals": 0, "for": "10s"}
 *   {"all": [...]}, {"any": [...]}, {"not": {...}}, {"agree": ["asked", "counted"]}
 *
 * The logic is Kleene's: an unknown part decides nothing, and neither does its opposite; "all" with
 * a part that does not hold does not hold whatever the others are.
 *
 * `for` and `samples` count from the first reading with which the condition was seen to hold up to
 * the last one that confirms it, never up to now; one look that is unknown begins them anew. One
 * that holds, but not for long enough, does not hold if it was seen to begin, and is unknown if it
 * was so already when looking began: then nobody knows how long it has been so.
 */
#pragma once

#include "probe/source.h"

#define CONDITION_DEPTH_MOST 8
#define CONDITION_PARTS_MOST 16

struct buf;
struct json;

enum truth { TRUTH_UNKNOWN, TRUTH_NO, TRUTH_YES };

enum condition_kind {
	CONDITION_ALL,
	CONDITION_ANY,
	CONDITION_NOT,
	CONDITION_AGREE,   /* the sources say the same */
	CONDITION_EQUALS,  /* a number, or a text */
	CONDITION_MATCHES, /* a pattern for the whole text */
	CONDITION_RANGE,   /* a number from min to max */
	CONDITION_CHANGED, /* another reading than before, within the window */
};

/* How long it has held, as far as anybody looked. Times are clock_ms(). */
struct hold {
	int64_t since;       /* 0: it does not hold */
	uint64_t looks;      /* of its source when that began */
	bool seen_to_begin;  /* it was seen not to hold just before */
	uint64_t evidence;   /* of its readings together; 0: they leave none */
	int64_t saved_since; /* of an earlier process, as long as it may count */
	uint64_t saved_evidence;
};

struct condition {
	enum condition_kind kind;
	struct condition *parts; /* of all, any, not */
	size_t count;
	size_t *sources; /* of the others: one, or several of agree */
	size_t source_count;
	char *text; /* equals, matches; NULL: equals a number */
	double least, most;
	int64_t window_ms;

	int64_t for_ms, samples;
	struct hold hold;
	enum truth truth; /* when it was looked at last */
};

/* The sources that may be named. */
struct condition_names {
	const struct source_settings *items;
	size_t count;
	bool *used; /* of each: set when a condition names it */
};

/* -1 with e (ERR_USAGE); *ret is to be freed in any case. */
int condition_read(const struct json *j, const struct condition_names *names, struct condition *ret,
		   struct err *e);
void condition_done(struct condition *c);

struct condition_view {
	const struct source *sources;
	int64_t now;
	bool direct; /* nobody has looked before: what takes time is unknown */
};

/* Looks at it and all its parts; to be done before and after a reading is replaced. */
enum truth condition_look(struct condition *c, const struct condition_view *v);

/* Why it does not hold, or that it does, in a few words for people. */
void condition_why(const struct condition *c, const struct condition_view *v, struct buf *b);

/* Calls each() for c and all its parts, in an order that depends on the configuration alone. */
void condition_each(struct condition *c, void (*each)(struct condition *c, void *user), void *user);
