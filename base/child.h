/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child: start programs, and be the only caller of waitpid(2).
 *
 *   child_start()  returns once exec has worked: "not found" is an error here, not a status 127
 *   child_reap()   at each SIGCHLD; calls on_exit of those that ended and buries orphans
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct child {
	pid_t pid; /* 0 when not running */
	void (*on_exit)(struct child *, int status);
	void *owner;
	bool own_group;
	struct child *next; /* the list in child.c */
};

struct child_plan {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	int out;           /* becomes stdout and, unless err says otherwise, stderr; -1: ours */
	int err;           /* becomes stderr; -1: as out */
	int in;            /* becomes stdin; -1: /dev/null; CHILD_KEEP_STDIN: ours */
	int pass;          /* one more descriptor that stays open under its number; -1: none */
	int directory;     /* its working directory; 0: ours (a descriptor of ours is never 0) */
	bool own_group;    /* a process group of its own, so that all of it can be killed */
	bool foreground;   /* with own_group: takes over the terminal on stdin, if it is one */
	bool dies_with_us; /* SIGKILL when this process ends, PR_SET_PDEATHSIG in prctl(2) */
};

#define CHILD_KEEP_STDIN (-2)

/* Descriptors of the plan stay the caller's. on_exit and owner of c are set before. */
int child_start(struct child *c, const struct child_plan *plan, struct err *e);

/* Sends number to the child, or to its whole group if it has one. Nothing when it has ended. */
void child_signal(struct child *c, int number);

/* Forgets a running child: it will be reaped as an orphan, on_exit is not called. */
void child_forget(struct child *c);

/*
 * Waits for the end of c, whose on_exit is called, until that clock_ms(); false: it is still there.
 * SIGCHLD has to be blocked since before child_start(): so its end is not missed, however early.
 */
bool child_await(const struct child *c, int64_t until_ms);

/* Reaps everything that has ended. status of on_exit: exit status, or 128 + signal number. */
void child_reap(void);
