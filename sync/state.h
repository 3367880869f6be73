/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state: what has to survive a restart, in the state directory (mode 0700).
 *
 *   lock                 held by whoever may change the target, flock(2)
 *   published.json       the version the target holds: digest, serial, time, counts
 *   publishing.json      the same of a version that is being put there; its rename to
 *                        published.json is the moment of publication
 *   acknowledged.json    digest and serial of the last version whose reload succeeded
 *   manifests/DIGEST     what belongs to a version; more than the published one's are there only
 *                        while one is being published, or after that was cut off
 *   stage/               files on their way into the target
 *   retired/             trees that were live until a switch, see sync/old_trees.h
 *   rejected             digests of versions that were gone back from
 *   failed               digest of the version that must not be called good, and why
 *   probes               how long conditions of probes have held
 *   migrating            is there while the target's layout is changed
 *   update.json          the update that was accepted, see sidecar/update.h
 *   sources/             what was fetched, see sidecar/fetch.h
 *
 * Every publication has a serial. A reload is owed while published and acknowledged serial differ:
 * so A, then B whose reload failed, then A again is reloaded again.
 */
#pragma once

#include "sync/record.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct list;
struct tree;

struct state {
	int dir;    /* the state directory */
	char *path; /* for messages */
	int lock;   /* -1: not held */
};

#define STATE_INIT ((struct state){ .dir = -1, .lock = -1 })
#define STATE_DEFAULT_NAME ".gs-sidecar"
#define STATE_STAGE "stage" /* see sync/stage.h */

/*
 * The default place of the state directory, on the heap: in the target; or beside it, where it is
 * once the target was exchanged as a whole.
 */
char *state_default_path(const char *target);

/* PARENT/.gs-sidecar-NAME for target PARENT/NAME, on the heap. */
char *state_path_beside(const char *target);

/* Moves the directory, whose lock is held. */
int state_move(struct state *s, const char *path, struct err *e);

/*
 * Where something is kept that has to be on the target's filesystem: STATE/name or, with a state
 * directory on another one, TARGET/..gs-sidecar-name. Returns the directory it is in (not to be
 * closed) and fills its name there.
 */
#define STATE_NAME_ROOM 40
int state_place(int state, int target, const char *name, char ret_name[STATE_NAME_ROOM]);

/*
 * What the probes of an earlier process left, on the heap; NULL: nothing that can be read. Saving
 * needs the lock; where it fails nothing is left, rather than something old.
 */
char *state_probes(const struct state *s);
int state_save_probes(const struct state *s, const char *text, struct err *e);

/* Opens the directory, makes it when it is missing. A link there is refused. */
int state_open(struct state *s, const char *path, struct err *e);

/* Opens it only if it is there: returns 1 when it is not. */
int state_open_existing(struct state *s, const char *path, struct err *e);

/* Whether the open directory still has a name. */
bool state_is_there(const struct state *s);

/* The lock is given up. */
void state_close(struct state *s);

/* Returns 0 held by us, 1 held by somebody else, -1 with e. Never waits. */
int state_try_lock(struct state *s, struct err *e);

/* Uses the lock that the parent process passed as descriptor fd. */
void state_adopt_lock(struct state *s, int fd);

/*
 * What the sync engine goes by: the published record and that of a publication that was cut off. A
 * record that is missing or damaged is "" (damaged is as good as none), but its serial is then at
 * least that of every other record: a serial is never used twice. -1 with e when one cannot be
 * read.
 */
int state_load(const struct state *s, struct record *ret_published, struct record *ret_cut_off,
	       struct err *e);

/* Records for people and for comparing; digest "" when there is none, or none that can be read. */
struct record state_published(const struct state *s);
struct record state_acknowledged(const struct state *s);

int state_acknowledge(const struct state *s, const struct record *published, struct err *e);

/* Publication: begin (write-ahead: record and manifest), then the files, then commit. */
int state_begin(const struct state *s, const struct record *r, const struct tree *t, struct err *e);
int state_commit(const struct state *s, struct err *e);

/* Of a version that was cut off before anything of it was visible. */
int state_abandon(const struct state *s, const struct record *cut_off, struct err *e);

/* Versions that were gone back from, and are not to be published again. */
int state_reject(const struct state *s, const char *digest, struct err *e);
bool state_is_rejected(const struct state *s, const char *digest);
bool state_has_rejected(const struct state *s);
void state_forgive(const struct state *s);

/*
 * The version that is not to be called good, and why: what it did is known only after its reload.
 * One, the last.
 */
int state_fail(const struct state *s, const char *digest, const char *why, struct err *e);
void state_unfail(const struct state *s);

/* Why, on the heap, and its digest; NULL when there is none. */
char *state_failed(const struct state *s, char ret_digest[DIGEST_TEXT_SIZE]);

/* While the target's layout is changed, see sync/migrate.h. */
int state_begin_migration(const struct state *s, struct err *e);
int state_end_migration(const struct state *s, struct err *e);
bool state_is_migrating(const struct state *s);

/* The manifest alone, for a published version whose own is lost, or says other modes or times. */
int state_write_manifest(const struct state *s, const struct record *r, const struct tree *t,
			 struct err *e);

/* Another label of the published version. */
int state_relabel(const struct state *s, const struct record *published, struct err *e);

/* Whether there is the manifest of the version and no other, and nothing that a crash left. */
bool state_is_tidy(const struct state *s, const char *digest);

/* Its name in the state directory, on the heap. */
char *state_manifest_name(const char *digest);

/* The manifest of a version; -1 with e when it is missing or damaged. */
int state_manifest(const struct state *s, const char *digest, struct tree *ret, struct err *e);

/* Adds the digests of all versions that have a manifest; -1 with e. */
int state_manifests(const struct state *s, struct list *digests, struct err *e);

/* Removes manifests of other versions than keep. */
void state_tidy(const struct state *s, const char *keep);
