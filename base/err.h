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

/*
 * All three are -1, so that "return err_set(...)" reads well; as macros, so that compilers and
 * analysers see it too.
 *
 *   err_set(e, kind, format, ...)
 *   err_sys(e, format, ...)  kind is ERR_SYSTEM; ": " and the text of the current errno follow
 *   err_in(e, format, ...)   puts "context: " in front of the text that is already there
 */
#define err_set(e, kind, ...) (err_fill(e, kind, __VA_ARGS__), -1)
#define err_sys(e, ...) (err_fill_from_errno(e, __VA_ARGS__), -1)
#define err_in(e, ...) (err_put_in_front(e, __VA_ARGS__), -1)

void err_fill(struct err *e, enum err_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void err_fill_from_errno(struct err *e, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void err_put_in_front(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum exit_status err_exit_status(const struct err *e);

/* What another process of ours ended with says what kind its error was. */
enum err_kind err_kind_of(int exit_status);
