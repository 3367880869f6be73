/* SPDX-License-Identifier: Apache-2.0 */
/* settings: the sources and rules of all probes, as the configuration has them. */
#pragma once

#include "base/list.h"
#include "base/setting.h"

struct probe_settings {
	struct list sources; /* each a JSON object, source_settings.h */
	struct list rules;   /* each a JSON object, rules.h */
	bool always_200;
};

extern const struct setting_group probe_rows;       /* sources, rules */
extern const struct setting_group probe_serve_rows; /* how they are answered */
