/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resident: how `hook`, `status` and `reload` find the `run` of their own container.
 *
 * Without --control they meet at an abstract unix socket whose name holds the inode of the mount
 * namespace (/proc/self/ns/mnt, namespaces(7)). Processes of one container share that namespace and
 * no two containers of a node do, so it needs no writable path, no process id (PID 1 is the pause
 * process when the process namespace is shared), and does not clash on a host network. The kernel
 * says who is at the other end; another user's process is not believed.
 */
#pragma once

#include <stdint.h>

struct address;
struct config;
struct err;
struct http_result;

/* The meeting point; free with address_done(). */
struct address resident_meeting_point(void);

/*
 * Asks the resident and fills *ret, which is to be freed with http_result_done() in any case. -1
 * with e when it does not answer or the status is not 200.
 */
int resident_ask(const struct config *c, const char *method, const char *path, const char *body,
		 int64_t timeout_ms, struct http_result *ret, struct err *e);

/*
 * Tells people what a hook decided. kubelet throws the output of hooks away: so it becomes a line
 * of the resident's log or, where there is none, of what PID 1 of this container writes to.
 */
#define RESIDENT_NOTE "/v1/note"
#define RESIDENT_WARNING "/v1/hook"
void resident_tell(const struct config *c, const char *how, const char *text);
