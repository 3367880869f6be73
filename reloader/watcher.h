/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watcher: reloads the game when what it reads has changed.
 *
 * Events say when to look (base/watch), the content says whether anything is new (content.h): one
 * change is one reload, and whatever only touches files is none. What is there at the start counts
 * as loaded. A change that came while a reload ran is one more reload; should each reload make
 * another one, they get slower and slower. A reload that failed is tried again.
 */
#pragma once

#include "base/list.h"
#include "base/setting.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct json;
struct loop;
struct runner;
struct watcher;

struct watcher_settings {
	struct list roots;   /* empty: nothing is watched */
	struct list events;  /* inotifywait's words */
	struct list exclude; /* patterns */
	int64_t rescan;      /* milliseconds; 0: never */
};

extern const struct setting_group watcher_rows;

struct watcher_plan {
	const struct watcher_settings *settings; /* kept */
	int64_t settle_ms, longest_ms, poll_ms;
	struct runner *runner; /* kept; frees nothing of ours, so it is done first */
};

/* NULL when nothing is to be watched. */
struct watcher *watcher_new(struct loop *l, const struct watcher_plan *plan);
void watcher_free(struct watcher *w);

/* Puts "watch" into the page /status; watcher NULL: nothing. */
void watcher_add_status(struct json *status, void *watcher);
