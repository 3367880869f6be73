/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request: the GET of a look, with the headers, the token and the certificates of the settings, for
 * the kinds of sources that ask by HTTP. s->own is its own.
 */
#pragma once

#include <stddef.h>

struct err;
struct http_result;
struct source;

/*
 * on_done is called with s and begins with request_end(). When nothing can be asked, the look ends
 * with the reason from inside. The look's own deadline is the request's.
 */
void request_start(struct source *s, const char *url, size_t body_most,
		   void (*on_done)(void *s, const struct http_result *));

/* -1 with e: there was no whole answer, or it is no text. */
int request_end(struct source *s, const struct http_result *r, struct err *e);

/* -1 with e: the status is none of 200-299. */
int request_accept(const struct http_result *r, struct err *e);

void request_cancel(struct source *s);
