/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_client: one request, one answer, everything bounded. The only door to libcurl.
 *
 * Redirects are not followed, proxies of the environment not used, connections not kept: the peer
 * is a game in the same pod. TLS is Mbed TLS: TLS 1.2, certificates by DNS name only (an IP address
 * in a certificate is not understood, docs/design.md).
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct list;
struct loop;
struct address;
struct http_client;
struct http_call;

struct http_plan {
	const char *url;
	const char *method;                     /* NULL: GET */
	const struct list *headers;             /* "Name: value" lines, may be NULL */
	const char *const *more_headers;        /* the same, NULL-terminated, may be NULL */
	const char *body;                       /* NULL: none */
	const char *ca_file;                    /* PEM, NULL: the first of the usual places */
	const struct address *through;          /* connect here instead of to the URL's host */
	bool (*trusted)(int fd, struct err *e); /* asked about the connection before it is used */
	int64_t connect_ms;                     /* name lookup included */
	int64_t total_ms;
	size_t body_most; /* a larger answer is an error */
};

struct http_result {
	int status;       /* 0: there was no whole answer, e says why */
	bool unreachable; /* nothing listens there (yet) */
	bool has_end; /* the answer itself says where it ends, and not only its connection does */
	struct buf body;
	struct err e;
};

struct http_client *http_client_new(struct loop *l, struct err *e);
void http_client_free(struct http_client *c);

/*
 * Starts a request in the loop; plan is copied. on_done is called once, never from inside this
 * function, and the call is gone after it. NULL with e.
 */
struct http_call *http_call_start(struct http_client *c, const struct http_plan *plan,
				  void (*on_done)(void *owner, const struct http_result *),
				  void *owner, struct err *e);

/* on_done will not be called. */
void http_call_cancel(struct http_call *call);

/* The same, waiting for it. *ret is to be freed with http_result_done(), whatever happened. */
void http_fetch(const struct http_plan *plan, struct http_result *ret);
void http_result_done(struct http_result *r);
