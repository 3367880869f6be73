/* SPDX-License-Identifier: Apache-2.0 */
/* process_why: why a process cannot be found or signalled, and what to do about it. */
#pragma once

#include <sys/types.h>

struct err;

/* Each returns -1 with e. */
int process_none_found(int proc, const char *pattern, struct err *e);
int process_is_gone(const char *pattern, pid_t pid, struct err *e);

/* After a signal that failed with errno. */
int process_not_signalled(int proc, const char *pattern, pid_t pid, int number, struct err *e);
