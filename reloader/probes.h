/* SPDX-License-Identifier: Apache-2.0 */
/* probes: what a reload may ask of the probes of the program, which sidecar/ has. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct reload_verdict {
	char word[64];
	bool known; /* else word and pass are no answer */
	bool pass;
	int64_t seen_from; /* clock_ms(): everything that it rests on was looked at after this */
};

struct reload_probes {
	/* NULL: there are none. */
	struct reload_verdict (*ask)(void *owner, const char *probe);
	void *owner;
};
