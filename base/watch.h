/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch: tells when something below directories has changed, and has then been quiet for a while.
 *
 * By inotify where that works; by a timer where it does not: on a filesystem that others write to
 * behind the kernel's back (NFS and the like), or when a limit is reached. A poll says "perhaps":
 * the owner has to look at content in any case.
 *
 * A root may be missing for a while, and links on the way to it may be switched. Names that begin
 * with ".." do not count, but for the "..data" of a kubelet volume. With working events and nothing
 * happening the program never wakes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct list;
struct loop;
struct watch;

struct watch_plan {
	const struct list *roots; /* directories; copied */
	const char *ignored;      /* one more name that does not count, anywhere; NULL: none */
	int64_t settle_ms;        /* quiet for this long: settled */
	int64_t longest_ms;       /* but told this long after the first change at the latest */
	int64_t poll_ms;          /* where events do not arrive */
	void (*on_change)(void *owner);
	void *owner;
};

/*
 * Never fails, since what cannot be watched is polled, which is logged. What changes after the
 * return is told, even if nothing else will ever change.
 */
struct watch *watch_new(struct loop *l, const struct watch_plan *plan);
void watch_free(struct watch *w);

bool watch_polls(const struct watch *w);

/* How many directories are being watched by events. */
size_t watch_directories(const struct watch *w);
