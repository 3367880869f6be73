/* SPDX-License-Identifier: Apache-2.0 */
/* process: see process.h. */
#include "reloader/process.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/pattern.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROC_FILE_MOST ((size_t)256 * 1024) /* a command line can be this long, execve(2) */
#define MATCHES_MOST 256
#define COMM_LETTERS 15 /* TASK_COMM_LEN without its NUL, prctl(2) */

/* A file of a process, "" when it cannot be read. On the heap; *ret_length counts NULs too. */
static char *read_proc(int proc, pid_t pid, const char *name, size_t *ret_length)
{
	struct buf b = BUF_INIT(PROC_FILE_MOST);
	owned char *path = mem_format("%d/%s", (int)pid, name);
	struct err ignored;

	if (io_read_file(proc, path, &b, &ignored) < 0)
		buf_clear(&b);
	*ret_length = b.length;
	return buf_take(&b);
}

static char *executable_of(int proc, pid_t pid)
{
	char target[PATH_MAX];
	owned char *path = mem_format("%d/exe", (int)pid);
	ssize_t length = readlinkat(proc, path, target, sizeof(target) - 1);

	target[length > 0 ? length : 0] = '\0';
	/* An executable that was replaced since: still the same program to a person. */
	if (text_ends(target, " (deleted)"))
		target[strlen(target) - strlen(" (deleted)")] = '\0';
	return mem_copy(target);
}

static bool command_line_matches(int proc, pid_t pid, const char *pattern)
{
	size_t length;
	owned char *line = read_proc(proc, pid, "cmdline", &length);

	/* A title that is shorter than the arguments it replaced is filled up with NULs. */
	while (length > 1 && !line[length - 1] && !line[length - 2])
		length--;
	for (size_t i = 0; i + 1 < length; i++)
		if (line[i] == '\0')
			line[i] = ' ';
	return length && pattern_fits_line(pattern, line);
}

/* A script's own name is a word of its interpreter's command line, and comm cut to 15 letters. */
static bool is_script(const char *line, size_t length, const char *comm, const char *name)
{
	if (strlen(name) < COMM_LETTERS || strncmp(comm, name, COMM_LETTERS) != 0)
		return false;
	for (const char *word = line; word < line + length; word += strlen(word) + 1)
		if (text_is(text_last_part(word), name))
			return true;
	return false;
}

static bool name_matches(int proc, pid_t pid, const char *name)
{
	size_t length, comm_length;
	owned char *executable = executable_of(proc, pid);
	owned char *line = read_proc(proc, pid, "cmdline", &length);
	owned char *comm = read_proc(proc, pid, "comm", &comm_length);

	if (comm_length)
		comm[comm_length - 1] = '\0'; /* its newline */
	return text_is(text_last_part(executable), name) || text_is(text_last_part(line), name) ||
	       text_is(comm, name) || is_script(line, length, comm, name);
}

/* It has ended and waits for its parent to ask for its status. */
static bool is_zombie(int proc, pid_t pid)
{
	size_t length;
	owned char *status = read_proc(proc, pid, "status", &length);

	return strstr(status, "\nState:\tZ") != NULL;
}

static bool matches(int proc, pid_t pid, const char *pattern)
{
	if (text_starts(pattern, "argv:"))
		return command_line_matches(proc, pid, pattern + strlen("argv:"));
	if (*pattern != '/')
		return name_matches(proc, pid, pattern);
	owned char *executable = executable_of(proc, pid);
	return text_is(executable, pattern);
}

/* One field of /proc/PID/status as a number in base, -1 when it is not there. */
static int64_t status_field(int proc, pid_t pid, const char *field, int base)
{
	size_t length;
	owned char *status = read_proc(proc, pid, "status", &length);
	owned char *head = mem_format("\n%s:\t", field);
	const char *at = strstr(status, head);

	return at ? (int64_t)strtoull(at + strlen(head), NULL, base) : -1;
}

int process_catches(int proc, pid_t pid, int number)
{
	int64_t caught = status_field(proc, pid, "SigCgt", 16);

	return caught == -1 ? -1 : (int)((uint64_t)caught >> (number - 1) & 1);
}

static size_t find_matches(int proc, const char *pattern, pid_t found[MATCHES_MOST])
{
	int fd = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	size_t count = 0;

	if (!dir) {
		fd_close(&fd);
		return 0;
	}
	while (count < MATCHES_MOST && (entry = readdir(dir))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && pid != getpid() && matches(proc, pid, pattern) &&
		    !is_zombie(proc, pid))
			found[count++] = pid;
	}
	(void)closedir(dir);
	return count;
}

static bool is_among(pid_t pid, const pid_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

static int none_found(const char *pattern, struct err *e)
{
	return err_set(e, ERR_REMOTE, "no process matches '%s'%s", pattern,
		       getpid() == 1 ? ": the pod does not share its process namespace "
				       "(shareProcessNamespace: true), or it has not started"
				     : "");
}

static int too_many_found(const char *pattern, const pid_t *pids, size_t count, struct err *e)
{
	owned_buf list = BUF_INIT(200);

	for (size_t i = 0; i < count; i++)
		if (buf_add_format(&list, "%s%d", i ? ", " : "", (int)pids[i]) < 0)
			break;
	return err_set(e, ERR_REMOTE,
		       "%zu processes match '%s' (%s): make it exact, or use pidfile:", count,
		       pattern, list.data);
}

static int find_by_file(const char *path, pid_t *ret, struct err *e)
{
	owned_buf b = BUF_INIT(64);
	int64_t pid;

	if (io_read_file(AT_FDCWD, path, &b, e) < 0) {
		if (e->sys == ENOENT) /* it has not started yet */
			e->kind = ERR_REMOTE;
		return err_in(e, "pid file");
	}
	b.data[strcspn(b.data, " \t\r\n")] = '\0';
	if (parse_count(b.data, 1, INT_MAX, &pid, e) < 0)
		return err_in(e, "pid file '%s'", path);
	/* The game's number in a process namespace of its own is another process here: often we. */
	if (pid == getpid())
		return err_set(e, ERR_REMOTE,
			       "pid file '%s' has our own number, %d: the pod does not share its "
			       "process namespace (shareProcessNamespace: true)",
			       path, (int)pid);
	*ret = (pid_t)pid;
	return 0;
}

int process_find(int proc, const char *pattern, pid_t *ret, struct err *e)
{
	pid_t found[MATCHES_MOST], tops[MATCHES_MOST];
	size_t count, top_count = 0;

	if (text_starts(pattern, "pidfile:"))
		return find_by_file(pattern + strlen("pidfile:"), ret, e);
	count = find_matches(proc, pattern, found);
	for (size_t i = 0; i < count; i++)
		if (!is_among((pid_t)status_field(proc, found[i], "PPid", 10), found, count))
			tops[top_count++] = found[i];
	if (top_count == 0)
		return none_found(pattern, e);
	if (top_count > 1)
		return too_many_found(pattern, tops, top_count, e);
	*ret = tops[0];
	return 0;
}

static int send_signal(int pidfd, pid_t pid, int number)
{
	if (pidfd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0) == 0)
		return 0;
	/* Not there, or forbidden by a profile that is older than the call; a real EPERM comes
	 * again. */
	if (pidfd >= 0 && errno != ENOSYS && errno != EPERM)
		return -1;
	return kill(pid, number);
}

int process_signal(int proc, const char *pattern, int number, struct err *e)
{
	pid_t pid, again;

	if (process_find(proc, pattern, &pid, e) < 0)
		return -1;
	owned_fd pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0 && errno == ESRCH)
		return err_set(e, ERR_REMOTE, "process %d ('%s') is not there", (int)pid, pattern);
	if (pidfd < 0 && errno != ENOSYS && errno != EPERM)
		return err_sys(e, "process %d", (int)pid);
	if (process_find(proc, pattern, &again, e) < 0)
		return -1;
	if (again != pid)
		return err_set(e, ERR_REMOTE, "process %d ended while it was looked at", (int)pid);
	if (process_catches(proc, pid, number) == 0)
		return err_set(e, ERR_REMOTE, "process %d ('%s') has no handler for %s (yet)",
			       (int)pid, pattern, signal_name(number));
	if (send_signal(pidfd, pid, number) < 0)
		return err_sys(e, "send %s to process %d ('%s')", signal_name(number), (int)pid,
			       pattern);
	return 0;
}
