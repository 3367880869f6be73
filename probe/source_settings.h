/* SPDX-License-Identifier: Apache-2.0 */
/* source_settings: what a source of probes is asked, and how: one JSON object in `probe-source`. */
#pragma once

#include "base/list.h"
#include "base/parse.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct source_kind;

/* The names of enum source_empty. */
extern const char *const source_empties[];
enum source_empty { SOURCE_EMPTY_UNKNOWN, SOURCE_EMPTY_ZERO };
enum source_bots { SOURCE_BOTS_WITH, SOURCE_BOTS_WITHOUT };

struct source_settings {
	const struct source_kind *kind;
	char *name;
	int64_t every;   /* from the begin of one look to the next */
	int64_t timeout; /* of one look */
	int64_t stale;   /* a reading that is older is unknown; 0: three times every, and timeout */

	/* Exactly one of these is set: the kind. */
	char *file;
	struct list tcp, udp; /* local ports */
	char *prometheus;     /* its URL; `query` goes with it */
	char *http;           /* a URL */
	char *metrics;        /* the URL of a metrics page; `sample` goes with it */
	char *process;        /* a pattern of base/process: how many there are */
	struct list command;
	char *a2s, *minecraft, *quake3; /* HOST:PORT */
	char *sidecar;                  /* what `run` knows of itself: version, digest, ... */

	char *json;          /* a JSON pointer into what it says: file, http, command */
	bool age;            /* of the file, in seconds, instead of its content */
	struct list except;  /* tcp, udp: peers that do not count, "10.0.0.0/8", or "loopback" */
	char *query;         /* PromQL */
	int empty;           /* enum source_empty: what a query without a result means */
	char *sample;        /* of a metrics page: name, or name{label="value",...} */
	bool sum;            /* of all samples that fit, instead of exactly one */
	bool status;         /* http: the status is the reading */
	struct list headers; /* of requests */
	char *token_file;    /* the same, Authorization: Bearer, read anew for each look */
	char *ca_file;       /* PEM, for https */
	/*
	 * enum source_bots: a2s, quake3. A bot that counts as a player keeps a server; a player
	 * that is taken for a bot loses one. So bots are players, unless the user knows better:
	 * that this game counts them as players (a2s), that nobody has a ping of 0 (quake3).
	 */
	int bots;
};

/* Reads the JSON object text; *ret is cleared by source_settings_done(). ERR_USAGE. */
int source_settings_read(const char *text, struct source_settings *ret, struct err *e);
void source_settings_done(struct source_settings *s);

/* The same, without keeping it, and whether text is a port: setting.check. */
int source_check_port(const char *text, struct err *e);
int source_settings_check(const char *text, struct err *e);
