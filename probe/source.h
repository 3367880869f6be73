/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: what is asked about the game, again and again, and what it said last.
 *
 * A source looks every so often, or once when it is told to; each look ends with a reading, known
 * or not. A look that takes longer than the timeout is ended and its reading unknown: so is one
 * that failed, and one that is stale. Nothing is ever guessed: what cannot be read is unknown, and
 * unknown satisfies no rule.
 *
 * The kinds of sources are in source_KIND.c, each with a struct source_kind.
 */
#pragma once

#include "base/loop.h"
#include "probe/source_settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct http_client;
struct source;

#define READING_TEXT_SIZE 128 /* a longer text is unknown */
#define READING_WHY_SIZE 192

struct reading {
	bool known;
	char text[READING_TEXT_SIZE]; /* without blanks around it, not empty */
	char why[READING_WHY_SIZE];   /* why it is not known */
	/*
	 * Two readings with the same evidence, other than 0, tell that nothing has happened in
	 * between, even while nobody looked: the same unchanged file, the same processes.
	 */
	uint64_t evidence;
	int64_t from, at; /* clock_ms() when the look began and ended; 0: none has ended yet */
};

/* What all sources of a loop share. */
struct source_world {
	struct loop *loop;
	struct http_client *http; /* made by the first source that needs it */
	/* What the program knows of itself, a word of `sidecar`; NULL: not now. */
	const char *(*sidecar)(void *owner, const char *what);
	void *owner;
};

struct source_kind {
	const char *name;  /* "tcp": the setting that asks for it */
	const char *takes; /* other settings that it has besides those of all, "json age" */
	/* The settings are complete and sound; ERR_USAGE. NULL: always. */
	int (*check)(const struct source_settings *s, struct err *e);
	/* Makes s->own. NULL: nothing to make. */
	int (*open)(struct source *s, struct err *e);
	/* Looks once: ends with source_say() or source_fail(), perhaps from inside. */
	void (*look)(struct source *s);
	/* Ends the look that is under way: it says nothing any more. NULL: it never takes time. */
	void (*cancel)(struct source *s);
	/* Frees s->own. NULL: nothing to free. No look is under way. */
	void (*close)(struct source *s);
};

struct source {
	const struct source_settings *settings;
	const struct source_kind *kind; /* NULL: not open */
	struct source_world *world;
	void *own; /* the kind's */

	struct reading last;
	int64_t steady_since; /* readings have been known, without a gap, since; 0: the last is not
			       */
	int64_t changed_at;   /* the last of them that was another than before; 0: none */
	uint64_t looks, failures; /* that have ended */
	int64_t took_ms;          /* the last look */
	/* A look has ended with this reading: it is to be given to source_take(). */
	void (*on_reading)(struct source *s, const struct reading *r);
	void *owner;

	bool looking;
	int64_t began;           /* the last look, clock_ms() */
	struct loop_timer timer; /* the end of the look's time, or the next look */
	bool again;              /* there is a next look */
};

/* NULL: there is none of that name. */
const struct source_kind *source_kind_named(const char *name);

/* settings and world are kept. on_reading and owner are set by the caller afterwards. */
int source_open(struct source *s, const struct source_settings *settings,
		struct source_world *world, struct err *e);
void source_close(struct source *s);

/* Looks now, and, with again, every so often from now on. */
void source_start(struct source *s, bool again);

/* The reading becomes what it said last. */
void source_take(struct source *s, const struct reading *r);

/* What it said, or an unknown reading with the reason: there is none yet, or it is stale. */
const struct reading *source_reading(const struct source *s, int64_t now);

/* How old a reading may be, in milliseconds. */
int64_t source_stale_ms(const struct source_settings *s);

/* ---- for the kinds ---- */

/* The http client of the world, made when there is none; NULL with e. */
struct http_client *source_http_client(struct source *s, struct err *e);

/* The look has ended: with a text, which is trimmed; or a number; or a failure. */
void source_say(struct source *s, const char *text, uint64_t evidence);
void source_say_number(struct source *s, double number);
void source_fail(struct source *s, const struct err *e);

/* The same with the place in the JSON text that settings->json points to, or the text itself. */
void source_say_json(struct source *s, const char *text, uint64_t evidence);
