/* SPDX-License-Identifier: Apache-2.0 */
/* net: see net.h. */
#include "tests/unit/net.h"

#include "base/fd.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>

union place {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t make_place(union place *p, int family, const char *text, uint16_t port)
{
	*p = (union place){ 0 };
	if (family == AF_INET) {
		p->in.sin_family = AF_INET;
		p->in.sin_port = htons(port);
		if (text)
			(void)inet_pton(AF_INET, text, &p->in.sin_addr);
		return sizeof(p->in);
	}
	p->in6.sin6_family = AF_INET6;
	p->in6.sin6_port = htons(port);
	if (text)
		(void)inet_pton(AF_INET6, text, &p->in6.sin6_addr);
	return sizeof(p->in6);
}

static int bound(int family, const char *text)
{
	owned_fd fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	union place p;
	int off = 0;

	if (fd < 0)
		return -1;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
		return -1;
	socklen_t length = make_place(&p, family, text, 0);
	return bind(fd, &p.any, length) < 0 ? -1 : fd_take(&fd);
}

int net_listen(int family, const char *address, uint16_t *ret_port)
{
	owned_fd fd = bound(family, address);
	union place p = { 0 };
	socklen_t length = sizeof(p);

	if (fd < 0 || listen(fd, 1024) < 0 || getsockname(fd, &p.any, &length) < 0)
		return -1;
	*ret_port = ntohs(family == AF_INET ? p.in.sin_port : p.in6.sin6_port);
	return fd_take(&fd);
}

int net_connect(int listener, int family, const char *from, const char *to, uint16_t port,
		int *ret_accepted)
{
	owned_fd fd = bound(family, from);
	union place p;
	socklen_t length = make_place(&p, family, to, port);

	if (fd < 0 || connect(fd, &p.any, length) < 0)
		return -1;
	if (ret_accepted) {
		*ret_accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (*ret_accepted < 0)
			return -1;
	}
	return fd_take(&fd);
}
