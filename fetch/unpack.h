/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack: an archive from anywhere into an empty directory, or one line that says why not.
 *
 * It is a tar, plain or packed by gzip or zstd, or a zip; the bytes decide, not its name. Whatever
 * is in it, nothing outside the directory changes, and memory is bounded. Files, directories, links
 * within the tree and hard links to earlier files of the archive come out, with their permissions
 * (no set-id bits) and times, and belong to who unpacks. Anything else, a name that leads elsewhere
 * or is there twice, and an archive that is cut or damaged, is refused (ERR_REMOTE): what has come
 * out so far is the caller's to remove.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define UNPACK_BYTES_MOST ((uint64_t)16 << 30)
#define UNPACK_FILES_MOST ((uint64_t)1000000)
#define UNPACK_RATIO_MOST ((uint64_t)200)

struct growing;

struct unpack_limits {
	uint64_t bytes; /* of all files together, holes and hard links as if they were copies */
	uint64_t files; /* entries of any type */
	uint64_t ratio; /* of these bytes to those of the archive, beyond the first 10 MiB */
};

struct unpack_counts {
	uint64_t files, directories, links, bytes;
};

/* Every limit as above. */
struct unpack_limits unpack_usual_limits(void);

/*
 * archive is a regular file, read from its beginning; name is what errors call it. deadline as
 * clock_ms() counts, 0: none.
 */
int unpack(int archive, const char *name, int directory, const struct unpack_limits *most,
	   int64_t deadline, struct unpack_counts *ret, struct err *e);

/* The same of one that still comes: what is not there yet is waited for. */
int unpack_growing(int archive, struct growing *growing, const char *name, int directory,
		   const struct unpack_limits *most, int64_t deadline, struct unpack_counts *ret,
		   struct err *e);

/* Whether a name ends as archives are called: .tar, .tar.gz, .tgz, .tar.zst, .tzst, .zip. */
bool unpack_is_name(const char *name);
