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
 *
 * Every publication has a serial. A reload is owed while published and acknowledged serial differ:
 * so A, then B whose reload failed, then A again is reloaded again.
 */
#pragma once

#include "base/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct list;
struct tree;

struct record {
	char digest[DIGEST_TEXT_SIZE]; /* "" when there is no record */
	int64_t serial;
	uint64_t files, bytes;
	char at[32]; /* RFC 3339 */
};

struct state {
	int dir;    /* the state directory */
	char *path; /* for messages */
	int lock;   /* -1: not held */
};

#define STATE_INIT ((struct state){ .dir = -1, .lock = -1 })
#define STATE_DEFAULT_NAME ".gs-sidecar"

/* The default place of the state directory, on the heap. */
char *state_default_path(const char *target);

/* Opens the directory, makes it when it is missing. A link there is refused. */
int state_open(struct state *s, const char *path, struct err *e);

/* Opens it only if it is there: returns 1 when it is not. */
int state_open_existing(struct state *s, const char *path, struct err *e);

/* The lock is given up. */
void state_close(struct state *s);

/* Returns 0 held by us, 1 held by somebody else, -1 with e. Never waits. */
int state_try_lock(struct state *s, struct err *e);

/* Uses the lock that the parent process passed as descriptor fd. */
void state_adopt_lock(struct state *s, int fd);

/*
 * What the sync engine goes by: the published record and whether a publication was cut off. A
 * record that is missing or damaged is "" (damaged is as good as none), but its serial is then at
 * least that of every other record: a serial is never used twice. -1 with e when one cannot be
 * read.
 */
int state_load(const struct state *s, struct record *ret_published, bool *ret_cut_off,
	       struct err *e);

/* Records for people and for comparing; digest "" when there is none, or none that can be read. */
struct record state_published(const struct state *s);
struct record state_acknowledged(const struct state *s);

int state_acknowledge(const struct state *s, const struct record *published, struct err *e);

/* Publication: begin (write-ahead: record and manifest), then the files, then commit. */
int state_begin(const struct state *s, const struct record *r, const struct tree *t, struct err *e);
int state_commit(const struct state *s, struct err *e);

/* The manifest alone, for a published version whose own is lost. */
int state_write_manifest(const struct state *s, const char *digest, const struct tree *t,
			 struct err *e);

/* The manifest of a version; -1 with e when it is missing or damaged. */
int state_manifest(const struct state *s, const char *digest, struct tree *ret, struct err *e);

/* Adds the digests of all versions that have a manifest; -1 with e. */
int state_manifests(const struct state *s, struct list *digests, struct err *e);

/* Removes manifests of other versions than keep. */
void state_tidy(const struct state *s, const char *keep);
