/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer: one answer of an HTTP server, whoever else it sends us to first. The only file of
 * fetch/ that sees libcurl.
 *
 * At most TRANSFER_REDIRECTS_MOST redirects are followed, never from https to http. What belongs to
 * the first server (headers, user and password, keys) is not told to another one. The environment's
 * proxies are used: http_proxy, https_proxy, no_proxy.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRANSFER_REDIRECTS_MOST 5
#define TRANSFER_CONNECT_MS 30000
#define TRANSFER_STALL_SECONDS 30 /* without a byte, and the connection is given up */
#define TRANSFER_SAID_MOST 1024   /* bytes of what an error came with */

struct list;

/* SigV4; token may be NULL. */
struct transfer_keys {
	char *id, *secret, *token;
};

struct transfer_answer {
	int status;                        /* 0: none */
	bool again;                        /* it may be another one in a while */
	char *etag, *modified;             /* as they came; NULL: none */
	char *encoding;                    /* Content-Encoding; NULL: none */
	int64_t length;                    /* -1: it does not say */
	bool has_end;                      /* it says itself where it ends */
	bool is_coded;                     /* Transfer-Encoding */
	int64_t from, total;               /* of Content-Range; -1: there is none */
	int64_t time;                      /* Last-Modified, seconds; -1: none */
	char said[TRANSFER_SAID_MOST + 1]; /* with a status that is an error */
	uint64_t wire_bytes;
	unsigned requests;
};

struct transfer_plan {
	const char *url;
	const struct list *own_headers;   /* only for its server; may be NULL */
	const struct list *headers;       /* may be NULL */
	const char *ca_file;              /* NULL: the first of the usual places */
	const struct transfer_keys *keys; /* NULL: not signed */
	const char *region;
	int64_t deadline; /* as clock_ms() counts */
	bool same_server; /* a redirect to another one is not followed */
	/* Before the body of a status from 200 to 299; -1 ends it. */
	int (*on_head)(void *owner, const struct transfer_answer *a, struct err *e);
	int (*on_body)(void *owner, const void *bytes, size_t count, struct err *e);
	void *owner;
};

/*
 * 0: a whole answer with a status from 200 to 299, 304 or 416. -1: there was none, or a status that
 * is an error. *ret is to be given back in both cases.
 */
int transfer_run(const struct transfer_plan *plan, struct transfer_answer *ret, struct err *e);
void transfer_answer_done(struct transfer_answer *a);

/* A path with what is not A-Z a-z 0-9 - . _ ~ as %XX, slashes too unless they are kept. On the
 * heap. */
char *transfer_escape(const char *text, bool keep_slashes);
