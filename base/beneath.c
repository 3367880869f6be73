/* SPDX-License-Identifier: Apache-2.0 */
/* beneath: see beneath.h. */
#include "base/beneath.h"

#include "base/fd.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_by_kernel(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

static int open_by_parts(int root, const char *path, int flags)
{
	owned_fd at = -1;

	for (;;) {
		size_t length = strcspn(path, "/");
		char part[NAME_MAX + 1];

		if (length > NAME_MAX) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(part, path, length);
		part[length] = '\0';
		if (text_is(part, "..")) {
			errno = EXDEV;
			return -1;
		}
		int from = at >= 0 ? at : root;
		if (path[length] == '\0')
			return openat(from, part, flags | O_NOFOLLOW);
		int next = openat(from, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -1;
		fd_close(&at);
		at = next;
		path += length + 1;
	}
}

int beneath_open(int root, const char *path, int flags)
{
	static bool kernel_cannot;

	flags |= O_CLOEXEC;
	if (!*path)
		path = ".";
	if (!kernel_cannot) {
		int fd = open_by_kernel(root, path, flags);

		/* Older kernels say ENOSYS, sandboxes also EPERM. */
		if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EAGAIN))
			return fd;
		kernel_cannot = errno == ENOSYS;
	}
	return open_by_parts(root, path, flags);
}

struct beneath beneath_init(int root)
{
	return (struct beneath){ .root = root, .dir = -1 };
}

void beneath_forget(struct beneath *b)
{
	fd_close(&b->dir);
	free(b->path);
	b->path = NULL;
}

void beneath_move(struct beneath *b, int root)
{
	if (b->root != root)
		beneath_forget(b);
	b->root = root;
}

void beneath_done(struct beneath *b)
{
	beneath_forget(b);
}

int beneath_parent(struct beneath *b, const char *path, const char **ret_name)
{
	/* Mostly it is the one that the last path was in. */
	if (b->path && strncmp(path, b->path, b->length) == 0 && path[b->length] == '/' &&
	    !strchr(path + b->length + 1, '/')) {
		*ret_name = path + b->length + 1;
		return b->dir;
	}
	const char *name = text_last_part(path);
	*ret_name = name;
	if (name == path)
		return b->root;
	beneath_forget(b);
	b->length = (size_t)(name - path) - 1;
	b->path = mem_copy_part(path, b->length);
	b->dir = beneath_open(b->root, b->path, O_PATH | O_DIRECTORY);
	if (b->dir < 0)
		beneath_forget(b);
	return b->dir;
}
