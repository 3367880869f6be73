/* SPDX-License-Identifier: Apache-2.0 */
/* io: see io.h. */
#include "base/io.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_CHUNK 4096

int io_memory_file(const char *text, struct err *e)
{
	owned_fd fd = memfd_create("text", MFD_CLOEXEC);

	if (fd < 0 || io_write(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "memory file");
	return fd_take(&fd);
}

bool io_is_there(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

const struct dirent *io_next_entry(DIR *dir)
{
	const struct dirent *found;

	do {
		errno = 0;
		found = readdir(dir);
	} while (found && (!strcmp(found->d_name, ".") || !strcmp(found->d_name, "..")));
	return found;
}

ssize_t io_read(int fd, void *bytes, size_t count)
{
	size_t done = 0;

	while (done < count) {
		ssize_t got = read(fd, (char *)bytes + done, count - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

int io_write(int fd, const void *bytes, size_t count)
{
	size_t done = 0;

	while (done < count) {
		ssize_t put = write(fd, (const char *)bytes + done, count - done);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		done += (size_t)put;
	}
	return 0;
}

int io_write_at(int fd, const void *bytes, size_t count, off_t at)
{
	size_t done = 0;

	while (done < count) {
		ssize_t put =
			pwrite(fd, (const char *)bytes + done, count - done, at + (off_t)done);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		done += (size_t)put;
	}
	return 0;
}

int io_read_all(int fd, struct buf *b, struct err *e)
{
	for (;;) {
		char chunk[READ_CHUNK];
		ssize_t got = io_read(fd, chunk, sizeof(chunk));

		if (got < 0)
			return err_sys(e, "read");
		if (buf_add(b, chunk, (size_t)got) < 0)
			return err_set(e, ERR_SYSTEM, "larger than the limit of %zu bytes",
				       b->limit);
		if ((size_t)got < sizeof(chunk))
			return 0;
	}
}

/* As much as the file says that it has, without copies; nothing when it does not say. */
static int read_at_once(int fd, struct buf *b, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size <= READ_CHUNK)
		return 0;
	char *space = buf_space(b, (size_t)st.st_size);
	if (!space)
		return err_set(e, ERR_SYSTEM, "larger than the limit of %zu bytes", b->limit);
	ssize_t got = io_read(fd, space, (size_t)st.st_size);
	if (got < 0)
		return err_sys(e, "read");
	buf_grown(b, (size_t)got);
	return 0;
}

static int read_from(int fd, const char *name, struct buf *b, struct err *e)
{
	if (read_at_once(fd, b, e) < 0 || io_read_all(fd, b, e) < 0)
		return err_in(e, "'%s'", name);
	return 0;
}

int io_read_file(int dir, const char *name, struct buf *b, struct err *e)
{
	owned_fd fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? err_sys(e, "open '%s'", name) : read_from(fd, name, b, e);
}

int io_read_regular(int dir, const char *name, struct buf *b, struct err *e)
{
	owned_fd fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open '%s'", name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_SYSTEM, "'%s' is not a file", name);
	return read_from(fd, name, b, e);
}

static int write_new(int dir, const char *name, const void *bytes, size_t count)
{
	owned_fd fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -1;
	return io_write(fd, bytes, count);
}

int io_replace_file(int dir, const char *name, const void *bytes, size_t count, struct err *e)
{
	owned char *temporary = mem_format("%s.new", name);

	if (write_new(dir, temporary, bytes, count) < 0 ||
	    renameat(dir, temporary, dir, name) < 0) {
		(void)err_sys(e, "write '%s'", name);
		(void)unlinkat(dir, temporary, 0);
		return -1;
	}
	return 0;
}
