/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint: see endpoint.h. */
#include "reloader/endpoint.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/http_server.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/token.h"
#include "reloader/runner.h"

#include <string.h>

#define CONNECTIONS_MOST 1088
#define SPARE_PART 16 /* of them, so that somebody can look while all others wait */
#define IDLE_SECONDS 10
#define BODY_MOST ((size_t)64 * 1024)
#define METRICS_MOST ((size_t)64 * 1024)

struct waiter {
	struct runner_request asked;
	struct http_request *request; /* NULL: it was answered 202 */
	char *key, *digest;
	bool asking, told; /* a signal's reload ends while it is asked for */
	struct endpoint *endpoint;
	struct waiter *next, **place; /* in endpoint->waiters */
};

struct endpoint {
	struct http_server *server;
	struct endpoint_plan plan;
	struct waiter *waiters;
	int waiting;
	bool token_is_lost; /* and that was logged */
};

static const struct setting rows[] = {
	{ .name = "listen",
	  .value = "ADDR",
	  .type = SETTING_ADDRESS,
	  .offset = offsetof(struct endpoint_settings, listen),
	  .standard = "127.0.0.1:3000",
	  .help = "Where GET and POST /reload are answered: `unix:PATH` or a loopback "
		  "`HOST:PORT`; with `token-file` any `HOST:PORT`." },
	{ .name = "token-file",
	  .value = "FILE",
	  .type = SETTING_TEXT,
	  .offset = offsetof(struct endpoint_settings, token_file),
	  .help = "Its first line has to come with every request to `listen` as `Authorization: "
		  "Bearer TOKEN`, but for /healthz and on unix sockets. It is read again for each "
		  "request." },
};
const struct setting_group endpoint_rows = SETTING_GROUP(rows);

static struct metric runs = { .name = "gs_sidecar_reloader_runs_total",
			      .help = "Reloads that were run to their end.",
			      .kind = METRIC_COUNTER };
static struct metric failures = { .name = "gs_sidecar_reloader_failed_runs_total",
				  .help = "Those of them that failed.",
				  .kind = METRIC_COUNTER };
static struct metric requests = { .name = "gs_sidecar_reloader_requests_total",
				  .help = "Requests for a reload that were let in.",
				  .kind = METRIC_COUNTER };
static struct metric waiting = { .name = "gs_sidecar_reloader_waiting",
				 .help = "Requests that wait for a reload.",
				 .kind = METRIC_GAUGE };
static struct metric seconds = { .name = "gs_sidecar_reloader_last_run_seconds",
				 .help = "Duration of the last reload.",
				 .kind = METRIC_GAUGE };

static void answer_json(struct http_request *r, int status, struct json *j)
{
	owned char *text = json_print(j, true);

	json_free(j);
	http_request_answer(r, status, "application/json", text);
}

static void answer_refusal(struct http_request *r, int status, const char *why)
{
	struct json *j = json_object();

	json_put_bool(j, "reloaded", false);
	json_put_text(j, "error", why);
	answer_json(r, status, j);
}

/* Without Accept the body of a 200 stays empty; j is taken over. */
static void answer_reloaded(struct http_request *r, struct json *j)
{
	const char *accept = http_request_header(r, "Accept");

	if (accept && strstr(accept, "application/json")) {
		answer_json(r, 200, j);
		return;
	}
	json_free(j);
	http_request_answer(r, 200, "text/plain", "");
}

static struct json *outcome_json(const struct runner_outcome *outcome)
{
	struct json *j = json_object();

	json_put_bool(j, "reloaded", outcome->done);
	json_put_number(j, "run", (double)outcome->run);
	json_put_number(j, "took_ms", (double)outcome->took_ms);
	json_put_text(j, "error", outcome->done ? NULL : outcome->e.text);
	json_put_text(j, "output", outcome->output);
	return j;
}

static struct waiter *new_waiter(struct endpoint *ep)
{
	struct waiter *w = mem_alloc(sizeof(*w));

	w->endpoint = ep;
	w->next = ep->waiters;
	w->place = &ep->waiters;
	if (w->next)
		w->next->place = &w->next;
	ep->waiters = w;
	ep->waiting++;
	return w;
}

static void free_waiter(struct waiter *w)
{
	w->endpoint->waiting--;
	*w->place = w->next;
	if (w->next)
		w->next->place = w->place;
	free(w->key);
	free(w->digest);
	free(w);
}

static void on_outcome(struct runner_request *asked, const struct runner_outcome *outcome)
{
	struct waiter *w = asked->owner;

	if (w->request && outcome->done)
		answer_reloaded(w->request, outcome_json(outcome));
	else if (w->request)
		answer_json(w->request, outcome->e.kind == ERR_DEADLINE ? 504 : 500,
			    outcome_json(outcome));
	w->told = true;
	if (!w->asking)
		free_waiter(w);
}

static char *copy_of(const char *header)
{
	return header && *header ? mem_copy(header) : NULL;
}

static void answer_accepted(struct http_request *r, const struct waiter *w)
{
	struct json *j = json_object();

	json_put_bool(j, "reloaded", false);
	json_put_number(j, "run", (double)w->asked.run);
	http_request_add_header(r, "Preference-Applied", "respond-async");
	answer_json(r, 202, j);
}

static void answer_known(struct http_request *r)
{
	struct json *j = json_object();

	json_put_bool(j, "reloaded", true);
	answer_reloaded(r, j);
}

static void ask(struct endpoint *ep, struct http_request *r)
{
	struct waiter *w = new_waiter(ep);

	w->request = r;
	w->key = copy_of(http_request_header(r, "Idempotency-Key"));
	w->digest = copy_of(http_request_header(r, "X-GS-Digest"));
	w->asked = (struct runner_request){
		.key = w->key, .digest = w->digest, .on_done = on_outcome, .owner = w
	};
	w->asking = true;
	enum runner_answer answer = runner_ask(ep->plan.runner, &w->asked);
	w->asking = false;
	bool waits = answer == RUNNER_ASKED && !w->told;
	if (waits && http_request_prefers(r, "respond-async")) {
		w->request = NULL;
		answer_accepted(r, w);
	} else if (answer == RUNNER_KNOWN) {
		answer_known(r);
	} else if (answer == RUNNER_CONFLICT) {
		answer_refusal(r, 409, "this Idempotency-Key came with another X-GS-Digest");
	}
	if (!waits)
		free_waiter(w);
}

/* Answers who is not. */
static bool is_let_in(struct endpoint *ep, struct http_request *r)
{
	const char *file = ep->plan.settings->token_file;
	struct err e;

	if (!file || !http_request_is_tcp(r))
		return true;
	int status = token_check(file, http_request_header(r, "Authorization"), &e);
	if (status < 0) {
		if (!ep->token_is_lost)
			log_error("nobody is let in: %s", e.text);
		ep->token_is_lost = true;
		answer_refusal(r, 503, "the token cannot be read, see the log");
		return false;
	}
	ep->token_is_lost = false;
	if (status == 0)
		return true;
	http_request_add_header(r, "WWW-Authenticate", "Bearer");
	answer_refusal(r, 401, "expected the header Authorization: Bearer TOKEN");
	return false;
}

static bool is_too_long(const char *name)
{
	return name && strlen(name) > RUNNER_NAME_MOST;
}

static bool is_full(const struct endpoint *ep)
{
	int most = http_server_connections(ep->server);

	return ep->waiting >= most - most / SPARE_PART;
}

static void on_reload(struct http_request *r, void *owner)
{
	struct endpoint *ep = owner;

	if (!is_let_in(ep, r))
		return;
	requests.value++;
	if (is_too_long(http_request_header(r, "Idempotency-Key")) ||
	    is_too_long(http_request_header(r, "X-GS-Digest")))
		answer_refusal(r, 400, "Idempotency-Key or X-GS-Digest is too long");
	else if (is_full(ep))
		answer_refusal(r, 503, "too many requests wait");
	else
		ask(ep, r);
}

static struct json *last_json(const struct runner *runner)
{
	struct json *j = outcome_json(&runner->last);

	json_put_text(j, "at", runner->last_at);
	return j;
}

static void on_status(struct http_request *r, void *owner)
{
	struct endpoint *ep = owner;
	const struct runner *runner = ep->plan.runner;

	if (!is_let_in(ep, r))
		return;
	struct json *j = json_object();
	json_put_text(j, "version", VERSION);
	json_put_text(j, "trigger", runner->trigger->name);
	json_put_number(j, "runs", (double)runner->runs);
	json_put_number(j, "failures", (double)runner->failures);
	json_put_bool(j, "running", runner->running);
	json_put_number(j, "served", (double)runner->served.count);
	json_put_number(j, "waiting", (double)runner->waiting.count);
	if (runner->runs)
		json_put(j, "last", last_json(runner));
	else
		json_put_text(j, "last", NULL);
	if (ep->plan.add_status)
		ep->plan.add_status(j, ep->plan.owner);
	answer_json(r, 200, j);
}

static void on_metrics(struct http_request *r, void *owner)
{
	struct endpoint *ep = owner;
	const struct runner *runner = ep->plan.runner;
	owned_buf page = BUF_INIT(METRICS_MOST);

	if (!is_let_in(ep, r))
		return;
	runs.value = (double)runner->runs;
	failures.value = (double)runner->failures;
	waiting.value = (double)(runner->served.count + runner->waiting.count);
	seconds.value = (double)runner->last.took_ms / 1000;
	metric_page(&page);
	http_request_answer(r, 200, "text/plain; version=0.0.4", page.data);
}

static void on_health(struct http_request *r, void *owner)
{
	(void)owner;
	http_request_answer(r, 200, "text/plain", "ok\n");
}

/* Looking must not reload. */
static void on_head(struct http_request *r, void *owner)
{
	(void)owner;
	http_request_answer(r, 405, "text/plain", "");
}

static const struct http_route routes[] = {
	{ "HEAD", "/reload", on_head },
	{ "GET", "/reload", on_reload },
	{ "POST", "/reload", on_reload },
	{ "GET", "/status", on_status },
	{ "GET", "/metrics", on_metrics },
	{ "GET", "/healthz", on_health },
	{ NULL, NULL, NULL },
};

static void list_metrics(void)
{
	metric_list(&runs);
	metric_list(&failures);
	metric_list(&requests);
	metric_list(&waiting);
	metric_list(&seconds);
}

static int check_address(const struct endpoint_settings *s, struct err *e)
{
	if (address_is_local(&s->listen) || s->token_file)
		return 0;
	owned char *text = address_text(&s->listen);
	return err_set(e, ERR_USAGE,
		       "listen: expected unix:PATH or a loopback address, got '%s': anybody who "
		       "reaches it could reload the game; --token-file FILE would ask for a token",
		       text);
}

/* Told at once, but it may still come: the game is not kept from starting. */
static void check_token(const struct endpoint_settings *s)
{
	owned_buf token = BUF_INIT(TOKEN_MOST);
	struct err e;

	if (s->token_file && token_read(s->token_file, &token, &e) < 0)
		log_warn("nobody is let in until there is a token: %s", e.text);
}

struct endpoint *endpoint_new(struct loop *l, const struct endpoint_plan *plan, struct err *e)
{
	struct address *listen = &plan->settings->listen;
	struct endpoint *ep = mem_alloc(sizeof(*ep));
	const struct http_server_plan server = {
		.routes = routes,
		.owner = ep,
		.local_only = true,
		.any_host = !address_is_local(listen),
		.connections = CONNECTIONS_MOST,
		.idle_seconds = IDLE_SECONDS,
		.body_most = BODY_MOST,
	};

	ep->plan = *plan;
	list_metrics();
	if (check_address(plan->settings, e) == 0)
		ep->server = http_server_new(l, &server, e);
	if (!ep->server || http_server_listen(ep->server, listen, e) < 0) {
		endpoint_free(ep);
		return NULL;
	}
	check_token(plan->settings);
	return ep;
}

void endpoint_free(struct endpoint *ep)
{
	if (!ep)
		return;
	http_server_free(ep->server);
	for (struct waiter *w = ep->waiters, *next; w; w = next) {
		next = w->next;
		free_waiter(w);
	}
	free(ep);
}
