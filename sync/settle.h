/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settle: wait until the sources are quiet, where nothing tells when they change.
 *
 * What differs from what is published is looked at again after the settings' settle time, until two
 * looks are the same or the longest time has passed: so what is still being written is not taken.
 */
#pragma once

struct err;
struct work;

/* load fills the plan's tree and is called again for each look. */
int settle(struct work *w, int (*load)(struct work *w, struct err *e), struct err *e);
