/* SPDX-License-Identifier: Apache-2.0 */
/* corpus: every input that was once worth keeping, again for every fuzz target of tests/fuzz. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct corpus_target {
	const char *name;
	int (*run)(const uint8_t *data, size_t size);
};

/* The Makefile gives the entry of each target its name. */
#define CORPUS_DECLARE(name) int fuzz_##name(const uint8_t *data, size_t size);
#define CORPUS_ENTRY(name) { #name, fuzz_##name },

/* How many targets failed. */
int corpus_run(const char *group, const struct corpus_target *targets, size_t count);
