/* SPDX-License-Identifier: Apache-2.0 */
/* settings: the rows of struct sync_settings. */
#include "sync/sync.h"

#define AT(field) offsetof(struct sync_settings, field)

static const char *const publish_modes[] = { "in-place", NULL };

static const struct setting rows[] = {
	{ .name = "source",
	  .value = "DIR",
	  .type = SETTING_TEXT,
	  .offset = AT(source),
	  .help = "Directory whose files are synced, in the sidecar's image." },
	{ .name = "target",
	  .value = "DIR",
	  .type = SETTING_TEXT,
	  .offset = AT(target),
	  .help = "Directory they are synced to, in the volume that the game mounts too." },
	{ .name = "state",
	  .value = "DIR",
	  .type = SETTING_TEXT,
	  .offset = AT(state),
	  .help = "Directory for what has to survive a restart. Not set: `.gs-sidecar` in the "
		  "target." },
	{ .name = "publish",
	  .value = "MODE",
	  .type = SETTING_CHOICE,
	  .offset = AT(publish),
	  .standard = "in-place",
	  .choices = publish_modes,
	  .help = "How a version becomes visible. in-place: each file by a rename, removals "
		  "last." },
};

const struct setting_group sync_rows = SETTING_GROUP(rows);
