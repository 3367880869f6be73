/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint: see endpoint.h. */
#include "reloader/endpoint.h"

#include "base/err.h"
#include "base/http_server.h"
#include "base/json.h"
#include "base/mem.h"
#include "reloader/runner.h"

#include <string.h>

#define CONNECTIONS_MOST 1024
#define IDLE_SECONDS 10
#define BODY_MOST ((size_t)64 * 1024)

struct waiter {
	struct runner_request asked;
	struct http_request *request;
	struct waiter *next, **place; /* in endpoint->waiters */
};

struct endpoint {
	struct http_server *server;
	struct runner *runner;
	struct waiter *waiters;
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

static int status_of(const struct runner_outcome *outcome)
{
	if (outcome->done)
		return 200;
	return outcome->e.kind == ERR_DEADLINE ? 504 : 500;
}

static char *answer_body(const struct runner_outcome *outcome)
{
	struct json *j = json_object();

	json_put_bool(j, "reloaded", outcome->done);
	json_put_number(j, "took_ms", (double)outcome->took_ms);
	json_put_text(j, "error", outcome->done ? NULL : outcome->e.text);
	json_put_text(j, "output", outcome->output);
	char *text = json_print(j, true);
	json_free(j);
	return text;
}

static void free_waiter(struct waiter *w)
{
	*w->place = w->next;
	if (w->next)
		w->next->place = w->place;
	free(w);
}

static void on_outcome(struct runner_request *asked, const struct runner_outcome *outcome)
{
	struct waiter *w = asked->owner;
	owned char *body = answer_body(outcome);
	const char *accept = http_request_header(w->request, "Accept");
	bool plain = outcome->done && !(accept && strstr(accept, "application/json"));

	http_request_answer(w->request, status_of(outcome),
			    plain ? "text/plain" : "application/json", plain ? "" : body);
	free_waiter(w);
}

static void on_reload(struct http_request *r, void *owner)
{
	struct endpoint *ep = owner;
	struct waiter *w = mem_alloc(sizeof(*w));

	w->request = r;
	w->asked = (struct runner_request){ .on_done = on_outcome, .owner = w };
	w->next = ep->waiters;
	w->place = &ep->waiters;
	if (w->next)
		w->next->place = &w->next;
	ep->waiters = w;
	(void)runner_ask(ep->runner, &w->asked);
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

struct endpoint *endpoint_new(struct loop *l, struct address *listen, struct runner *runner,
			      struct err *e)
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

	ep->runner = runner;
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

void endpoint_free(struct endpoint *ep)
{
	if (!ep)
		return;
	http_server_free(ep->server);
	while (ep->waiters)
		free_waiter(ep->waiters);
	free(ep);
}
