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

struct err;
struct list;
struct loop;
struct watch;

struct watch_plan {
	const struct list *roots;   /* directories; copied */
	const struct list *exclude; /* patterns of what does not count; kept; NULL: none */
	uint32_t events;            /* what begins a burst, of watch_events(); 0: everything */
	bool prove;                 /* that events arrive, by a file that is made and removed */
	int64_t settle_ms;          /* quiet for this long: settled */
	int64_t longest_ms;         /* but told this long after the first change at the latest */
	int64_t poll_ms;            /* where events do not arrive */
	void (*on_change)(void *owner);
	/*
	 * Quiet for a part of the settle time: whoever looks at content can begin now. on_change
	 * follows the last on_quiet of a burst, with no event between the two. NULL: not told.
	 */
	void (*on_quiet)(void *owner);
	/* Asked when it would be told: true puts that off, up to longest_ms. NULL: never. */
	bool (*holds)(void *owner);
	void *owner;
};

/*
 * Never fails, since what cannot be watched is polled, which is logged. What changes after the
 * return is told, even if nothing else will ever change.
 */
struct watch *watch_new(struct loop *l, const struct watch_plan *plan);
void watch_free(struct watch *w);

bool watch_polls(const struct watch *w);

/* Reads events; whether there was a change that has not been told yet. */
bool watch_is_busy(struct watch *w);

/* When the last burst began, and its last event came, clock_ms(). */
int64_t watch_began(const struct watch *w);
int64_t watch_ended(const struct watch *w);

/*
 * Adds the kinds of events that inotifywait's words mean, of any case, with commas between. The
 * first is ERR_USAGE; the second says which of them never mean that content has changed, such as
 * open, and so begin nothing.
 */
int watch_events(const char *words, uint32_t *events, struct err *e);
uint32_t watch_idle_events(uint32_t events);

/* How many directories are being watched by events. */
size_t watch_directories(const struct watch *w);
