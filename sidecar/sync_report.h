/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync_report: what a sync did, as `sync --json` prints it and `run` reads it from its child.
 */
#pragma once

#include "base/err.h"
#include "sync/sync.h"

struct json;

struct sync_report {
	bool done;
	struct err e; /* when it is not */
	struct sync_result result;
	int64_t took_ms;
	struct json *fetched; /* what gs-fetch says of each source; NULL: nothing */
};

/* On one line, on the heap. */
char *sync_report_print(const struct sync_report *r);

/* -1 with e when text is not such a report. ret->fetched is to be freed. */
int sync_report_read(const char *text, struct sync_report *ret, struct err *e);

/* For people: "published 3f2a... (serial 3): 30 files, 120 kB; ..."; on the heap. */
char *sync_report_say(const struct sync_report *r);
