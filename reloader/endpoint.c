/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint: see endpoint.h. */
#include "reloader/endpoint.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/http_server.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "reloader/trigger.h"

#include <string.h>

#define CONNECTIONS_MOST 1024
#define IDLE_SECONDS 10
#define BODY_MOST ((size_t)64 * 1024)

struct waiter {
	struct http_request *request;
	struct waiter *next;
};

struct endpoint {
	struct http_server *server;
	struct trigger *trigger;
	int64_t timeout_ms;
	bool running;
	int64_t began;
	struct waiter *served;  /* by the reload that runs */
	struct waiter *waiting; /* for the next one */
};

static const struct setting rows[] = {
	{ .name = "listen",
	  .value = "ADDR",
	  .type = SETTING_ADDRESS,
	  .offset = offsetof(struct endpoint_settings, listen),
	  .standard = "127.0.0.1:3000",
	  .help = "Where GET and POST /reload are answered: `unix:PATH` or a loopback "
		  "`HOST:PORT`." },
};
const struct setting_group endpoint_rows = SETTING_GROUP(rows);

static int status_of(const struct trigger_outcome *outcome)
{
	if (outcome->done)
		return 200;
	return outcome->e.kind == ERR_DEADLINE ? 504 : 500;
}

static char *answer_body(const struct trigger_outcome *outcome, int64_t took_ms)
{
	struct json *j = json_object();

	json_put_bool(j, "reloaded", outcome->done);
	json_put_number(j, "took_ms", (double)took_ms);
	json_put_text(j, "error", outcome->done ? NULL : outcome->e.text);
	json_put_text(j, "output", outcome->output);
	char *text = json_print(j, true);
	json_free(j);
	return text;
}

static void answer_all(struct endpoint *ep, const struct trigger_outcome *outcome, int64_t took_ms)
{
	owned char *body = answer_body(outcome, took_ms);
	struct waiter *w = ep->served;

	ep->served = NULL;
	while (w) {
		struct waiter *next = w->next;
		const char *accept = http_request_header(w->request, "Accept");
		bool plain = outcome->done && !(accept && strstr(accept, "application/json"));

		http_request_answer(w->request, status_of(outcome),
				    plain ? "text/plain" : "application/json", plain ? "" : body);
		free(w);
		w = next;
	}
}

static void begin(struct endpoint *ep)
{
	const struct trigger_key key = { 0 }; /* what runs here asks nobody else */

	ep->served = ep->waiting;
	ep->waiting = NULL;
	ep->running = true;
	ep->began = clock_ms();
	ep->trigger->way->start(ep->trigger, &key, ep->timeout_ms);
}

static void on_done(struct trigger *trigger, const struct trigger_outcome *outcome)
{
	struct endpoint *ep = trigger->owner;
	int64_t took = clock_ms() - ep->began;
	char span[CLOCK_TEXT_SIZE];

	ep->running = false;
	if (outcome->done)
		log_info("reloaded by %s in %s", trigger->name, clock_span(took, span));
	else
		log_error("reload failed, answered %d: %s%s%s", status_of(outcome), outcome->e.text,
			  outcome->output[0] ? ", it said: " : "", outcome->output);
	answer_all(ep, outcome, took);
	if (ep->waiting)
		begin(ep);
}

static void on_reload(struct http_request *r, void *owner)
{
	struct endpoint *ep = owner;
	struct waiter *w = mem_alloc(sizeof(*w));

	w->request = r;
	w->next = ep->waiting;
	ep->waiting = w;
	if (!ep->running)
		begin(ep);
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
	{ "GET", "/healthz", on_health },
	{ NULL, NULL, NULL },
};

struct endpoint *endpoint_new(struct loop *l, struct address *listen, struct trigger *trigger,
			      int64_t timeout_ms, struct err *e)
{
	struct endpoint *ep = mem_alloc(sizeof(*ep));
	const struct http_server_plan plan = {
		.routes = routes,
		.owner = ep,
		.local_only = true,
		.connections = CONNECTIONS_MOST,
		.idle_seconds = IDLE_SECONDS,
		.body_most = BODY_MOST,
	};

	ep->trigger = trigger;
	ep->timeout_ms = timeout_ms;
	trigger->on_done = on_done;
	trigger->owner = ep;
	if (!address_is_local(listen)) {
		owned char *text = address_text(listen);

		(void)err_set(e, ERR_USAGE,
			      "listen: expected unix:PATH or a loopback address, got '%s': anybody "
			      "who reaches it could reload the game",
			      text);
	} else {
		ep->server = http_server_new(l, &plan, e);
	}
	if (!ep->server || http_server_listen(ep->server, listen, e) < 0) {
		endpoint_free(ep);
		return NULL;
	}
	return ep;
}

static void free_waiters(struct waiter *w)
{
	while (w) {
		struct waiter *next = w->next;

		free(w);
		w = next;
	}
}

void endpoint_free(struct endpoint *ep)
{
	if (!ep)
		return;
	trigger_free(ep->trigger);
	http_server_free(ep->server);
	free_waiters(ep->served);
	free_waiters(ep->waiting);
	free(ep);
}
