/* SPDX-License-Identifier: Apache-2.0 */
/* look: a source of probes as it is configured, looked at in a loop of its own. */
#pragma once

#include "base/signals.h"
#include "probe/source.h"

struct looker {
	struct source_settings settings;
	struct source_world world;
	struct signals signals;
	struct source source;
	struct reading reading; /* the last */
};

/* The test fails when the JSON object text is no source. */
void look_open(struct looker *l, const char *text);
/* Looks once. */
const struct reading *look(struct looker *l);
void look_close(struct looker *l);

/* One look; fails unless it says so, or, known false, when the reason has no such part. */
void look_expect(struct looker *l, bool known, const char *text);
/* The same for a source that is opened and closed. */
void look_once_expect(const char *settings, bool known, const char *text);

/* The settings are wrong, and the reason has this part. */
void look_refused(const char *settings, const char *part);
