/* SPDX-License-Identifier: Apache-2.0 */
/* tally: how much of some work is done, counted by several threads and told to a person. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct sync_notes;

struct tally {
	const struct sync_notes *notes;
	const char *what; /* a word such as "copying" */
	uint64_t files_total, bytes_total;
	atomic_uint_fast64_t files, bytes;
	atomic_flag telling;
};

void tally_init(struct tally *t, const struct sync_notes *notes, const char *what, uint64_t files,
		uint64_t bytes);
void tally_add(struct tally *t, uint64_t files, uint64_t bytes);
