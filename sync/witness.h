/* SPDX-License-Identifier: Apache-2.0 */
/* witness: whether what was staged is still there as it was, after others have been at it. */
#pragma once

struct err;
struct plan;
struct witness;

/* What directory dir holds of the plan's tree: what is not there yet may not come later. */
struct witness *witness_call(const struct plan *p, int dir);

/* ERR_REMOTE, naming one, when something of it was changed, or names came or went in it. */
int witness_ask(const struct witness *w, struct err *e);
void witness_free(struct witness *w);
