/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plant: put files, directories and links into an empty directory by names that nobody has checked.
 *
 * No link on the way is followed and nothing that is there is replaced, so nothing outside changes.
 * Directories come into being with what is in them. Their permissions and times are set when the
 * last was put there: what is kept for that is one descriptor for each directory of the current
 * path, however many there are. All return 0, or -1 with e saying what is wrong with the name
 * (ERR_REMOTE), which limit is passed (ERR_REMOTE), or what failed.
 */
#pragma once

#include "base/beneath.h"
#include "base/err.h"
#include "fetch/path.h"
#include "fetch/ratio.h"
#include "fetch/unpack.h"

#include <sys/stat.h>
#include <time.h>

/* A directory of the current path. */
struct plant_level {
	int fd;
	size_t end; /* of its path */
	mode_t mode;
	struct timespec mtime; /* what it has when we leave it; UTIME_OMIT: as it comes */
};

struct plant {
	int root;
	struct unpack_limits most;
	struct ratio ratio;
	struct unpack_counts counts;
	struct beneath targets; /* of hard links */
	size_t depth;
	struct plant_level levels[PATH_DEPTH_MOST];
	char path[PATH_LENGTH_MOST + 1]; /* of the last level */
	int file;                        /* -1: none */
	uint64_t file_end, written;
};

/* What an entry is besides its name. */
struct plant_look {
	mode_t mode;
	struct timespec mtime; /* tv_nsec may be UTIME_OMIT */
};

/* packed: how many bytes the archive has; growing: so far, NULL: in all. */
struct plant plant_init(int root, const struct unpack_limits *most, uint64_t packed,
			struct growing *growing);

/* All that is still to be set of directories. */
int plant_end(struct plant *p, struct err *e);
void plant_done(struct plant *p);

int plant_directory(struct plant *p, const char *name, const struct plant_look *look,
		    struct err *e);
int plant_symlink(struct plant *p, const char *name, const char *target,
		  const struct plant_look *look, struct err *e);
int plant_hard_link(struct plant *p, const char *name, const char *target, struct err *e);

/* A file: begin, its pieces with growing offsets, end. size: what it will have at least. */
int plant_file(struct plant *p, const char *name, uint64_t size, struct err *e);
int plant_write(struct plant *p, const void *bytes, size_t count, uint64_t offset, struct err *e);
int plant_file_end(struct plant *p, const struct plant_look *look, struct err *e);
