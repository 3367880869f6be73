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

/*
 * Finds and signals through a pidfd (pidfd_open(2), Linux 5.3; kill(2) before that), having looked
 * again after it was opened: a reused number is not hit. Refuses when the process has no handler
 * for the signal, since the default of most is to end it.
 */
int process_signal(int proc, const char *pattern, int number, struct err *e);

/* Whether the process has a handler for the signal, SigCgt in proc(5); -1: cannot be told. */
int process_catches(int proc, pid_t pid, int number);
