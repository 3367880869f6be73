/* SPDX-License-Identifier: Apache-2.0 */
/* retire: take from the target the names that only older versions had. */
#pragma once

#include <stdint.h>

struct beneath;
struct err;
struct plan;

struct retired {
	uint64_t removed;         /* names */
	uint64_t kept;            /* names that the game has changed since: they stay */
	const char *kept_example; /* the first of them, of the plan */
};

/*
 * What a published version put there is ours while it looks as its manifest says. Of one whose
 * publication was cut off we do not know which names became ours: only what is exactly as that
 * version has it is taken for ours.
 */
int retire_old(const struct plan *p, struct beneath *target, struct retired *ret, struct err *e);
