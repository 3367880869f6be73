/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ssh: the command line by which git and rsync start ssh: nobody's configuration, no prompts, only
 * hosts that are known.
 */
#pragma once

#define SSH_PORT 22

struct err;
struct fetch_source;

/* ERR_USAGE: no port, or files whose names could not be put into it. */
int ssh_check(const struct fetch_source *s, struct err *e);

/* On the heap. A shell and rsync take it apart in the same way. */
char *ssh_command(const struct fetch_source *s);
