/* SPDX-License-Identifier: Apache-2.0 */
/* resident_sync: a sync that the resident of this container is asked for. */
#pragma once

struct config;
struct err;

/*
 * A sync whatever the guards say or, with back, to an older version. Only of the target that is
 * configured, if one is. Waits for its end, prints its report and returns the exit status; -1 with
 * e: nobody is there.
 */
int resident_sync(const struct config *c, const char *back, struct err *e);
