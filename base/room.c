/* SPDX-License-Identifier: Apache-2.0 */
/* room: see room.h. */
#include "base/room.h"

#include <errno.h>
#include <sys/statvfs.h>
#include <unistd.h>

int room_of(int fd, struct room *ret)
{
	struct statvfs st = { .f_frsize = 4096 };

	/* FUSE asks a server that may not know the question. */
	if (fstatvfs(fd, &st) < 0 && errno != ENOSYS)
		return -1;
	ret->block = st.f_frsize;
	ret->bytes = (geteuid() == 0 ? st.f_bfree : st.f_bavail) * ret->block;
	ret->inodes = st.f_ffree;
	if (!st.f_blocks)
		ret->bytes = ROOM_ENDLESS;
	if (!st.f_files)
		ret->inodes = ROOM_ENDLESS;
	return 0;
}
