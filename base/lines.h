/* SPDX-License-Identifier: Apache-2.0 */
/* lines: the tables of /proc/net, line by line, however long they are. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

#define LINES_LENGTH_MOST 8191 /* a longer one is an error */
#define LINES_MOST 4000000     /* beyond any table: this is not /proc */

/*
 * Calls take for each line, without its newline; line may be changed. 0, or -1 with e: when take
 * has returned -1 the line is not one of such a file. deadline as clock_ms() counts; e->sys is
 * ENOENT when there is no such file.
 */
int lines_each(const char *path, int64_t deadline, int (*take)(char *line, void *user), void *user,
	       struct err *e);
