/* SPDX-License-Identifier: Apache-2.0 */
/* probe_plan: the sources and the probes of a configuration, read and checked together. */
#pragma once

#include "base/digest.h"
#include "probe/rules.h"

#define PROBE_PLAN_SOURCES_MOST 64
#define PROBE_PLAN_PROBES_MOST 32

struct probe_settings;

struct probe_plan {
	struct source_settings *sources;
	size_t source_count;
	bool *used; /* of each source: a rule names it */
	struct rules *probes;
	size_t probe_count;
	char digest[DIGEST_TEXT_SIZE]; /* of the configuration that it was read from */
};

/*
 * All probes, or only the one of that name. -1 with e (ERR_USAGE), whichever of them is wrong; *ret
 * is to be freed in any case.
 */
int probe_plan_read(const struct probe_settings *s, const char *only, struct probe_plan *ret,
		    struct err *e);
void probe_plan_done(struct probe_plan *p);

/* NULL: there is none of that name. */
struct rules *probe_plan_find(const struct probe_plan *p, const char *name);
