/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trigger_signal: reload by a signal, to a process that is looked for each time or to our child.
 *
 * A signal has no answer: that it was delivered to a process with a handler is all we can know.
 */
#include "reloader/trigger.h"

#include "base/fd.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/process.h"
#include "reloader/settings.h"

#include <fcntl.h>
#include <signal.h>

struct trigger_signal {
	struct trigger trigger;
	int number;
	const char *pattern; /* NULL: the child */
	const int *child;
};

static int signal_child(const struct trigger_signal *t, int proc, struct err *e)
{
	if (!*t->child)
		return err_set(e, ERR_REMOTE, "the program is not running");
	if (process_takes(proc, *t->child, "the program", t->number, e) < 0)
		return -1;
	/* Our own child: its number cannot be reused before we reap it. */
	if (kill(*t->child, t->number) < 0)
		return err_sys(e, "send %s to the program", signal_name(t->number));
	return 0;
}

static void start(struct trigger *trigger, const struct trigger_key *key, int64_t timeout_ms)
{
	struct trigger_signal *t = (struct trigger_signal *)trigger;
	struct trigger_outcome outcome = { .output = "" };
	owned_fd proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int status;

	(void)key;
	(void)timeout_ms;
	if (proc < 0)
		status = err_sys(&outcome.e, "open /proc");
	else if (t->pattern)
		status = process_signal(proc, t->pattern, t->number, &outcome.e);
	else
		status = signal_child(t, proc, &outcome.e);
	outcome.done = status == 0;
	outcome.not_there_yet = outcome.e.kind == ERR_REMOTE;
	trigger->on_done(trigger, &outcome);
}

static void cancel(struct trigger *trigger)
{
	(void)trigger;
}

static void free_it(struct trigger *trigger)
{
	free(trigger);
}

static const struct trigger_way way = { start, cancel, free_it };

struct trigger *trigger_signal_new(const struct reload_settings *s)
{
	struct trigger_signal *t = mem_alloc(sizeof(*t));

	t->trigger.way = &way;
	t->trigger.name = mem_format("%s to %s", signal_name(s->signal), s->process);
	t->number = s->signal;
	t->pattern = s->process;
	return &t->trigger;
}

struct trigger *trigger_child_new(int number, const int *pid)
{
	struct trigger_signal *t = mem_alloc(sizeof(*t));

	t->trigger.way = &way;
	t->trigger.name = mem_format("%s to the program", signal_name(number));
	t->number = number;
	t->child = pid;
	return &t->trigger;
}
