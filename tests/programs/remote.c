/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote: a filesystem (FUSE) whose one file changes without inotify events, as on a share that
 * another machine writes to.
 *
 *   remote FILE MOUNTPOINT      shows the bytes of FILE as MOUNTPOINT/file, until it is unmounted
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILE_NODE 2

static int fuse, dir;
static const char *path;

static void answer(const struct fuse_in_header *asked, int error, const void *bytes, size_t length)
{
	struct fuse_out_header head = { .unique = asked->unique, .error = -error };
	struct iovec parts[] = { { &head, sizeof(head) }, { (void *)bytes, length } };

	head.len = (uint32_t)(sizeof(head) + length);
	if (writev(fuse, parts, length ? 2 : 1) < 0 && errno != ENOENT)
		perror("remote: answer");
}

static struct fuse_attr attributes(uint64_t node)
{
	struct stat st;

	if (fstatat(dir, node == FILE_NODE ? path : ".", &st, 0) < 0)
		memset(&st, 0, sizeof(st));
	return (struct fuse_attr){
		.ino = node,
		.size = node == FILE_NODE ? (uint64_t)st.st_size : 0,
		.mtime = (uint64_t)st.st_mtim.tv_sec,
		.mtimensec = (uint32_t)st.st_mtim.tv_nsec,
		.mode = node == FILE_NODE ? S_IFREG | 0644 : S_IFDIR | 0755,
		.nlink = 1,
		.blksize = 4096,
	};
}

static void on_lookup(const struct fuse_in_header *asked, const char *name)
{
	struct fuse_entry_out out = { .nodeid = FILE_NODE, .attr = attributes(FILE_NODE) };

	if (strcmp(name, "file") != 0)
		answer(asked, ENOENT, NULL, 0);
	else
		answer(asked, 0, &out, sizeof(out));
}

static void on_read_directory(const struct fuse_in_header *asked, const struct fuse_read_in *in)
{
	char bytes[64] = { 0 };
	struct fuse_dirent entry = { .ino = FILE_NODE, .off = 1, .namelen = 4, .type = 8 };

	memcpy(bytes, &entry, sizeof(entry));
	memcpy(bytes + offsetof(struct fuse_dirent, name), "file", sizeof("file"));
	answer(asked, 0, bytes,
	       in->offset ? 0 : FUSE_DIRENT_ALIGN(offsetof(struct fuse_dirent, name) + 4));
}

static void on_read(const struct fuse_in_header *asked, const struct fuse_read_in *in)
{
	char bytes[4096];
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	size_t most = in->size < sizeof(bytes) ? in->size : sizeof(bytes);
	ssize_t got = pread(fd, bytes, most, (off_t)in->offset);

	(void)close(fd);
	answer(asked, got < 0 ? EIO : 0, bytes, got < 0 ? 0 : (size_t)got);
}

static void serve(const struct fuse_in_header *asked, const void *body)
{
	const struct fuse_init_in *init = body;
	const struct fuse_init_out ready = { .major = FUSE_KERNEL_VERSION,
					     .minor = FUSE_KERNEL_MINOR_VERSION,
					     .max_readahead = init->max_readahead,
					     .max_write = 4096 };
	const struct fuse_attr_out out = { .attr = attributes(asked->nodeid) };
	const struct fuse_open_out opened = { .open_flags = FOPEN_DIRECT_IO };
	const struct fuse_statfs_out space = { .st = { .bsize = 4096, .namelen = 255 } };

	switch (asked->opcode) {
	case FUSE_INIT:
		answer(asked, 0, &ready, sizeof(ready));
		break;
	case FUSE_LOOKUP:
		on_lookup(asked, body);
		break;
	case FUSE_GETATTR:
		answer(asked, 0, &out, sizeof(out));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer(asked, 0, &opened, sizeof(opened));
		break;
	case FUSE_READDIR:
		on_read_directory(asked, body);
		break;
	case FUSE_READ:
		on_read(asked, body);
		break;
	case FUSE_STATFS:
		answer(asked, 0, &space, sizeof(space));
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		answer(asked, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		break;
	default:
		answer(asked, ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static char bytes[64 * 1024] __attribute__((aligned(8)));
	char options[64];

	if (argc != 3)
		return 2;
	path = argv[1];
	dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	(void)snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	if (dir < 0 || fuse < 0 || mount("remote", argv[2], "fuse", MS_NODEV, options) < 0) {
		perror("remote");
		return 1;
	}
	(void)printf("mounted\n");
	(void)fflush(stdout);
	for (;;) {
		if (read(fuse, bytes, sizeof(bytes)) < (ssize_t)sizeof(struct fuse_in_header)) {
			if (errno == EINTR || errno == ENOENT)
				continue;
			return errno == ENODEV ? 0 : 1;
		}
		serve((const void *)bytes, bytes + sizeof(struct fuse_in_header));
	}
}
