/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals: data from a signalfd, not handlers.
 *
 * Every signal but the fault signals is blocked and read in the loop. A blocked fault would hang
 * the program instead of ending it, so those stay with the kernel. Children get the mask back that
 * we were started with (base/child.c).
 */
#pragma once

#include "base/loop.h"

#include <signal.h>

struct signals {
	struct loop_watch watch;
	void (*on_signal)(struct signals *, int number);
	void *owner;
};

int signals_start(struct signals *s, struct loop *l, struct err *e);

/* The mask this process was started with; the empty set before signals_start(). */
const sigset_t *signals_original_mask(void);
