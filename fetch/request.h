/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request: what is to be fetched, as JSON: {"sources": [{"name": "assets", "http": URL}, ...]}, and
 * with "update" what is pushed over that, see update.h; null: nothing is, and sources may be none.
 *
 * What a source may have is one row in request.c; what only one kind of source has, that kind
 * names, see source.h.
 */
#pragma once

#include "base/err.h"
#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_MOST ((size_t)1 << 20) /* bytes */
#define REQUEST_SOURCES_MOST 32

struct source_kind;

enum request_unpack { REQUEST_UNPACK_BY_NAME, REQUEST_UNPACK_TRUE, REQUEST_UNPACK_FALSE };

struct fetch_source {
	const struct source_kind *kind;
	char *name;

	char *archive, *http, *s3, *git, *rsync;
	struct list command;

	int unpack; /* enum request_unpack */
	char *file;
	char *headers_file, *ca_file;
	char *endpoint, *region, *key_file;
	bool path_style;
	char *ref, *token_file, *ssh_key_file, *known_hosts_file, *password_file;
	int64_t ssh_port;
	bool keep;

	char *subpath, *into;
	struct list include, exclude;
	char *sha256, *signature, *public_key;
	int64_t timeout; /* milliseconds */
	int64_t most_bytes, most_files, most_ratio, retries;

	/* Of all that says what is fetched, and not how long it may take. */
	char *definition;
	bool pushed;
};

struct fetch_request {
	struct fetch_source items[REQUEST_SOURCES_MOST];
	size_t count;
	bool trial;       /* the update may not stay: what another one has fetched is kept */
	struct list kept; /* definitions of what another one has fetched, and is kept */
};

/* ERR_USAGE naming the source and the key. *ret is to be given back in both cases. */
int fetch_request_read(const char *text, struct fetch_request *ret, struct err *e);
void fetch_request_done(struct fetch_request *r);

/*
 * A relative path that stays where it is: no empty part, no ".", and none that begins with "..",
 * which stand for markers of the sync engine.
 */
bool fetch_path_is_sound(const char *path);
