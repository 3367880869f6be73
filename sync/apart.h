/* SPDX-License-Identifier: Apache-2.0 */
/* apart: neither source, target nor state directory lies in another where it must not. */
#pragma once

struct err;

struct apart {
	int source;                 /* an open directory */
	const char *spec;           /* its name for people */
	const char *target, *state; /* paths; they may not exist yet */
};

/*
 * ERR_USAGE when the target or the state directory lies in the source, or the source in the target.
 * Links and bind mounts do not deceive it.
 */
int apart_check(const struct apart *a, struct err *e);
