/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_pages: what the two listeners of the resident answer.
 *
 *   both      GET /healthz  the loop answers
 *             GET /readyz   200 or 503 with the reason
 *             GET /status   JSON
 *             GET /metrics  Prometheus text
 *   control   POST /v1/reload  try again what the game refused
 *             POST /v1/hook, /v1/note  a container hook tells what it decided: a line in our log
 *             POST /v1/rollback, /v1/sync  see run_ask.c
 *             POST /v1/update  see run_update.c
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/http_server.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/text.h"
#include "base/watch.h"
#include "reloader/proof.h"
#include "sidecar/resident.h"
#include "sidecar/run.h"
#include "sidecar/update.h"
#include "sync/generations.h"

#include <errno.h>
#include <fcntl.h>

#define CONNECTIONS_MOST 32
#define IDLE_SECONDS 10
#define BODY_MOST UPDATE_MOST
#define METRICS_MOST ((size_t)1024 * 1024)

static void on_healthz(struct http_request *request, void *owner)
{
	(void)owner;
	http_request_answer(request, 200, "text/plain", "ok\n");
}

static void on_readyz(struct http_request *request, void *owner)
{
	const char *reason;
	bool ready = run_is_ready(owner, &reason);
	owned char *text = mem_format("%s\n", reason);

	http_request_answer(request, ready ? 200 : 503, "text/plain", text);
}

static struct json *record_json(const struct record *r)
{
	struct json *j = json_object();

	json_put_text(j, "digest", r->digest[0] ? r->digest : NULL);
	json_put_number(j, "serial", (double)r->serial);
	json_put_text(j, "at", r->at[0] ? r->at : NULL);
	json_put_number(j, "files", (double)r->files);
	json_put_number(j, "bytes", (double)r->bytes);
	json_put_text(j, "label", r->label[0] ? r->label : NULL);
	return j;
}

static struct json *sync_json(const struct run *r)
{
	struct json *j = json_object();

	json_put_bool(j, "waiting_for_lock", r->facts.waiting_for_lock);
	json_put_bool(j, "running", r->sync_child.pid != 0);
	json_put_number(j, "ended", (double)r->syncs);
	json_put_number(j, "failures", (double)r->sync_failures);
	json_put_text(j, "last_error", r->sync_error.kind == ERR_NONE ? NULL : r->sync_error.text);
	json_put_bool(j, "changed", r->report.result.changed);
	json_put_bool(j, "held", r->report.result.held);
	json_put_number(j, "placed", (double)r->report.result.placed);
	json_put_number(j, "placed_bytes", (double)r->report.result.placed_bytes);
	json_put_number(j, "removed", (double)r->report.result.removed);
	json_put_number(j, "took_ms", (double)r->report.took_ms);
	return j;
}

static size_t watched_directories(const struct run *r)
{
	return r->watch ? watch_directories(r->watch) : 0;
}

static struct json *watch_json(const struct run *r)
{
	struct json *j = json_object();

	json_put_text(j, "mode", run_watch_mode(r));
	json_put_number(j, "directories", (double)watched_directories(r));
	json_put_number(j, "changes", (double)r->changes);
	return j;
}

static const char *text_or_null(const char *text)
{
	return text && *text ? text : NULL;
}

/* Of one trigger, or of the one that people want to know about. */
static void put_tries(struct json *j, const struct tries *t)
{
	json_put_number(j, "attempts", t->count);
	json_put_bool(j, "unreachable", t->unreachable && t->state != TRIES_DONE);
	json_put_text(j, "last_error", text_or_null(t->last.text));
	json_put_text(j, "last_output", text_or_null(t->output));
}

/* What is left of another version's is not shown. */
static struct tries not_begun;

static struct json *triggers_json(const struct reload *reload)
{
	struct json *j = json_array();

	for (size_t i = 0; i < reload->triggers.count; i++) {
		const struct tries *t = &reload->tries[i];
		struct json *one = json_object();

		json_put_text(one, "trigger", t->trigger->name);
		json_put_bool(one, "done", i < reload->started && t->state == TRIES_DONE);
		put_tries(one, i < reload->started ? t : &not_begun);
		json_add(j, one);
	}
	return j;
}

static struct json *cost_json(const struct cost *cost)
{
	struct json *j = json_object();

	json_put_number(j, "before", (double)cost->before);
	json_put_number(j, "cut", (double)cost->cut);
	json_put_bool(j, "truncated", cost->truncated);
	json_put_text(j, "error", cost->unknown ? cost->e.text : NULL);
	return j;
}

static struct json *reload_json(const struct run *r)
{
	const struct reload *reload = &r->reload;
	struct record acknowledged = state_acknowledged(&r->sync.state);
	struct json *j = json_object();

	json_put_text(j, "trigger", reload->name);
	json_put_text(j, "state", reload_state_name(reload->state));
	json_put_text(j, "waits", text_or_null(reload->turn.waits_for));
	put_tries(j, reload->started ? reload_behind(reload) : &not_begun);
	json_put(j, "triggers", triggers_json(reload));
	json_put_text(j, "proof", reload->proof ? proof_name(reload->proof) : NULL);
	json_put_text(j, "unproven", text_or_null(reload->unproven.text));
	if (reload->cost.ports && !reload->counting)
		json_put(j, "cost", cost_json(&reload->cost));
	json_put(j, "acknowledged", record_json(&acknowledged));
	return j;
}

/* Milliseconds after the start of this process; null for what has not happened. */
static void put_moment(const struct run *r, struct json *j, const char *key, int64_t at)
{
	if (at)
		json_put_number(j, key, (double)(at - r->began));
	else
		json_put_text(j, key, NULL);
}

static struct json *timeline_json(const struct run *r)
{
	struct json *j = json_object();

	put_moment(r, j, "published", r->published_at);
	put_moment(r, j, "reload_sent", r->reload.first_sent_at);
	put_moment(r, j, "acknowledged", r->reload.acknowledged_at);
	return j;
}

/* The older versions that can be gone back to. */
static struct json *kept_json(const struct run *r)
{
	struct json *j = json_array();
	struct generations g = GENERATIONS_INIT;
	owned_fd target = open(r->config->sync.target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e;

	if (r->sync.state.dir >= 0 && target >= 0 &&
	    generations_open(&g, r->sync.state.dir, target, &e) == 0)
		for (size_t i = 0; i < g.count; i++) {
			struct json *kept = record_json(&g.records[i]);

			json_put_bool(kept, "held",
				      state_is_rejected(&r->sync.state, g.records[i].digest));
			json_add(j, kept);
		}
	generations_forget(&g);
	return j;
}

static struct json *sources_json(const struct run *r)
{
	struct list shown = { 0 };

	fetch_shown(&r->config->sync.sources, &shown);
	struct json *j = json_list(&shown);
	list_clear(&shown);
	return j;
}

static void on_status(struct http_request *request, void *owner)
{
	struct run *r = owner;
	const char *reason;
	bool ready = run_is_ready(r, &reason);
	struct record published = state_published(&r->sync.state);
	struct json *j = json_object();

	json_put_text(j, "version", VERSION);
	json_put_bool(j, "ready", ready);
	json_put_text(j, "reason", reason);
	json_put_text(j, "started", r->started);
	json_put_number(j, "uptime_ms", (double)(clock_ms() - r->began));
	json_put_bool(j, "first_start", r->first_start);
	json_put_bool(j, "synced", r->facts.published);
	json_put(j, "sources", sources_json(r));
	json_put(j, "fetched", r->fetched ? json_copy(r->fetched) : json_array());
	json_put(j, "update", run_update_status(r));
	json_put_text(j, "target", r->config->sync.target);
	json_put(j, "published", record_json(&published));
	json_put(j, "kept", kept_json(r));
	json_put(j, "sync", sync_json(r));
	json_put(j, "watch", watch_json(r));
	json_put(j, "reload", reload_json(r));
	json_put(j, "probes", run_probes_status(r));
	json_put(j, "timeline_ms", timeline_json(r));
	owned char *text = json_print(j, true);
	json_free(j);
	http_request_answer(request, 200, "application/json", text);
}

static struct metric info = { .name = "gs_sidecar_info",
			      .labels = "version=\"" VERSION "\"",
			      .help = "Always 1.",
			      .kind = METRIC_GAUGE,
			      .value = 1 };
static struct metric ready_now = { .name = "gs_sidecar_ready",
				   .help = "1 when this version is published and its reload "
					   "acknowledged.",
				   .kind = METRIC_GAUGE };
static struct metric syncs = { .name = "gs_sidecar_syncs_total",
			       .help = "Syncs that ended.",
			       .kind = METRIC_COUNTER };
static struct metric sync_failures = { .name = "gs_sidecar_sync_failures_total",
				       .help = "Syncs that failed or could not start.",
				       .kind = METRIC_COUNTER };
static struct metric sync_seconds = { .name = "gs_sidecar_sync_duration_seconds",
				      .help = "Duration of the last sync that succeeded.",
				      .kind = METRIC_GAUGE };
static struct metric files = { .name = "gs_sidecar_published_files",
			       .help = "Files and links of the published version.",
			       .kind = METRIC_GAUGE };
static struct metric bytes = { .name = "gs_sidecar_published_bytes",
			       .help = "Bytes in them.",
			       .kind = METRIC_GAUGE };
static struct metric serial = { .name = "gs_sidecar_published_serial",
				.help = "Number of publications on this volume so far.",
				.kind = METRIC_GAUGE };
static struct metric owed = { .name = "gs_sidecar_reload_owed",
			      .help = "1 while a published version is not acknowledged.",
			      .kind = METRIC_GAUGE };

static struct metric changes = { .name = "gs_sidecar_source_changes_total",
				 .help = "Versions published because the source had changed.",
				 .kind = METRIC_COUNTER };
static struct metric polling = { .name = "gs_sidecar_source_polling",
				 .help = "1 while the source is watched by looking every now and "
					 "then.",
				 .kind = METRIC_GAUGE };

static struct metric stale = { .name = "gs_sidecar_sources_stale",
			       .help = "Fetched sources that cannot be had now, so that their "
				       "last good copy stands.",
			       .kind = METRIC_GAUGE };

static void list_metrics(void)
{
	metric_list(&info);
	metric_list(&ready_now);
	metric_list(&syncs);
	metric_list(&sync_failures);
	metric_list(&sync_seconds);
	metric_list(&files);
	metric_list(&bytes);
	metric_list(&serial);
	metric_list(&owed);
	metric_list(&changes);
	metric_list(&polling);
	metric_list(&stale);
}

static double count_stale(const struct run *r)
{
	double count = 0;

	for (const struct json *j = json_first(r->fetched); j; j = json_next(j))
		count += text_is(json_text(json_get(j, "state")), "stale");
	return count;
}

static void read_metrics(struct run *r)
{
	const char *reason;
	const struct record *published = &r->report.result.published;

	ready_now.value = run_is_ready(r, &reason);
	syncs.value = (double)r->syncs;
	sync_failures.value = (double)r->sync_failures;
	sync_seconds.value = (double)r->report.took_ms / 1000;
	files.value = (double)published->files;
	bytes.value = (double)published->bytes;
	serial.value = (double)published->serial;
	changes.value = (double)r->changes;
	stale.value = count_stale(r);
	polling.value = r->watch && watch_polls(r->watch);
	owed.value = r->facts.published && r->facts.reload_wanted && !r->facts.acknowledged;
}

static void on_metrics(struct http_request *request, void *owner)
{
	owned_buf page = BUF_INIT(METRICS_MOST);

	read_metrics(owner);
	run_probes_metrics(owner);
	metric_page(&page);
	http_request_answer(request, 200, "text/plain; version=0.0.4", page.data);
}

static void on_reload_again(struct http_request *request, void *owner)
{
	struct run *r = owner;

	if (r->asked) {
		http_request_answer(request, 200, "text/plain", "another version comes\n");
	} else if (reload_again(&r->reload)) {
		log_info("asked to try the reload again");
		http_request_answer(request, 200, "text/plain", "trying again\n");
	} else {
		http_request_answer(request, 200, "text/plain", "nothing was refused\n");
	}
}

static void on_hook(struct http_request *request, void *owner)
{
	(void)owner;
	log_warn("%s", http_request_body(request));
	http_request_answer(request, 200, "text/plain", "noted\n");
}

static void on_note(struct http_request *request, void *owner)
{
	(void)owner;
	log_info("%s", http_request_body(request));
	http_request_answer(request, 200, "text/plain", "noted\n");
}

#define READING_ROUTES                                                      \
	{ "GET", "/healthz", on_healthz }, { "GET", "/readyz", on_readyz }, \
		{ "GET", "/status", on_status },                            \
	{                                                                   \
		"GET", "/metrics", on_metrics                               \
	}

static const struct http_route probe_routes[] = { READING_ROUTES, { NULL, NULL, NULL } };

static const struct http_route control_routes[] = {
	READING_ROUTES,
	{ "POST", "/v1/reload", on_reload_again },
	{ "POST", RESIDENT_WARNING, on_hook },
	{ "POST", RESIDENT_NOTE, on_note },
	{ "POST", "/v1/rollback", run_ask_rollback },
	{ "POST", "/v1/sync", run_ask_force },
	{ "POST", "/v1/update", run_update },
	{ NULL, NULL, NULL },
};

static struct http_server *new_server(struct run *r, const struct http_route *routes, bool local,
				      struct err *e)
{
	struct http_route **own = local ? &r->control_routes : &r->probe_routes;

	*own = run_probes_routes(r, routes, local);
	const struct http_server_plan plan = {
		.routes = *own,
		.owner = r,
		.local_only = local,
		.connections = CONNECTIONS_MOST,
		.idle_seconds = IDLE_SECONDS,
		.body_most = BODY_MOST,
	};

	return http_server_new(r->loop, &plan, e);
}

static int listen_and_tell(struct http_server *s, const struct address *configured,
			   const char *what, struct err *e)
{
	struct address a = *configured; /* shares the text, which stays the configuration's */

	if (http_server_listen(s, &a, e) < 0)
		return -1;
	owned char *text = address_text(&a);
	log_info("%s on %s", what, text);
	return 0;
}

/* Where hook and status look. Without it they need --control, which is worth a line. */
static void listen_at_meeting_point(struct run *r)
{
	struct address a = resident_meeting_point();
	struct err e;

	if (http_server_listen(r->control, &a, &e) < 0)
		log_warn("'hook' and 'status' will not find this process without --control, is "
			 "there another 'run' in this container? (%s)",
			 e.text);
	address_done(&a);
}

int run_pages_start(struct run *r, struct err *e)
{
	list_metrics();
	r->control = new_server(r, control_routes, true, e);
	if (!r->control)
		return -1;
	listen_at_meeting_point(r);
	return 0;
}

/* The other sidecar, which has the lock, may have the port too: a pod has one network namespace. */
static int listen_if_free(struct run *r, struct http_server *s, const struct address *a,
			  const char *what, bool *listens, struct err *e)
{
	if (*listens)
		return 0;
	if (listen_and_tell(s, a, what, e) < 0)
		return e->sys == EADDRINUSE && r->facts.waiting_for_lock ? 0 : -1;
	*listens = true;
	return 0;
}

static int listen_probe(struct run *r, struct err *e)
{
	const struct address *a = &r->config->serve.probe;

	if (a->kind == ADDRESS_NONE)
		return 0;
	if (!r->probe)
		r->probe = new_server(r, probe_routes, false, e);
	if (!r->probe)
		return -1;
	return listen_if_free(r, r->probe, a, "probes are answered", &r->probe_listens, e);
}

static int listen_control(struct run *r, struct err *e)
{
	const struct address *a = &r->config->serve.control;

	if (a->kind != ADDRESS_NONE)
		return listen_if_free(r, r->control, a, "control", &r->control_listens, e);
	/* The name in the state directory goes with the lock. */
	if (r->sync.state.dir < 0 || r->facts.waiting_for_lock)
		return 0;
	owned char *path = mem_format("%s/control.sock", r->sync.state.path);
	struct address standard = address_unix(path);
	int status = listen_if_free(r, r->control, &standard, "control", &r->control_listens, e);
	address_done(&standard);
	return status;
}

int run_pages_listen(struct run *r, struct err *e)
{
	return listen_probe(r, e) < 0 ? -1 : listen_control(r, e);
}

void run_pages_stop(struct run *r)
{
	http_server_free(r->control);
	http_server_free(r->probe);
	free(r->control_routes);
	free(r->probe_routes);
}
