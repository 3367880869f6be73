/* SPDX-License-Identifier: Apache-2.0 */
/* process_proc: what /proc says of processes. proc is an open /proc throughout. */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* A file of a process, "" when it cannot be read. On the heap; *ret_length counts NULs too. */
char *proc_read(int proc, pid_t pid, const char *name, size_t *ret_length);

/*
 * The path of its executable, without the " (deleted)" of one that was replaced since: still the
 * same program to a person. On the heap; "" with errno when it cannot be read.
 */
char *proc_executable(int proc, pid_t pid);

/* The first number of a field of /proc/PID/status in base, -1 when it is not there. */
int64_t proc_status(int proc, pid_t pid, const char *field, int base);

/* It has ended and waits for its parent to ask for its status. */
bool proc_is_zombie(int proc, pid_t pid);

/* For proc_next() and closedir(); NULL with e. */
DIR *proc_list(int proc, struct err *e);

/* The next process besides this one, 0 at the end. */
pid_t proc_next(DIR *dir);
