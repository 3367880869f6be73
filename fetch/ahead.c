/* SPDX-License-Identifier: Apache-2.0 */
/* ahead: see ahead.h. */
#include "fetch/ahead.h"

#include "base/clock.h"
#include "fetch/growing.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TELL_BYTES ((int64_t)256 * 1024) /* fewer are not worth a wake-up */

struct ahead_shared {
	struct growing growing;
	bool done; /* the rest is what came of it */
	int status;
	struct err e;
};

static _Noreturn void run_child(struct ahead_shared *s, const struct ahead_plan *plan, pid_t parent)
{
	struct unpack_counts counts;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(EXIT_SYSTEM);
	s->status = unpack_growing(plan->archive, &s->growing, plan->name, plan->tree, &plan->most,
				   plan->deadline, &counts, &s->e);
	s->done = true;
	growing_leave(&s->growing);
	_exit(EXIT_DONE);
}

int ahead_start(struct ahead *a, const struct ahead_plan *plan, struct err *e)
{
	pid_t parent = getpid();
	void *shared = mmap(NULL, sizeof(*a->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return err_sys(e, "share memory");
	pid_t pid = fork();
	if (pid == 0)
		run_child(shared, plan, parent);
	if (pid < 0) {
		(void)err_sys(e, "fork");
		(void)munmap(shared, sizeof(*a->shared));
		return -1;
	}
	*a = (struct ahead){ .pid = pid, .shared = shared };
	return 0;
}

void ahead_has(struct ahead *a, int64_t length)
{
	if (!a->pid || length - a->told < TELL_BYTES)
		return;
	a->told = length;
	growing_has(&a->shared->growing, length);
}

bool ahead_use_ring(struct ahead *a, int64_t filed, int64_t whole)
{
	return a->pid && growing_use_ring(&a->shared->growing, filed, whole);
}

static bool has_died(const struct ahead *a)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)a->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid;
}

int ahead_put(struct ahead *a, int64_t n, const void *bytes, size_t count, int64_t deadline,
	      struct err *e)
{
	struct growing *g = &a->shared->growing;

	while (!a->gone && !growing_await_room(g, n + (int64_t)count - 1)) {
		a->gone = has_died(a);
		if (clock_ms() > deadline)
			return err_set(e, ERR_DEADLINE, "the time was over while it was unpacked");
	}
	growing_put(g, n, bytes, count);
	return 0;
}

/* Its exit status, or 128 + signal number. */
static int bury(struct ahead *a)
{
	int status = 0;

	while (waitpid(a->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	a->pid = 0;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void forget(struct ahead *a)
{
	(void)munmap(a->shared, sizeof(*a->shared));
	a->shared = NULL;
}

int ahead_await(struct ahead *a, int64_t length, struct err *e)
{
	growing_has(&a->shared->growing, length);
	growing_end(&a->shared->growing);
	int ended = bury(a), status = a->shared->status;

	if (!a->shared->done)
		status = err_set(e, ERR_REMOTE, "what unpacks it ended with status %d", ended);
	else if (status < 0)
		*e = a->shared->e;
	forget(a);
	return status;
}

void ahead_stop(struct ahead *a)
{
	if (!a->pid)
		return;
	(void)kill(a->pid, SIGKILL);
	(void)bury(a);
	forget(a);
}
