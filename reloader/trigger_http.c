/* SPDX-License-Identifier: Apache-2.0 */
/* trigger_http: reload by a request. The answer's body is read, bounded, and thrown away. */
#include "reloader/trigger.h"

#include "base/http_client.h"
#include "base/mem.h"
#include "reloader/settings.h"

#include <inttypes.h>

/* The answer of a reload is a word or a page of an error, not a download. */
#define ANSWER_MOST ((size_t)64 * 1024)

struct trigger_http {
	struct trigger trigger;
	struct http_client *client;
	struct http_call *call;
	const struct reload_settings *settings;
};

static void on_answer(void *owner, const struct http_result *result)
{
	struct trigger_http *t = owner;
	const struct status_range *expect = &t->settings->expect;
	struct trigger_outcome outcome = { .output = "" };

	t->call = NULL;
	outcome.e = result->e;
	outcome.not_there_yet = result->unreachable;
	if (result->status >= expect->least && result->status <= expect->most)
		outcome.done = true;
	else if (result->status)
		(void)err_set(&outcome.e, ERR_REMOTE, "it answered %d, expected %d-%d",
			      result->status, expect->least, expect->most);
	t->trigger.on_done(&t->trigger, &outcome);
}

static void start(struct trigger *trigger, const struct trigger_key *key, int64_t timeout_ms)
{
	struct trigger_http *t = (struct trigger_http *)trigger;
	struct trigger_outcome outcome = { .output = "" };
	owned char *digest = mem_format("X-GS-Digest: %s", key->digest);
	owned char *proven = key->proven_from ? mem_format("-%" PRId64, key->proven_from) : NULL;
	owned char *idempotency = mem_format("Idempotency-Key: %s-%" PRId64 "%s", key->digest,
					     key->serial, proven ? proven : "");
	const char *const both[] = { digest, idempotency, NULL };
	const struct http_plan plan = {
		.url = t->settings->url,
		.method = t->settings->method,
		.headers = &t->settings->headers,
		.more_headers = key->digest[0] ? both : NULL,
		.body = t->settings->body,
		.ca_file = t->settings->ca_file,
		.through = t->settings->socket.kind ? &t->settings->socket : NULL,
		.connect_ms = t->settings->connect_timeout,
		.total_ms = timeout_ms,
		.body_most = ANSWER_MOST,
	};

	t->call = http_call_start(t->client, &plan, on_answer, t, &outcome.e);
	if (!t->call)
		trigger->on_done(trigger, &outcome);
}

static void cancel(struct trigger *trigger)
{
	struct trigger_http *t = (struct trigger_http *)trigger;

	if (t->call)
		http_call_cancel(t->call);
	t->call = NULL;
}

static void free_it(struct trigger *trigger)
{
	http_client_free(((struct trigger_http *)trigger)->client);
	free(trigger);
}

static const struct trigger_way way = { start, cancel, free_it };

struct trigger *trigger_http_new(struct loop *l, const struct reload_settings *s, struct err *e)
{
	struct trigger_http *t = mem_alloc(sizeof(*t));
	owned char *url = setting_url_shown(s->url);
	owned char *socket = s->socket.kind ? address_text(&s->socket) : NULL;

	t->settings = s;
	t->client = http_client_new(l, e);
	if (!t->client) {
		free(t);
		return NULL;
	}
	t->trigger.way = &way;
	t->trigger.name =
		mem_format("http %s%s%s", url, socket ? " through " : "", socket ? socket : "");
	return &t->trigger;
}
