/* SPDX-License-Identifier: Apache-2.0 */
/* settings: see settings.h. */
#include "probe/settings.h"

#include "probe/source_settings.h"

#define AT(field) offsetof(struct probe_settings, field)

static const struct setting rows[] = {
	{ .name = "probe-source",
	  .value = "JSON",
	  .type = SETTING_LIST,
	  .offset = AT(sources),
	  .check = source_settings_check,
	  .objects = true,
	  .secret = true,
	  .help = "What probes look at, a JSON object such as `{\"name\": \"players\", \"tcp\": "
		  "[5000]}`. In the file a list of such objects." },
	{ .name = "probe-rules",
	  .value = "JSON",
	  .type = SETTING_LIST,
	  .offset = AT(rules),
	  .objects = true,
	  .help = "A probe: a JSON object with its name and its rules, of which the first that "
		  "holds is the answer. In the file a list of such objects." },
};
const struct setting_group probe_rows = SETTING_GROUP(rows);

static const struct setting serve_rows[] = {
	{ .name = "probe-always-200",
	  .type = SETTING_FLAG,
	  .offset = AT(always_200),
	  .help = "Answer /probe/NAME on `probe-listen` with status 200 also when it fails, since "
		  "Kruise's httpGet throws away the word of other answers." },
};
const struct setting_group probe_serve_rows = SETTING_GROUP(serve_rows);
