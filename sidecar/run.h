/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: what the files of the resident share.
 *
 *   run.c        wiring, life cycle, signals
 *   run_sync.c   the sync child, its report, trying again
 *   run_watch.c  when the source changes
 *   run_reload.c the reload of what is published, and what follows from its failure
 *   run_ask.c    a sync that a person asks for
 *   run_update.c an update that somebody brings
 *   run_probes.c the probes: their sources, what is kept of them, their pages
 *   run_pages.c  what the listeners answer
 */
#pragma once

#include "base/buf.h"
#include "base/child.h"
#include "base/loop.h"
#include "base/signals.h"
#include "probe/panel.h"
#include "probe/readiness.h"
#include "reloader/reload.h"
#include "sidecar/config.h"
#include "sidecar/sync_report.h"

struct http_request;
struct http_route;
struct http_server;
struct json;
struct watch;

struct run {
	const struct config *config;
	struct loop *loop;
	struct signals signals;
	struct http_server *control, *probe;
	bool control_listens, probe_listens; /* at their addresses */
	int64_t began;                       /* clock_ms() */
	char started[32];                    /* RFC 3339 */

	struct sync sync;            /* the lock is ours once state.lock >= 0 */
	struct loop_timer next_sync; /* or the next look at the lock */
	int64_t sync_pause_ms;
	struct child sync_child;
	struct loop_watch sync_output;
	struct buf sync_text;
	char *asked; /* the flag of a sync that was asked for; NULL: none */
	bool asked_runs;
	bool undoes_update; /* going back may, and then the sources have another version */
	struct http_request *asker;
	char *update;                 /* that is tried by it; NULL: none */
	struct http_request *updater; /* NULL: nobody waits for what comes of it */
	bool update_waits;            /* it is published as update_serial, and not reloaded */
	int64_t update_serial;
	const char *update_state; /* of the last one, NULL: there was none */
	char *update_error;
	struct sync_report report; /* of the last sync that succeeded */
	struct json *fetched;      /* what gs-fetch said of each source; NULL: nothing yet */
	struct err sync_error;     /* why the last one failed, if it did */
	uint64_t syncs, sync_failures;
	int64_t published_at; /* clock_ms(), 0: not yet */
	bool sync_again;      /* the source has changed since the running one began */

	struct watch *watch; /* of the source; NULL: off */
	uint64_t changes;    /* versions that came after the first */

	struct reload reload; /* name NULL: no way to reload is configured */
	bool went_back;       /* the policy has gone back from the version of the sources */
	char *failed; /* why the last version that failed did; NULL: none, or not read yet */
	char failed_digest[DIGEST_TEXT_SIZE];
	bool failed_counts;   /* it is published, or what the sources have */
	bool first_start;     /* no version was ever acknowledged on this volume */
	int64_t told_failure; /* clock_ms() of the last line about a failed try */
	bool was_ready;

	struct panel panel;      /* the probes */
	bool probes_unsaved;     /* what they know cannot be kept, as was told */
	struct list probe_paths; /* "/v1/probe/NAME" of each */
	struct http_route *control_routes, *probe_routes;

	struct readiness_facts facts;
};

/* run.c */
bool run_is_ready(struct run *r, const char **ret_reason);

/* Logs a change of it. */
void run_tell_readiness(struct run *r);

/* run_reload.c */
int run_reload_start(struct run *r, struct err *e);
void run_reload_stop(struct run *r);

/* Called when a version is what the target holds: its reload is next. */
void run_reload_published(struct run *r);

/* After each sync: whether the version that failed is still one to be unready for. */
void run_reload_judge(struct run *r);

/* The version that failed is no longer held against anybody. */
void run_reload_forgive(struct run *r);

/* run_sync.c */
void run_sync_init(struct run *r);
/*
 * Opens target and state and tries to take the lock; a full disk or a lock that somebody else has
 * is no reason to fail but to try again. -1 with e.
 */
int run_sync_open(struct run *r, struct err *e);

/* Takes the lock and starts a sync, now or as soon as that is possible. */
void run_sync_begin(struct run *r);

/* The source may be another now: the same, or once more after the sync that is running. */
void run_sync_again(struct run *r);
void run_sync_stop(struct run *r);

/* run_watch.c */
int run_watch_check(const struct config *c, struct err *e);

/* To be called before the first sync, so that no change falls in between. */
void run_watch_start(struct run *r);
void run_watch_stop(struct run *r);

/* "events", "polling" or "off" */
const char *run_watch_mode(const struct run *r);

/* run_ask.c */
/* Handlers of requests, see http_handler. */
void run_ask_rollback(struct http_request *request, void *owner);
void run_ask_force(struct http_request *request, void *owner);

/* Begins it by a sync with that flag. Nothing may be asked for, and the lock be ours. */
void run_ask_begin(struct run *r, const char *flag);

/* Goes back to the version by our own policy. Nothing may be asked for, and the lock be ours. */
void run_ask_back(struct run *r, const char *digest);

/* A newer version was published before that began: it is not what was to be gone back from. */
void run_ask_no_back(struct run *r);

/* Whether the next sync is one that was asked for. */
bool run_ask_is_next(const struct run *r);

/* Tells who asked for the sync that has ended; false when nobody did. */
bool run_ask_answer(struct run *r, const struct sync_report *report);

/* Forgets who asked, whom the server tells that we end. */
void run_ask_stop(struct run *r);

/* run_update.c */
/* Of a request over the network: 0, or the status to refuse it with, and why. */
int run_update_check_token(const struct run *r, struct http_request *request, const char **why);
void run_update(struct http_request *request, void *owner);

/* The sync that tried it has ended; before the report is taken over. */
void run_update_synced(struct run *r, const struct sync_report *report);

/* Of the last one, for /status. */
struct json *run_update_status(const struct run *r);

/* Answers who waits for an update as soon as it is known what came of it. */
void run_update_judge(struct run *r);

/* run_probes.c */
int run_probes_check(const struct config *c, struct err *e);
int run_probes_start(struct run *r, struct err *e);

/* Begins to look, once the state directory is known, which tells what an earlier process saw. */
void run_probes_begin(struct run *r);
void run_probes_stop(struct run *r);

/* Brings the metrics up to date. */
void run_probes_metrics(struct run *r);

/* A line for each, for /status. */
struct json *run_probes_status(struct run *r);

/*
 * The routes and, behind them, one for each probe, on the heap: those of the control listener or of
 * the probe listener.
 */
struct http_route *run_probes_routes(const struct run *r, const struct http_route *routes,
				     bool control);

/* run_pages.c */
/* Makes the control server, which listens at the meeting point. */
int run_pages_start(struct run *r, struct err *e);

/*
 * Listens wherever it does not yet and can: an address that is in use is left for later while
 * another sidecar has the lock. -1 with e.
 */
int run_pages_listen(struct run *r, struct err *e);
void run_pages_stop(struct run *r);
