/* SPDX-License-Identifier: Apache-2.0 */
/* compare: decide what has to be done for each entry, by what the target has. */
#pragma once

struct err;
struct plan;
struct planning;

/* The action of each step; p's steps are linked already. -1 with e. */
int compare_all(struct plan *p, const struct planning *how, struct err *e);
