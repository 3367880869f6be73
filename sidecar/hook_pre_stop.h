/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook_pre_stop: `hook pre-stop`: wait until the players are gone, or the deadline has passed.
 *
 * `kubectl delete`, evictions and node drains end a pod without asking OKG's lifecycle hooks. What
 * is left then is the grace period, which preStop hooks have a part of.
 */
#pragma once

struct config;
struct err;

int hook_pre_stop_check(const struct config *c, struct err *e);

/* The exit status: done whichever of the two it was, unless on-deadline says fail. */
int hook_pre_stop(const struct config *c);
