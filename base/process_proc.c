/* SPDX-License-Identifier: Apache-2.0 */
/* process_proc: see process_proc.h. */
#include "base/process_proc.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define PROC_FILE_MOST ((size_t)256 * 1024) /* a command line can be this long, execve(2) */

char *proc_read(int proc, pid_t pid, const char *name, size_t *ret_length)
{
	struct buf b = BUF_INIT(PROC_FILE_MOST);
	owned char *path = mem_format("%d/%s", (int)pid, name);
	struct err ignored;

	if (io_read_file(proc, path, &b, &ignored) < 0)
		buf_clear(&b);
	*ret_length = b.length;
	return buf_take(&b);
}

char *proc_executable(int proc, pid_t pid)
{
	char target[PATH_MAX];
	owned char *path = mem_format("%d/exe", (int)pid);
	ssize_t length = readlinkat(proc, path, target, sizeof(target) - 1);

	target[length > 0 ? length : 0] = '\0';
	if (text_ends(target, " (deleted)"))
		target[strlen(target) - strlen(" (deleted)")] = '\0';
	return mem_copy(target);
}

int64_t proc_status(int proc, pid_t pid, const char *field, int base)
{
	size_t length;
	owned char *status = proc_read(proc, pid, "status", &length);
	owned char *head = mem_format("\n%s:\t", field);
	const char *at = strstr(status, head);

	return at ? (int64_t)strtoull(at + strlen(head), NULL, base) : -1;
}

bool proc_is_zombie(int proc, pid_t pid)
{
	size_t length;
	owned char *status = proc_read(proc, pid, "status", &length);

	return strstr(status, "\nState:\tZ") != NULL;
}

DIR *proc_list(int proc, struct err *e)
{
	owned_fd fd = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir)
		(void)fd_take(&fd);
	else
		(void)err_sys(e, "list the processes in /proc");
	return dir;
}

pid_t proc_next(DIR *dir)
{
	const struct dirent *entry;

	while ((entry = readdir(dir))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && pid != getpid())
			return pid;
	}
	return 0;
}
