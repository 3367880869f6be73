/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage: a private directory on the target's filesystem where new files are made before anybody
 * can see them, so that putting one in place is a rename. Also where things are moved that have to
 * leave the target at once and are deleted later.
 *
 * It is STATE/stage, or TARGET/..gs-sidecar-stage when the state directory is on another
 * filesystem. What a crash left in it is removed when it is opened.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct digest;
struct entry;
struct err;

struct stage {
	int dir;
	int parent; /* where the directory itself is; not owned */
	const char *name;
	dev_t device;
	unsigned next;
	bool keep_owner; /* we may give files away, chown(2) */
	bool owner_lost; /* an owner could not be kept */
	struct digest_stream *hash;
	char *copy_buffer;
};

#define STAGE_INIT ((struct stage){ .dir = -1, .parent = -1 })
#define STAGE_OTHER_NAME "..gs-sidecar-stage"

int stage_open(struct stage *s, int state, int target, struct err *e);

/* Removes it with all it holds. */
void stage_close(struct stage *s);

/* Each makes something new in the stage under a number, *ret. */
int stage_file(struct stage *s, int source_root, struct entry *entry, unsigned *ret, struct err *e);
int stage_link(struct stage *s, const struct entry *entry, unsigned *ret, struct err *e);

/* One more name for the inode that is called name in directory dir. */
int stage_hard_link(struct stage *s, int dir, const char *name, unsigned *ret, struct err *e);

/* Moves something out of the target; it is deleted by stage_close(). */
int stage_take_away(struct stage *s, int dir, const char *name, struct err *e);

/* The text of a number's name. */
#define STAGE_NAME_SIZE 16
const char *stage_name(unsigned number, char text[STAGE_NAME_SIZE]);

/*
 * Hashes the source file of entry into entry->content without copying it. Both this and
 * stage_file() fail when the file changes while it is read: a version is never a mix.
 */
int stage_hash(struct stage *s, int source_root, struct entry *entry, struct err *e);

/* The content of name in directory dir. False when it cannot be read. */
bool stage_hash_of(struct stage *s, int dir, const char *name, struct digest *ret);

/*
 * chmod(2) that does not follow a link: who may write the target may have put one there since we
 * looked. Needs /proc.
 */
int stage_chmod(int dir, const char *name, mode_t mode);

/* Owner, mode and times as entry says, for name in directory dir. */
int stage_dress(struct stage *s, int dir, const char *name, const struct entry *entry,
		struct err *e);
