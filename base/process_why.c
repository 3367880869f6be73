/* SPDX-License-Identifier: Apache-2.0 */
/* process_why: see process_why.h. */
#include "base/process_why.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/process_proc.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define MOUNTS_MOST ((size_t)1024 * 1024)

/* What can be seen of processes besides this one. */
struct view {
	size_t elsewhere;   /* of other containers */
	bool shared;        /* PID 1 is one of them */
	size_t closed;      /* whose executable may not be read */
	pid_t closed_alike; /* one of those that calls itself as the path does; 0: none */
};

static bool calls_itself(int proc, pid_t pid, const char *path)
{
	size_t length;
	owned char *line = proc_read(proc, pid, "cmdline", &length);

	/* A title such as "nginx: master process /usr/sbin/nginx" is one word. */
	return text_ends(line, path) || text_is(text_last_part(line), text_last_part(path));
}

/* Kernel threads have no command line and no executable. */
static bool is_closed(int proc, pid_t pid)
{
	size_t length;
	owned char *line = proc_read(proc, pid, "cmdline", &length);

	errno = 0;
	owned char *executable = length ? proc_executable(proc, pid) : NULL;
	return executable && !*executable && (errno == EACCES || errno == EPERM);
}

/* Each container is a control group of its own, which anybody may read. "" where there are none. */
static char *group_of(int proc, pid_t pid)
{
	size_t length;

	return proc_read(proc, pid, "cgroup", &length);
}

static int look_around(int proc, const char *pattern, struct view *v, struct err *e)
{
	DIR *dir = proc_list(proc, e);
	owned char *own_group = group_of(proc, getpid());
	pid_t pid;

	if (!dir)
		return -1;
	while ((pid = proc_next(dir))) {
		owned char *group = group_of(proc, pid);

		if (*group && !text_is(group, own_group)) {
			v->elsewhere++;
			v->shared |= pid == 1 && *own_group;
		}
		if (*pattern != '/' || !is_closed(proc, pid))
			continue;
		v->closed++;
		if (calls_itself(proc, pid, pattern))
			v->closed_alike = pid;
	}
	(void)closedir(dir);
	/* No groups to tell by (gVisor): PID 1 of a shared namespace is the pod's, not ours. */
	v->elsewhere += !*own_group && getpid() != 1;
	return 0;
}

/* The mount options of /proc, proc(5). */
static bool hides_processes(int proc)
{
	owned_buf b = BUF_INIT(MOUNTS_MOST);
	struct err ignored;
	char *line, *rest;

	if (io_read_file(proc, "self/mounts", &b, &ignored) < 0)
		return false;
	for (rest = b.data; (line = strsep(&rest, "\n"));)
		if (strstr(line, " /proc proc ") && strstr(line, "hidepid=") &&
		    !strstr(line, "hidepid=0") && !strstr(line, "hidepid=off"))
			return true;
	return false;
}

/* 0 when nothing that the pattern could mean is hidden; others: those of other containers show. */
static int all_is_seen(int proc, const char *pattern, const struct view *v, bool others,
		       struct err *e)
{
	if (v->closed_alike)
		return err_set(e, ERR_REMOTE,
			       "no process matches '%s': process %d could be it, but which "
			       "executable it runs may not be read (another user, or more "
			       "capabilities than ours): use the name '%s', argv: or pidfile:, or "
			       "add the SYS_PTRACE capability",
			       pattern, (int)v->closed_alike, text_last_part(pattern));
	if (hides_processes(proc))
		return err_set(e, ERR_REMOTE,
			       "no process matches '%s': it has not started, or it is another "
			       "user's and hidden, since /proc is mounted with hidepid: run as the "
			       "game's user (runAsUser)",
			       pattern);
	if (!others)
		return err_set(e, ERR_REMOTE,
			       "no process matches '%s', and only this container's can be seen: "
			       "the pod does not share its process namespace "
			       "(shareProcessNamespace: true), or what runs here has not started",
			       pattern);
	if (v->closed)
		return err_set(e, ERR_REMOTE,
			       "no process matches '%s': it has not started, or it is one of %zu "
			       "whose executable may not be read: use its name, argv: or pidfile:",
			       pattern, v->closed);
	return 0;
}

int process_none_found(int proc, const char *pattern, struct err *e)
{
	struct view v = { 0 };

	if (look_around(proc, pattern, &v, e) < 0 ||
	    all_is_seen(proc, pattern, &v, v.elsewhere, e) < 0)
		return -1;
	return err_set(e, ERR_REMOTE,
		       "no process matches '%s': it has not started, or it has another name",
		       pattern);
}

int process_none_is_sure(int proc, const char *pattern, bool seen_before, struct err *e)
{
	struct view v = { 0 };
	size_t length;
	owned char *own = proc_read(proc, getpid(), "comm", &length);

	/* Such as when no descriptor is left: then none could be looked at. */
	if (!length)
		return err_set(e, ERR_SYSTEM, "'%d/comm' in /proc cannot be read", (int)getpid());
	if (look_around(proc, pattern, &v, e) < 0)
		return -1;
	return all_is_seen(proc, pattern, &v, v.shared || seen_before, e);
}

int process_is_gone(const char *pattern, pid_t pid, struct err *e)
{
	if (text_starts(pattern, "pidfile:"))
		return err_set(e, ERR_REMOTE,
			       "pid file '%s' says %d, but process %d is not there: the file is "
			       "older than the game, or the number is of another process "
			       "namespace (shareProcessNamespace: true)",
			       pattern + strlen("pidfile:"), (int)pid, (int)pid);
	return err_set(e, ERR_REMOTE, "process %d ('%s') is not there", (int)pid, pattern);
}

int process_not_signalled(int proc, const char *pattern, pid_t pid, int number, struct err *e)
{
	int sys = errno;
	int64_t user = sys == EPERM ? proc_status(proc, pid, "Uid", 10) : -1;
	owned char *why =
		user == -1 ? mem_copy("")
		: user == (int64_t)getuid()
			? mem_format(", which is user %" PRId64 " as we are, so a seccomp profile "
				     "or a security module forbids it",
				     user)
			: mem_format(", which is user %" PRId64 " while we are user %u (run as the "
				     "game's user, runAsUser, or add the KILL capability)",
				     user, (unsigned)getuid());

	if (sys == ESRCH)
		return process_is_gone(pattern, pid, e);
	errno = sys;
	return err_sys(e, "send %s to process %d ('%s')%s", signal_name(number), (int)pid, pattern,
		       why);
}
