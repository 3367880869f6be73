/* SPDX-License-Identifier: Apache-2.0 */
/* source_http: what a GET answers: the text, a value of its JSON, or the status. */
#include "base/err.h"
#include "base/http_client.h"
#include "base/mem.h"
#include "base/text.h"
#include "probe/request.h"
#include "probe/source_kinds.h"

#define ANSWER_MOST ((size_t)64 * 1024 - 1)

static int check(const struct source_settings *s, struct err *e)
{
	return s->json && s->status
		       ? err_set(e, ERR_USAGE, "\"json\" and \"status\" cannot be together")
		       : 0;
}

/* An answer that was compressed without being asked for is none. */
static int check_text(const char *text, struct err *e)
{
	owned char *valid = text_valid(text);

	return text_is(text, valid) ? 0 : err_set(e, ERR_REMOTE, "the answer is not a text");
}

static void on_answer(void *owner, const struct http_result *r)
{
	struct source *s = owner;
	bool status = s->settings->status;
	struct err e;

	if (request_end(s, r, &e) < 0 ||
	    (!status && (request_accept(r, &e) < 0 || check_text(r->body.data, &e) < 0)))
		source_fail(s, &e);
	else if (status)
		source_say_number(s, r->status);
	else
		source_say_json(s, r->body.data, 0);
}

static void look(struct source *s)
{
	request_start(s, s->settings->http, ANSWER_MOST, on_answer);
}

const struct source_kind source_http = {
	.name = "http",
	.takes = "json status headers token-file ca-file",
	.check = check,
	.look = look,
	.cancel = request_cancel,
};
