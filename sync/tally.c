/* SPDX-License-Identifier: Apache-2.0 */
/* tally: see tally.h. */
#include "sync/tally.h"

#include "sync/notes.h"

void tally_init(struct tally *t, const struct sync_notes *notes, const char *what, uint64_t files,
		uint64_t bytes)
{
	t->notes = notes;
	t->what = what;
	t->files_total = files;
	t->bytes_total = bytes;
	atomic_init(&t->files, 0);
	atomic_init(&t->bytes, 0);
	atomic_flag_clear(&t->telling);
}

/* To look at the clock for each small file would cost more than to count it. */
#define FILES_BETWEEN 16
#define BYTES_MANY 65536

void tally_add(struct tally *t, uint64_t files, uint64_t bytes)
{
	const uint64_t all_files = atomic_fetch_add(&t->files, files) + files;
	const uint64_t all_bytes = atomic_fetch_add(&t->bytes, bytes) + bytes;

	if (bytes < BYTES_MANY && (!files || all_files % FILES_BETWEEN))
		return;
	if (!t->notes->progress || atomic_flag_test_and_set(&t->telling))
		return;
	const struct sync_progress now = { .files = all_files,
					   .files_total = t->files_total,
					   .bytes = all_bytes,
					   .bytes_total = t->bytes_total };
	t->notes->progress(t->notes->owner, t->what, &now);
	atomic_flag_clear(&t->telling);
}
