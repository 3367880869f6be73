/* SPDX-License-Identifier: Apache-2.0 */
/* local_watch: the directories that `reloader` and `wrap` watch. */
#pragma once

struct config;
struct err;
struct loop;
struct runner;
struct watcher;

/* Settings that do not go together, ERR_USAGE. */
int local_watch_check(const struct config *c, struct err *e);

/* NULL when nothing is to be watched. */
struct watcher *local_watch_new(struct loop *l, const struct config *c, struct runner *runner);
