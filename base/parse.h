/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse: words from people, read strictly.
 *
 * The whole text has to fit: no leading blanks, no trailing letters, no silent overflow. Each
 * returns 0, or -1 with e saying what was expected (ERR_USAGE).
 */
#pragma once

#include <stdint.h>

struct err;

int parse_count(const char *text, int64_t least, int64_t most, int64_t *ret, struct err *e);

/* "250ms", "10s", "5m", "1h", "1.5s"; into milliseconds. A bare 0 is allowed, other bare numbers
 * not. */
int parse_duration(const char *text, int64_t *ret_ms, struct err *e);

/* "HUP", "SIGHUP", "hup" or a number from 1 to 64. */
int parse_signal(const char *text, int *ret, struct err *e);

/* "SIGHUP"; "signal 40" for one without a name. Static storage, valid until the next call. */
const char *signal_name(int number);

/* HTTP statuses: "200" or "200-299". */
struct status_range {
	int least, most;
};
int parse_status_range(const char *text, struct status_range *ret, struct err *e);

/* "Name: value", an HTTP header. Only looks at it. */
int parse_header(const char *line, struct err *e);
