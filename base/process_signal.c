/* SPDX-License-Identifier: Apache-2.0 */
/* process_signal: the part of process.h that signals. */
#include "base/process.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/process_proc.h"
#include "base/process_why.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int has_bit(int proc, pid_t pid, const char *field, int number)
{
	int64_t set = proc_status(proc, pid, field, 16);

	return set == -1 ? -1 : (int)((uint64_t)set >> (number - 1) & 1);
}

int process_catches(int proc, pid_t pid, int number)
{
	return has_bit(proc, pid, "SigCgt", number);
}

/* PID 1 of a process namespace, ours or one within: the last number of NSpid, proc(5). */
static bool is_init(int proc, pid_t pid)
{
	size_t length;
	owned char *status = proc_read(proc, pid, "status", &length);
	char *numbers = strstr(status, "\nNSpid:\t");

	if (!numbers)
		return pid == 1;
	numbers[1 + strcspn(numbers + 1, "\n")] = '\0';
	return strcmp(strrchr(numbers, '\t'), "\t1") == 0;
}

int process_takes(int proc, pid_t pid, const char *who, int number, struct err *e)
{
	size_t length;
	owned char *status = proc_read(proc, pid, "status", &length);

	if (!*status)
		return err_set(e, ERR_REMOTE,
			       "%s has ended, or what it does with %s may not be read from /proc "
			       "(hidepid): run as its user (runAsUser)",
			       who, signal_name(number));
	/* What has died keeps its handlers, and takes signals, until it is reaped. */
	if (proc_is_zombie(proc, pid))
		return err_set(e, ERR_REMOTE, "%s has ended", who);
	if (process_catches(proc, pid, number) != 0) /* -1: gVisor does not tell */
		return 0;
	if (has_bit(proc, pid, "SigIgn", number) == 1)
		return err_set(e, ERR_REMOTE,
			       "%s ignores %s (yet): it was started so, as nohup does, or wants it "
			       "so; it needs a handler to reload",
			       who, signal_name(number));
	return err_set(e, ERR_REMOTE, "%s has no handler for %s (yet)%s", who, signal_name(number),
		       is_init(proc, pid) ? ", and as PID 1 of its process namespace would not "
					    "even notice it"
					  : "");
}

/* An unsent one says whether the process is there, where there are no pidfds. */
static bool is_there(int pidfd, pid_t pid)
{
	return pidfd >= 0 || kill(pid, 0) == 0 || errno != ESRCH;
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
	if (pidfd < 0 && errno != ENOSYS && errno != EPERM && errno != ESRCH)
		return err_sys(e, "process %d", (int)pid);
	if (!is_there(pidfd, pid) || proc_is_zombie(proc, pid))
		return process_is_gone(pattern, pid, e);
	if (process_find(proc, pattern, &again, e) < 0)
		return -1;
	if (again != pid)
		return err_set(e, ERR_REMOTE, "process %d ended while it was looked at", (int)pid);
	owned char *who = mem_format("process %d ('%s')", (int)pid, pattern);
	if (process_takes(proc, pid, who, number, e) < 0)
		return -1;
	return send_signal(pidfd, pid, number) < 0
		       ? process_not_signalled(proc, pattern, pid, number, e)
		       : 0;
}
