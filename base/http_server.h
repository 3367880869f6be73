/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_server: routes in, answers out, in our loop. The only door to libmicrohttpd.
 *
 *   http_server_new()     a server with its routes and limits, listening nowhere
 *   http_server_listen()  once per address
 *
 * We accept connections ourselves and hand them over: so unix and TCP listeners share one server,
 * and a peer that may not talk to us is turned away before a byte of it is read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct address;
struct err;
struct loop;
struct http_server;
struct http_request;

/*
 * Answers with http_request_answer(), now or later: until then the client waits. A path of a route
 * is exact; GET also answers HEAD.
 */
typedef void http_handler(struct http_request *r, void *owner);

struct http_route {
	const char *method;
	const char *path;
	http_handler *handle;
};

struct http_server_plan {
	const struct http_route *routes; /* ends with method NULL; kept, not copied */
	void *owner;
	bool local_only; /* only this user or root on unix sockets; no browser's requests on TCP */
	bool any_host;   /* with local_only: a Host header may name something else than this machine
			  */
	int connections; /* more wait in the backlog; fewer where RLIMIT_NOFILE leaves no room */
	int idle_seconds; /* a connection that says nothing for so long is closed */
	size_t body_most; /* a larger request body is answered 413 */
};

struct http_server *http_server_new(struct loop *l, const struct http_server_plan *plan,
				    struct err *e);

/* Requests that still wait are answered 503. Sockets of unix listeners are not removed. */
void http_server_free(struct http_server *s);

/* a->port is set when it was 0. */
int http_server_listen(struct http_server *s, struct address *a, struct err *e);

/* How many connections it has at most: what the plan says, or what the limits allow. */
int http_server_connections(const struct http_server *s);

const char *http_request_path(const struct http_request *r);

const char *http_request_body(const struct http_request *r);

/* NULL when it is not there; the name in any case. */
const char *http_request_header(const struct http_request *r, const char *name);

/* Whether a Prefer header (RFC 7240) has the word. */
bool http_request_prefers(const struct http_request *r, const char *word);

/* It came over the network, be it loopback, and not by a unix socket. */
bool http_request_is_tcp(const struct http_request *r);

/* One more header of its answer, before that; name and value are kept, not copied. */
void http_request_add_header(struct http_request *r, const char *name, const char *value);

/* The request is gone afterwards. type: "text/plain" or "application/json". */
void http_request_answer(struct http_request *r, int status, const char *type, const char *body);
