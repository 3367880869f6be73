/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner: one local reload at a time, for whoever asks: clients of the endpoint, a watch.
 *
 * What is asked for while a reload runs waits for the next one, since what it wants loaded may have
 * come too late for the running one. All that wait share that next one, and all get its outcome.
 *
 * A request may be named. A key names one request however often it is sent: it joins the run that
 * is for it, and is not run again once that run succeeded (the last RUNNER_KEYS_MOST are
 * remembered). A digest without a key names content: it joins a run for the same content when
 * nothing else was asked for since, and is known while it is what was reloaded last.
 */
#pragma once

#include "base/err.h"
#include "reloader/trigger.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNNER_KEYS_MOST 64
#define RUNNER_NAME_MOST 256 /* longer keys and digests are the asker's to refuse */

struct runner_outcome {
	bool done;
	struct err e;       /* why it is not done */
	const char *output; /* the last lines that a command said, or "" */
	int64_t took_ms;
	uint64_t run; /* its number, from 1 */
};

struct runner_request {
	const char *key;    /* NULL: none; kept, not copied, until on_done */
	const char *digest; /* the same */
	void (*on_done)(struct runner_request *request, const struct runner_outcome *outcome);
	void *owner;

	uint64_t run; /* set by runner_ask(): the run that serves it */
	struct runner_request *next;
};

struct runner_queue {
	struct runner_request *first, **end;
	size_t count;
};

struct runner_memory {
	char *key, *digest; /* digest NULL: none */
};

struct runner {
	struct trigger *trigger;
	int64_t timeout_ms;
	bool running;
	int64_t began;               /* clock_ms() */
	struct runner_queue served;  /* by the run that is under way */
	struct runner_queue waiting; /* for the next one */
	char *reloaded;              /* the digest of what was reloaded last; NULL: not known */
	struct runner_memory remembered[RUNNER_KEYS_MOST];
	size_t next_memory;

	uint64_t begun, runs, failures; /* runs and failures: that ended */
	struct runner_outcome last;     /* run is 0: none yet */
	char *last_output, *last_at;    /* what it said; when it ended, clock_stamp() */
	char *last_digest; /* of the run that began last, as it was said; NULL: nothing was said */
};

/* Takes trigger over, its on_done too. timeout_ms is for one run. */
void runner_init(struct runner *r, struct trigger *trigger, int64_t timeout_ms);

/* Ends a run that is under way; nobody is told. Fine for a zeroed r, and twice. */
void runner_done(struct runner *r);

enum runner_answer {
	RUNNER_ASKED,    /* on_done is called once, perhaps before runner_ask() returns */
	RUNNER_KNOWN,    /* that has been reloaded; on_done is not called */
	RUNNER_CONFLICT, /* its key is one that came with another digest; neither */
};

/* request stays the caller's, and where it is until on_done. */
enum runner_answer runner_ask(struct runner *r, struct runner_request *request);
