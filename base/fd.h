/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fd: a file descriptor is an owned variable.
 *
 * It starts at -1, is close-on-exec from birth, is closed when it goes out of scope and moved by
 * fd_take(). close(2) is called once and never retried: on Linux the number is free even after
 * EINTR and may already be somebody else's.
 */
#pragma once

static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Closes and sets to -1; fine with -1; errno is kept. */
void fd_close(int *fd);

#define owned_fd __attribute__((cleanup(fd_close))) int
