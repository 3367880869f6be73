/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting: one row per setting makes its parser, its printer and its documentation.
 *
 * A module declares a struct with its values and an array of rows; sidecar/config.c joins the
 * arrays and applies default, file, environment and flags in that order.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

/* What a row's value is stored as. */
enum setting_type {
	SETTING_TEXT,     /* char *, NULL when not set */
	SETTING_LIST,     /* struct list; a flag may be given many times, a variable holds lines */
	SETTING_DURATION, /* int64_t, milliseconds */
	SETTING_COUNT,    /* int64_t */
	SETTING_FLAG,     /* bool */
	SETTING_CHOICE,   /* int, the index in choices */
	SETTING_ADDRESS,  /* struct address */
	SETTING_SIGNAL,   /* int, 0 when not set */
	SETTING_STATUS,   /* struct status_range */
	SETTING_URL,      /* char *, http:// or https://, NULL when not set */
};

struct setting {
	const char *name;     /* "reload-url": --reload-url, GS_SIDECAR_RELOAD_URL, "reload-url" */
	const char *value;    /* what stands for the value in help: "URL" */
	const char *standard; /* the default as text, NULL for "not set" */
	const char *help;     /* one sentence; NULL for a row that is not for people */
	const char *const *choices;                    /* NULL-terminated, for SETTING_CHOICE */
	int (*check)(const char *item, struct err *e); /* of a list; ERR_USAGE; NULL: all is well */
	size_t offset;
	enum setting_type type;
	bool secret;  /* its value is never shown */
	bool objects; /* items of a list are JSON objects, which the file has as such */
};

struct setting_group {
	const struct setting *rows;
	size_t count;
};

#define SETTING_GROUP(array)                              \
	{                                                 \
		array, sizeof(array) / sizeof((array)[0]) \
	}

/* Reads text into the value in values; a list grows, see setting_clear(). */
int setting_set(const struct setting *s, void *values, const char *text, struct err *e);

/* The same, but text is one item of a list, whatever lines it has. */
int setting_add(const struct setting *s, void *values, const char *text, struct err *e);

/* Back to "not set", memory freed. */
void setting_clear(const struct setting *s, void *values);

/* The value as it would be written, on the heap; secrets as "(set)"; NULL when not set. */
char *setting_show(const struct setting *s, const void *values);

/* A URL without what may be secret in it: user, password, query. On the heap. */
char *setting_url_shown(const char *url);
