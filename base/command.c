/* SPDX-License-Identifier: Apache-2.0 */
/* command: see command.h. */
#include "base/command.h"

#include "base/child.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/mem.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CHUNK 4096
#define PIPE_CHUNKS (65536 / CHUNK) /* a full pipe, pipe(7) */

struct command {
	struct loop *loop;
	struct child child;
	struct loop_watch output;
	struct loop_timer deadline;
	int timed_out;
	size_t length;
	char last[COMMAND_OUTPUT_MOST + 1];
	void (*on_end)(void *owner, const struct command_end *); /* NULL: only draining is left */
	void *owner;
};

static void keep_last(struct command *c, const char *bytes, size_t count)
{
	if (count > COMMAND_OUTPUT_MOST) {
		bytes += count - COMMAND_OUTPUT_MOST;
		count = COMMAND_OUTPUT_MOST;
	}
	if (c->length + count > COMMAND_OUTPUT_MOST) {
		size_t drop = c->length + count - COMMAND_OUTPUT_MOST;

		memmove(c->last, c->last + drop, c->length - drop);
		c->length -= drop;
	}
	memcpy(c->last + c->length, bytes, count);
	c->length += count;
	c->last[c->length] = '\0';
}

static void close_output(struct command *c)
{
	loop_watch_stop(c->loop, &c->output);
	fd_close(&c->output.fd);
}

static void free_if_over(struct command *c)
{
	if (c->output.fd < 0 && !c->child.pid)
		free(c);
}

/* Reads one chunk of what is there now, not until the end: a flood must not keep the loop. */
static void read_output(struct command *c)
{
	char bytes[CHUNK];
	ssize_t got = read(c->output.fd, bytes, sizeof(bytes));

	if (got > 0)
		keep_last(c, bytes, (size_t)got);
	else if (got == 0)
		close_output(c);
}

static void on_output(struct loop_watch *w, uint32_t events)
{
	struct command *c = w->owner;

	(void)events;
	read_output(c);
	free_if_over(c);
}

static void on_deadline(struct loop_timer *t)
{
	struct command *c = t->owner;

	c->timed_out = 1;
	child_signal(&c->child, SIGKILL);
}

static void on_exit_of(struct child *child, int status)
{
	struct command *c = child->owner;

	loop_timer_stop(c->loop, &c->deadline);
	for (int i = 0; i < PIPE_CHUNKS && c->output.fd >= 0; i++)
		read_output(c);
	/* Whatever else could say something was killed with it. */
	if (c->timed_out && c->output.fd >= 0)
		close_output(c);
	const struct command_end end = { status, c->timed_out, c->last };
	c->on_end(c->owner, &end);
	free_if_over(c);
}

struct command *command_start(struct loop *l, const char *const *argv, int64_t timeout_ms,
			      void (*on_end)(void *owner, const struct command_end *), void *owner,
			      struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0) {
		(void)err_sys(e, "pipe");
		return NULL;
	}
	owned_fd read_end = ends[0], write_end = ends[1];
	const struct child_plan plan = {
		.argv = argv, .in = -1, .out = write_end, .err = -1, .pass = -1, .own_group = true
	};
	struct command *c = mem_alloc(sizeof(*c));
	c->loop = l;
	c->on_end = on_end;
	c->owner = owner;
	c->child = (struct child){ .on_exit = on_exit_of, .owner = c };
	c->deadline = (struct loop_timer){ .on_time = on_deadline, .owner = c };
	(void)fcntl(read_end, F_SETFL, O_NONBLOCK);
	c->output = (struct loop_watch){ .fd = read_end, .on_event = on_output, .owner = c };
	if (loop_watch_start(l, &c->output, EPOLLIN, e) < 0) {
		free(c);
		return NULL;
	}
	if (child_start(&c->child, &plan, e) < 0) {
		loop_watch_stop(l, &c->output);
		free(c);
		return NULL;
	}
	(void)fd_take(&read_end);
	loop_timer_start(l, &c->deadline, timeout_ms);
	return c;
}

void command_cancel(struct command *c)
{
	loop_timer_stop(c->loop, &c->deadline);
	child_signal(&c->child, SIGKILL);
	child_forget(&c->child);
	if (c->output.fd >= 0)
		close_output(c);
	free(c);
}
