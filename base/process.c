/* SPDX-License-Identifier: Apache-2.0 */
/* process: see process.h. */
#include "base/process.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/pattern.h"
#include "base/process_proc.h"
#include "base/process_why.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define MATCHES_MOST 256
#define COMM_LETTERS 15 /* TASK_COMM_LEN without its NUL, prctl(2) */

static bool command_line_matches(int proc, pid_t pid, const char *pattern)
{
	size_t length;
	owned char *line = proc_read(proc, pid, "cmdline", &length);

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
	owned char *executable = proc_executable(proc, pid);
	owned char *line = proc_read(proc, pid, "cmdline", &length);
	owned char *comm = proc_read(proc, pid, "comm", &comm_length);

	if (comm_length)
		comm[comm_length - 1] = '\0'; /* its newline */
	return text_is(text_last_part(executable), name) || text_is(text_last_part(line), name) ||
	       text_is(comm, name) || is_script(line, length, comm, name);
}

bool process_matches(int proc, pid_t pid, const char *pattern)
{
	if (text_starts(pattern, "argv:"))
		return command_line_matches(proc, pid, pattern + strlen("argv:"));
	if (*pattern != '/')
		return name_matches(proc, pid, pattern);
	owned char *executable = proc_executable(proc, pid);
	return text_is(executable, pattern);
}

static int find_matches(int proc, const char *pattern, pid_t found[MATCHES_MOST], size_t *ret_count,
			struct err *e)
{
	DIR *dir = proc_list(proc, e);
	pid_t pid;

	*ret_count = 0;
	if (!dir)
		return -1;
	while (*ret_count < MATCHES_MOST && (pid = proc_next(dir)))
		if (process_matches(proc, pid, pattern) && !proc_is_zombie(proc, pid))
			found[(*ret_count)++] = pid;
	(void)closedir(dir);
	return 0;
}

static bool is_among(pid_t pid, const pid_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
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
	if (b.data[0] == '\0')
		return err_set(e, ERR_REMOTE, "pid file '%s' is empty: expected a number", path);
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
	if (find_matches(proc, pattern, found, &count, e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (!is_among((pid_t)proc_status(proc, found[i], "PPid", 10), found, count))
			tops[top_count++] = found[i];
	if (top_count == 0)
		return process_none_found(proc, pattern, e);
	if (top_count > 1)
		return too_many_found(pattern, tops, top_count, e);
	*ret = tops[0];
	return 0;
}
