/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: one shape for every failure.
 *
 * The caller owns a struct err, usually on its stack. The function that meets the failure fills it
 * and returns -1; callers on the way up put context in front. No heap: it works when memory is
 * gone.
 *
 *   sync: source '/app/js': open 'levels/a.bin': No space left on device
 */
#pragma once

/* What kind of failure it is: decides the exit status and whether trying again makes sense. */
enum err_kind {
	ERR_NONE,
	ERR_USAGE,    /* a flag, variable, key or value is wrong: nothing was started */
	ERR_DEADLINE, /* time ran out */
	ERR_SYSTEM,   /* this machine refused: space, permissions, I/O */
	ERR_REMOTE,   /* a peer refused or sent something wrong */
};

/* Exit statuses of the program, see docs/operations.md. */
enum exit_status {
	EXIT_DONE = 0,
	EXIT_NO = 1,
	EXIT_USAGE = 2,
	EXIT_DEADLINE = 3,
	EXIT_SYSTEM = 4,
	EXIT_REMOTE = 5,
};

struct err {
	enum err_kind kind;
	int sys; /* errno behind it, or 0 */
	char text[512];
};

/* All three return -1, so that "return err_set(...)" reads well. */
int err_set(struct err *e, enum err_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Kind is ERR_SYSTEM; the text of the current errno is appended after ": ". */
int err_sys(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " in front of the text that is already there. */
int err_in(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum exit_status err_exit_status(const struct err *e);
