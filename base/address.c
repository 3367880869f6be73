/* SPDX-License-Identifier: Apache-2.0 */
/* address: see address.h. */
#include "base/address.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A client that does not fit in asks again only after a second. The kernel caps it, listen(2). */
#define LISTEN_BACKLOG 4096

struct place {
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t length;
};

static bool host_is_literal(const char *host, bool *ret_ipv6)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	*ret_ipv6 = inet_pton(AF_INET6, host, bytes) == 1;
	return *ret_ipv6 || inet_pton(AF_INET, host, bytes) == 1;
}

static int parse_tcp(const char *text, struct address *a, struct err *e)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	bool bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';
	int64_t port;

	if (bracketed)
		length -= 2;
	if (!colon || length >= sizeof(a->host))
		return -1;
	memcpy(a->host, text + (bracketed ? 1 : 0), length);
	a->host[length] = '\0';
	if (text_is(a->host, "localhost"))
		(void)snprintf(a->host, sizeof(a->host), "127.0.0.1");
	if (!host_is_literal(a->host, &a->ipv6) || a->ipv6 != bracketed)
		return -1;
	if (parse_count(colon + 1, 0, 65535, &port, e) < 0)
		return -1;
	a->port = (uint16_t)port;
	a->kind = ADDRESS_TCP;
	a->text = mem_copy(text);
	return 0;
}

int address_parse(const char *text, struct address *ret, struct err *e)
{
	struct address a = { 0 };

	if (text_starts(text, "unix:") && text[strlen("unix:")]) {
		*ret = address_unix(text + strlen("unix:"));
		return 0;
	}
	if (parse_tcp(text, &a, e) < 0)
		return err_set(e, ERR_USAGE,
			       "expected unix:PATH or HOST:PORT such as 127.0.0.1:3000, got '%s'",
			       text);
	*ret = a;
	return 0;
}

struct address address_unix(const char *path)
{
	return (struct address){ .kind = ADDRESS_UNIX, .text = mem_copy(path) };
}

struct address address_abstract(const char *name)
{
	return (struct address){ .kind = ADDRESS_ABSTRACT, .text = mem_copy(name) };
}

void address_done(struct address *a)
{
	free(a->text);
	*a = (struct address){ 0 };
}

char *address_text(const struct address *a)
{
	switch (a->kind) {
	case ADDRESS_UNIX:
		return mem_format("unix:%s", a->text);
	case ADDRESS_ABSTRACT:
		return mem_format("@%s", a->text);
	case ADDRESS_TCP:
		return mem_format(a->ipv6 ? "[%s]:%u" : "%s:%u", a->host, a->port);
	case ADDRESS_NONE:
		break;
	}
	return mem_copy("nowhere");
}

bool address_is_local(const struct address *a)
{
	if (a->kind != ADDRESS_TCP)
		return true;
	return a->ipv6 ? text_is(a->host, "::1") : text_starts(a->host, "127.");
}

char *address_short_path(const char *path, int *ret_dir)
{
	struct sockaddr_un un;
	const char *name = text_last_part(path);
	owned char *folder = mem_copy_part(path, (size_t)(name - path));

	if (strlen(path) < sizeof(un.sun_path))
		return mem_copy(path);
	owned_fd dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return NULL;
	owned char *shorter = mem_format("/proc/self/fd/%d/%s", dir, name);
	if (strlen(shorter) >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	*ret_dir = fd_take(&dir);
	return mem_take(shorter);
}

static int place_of_path(const char *path, struct place *p, int *ret_dir)
{
	owned char *fitting = address_short_path(path, ret_dir);

	if (!fitting)
		return -1;
	p->un.sun_family = AF_UNIX;
	p->length = sizeof(p->un);
	memcpy(p->un.sun_path, fitting, strlen(fitting) + 1);
	return 0;
}

static int place_of(const struct address *a, const char *path, struct place *p, int *ret_dir)
{
	*p = (struct place){ 0 };
	if (a->kind == ADDRESS_UNIX)
		return place_of_path(path, p, ret_dir);
	if (a->kind == ADDRESS_ABSTRACT) {
		p->un.sun_family = AF_UNIX;
		size_t length = strnlen(a->text, sizeof(p->un.sun_path) - 1);
		memcpy(p->un.sun_path + 1, a->text, length);
		p->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
	} else if (a->ipv6) {
		p->in6.sin6_family = AF_INET6;
		p->in6.sin6_port = htons(a->port);
		(void)inet_pton(AF_INET6, a->host, &p->in6.sin6_addr);
		p->length = sizeof(p->in6);
	} else {
		p->in.sin_family = AF_INET;
		p->in.sin_port = htons(a->port);
		(void)inet_pton(AF_INET, a->host, &p->in.sin_addr);
		p->length = sizeof(p->in);
	}
	return 0;
}

static int bind_tcp(int fd, struct address *a)
{
	struct place p;
	int dir = -1, on = 1;

	/* The port of a sidecar that ended a moment ago is in TIME_WAIT, not in use. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -1;
	if (place_of(a, NULL, &p, &dir) < 0 || bind(fd, &p.any, p.length) < 0)
		return -1;
	if (getsockname(fd, &p.any, &p.length) < 0)
		return -1;
	a->port = ntohs(a->ipv6 ? p.in6.sin6_port : p.in.sin_port);
	return 0;
}

static int bind_unix(int fd, const struct address *a)
{
	struct place p;
	owned_fd dir = -1;
	owned char *temporary = mem_format("%s.new", a->text);

	if (place_of(a, temporary, &p, &dir) < 0)
		return -1;
	(void)unlink(p.un.sun_path);
	/* Not chmod(2) afterwards: by then somebody could have put a link there. */
	mode_t mask = umask(0177);
	int bound = bind(fd, &p.any, p.length);
	(void)umask(mask);
	if (bound < 0)
		return -1;
	if (rename(temporary, a->text) < 0) {
		(void)unlink(p.un.sun_path);
		return -1;
	}
	return 0;
}

static int bind_abstract(int fd, const struct address *a)
{
	struct place p;
	int dir = -1;

	return place_of(a, NULL, &p, &dir) < 0 ? -1 : bind(fd, &p.any, p.length);
}

static int bind_to(int fd, struct address *a)
{
	if (a->kind == ADDRESS_UNIX)
		return bind_unix(fd, a);
	return a->kind == ADDRESS_TCP ? bind_tcp(fd, a) : bind_abstract(fd, a);
}

static int socket_for(const struct address *a, int type)
{
	int family = a->kind != ADDRESS_TCP ? AF_UNIX : a->ipv6 ? AF_INET6 : AF_INET;

	return socket(family, SOCK_NONBLOCK | SOCK_CLOEXEC | type, 0);
}

int address_listen(struct address *a, int *ret_fd, struct err *e)
{
	owned_fd fd = socket_for(a, SOCK_STREAM);

	if (fd < 0 || bind_to(fd, a) < 0 || listen(fd, LISTEN_BACKLOG) < 0) {
		int sys = errno;
		owned char *text = address_text(a);

		errno = sys;
		return err_sys(e, "listen on %s", text);
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

int address_connect(const struct address *a, int type, int *ret_fd, struct err *e)
{
	owned_fd fd = socket_for(a, type);
	owned_fd dir = -1;
	struct place p;

	if (fd < 0 || place_of(a, a->text, &p, &dir) < 0 ||
	    (connect(fd, &p.any, p.length) < 0 && errno != EINPROGRESS)) {
		int sys = errno;
		owned char *text = address_text(a);

		errno = sys;
		return err_sys(e, "connect to %s", text);
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

bool address_peer(int fd, pid_t *ret_pid, uid_t *ret_uid)
{
	struct ucred peer;
	struct sockaddr_storage own = { 0 };
	socklen_t length = sizeof(peer), own_length = sizeof(own);

	if (getsockname(fd, (struct sockaddr *)&own, &own_length) < 0 || own.ss_family != AF_UNIX)
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return false;
	*ret_pid = peer.pid;
	*ret_uid = peer.uid;
	return true;
}
