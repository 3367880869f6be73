/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process: which process is meant, and signalling exactly that one.
 *
 * Patterns are exact, never a part of a name:
 *   nginx              the executable's file name, argv[0]'s, or the kernel's comm (15 letters)
 *   /usr/sbin/nginx    the executable's path
 *   argv:PATTERN       the command line, words joined by blanks, as pattern_fits_line() has it
 *   pidfile:PATH       the number in that file
 *
 * Of several that match, the one whose parent does not match is meant: a server's master.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct err;

/* proc is an open /proc. The pid in *ret, or -1 with e saying what was found instead. */
int process_find(int proc, const char *pattern, pid_t *ret, struct err *e);

/* Whether this process is one that the pattern (not a pidfile:) means. */
bool process_matches(int proc, pid_t pid, const char *pattern);

/*
 * Finds and signals through a pidfd (pidfd_open(2), Linux 5.3; kill(2) before that), having looked
 * again after it was opened: a reused number is not hit. Refuses when the process has no handler
 * for the signal, since the default of most is to end it. Of -1, ERR_REMOTE is what can still come
 * right by itself.
 */
int process_signal(int proc, const char *pattern, int number, struct err *e);

/* Whether the process has a handler for the signal, SigCgt in proc(5); -1: cannot be told. */
int process_catches(int proc, pid_t pid, int number);

/*
 * 0 when it has one, or when the kernel does not tell; -1 with e, which begins with who, when the
 * signal would end it or be ignored, or its status may not be read.
 */
int process_takes(int proc, pid_t pid, const char *who, int number, struct err *e);
