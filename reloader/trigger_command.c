/* SPDX-License-Identifier: Apache-2.0 */
/* trigger_command: reload by running a program; exit status 0 means: reloaded. */
#include "reloader/trigger.h"

#include "base/clock.h"
#include "base/command.h"
#include "base/mem.h"
#include "reloader/settings.h"

struct trigger_command {
	struct trigger trigger;
	struct loop *loop;
	struct command *command;
	const struct reload_settings *settings;
	int64_t timeout_ms;
};

static void on_end(void *owner, const struct command_end *end)
{
	struct trigger_command *t = owner;
	struct trigger_outcome outcome = { .done = end->status == 0, .output = end->output };
	const char *program = t->settings->command.items[0];
	char span[CLOCK_TEXT_SIZE];

	t->command = NULL;
	if (end->timed_out)
		(void)err_set(&outcome.e, ERR_DEADLINE, "'%s' was killed after %s", program,
			      clock_span(t->timeout_ms, span));
	else if (end->status)
		(void)err_set(&outcome.e, ERR_REMOTE, "'%s' ended with status %d", program,
			      end->status);
	outcome.done = !end->timed_out && end->status == 0;
	t->trigger.on_done(&t->trigger, &outcome);
}

static void start(struct trigger *trigger, const struct trigger_key *key, int64_t timeout_ms)
{
	struct trigger_command *t = (struct trigger_command *)trigger;
	struct trigger_outcome outcome = { .output = "" };
	const struct command_plan plan = {
		.argv = (const char *const *)t->settings->command.items,
		.timeout_ms = timeout_ms,
	};

	(void)key;
	t->timeout_ms = timeout_ms;
	t->command = command_start(t->loop, &plan, on_end, t, &outcome.e);
	if (!t->command)
		trigger->on_done(trigger, &outcome);
}

static void cancel(struct trigger *trigger)
{
	struct trigger_command *t = (struct trigger_command *)trigger;

	if (t->command)
		command_cancel(t->command);
	t->command = NULL;
}

static void free_it(struct trigger *trigger)
{
	free(trigger);
}

static const struct trigger_way way = { start, cancel, free_it };

struct trigger *trigger_command_new(struct loop *l, const struct reload_settings *s)
{
	struct trigger_command *t = mem_alloc(sizeof(*t));

	t->trigger.way = &way;
	t->trigger.name = mem_format("command '%s'", s->command.items[0]);
	t->loop = l;
	t->settings = s;
	return &t->trigger;
}
