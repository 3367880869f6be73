/* SPDX-License-Identifier: Apache-2.0 */
/* room: what a filesystem still has for who asks, which for root is more. */
#pragma once

#include <stdint.h>

/*
 * As good as endless: a filesystem that gives out what it needs as it needs it says that it has
 * none at all, as a tmpfs without a size does of bytes, and btrfs of inodes; or it cannot say.
 * Those of object stores like to have all that fits into the number.
 */
#define ROOM_ENDLESS ((uint64_t)INT64_MAX)

struct room {
	uint64_t block; /* bytes: what a file begins of these is all its own */
	uint64_t bytes, inodes;
};

/* Of the filesystem that fd is on; -1 with errno, as fstatvfs(3) has it. */
int room_of(int fd, struct room *ret);
