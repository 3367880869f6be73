/* SPDX-License-Identifier: Apache-2.0 */
/* dress: give what was made the owner, mode and time of its entry. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

struct entry;
struct err;

/* Giving a file away needs CAP_CHOWN, which a container's root often lacks. Shared by threads. */
struct owners {
	atomic_bool keep; /* we may give files away, as far as we know */
	atomic_bool lost; /* an owner could not be kept */
};

void owners_init(struct owners *o);

/* Whether it has the owner, mode and time already. */
bool dress_fits(struct owners *o, const struct entry *entry, const struct stat *st);

/* The file fd, of which nobody else knows yet; -1 with errno. */
int dress_new_file(struct owners *o, int fd, const struct entry *entry);

/* Name in directory dir; a link there is not followed. -1 with errno. */
int dress_name(struct owners *o, int dir, const char *name, const struct entry *entry);

/*
 * chmod(2) that does not follow a link: who may write the target may have put one there since we
 * looked. Needs /proc.
 */
int dress_chmod(int dir, const char *name, mode_t mode);
