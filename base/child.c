/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child: see child.h.
 *
 * Between fork and exec only async-signal-safe calls are made: libcurl's resolver thread may have
 * been holding any lock when the process was forked.
 */
#include "base/child.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * exec(2) closes by number: the report is the last one, so that the child holds nothing of ours any
 * more when it has ended. Of what somebody still holds epoll tells after we have closed it.
 */
#define REPORT_LEAST 1000

static struct child *children;

static void become_group(const struct child_plan *plan)
{
	/* In the background the terminal is not ours to give. */
	bool foreground = plan->foreground && tcgetpgrp(STDIN_FILENO) == getpgrp();

	if (setpgid(0, 0) < 0)
		return;
	/* SIGTTOU is still blocked here, so a background process may call this. */
	if (foreground)
		(void)tcsetpgrp(STDIN_FILENO, getpgrp());
}

static int take_place(int fd, int number)
{
	if (fd < 0 || fd == number)
		return 0;
	return dup2(fd, number) < 0 ? -1 : 0;
}

static int arrange_descriptors(const struct child_plan *plan)
{
	int in = plan->in;

	if (in == -1)
		in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	/* A scratch container may have no /dev/null: our own stdin is then the lesser evil. */
	if (take_place(in, STDIN_FILENO) < 0 || take_place(plan->out, STDOUT_FILENO) < 0 ||
	    take_place(plan->err >= 0 ? plan->err : plan->out, STDERR_FILENO) < 0)
		return -1;
	return plan->pass < 0 ? 0 : fcntl(plan->pass, F_SETFD, 0);
}

static _Noreturn void run_child(const struct child_plan *plan, pid_t parent, int report)
{
	if (plan->dies_with_us) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(127);
	}
	if (plan->own_group)
		become_group(plan);
	if ((!plan->directory || fchdir(plan->directory) == 0) && arrange_descriptors(plan) == 0) {
		(void)sigprocmask(SIG_SETMASK, signals_original_mask(), NULL);
		(void)execvp(plan->argv[0], (char *const *)plan->argv);
	}
	int failure = errno;
	(void)io_write(report, &failure, sizeof(failure));
	_exit(127);
}

/* The child's report closes on exec: end of file means that the program runs. */
static int await_exec(pid_t pid, int report, const char *program, struct err *e)
{
	int failure = 0;

	if (io_read(report, &failure, sizeof(failure)) != (ssize_t)sizeof(failure))
		return 0;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	errno = failure;
	return err_sys(e, "start '%s'", program);
}

int child_start(struct child *c, const struct child_plan *plan, struct err *e)
{
	int ends[2];
	pid_t parent = getpid();

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	owned_fd read_end = ends[0], write_end = fcntl(ends[1], F_DUPFD_CLOEXEC, REPORT_LEAST);
	if (write_end < 0)
		write_end = fd_take(&ends[1]);
	else
		fd_close(&ends[1]);
	pid_t pid = fork();
	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0)
		run_child(plan, parent, write_end);
	fd_close(&write_end);
	if (await_exec(pid, read_end, plan->argv[0], e) < 0)
		return -1;
	c->pid = pid;
	c->own_group = plan->own_group;
	c->next = children;
	children = c;
	return 0;
}

void child_signal(struct child *c, int number)
{
	if (c->pid)
		(void)kill(c->own_group ? -c->pid : c->pid, number);
}

void child_forget(struct child *c)
{
	for (struct child **place = &children; *place; place = &(*place)->next) {
		if (*place == c) {
			*place = c->next;
			break;
		}
	}
	c->pid = 0;
}

static struct child *child_of(pid_t pid)
{
	struct child *c = children;

	while (c && c->pid != pid)
		c = c->next;
	return c;
}

void child_reap(void)
{
	int state;
	pid_t pid;

	/* Signals merge: one SIGCHLD may stand for many. */
	while ((pid = waitpid(-1, &state, WNOHANG)) > 0) {
		struct child *c = child_of(pid);

		if (!c)
			continue;
		child_forget(c);
		c->on_exit(c, WIFSIGNALED(state) ? 128 + WTERMSIG(state) : WEXITSTATUS(state));
	}
}

bool child_await(const struct child *c, int64_t until_ms)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	for (child_reap(); c->pid; child_reap()) {
		int64_t left = until_ms - clock_ms();

		if (left <= 0)
			return false;
		const struct timespec span = { .tv_sec = left / 1000,
					       .tv_nsec = left % 1000 * 1000000 };
		(void)sigtimedwait(&set, NULL, &span);
	}
	return true;
}
