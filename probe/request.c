/* SPDX-License-Identifier: Apache-2.0 */
/* request: see request.h. */
#include "probe/request.h"

#include "base/http_client.h"
#include "base/mem.h"
#include "base/token.h"
#include "probe/source.h"

#include <string.h>

static struct http_call *begin(struct source *s, const char *url, size_t body_most,
			       void (*on_done)(void *s, const struct http_result *), struct err *e)
{
	const struct source_settings *settings = s->settings;
	owned_buf token = BUF_INIT(TOKEN_MOST);
	owned char *authorization = NULL;
	struct http_client *client = source_http_client(s, e);

	if (!client)
		return NULL;
	if (settings->token_file) {
		if (token_read(settings->token_file, &token, e) < 0)
			return NULL;
		authorization = mem_format("Authorization: Bearer %s", token.data);
	}
	const char *const more[] = { authorization, NULL };
	const struct http_plan plan = {
		.url = url,
		.headers = &settings->headers,
		.more_headers = more,
		.ca_file = settings->ca_file,
		.body_most = body_most,
	};
	return http_call_start(client, &plan, on_done, s, e);
}

void request_start(struct source *s, const char *url, size_t body_most,
		   void (*on_done)(void *s, const struct http_result *))
{
	struct err e;

	s->own = begin(s, url, body_most, on_done, &e);
	if (!s->own)
		source_fail(s, &e);
}

int request_end(struct source *s, const struct http_result *r, struct err *e)
{
	s->own = NULL;
	if (!r->status) {
		*e = r->e;
		return -1;
	}
	/* Whoever reads it as a text would stop there. */
	return !s->settings->status && memchr(r->body.data, 0, r->body.length)
		       ? err_set(e, ERR_REMOTE, "the answer is not a text")
		       : 0;
}

int request_accept(const struct http_result *r, struct err *e)
{
	return r->status / 100 == 2 ? 0 : err_set(e, ERR_REMOTE, "it answered %d", r->status);
}

void request_cancel(struct source *s)
{
	http_call_cancel(s->own);
	s->own = NULL;
}
