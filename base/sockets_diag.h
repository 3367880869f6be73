/* SPDX-License-Identifier: Apache-2.0 */
/* sockets_diag: the list of sockets as sock_diag(7) sends it, in parts. */
#pragma once

#include "base/sockets.h"

/* From linux/netlink.h and linux/inet_diag.h, which a libc does not come with. */
#define SOCKETS_DIAG_TCP 18 /* TCPDIAG_GETSOCK */

struct sockets_diag_head { /* struct nlmsghdr */
	uint32_t length;
	uint16_t type, flags;
	uint32_t sequence, pid;
};

struct sockets_diag_ends {              /* struct inet_diag_sockid */
	uint16_t local_port, peer_port; /* network order */
	uint8_t local[16], peer[16];
	uint32_t interface;
	uint32_t cookie[2];
};

enum sockets_pass {
	SOCKETS_PASS_MORE, /* the list goes on */
	SOCKETS_PASS_DONE,
	SOCKETS_PASS_AGAIN,  /* the list changed, or a part of it was lost */
	SOCKETS_PASS_DENIED, /* not here */
	SOCKETS_PASS_FAILED, /* errno says why */
};

/*
 * One part, of any bytes; look->seen is called for each connection. *changed is set when the kernel
 * says that the list did.
 */
enum sockets_pass sockets_diag_part(const struct sockets_look *look, const char *part,
				    size_t length, bool *changed);

/* What errno says of this way of asking, not of this one request. */
enum sockets_pass sockets_diag_error(void);
