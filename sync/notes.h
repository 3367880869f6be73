/* SPDX-License-Identifier: Apache-2.0 */
/* notes: what a sync tells a person while it works. */
#pragma once

#include <stdint.h>

/* A total is 0 while it is not known. */
struct sync_progress {
	uint64_t files, files_total, bytes, bytes_total;
};

/* Called from one thread at a time. */
struct sync_notes {
	/* Something was left out, replaced or kept. */
	void (*note)(void *owner, const char *text);

	/* How far it is; often. what is a word such as "copying". NULL: nobody wants to know. */
	void (*progress)(void *owner, const char *what, const struct sync_progress *now);
	void *owner;
};

void sync_note(const struct sync_notes *n, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
