/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command: run a program to its end, with a deadline, keeping the last lines it said.
 *
 * It gets a process group of its own, all of which is killed when the deadline passes. Its end is
 * the end of the program itself, not of a grandchild that still holds its output open: what such a
 * one says later is read and thrown away, so that it never dies of a closed pipe. With plan.out the
 * program is one that answers, again and again: then nothing is kept open for what it leaves behind.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;
struct loop;
struct command;

struct command_plan {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	int64_t timeout_ms;
	struct buf *out; /* gets stdout, until on_end; NULL: it is kept with stderr */
};

struct command_end {
	int status;         /* exit status, or 128 + signal number */
	bool timed_out;     /* it was killed at its deadline */
	bool cut;           /* stdout is more than the limit of plan's out, and not all in it */
	const char *output; /* the last COMMAND_OUTPUT_MOST bytes of stderr, and stdout */
};

#define COMMAND_OUTPUT_MOST 2048

/*
 * on_end is called once, after which the command is gone. NULL with e when it cannot be started.
 */
struct command *command_start(struct loop *l, const struct command_plan *plan,
			      void (*on_end)(void *owner, const struct command_end *), void *owner,
			      struct err *e);

/* Kills the group; on_end is not called. */
void command_cancel(struct command *c);
