/* SPDX-License-Identifier: Apache-2.0 */
/* command: see command.h. */
#include "base/command.h"

#include "base/buf.h"
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
	struct loop_watch output, stdout_apart; /* fd is -1 when it is closed */
	struct loop_timer deadline;
	struct buf *out; /* what comes by stdout_apart; NULL: thrown away */
	bool timed_out, cut;
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

static void close_output(struct command *c, struct loop_watch *w)
{
	if (w->fd < 0)
		return;
	loop_watch_stop(c->loop, w);
	fd_close(&w->fd);
}

static void free_if_over(struct command *c)
{
	if (c->output.fd < 0 && c->stdout_apart.fd < 0 && !c->child.pid)
		free(c);
}

/* Reads one chunk of what is there now, not until the end: a flood must not keep the loop. */
static void read_output(struct command *c, struct loop_watch *w)
{
	char bytes[CHUNK];
	ssize_t got = read(w->fd, bytes, sizeof(bytes));

	if (got > 0 && w == &c->output)
		keep_last(c, bytes, (size_t)got);
	else if (got > 0 && c->out)
		c->cut |= buf_add(c->out, bytes, (size_t)got) < 0;
	else if (got == 0)
		close_output(c, w);
}

static void on_output(struct loop_watch *w, uint32_t events)
{
	struct command *c = w->owner;

	(void)events;
	read_output(c, w);
	free_if_over(c);
}

static void on_deadline(struct loop_timer *t)
{
	struct command *c = t->owner;

	c->timed_out = true;
	child_signal(&c->child, SIGKILL);
}

/* What is left, and the end unless another process still holds it open. */
static void drain(struct command *c, struct loop_watch *w)
{
	for (int i = 0; i < PIPE_CHUNKS && w->fd >= 0; i++)
		read_output(c, w);
	/* Whatever else could say something was killed with it, or would pile up. */
	if (c->timed_out || c->out)
		close_output(c, w);
}

static void on_exit_of(struct child *child, int status)
{
	struct command *c = child->owner;

	loop_timer_stop(c->loop, &c->deadline);
	drain(c, &c->output);
	drain(c, &c->stdout_apart);
	const struct command_end end = { status, c->timed_out, c->cut, c->last };
	c->out = NULL;
	c->on_end(c->owner, &end);
	free_if_over(c);
}

/* The end to write to in *ret_end. */
static int open_output(struct command *c, struct loop_watch *w, int *ret_end, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	*ret_end = ends[1];
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*w = (struct loop_watch){ .fd = ends[0], .on_event = on_output, .owner = c };
	if (loop_watch_start(c->loop, w, EPOLLIN, e) == 0)
		return 0;
	fd_close(&w->fd);
	return -1;
}

static int start(struct command *c, const struct command_plan *plan, struct err *e)
{
	owned_fd err = -1, out = -1;

	if (open_output(c, &c->output, &err, e) < 0 ||
	    (plan->out && open_output(c, &c->stdout_apart, &out, e) < 0))
		return -1;
	return child_start(&c->child,
			   &(const struct child_plan){ .argv = plan->argv,
						       .in = -1,
						       .out = plan->out ? out : err,
						       .err = err,
						       .pass = -1,
						       .own_group = true },
			   e);
}

struct command *command_start(struct loop *l, const struct command_plan *plan,
			      void (*on_end)(void *owner, const struct command_end *), void *owner,
			      struct err *e)
{
	struct command *c = mem_alloc(sizeof(*c));

	*c = (struct command){
		.loop = l,
		.child = { .on_exit = on_exit_of, .owner = c },
		.output.fd = -1,
		.stdout_apart.fd = -1,
		.deadline = { .on_time = on_deadline, .owner = c },
		.out = plan->out,
		.on_end = on_end,
		.owner = owner,
	};
	if (start(c, plan, e) < 0) {
		close_output(c, &c->output);
		close_output(c, &c->stdout_apart);
		free(c);
		return NULL;
	}
	loop_timer_start(l, &c->deadline, plan->timeout_ms);
	return c;
}

void command_cancel(struct command *c)
{
	loop_timer_stop(c->loop, &c->deadline);
	child_signal(&c->child, SIGKILL);
	child_forget(&c->child);
	close_output(c, &c->output);
	close_output(c, &c->stdout_apart);
	free(c);
}
