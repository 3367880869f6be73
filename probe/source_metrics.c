/* SPDX-License-Identifier: Apache-2.0 */
/* source_metrics: one number of a page as Prometheus scrapes it, without a Prometheus. */
#include "base/err.h"
#include "base/http_client.h"
#include "probe/metrics_page.h"
#include "probe/request.h"
#include "probe/source_kinds.h"

/* A page of a game has some ten kilobytes. It is in memory while it is read. */
#define PAGE_MOST ((size_t)1024 * 1024 - 1)

static int check(const struct source_settings *s, struct err *e)
{
	return s->sample ? metrics_page_check(s->sample, e)
			 : err_set(e, ERR_USAGE, "\"metrics\" needs a \"sample\"");
}

/* Of lines that only end with the connection nobody knows whether they are all. */
static int check_end(const struct http_result *r, struct err *e)
{
	return r->has_end ? 0
			  : err_set(e, ERR_REMOTE,
				    "the page says neither its length nor its end: it may be cut");
}

static void on_answer(void *owner, const struct http_result *r)
{
	struct source *s = owner;
	struct err e;
	double value;

	if (request_end(s, r, &e) < 0 || request_accept(r, &e) < 0 || check_end(r, &e) < 0 ||
	    metrics_page_read(r->body.data, s->settings->sample, s->settings->sum, &value, &e) < 0)
		source_fail(s, &e);
	else
		source_say_number(s, value);
}

static void look(struct source *s)
{
	request_start(s, s->settings->metrics, PAGE_MOST, on_answer);
}

const struct source_kind source_metrics = {
	.name = "metrics",
	.takes = "sample sum headers token-file ca-file",
	.check = check,
	.look = look,
	.cancel = request_cancel,
};
