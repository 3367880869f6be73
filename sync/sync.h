/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync: make the target hold what the source holds, whole or not at all.
 *
 *   sync_open()   checks the paths and opens the state directory; nothing is changed
 *   sync_once()   with the lock held: scan, plan and stage, publish, commit
 *   sync_close()
 *
 * The target directory itself is the volume's: its mode, owner and time are left alone.
 */
#pragma once

#include "base/setting.h"
#include "sync/scan.h"
#include "sync/state.h"

enum sync_publish { SYNC_PUBLISH_IN_PLACE };

struct sync_settings {
	char *source;
	char *target;
	char *state; /* NULL: TARGET/.gs-sidecar */
	int publish; /* enum sync_publish */
};

extern const struct setting_group sync_rows;

struct sync {
	int source, target; /* directories */
	char *reserved;     /* the state directory's path below the target, NULL: it is elsewhere */
	struct state state;
};

#define SYNC_INIT ((struct sync){ .source = -1, .target = -1, .state = STATE_INIT })

struct sync_result {
	struct record published; /* what the target holds now */
	bool changed;            /* it was published by this sync: there is a reload to do */
	uint64_t placed, placed_bytes, removed;
};

/* ERR_USAGE when the directories lie in each other; ERR_SYSTEM when one cannot be used. */
int sync_open(struct sync *s, const struct sync_settings *settings, struct err *e);
void sync_close(struct sync *s);

int sync_once(struct sync *s, const struct sync_notes *notes, struct sync_result *ret,
	      struct err *e);
