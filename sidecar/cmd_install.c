/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_install: `install` and `version`. */
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM_NAME "gs-sidecar"
#define PROGRAM_MOST ((size_t)256 * 1024 * 1024) /* a build with sanitizers is large */

static int write_program(int dir, const char *name, const struct buf *program, struct err *e)
{
	owned_fd fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0755);

	if (fd < 0 || io_write(fd, program->data, program->length) < 0 || fchmod(fd, 0755) < 0)
		return err_sys(e, "write '%s'", name);
	return 0;
}

/* By a temporary name: the program there may be running. */
static int install(const char *path, struct err *e)
{
	owned_buf program = BUF_INIT(PROGRAM_MOST);
	owned_fd dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_sys(e, "open directory '%s'", path);
	if (io_read_file(AT_FDCWD, "/proc/self/exe", &program, e) < 0)
		return -1;
	if (write_program(dir, PROGRAM_NAME ".new", &program, e) < 0 ||
	    (renameat(dir, PROGRAM_NAME ".new", dir, PROGRAM_NAME) < 0 &&
	     err_sys(e, "rename '" PROGRAM_NAME ".new'") < 0)) {
		(void)unlinkat(dir, PROGRAM_NAME ".new", 0);
		return err_in(e, "install to '%s'", path);
	}
	return 0;
}

int cmd_install(struct config *c)
{
	struct err e = { 0 };

	if (c->operands.count != 1)
		(void)err_set(&e, ERR_USAGE, "expected a directory: gs-sidecar install DIR");
	else if (install(c->operands.items[0], &e) == 0)
		return EXIT_DONE;
	return command_failed(&e);
}

int cmd_version(struct config *c)
{
	(void)c;
	(void)printf("gs-sidecar " VERSION "\n");
	return EXIT_DONE;
}
