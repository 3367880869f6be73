/* SPDX-License-Identifier: Apache-2.0 */
/* process_why: why a process cannot be found or signalled, and what to do about it. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct err;

/*
 * 0 when every process that the pattern could mean can be seen, so that none found is none there;
 * -1 with e. Those of other containers can be seen where PID 1, the pod's, is of another than ours;
 * or, seen_before, when one that matches was: never by others alone, since who debugs this
 * container (kubectl debug --target) is one.
 */
int process_none_is_sure(int proc, const char *pattern, bool seen_before, struct err *e);

/* Each returns -1 with e. */
int process_none_found(int proc, const char *pattern, struct err *e);
int process_is_gone(const char *pattern, pid_t pid, struct err *e);

/* After a signal that failed with errno. */
int process_not_signalled(int proc, const char *pattern, pid_t pid, int number, struct err *e);
