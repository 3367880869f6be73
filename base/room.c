/* SPDX-License-Identifier: Apache-2.0 */
/* room: see room.h. */
#include "base/room.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/statvfs.h>
#include <unistd.h>

int room_of(int fd, struct room *ret)
{
	struct statvfs st = { .f_frsize = 4096 };

	/* FUSE asks a server that may not know the question. */
	if (fstatvfs(fd, &st) < 0 && errno != ENOSYS)
		return -1;
	const uint64_t blocks = geteuid() == 0 ? st.f_bfree : st.f_bavail;
	const bool bytes_end = st.f_blocks && blocks < ROOM_ENDLESS / st.f_frsize;
	const bool inodes_end = st.f_files && st.f_ffree < ROOM_ENDLESS;

	ret->block = st.f_frsize;
	ret->bytes = bytes_end ? blocks * st.f_frsize : ROOM_ENDLESS;
	ret->inodes = inodes_end ? st.f_ffree : ROOM_ENDLESS;
	return 0;
}
