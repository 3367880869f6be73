/* SPDX-License-Identifier: Apache-2.0 */
/* signals: see signals.h. */
#include "base/signals.h"

#include "base/err.h"
#include "base/io.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int faults[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS };

static sigset_t original;

static void read_signals(struct loop_watch *w, uint32_t events)
{
	struct signals *s = w->owner;
	struct signalfd_siginfo info;

	(void)events;
	while (io_read(w->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		/* Of a write of our own, which has failed with EPIPE: nobody sent it. */
		if (info.ssi_signo == SIGPIPE && info.ssi_pid == (uint32_t)getpid())
			continue;
		s->on_signal(s, (int)info.ssi_signo);
	}
}

int signals_start(struct signals *s, struct loop *l, struct err *e)
{
	sigset_t all;

	/* sigfillset(3) of musl leaves out 34, which other programs know as SIGRTMIN. */
	memset(&all, 0xff, sizeof(all));
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		(void)sigdelset(&all, faults[i]);
	if (sigprocmask(SIG_SETMASK, &all, &original) < 0)
		return err_sys(e, "sigprocmask");
	int fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_sys(e, "signalfd");
	s->watch = (struct loop_watch){ .fd = fd, .on_event = read_signals, .owner = s };
	return loop_watch_start(l, &s->watch, EPOLLIN, e);
}

const sigset_t *signals_original_mask(void)
{
	return &original;
}
