/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_prometheus: an instant query. By GET, which rules for read-only access let through.
 *
 * It is evaluated for the moment it is asked, and what Prometheus knows may be five minutes old
 * then: that is for the query to say.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/http_client.h"
#include "base/mem.h"
#include "probe/prometheus.h"
#include "probe/request.h"
#include "probe/source_kinds.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/* One series has some hundred bytes; that there are a thousand can still be said. */
#define ANSWER_MOST ((size_t)256 * 1024 - 1)
#define URL_MOST ((size_t)512 * 1024) /* settings have at most 64 KiB each */

static int check(const struct source_settings *s, struct err *e)
{
	if (!s->query)
		return err_set(e, ERR_USAGE, "\"prometheus\" needs a \"query\"");
	return strpbrk(s->prometheus, "?#")
		       ? err_set(e, ERR_USAGE,
				 "\"prometheus\": expected the URL that /api/v1/query follows")
		       : 0;
}

static int say(struct source *s, const struct http_result *r, struct err *e)
{
	struct prometheus_value v;

	if (request_end(s, r, e) < 0 || prometheus_read(r->status, r->body.data, &v, e) < 0)
		return -1;
	owned char *text = v.text;
	if (v.empty && s->settings->empty == SOURCE_EMPTY_UNKNOWN)
		return err_set(e, ERR_REMOTE, "the query has no result");
	if (text)
		source_say(s, text, 0);
	else
		source_say_number(s, v.number);
	return 0;
}

static void on_answer(void *owner, const struct http_result *r)
{
	struct err e;

	if (say(owner, r, &e) < 0)
		source_fail(owner, &e);
}

static void look(struct source *s)
{
	const struct source_settings *settings = s->settings;
	size_t length = strlen(settings->prometheus);
	owned_buf url = BUF_INIT(URL_MOST);

	while (settings->prometheus[length - 1] == '/')
		length--;
	(void)buf_add(&url, settings->prometheus, length);
	/* Nobody waits for the answer after that time. */
	(void)buf_add_format(&url, "/api/v1/query?timeout=%" PRId64 "ms&query=", settings->timeout);
	for (const char *c = settings->query; *c; c++)
		(void)buf_add_format(&url, isalnum((unsigned char)*c) ? "%c" : "%%%02X",
				     (unsigned char)*c);
	request_start(s, url.data, ANSWER_MOST, on_answer);
}

const struct source_kind source_prometheus = {
	.name = "prometheus",
	.takes = "query empty headers token-file ca-file",
	.check = check,
	.look = look,
	.cancel = request_cancel,
};
