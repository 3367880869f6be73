/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync: make the target hold what the sources hold, whole or not at all.
 *
 *   sync_open()       checks the paths and opens the state directory; nothing is changed
 *   sync_try_lock()
 *   sync_once()       with the lock held: load the layers and merge them, plan, guard, fill the
 *                     stage, publish, commit
 *   sync_close()
 *
 * The target directory itself is the volume's: its mode, owner and time are left alone.
 */
#pragma once

#include "base/list.h"
#include "base/setting.h"
#include "sync/notes.h"
#include "sync/state.h"
#include "sync/verify.h"

struct buf;

enum sync_publish { SYNC_PUBLISH_IN_PLACE, SYNC_PUBLISH_DATA, SYNC_PUBLISH_EXCHANGE };
enum sync_foreign { SYNC_FOREIGN_REPLACE, SYNC_FOREIGN_KEEP };

struct sync_settings {
	struct list sources; /* DIR or DIR:SUBPATH, the lowest layer first */
	struct list called;  /* what people call each; empty: as it is written */
	char *target;
	char *state;   /* NULL: TARGET/.gs-sidecar */
	int publish;   /* enum sync_publish */
	int64_t keep;  /* how many older versions are kept */
	int64_t grace; /* how long an old tree stays, milliseconds */
	struct list include, exclude;
	int verify;           /* enum verify_how */
	int foreign;          /* enum sync_foreign */
	int64_t shrink_limit; /* percent */
	bool force;           /* no shrink guard */
	struct list validate; /* a command; empty: none */
	int64_t validate_deadline;
	int64_t settle, settle_longest; /* milliseconds; see sync/settle.h; 0: no wait */
	int64_t threads;                /* 0: as many as there are CPUs */
	char *label;                    /* NULL: that of the last sealed layer that has one */
};

extern const struct setting_group sync_target_rows, sync_rows, sync_label_rows, sync_force_rows,
	sync_settle_rows;

/* ERR_USAGE when settings do not go together. */
int sync_check(const struct sync_settings *settings, struct err *e);
int sync_check_label(const char *label, struct err *e);

struct sync {
	char *reserved; /* the state directory's path below the target, NULL: it is elsewhere */
	struct state state;
};

#define SYNC_INIT ((struct sync){ .state = STATE_INIT })

struct sync_result {
	struct record published; /* what the target holds now */
	bool changed;            /* it was published by this sync: there is a reload to do */
	bool held;               /* the sources have a version that was gone back from */
	uint64_t placed, placed_bytes, removed;
	uint64_t carried;   /* names of the game's, brought along to the new version */
	uint64_t old_trees; /* that are there until their grace time is over */
};

/* Where the state directory is, or will be; on the heap. */
char *sync_state_path(const struct sync_settings *settings);

/* ERR_USAGE when the directories lie in each other; ERR_SYSTEM when one cannot be used. */
int sync_open(struct sync *s, const struct sync_settings *settings, struct err *e);
void sync_close(struct sync *s);

/* Sets publish to what the target has been published by. -1 with e. */
int sync_find_mode(struct sync_settings *settings, struct err *e);

/*
 * As state_try_lock(). With the lock held the state directory goes where the mode of publication
 * wants it.
 */
int sync_try_lock(struct sync *s, const struct sync_settings *settings, struct err *e);

int sync_once(struct sync *s, const struct sync_settings *settings, const struct sync_notes *notes,
	      struct sync_result *ret, struct err *e);

/*
 * Publishes an older version again: the kept one whose digest begins with text, NULL: the newest
 * other one. ERR_USAGE when there is none; ERR_SYSTEM naming the file when it is not whole. What
 * was published until now is not published again by sync_once() unless it is forced, or the sources
 * hold something else in between.
 */
int sync_rollback(struct sync *s, const struct sync_settings *settings, const char *text,
		  const struct sync_notes *notes, struct sync_result *ret, struct err *e);

/* For people: where path comes from, in lines added to b; see merge_explain(). 1: nowhere. */
int sync_explain(const struct sync_settings *settings, const char *path,
		 const struct sync_notes *notes, struct buf *b, struct err *e);

/* Of the sources that are directories, merged: the same digest means the same content. */
int sync_directories_digest(const struct sync_settings *settings, const struct sync_notes *notes,
			    struct digest *ret, struct err *e);

enum sync_would { SYNC_WOULD_ADD = '+', SYNC_WOULD_CHANGE = '~', SYNC_WOULD_REMOVE = '-' };

struct sync_preview {
	/* Called for each name, in the order of the layers; source NULL: none has it any more. */
	void (*tell)(void *owner, const char *source, enum sync_would what, const char *path);
	void *owner;

	char digest[DIGEST_TEXT_SIZE]; /* of what would be published */
	struct record published;       /* digest "": nothing is */
	uint64_t added, changed, removed;
};

/*
 * What a sync would change of what is published, by its manifest: the target itself is not looked
 * at, and nothing is written.
 */
int sync_preview(const struct sync_settings *settings, const struct sync_notes *notes,
		 struct sync_preview *p, struct err *e);
