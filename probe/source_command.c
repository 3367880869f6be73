/* SPDX-License-Identifier: Apache-2.0 */
/* source_command: what a program of the user says on its stdout, when it ends with status 0. */
#include "base/buf.h"
#include "base/command.h"
#include "base/err.h"
#include "base/mem.h"
#include "probe/source_kinds.h"

#include <string.h>

#define STDOUT_MOST ((size_t)32 * 1024) /* half of what is read from it in any case */

struct own {
	struct command *command; /* NULL: it does not run */
	struct buf out;
};

static int check(const struct source_settings *s, struct err *e)
{
	return s->command.count && *s->command.items[0]
		       ? 0
		       : err_set(e, ERR_USAGE, "\"command\": expected a program and its words");
}

static int open_it(struct source *s, struct err *e)
{
	struct own *own = mem_alloc(sizeof(*own));

	(void)e;
	own->out = BUF_INIT(STDOUT_MOST);
	s->own = own;
	return 0;
}

/* Ends the text in front of the newlines at its end; its last line. */
static const char *last_line(char *text)
{
	size_t length = strlen(text);

	while (length && strchr("\r\n", text[length - 1]))
		length--;
	text[length] = '\0';
	const char *newline = strrchr(text, '\n');
	return newline ? newline + 1 : text;
}

static void on_end(void *owner, const struct command_end *end)
{
	struct source *s = owner;
	struct own *own = s->own;
	owned char *said = mem_copy(*end->output ? end->output : own->out.data);
	const char *line = last_line(said), *name = s->settings->command.items[0];
	struct err e;

	own->command = NULL;
	if (end->timed_out)
		(void)err_set(&e, ERR_DEADLINE, "'%s' took too long and was killed%s%s", name,
			      *line ? ": " : "", line);
	else if (end->status)
		(void)err_set(&e, ERR_REMOTE, "'%s' ended with status %d%s%s", name, end->status,
			      *line ? ": " : "", line);
	else if (end->cut)
		(void)err_set(&e, ERR_REMOTE, "'%s' said more than %zu bytes", name, STDOUT_MOST);
	else if (strlen(own->out.data) != own->out.length)
		(void)err_set(&e, ERR_REMOTE, "'%s' said a zero byte", name);
	else {
		source_say_json(s, own->out.data, 0);
		return;
	}
	source_fail(s, &e);
}

static void look(struct source *s)
{
	struct own *own = s->own;
	const int64_t timeout = s->settings->timeout;
	const struct command_plan plan = {
		.argv = (const char *const *)s->settings->command.items,
		/* Before the look is ended from outside, so that what it said can be told. */
		.timeout_ms = timeout - timeout / 20,
		.out = &own->out,
	};
	struct err e;

	buf_clear(&own->out);
	own->command = command_start(s->world->loop, &plan, on_end, s, &e);
	if (!own->command)
		source_fail(s, &e);
}

static void cancel(struct source *s)
{
	struct own *own = s->own;

	command_cancel(own->command);
	own->command = NULL;
}

static void close_it(struct source *s)
{
	struct own *own = s->own;

	buf_done(&own->out);
	free(own);
}

const struct source_kind source_command = {
	.name = "command",
	.takes = "json",
	.check = check,
	.open = open_it,
	.look = look,
	.cancel = cancel,
	.close = close_it,
};
