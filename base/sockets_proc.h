/* SPDX-License-Identifier: Apache-2.0 */
/* sockets_proc: the same from /proc/net/tcp and tcp6 (proc(5)), for where sock_diag is denied. */
#pragma once

#include "base/sockets.h"

/* Calls look->begin, then look->seen for each; 0, or -1 with e. deadline as clock_ms() counts. */
int sockets_proc_each(const struct sockets_look *look, int64_t deadline, struct err *e);

/*
 * One line of either file: 1 and *ret for an established connection, 0 for any other socket and
 * the head line, -1 for a line that neither file can have.
 */
int sockets_proc_line(const char *line, struct connection *ret);
