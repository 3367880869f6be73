/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address: where something listens, "unix:PATH" or "HOST:PORT".
 *
 * HOST is a literal: 127.0.0.1, [::1], 0.0.0.0, or the word localhost (127.0.0.1). Names are not
 * looked up: a listener that depends on DNS is a listener that fails at 3 a.m.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

enum address_kind {
	ADDRESS_NONE,
	ADDRESS_UNIX,     /* path of a socket file; longer than sun_path is fine */
	ADDRESS_ABSTRACT, /* name in the network namespace's abstract table, unix(7) */
	ADDRESS_TCP,
};

struct address {
	enum address_kind kind;
	char *text; /* as given; for unix and abstract sockets without the prefix */
	char host[64];
	uint16_t port;
	bool ipv6;
};

int address_parse(const char *text, struct address *ret, struct err *e);
struct address address_unix(const char *path);
struct address address_abstract(const char *name);
void address_done(struct address *a);

/* As a person would write it; on the heap. */
char *address_text(const struct address *a);

/* Only this machine (this pod) can reach it. */
bool address_is_local(const struct address *a);

/*
 * A non-blocking, close-on-exec listening socket in *ret_fd, or -1. A socket file is made under
 * another name with mode 0600 and renamed over path: the newest listener owns the name, a file
 * left by a crash is no obstacle. Port 0 asks the kernel for a free port; a->port is then set.
 */
int address_listen(struct address *a, int *ret_fd, struct err *e);

/*
 * A non-blocking, close-on-exec socket of type SOCK_STREAM or SOCK_DGRAM in *ret_fd that is
 * connected to it, or about to be: whether it is, the first send(2) says. Datagrams of others do
 * not come in. -1 with e.
 */
int address_connect(const struct address *a, int type, int *ret_fd, struct err *e);

/*
 * The path, or another one to the same file that fits into sun_path (108 bytes, unix(7)): through
 * an open directory in *ret_dir, which has to stay open while the path is used. On the heap; NULL
 * with errno.
 */
char *address_short_path(const char *path, int *ret_dir);

/*
 * Who is at the other end of a unix socket, SO_PEERCRED in unix(7). pid is 0 when that process is
 * not in our process namespace. Returns false for other sockets.
 */
bool address_peer(int fd, pid_t *ret_pid, uid_t *ret_uid);
