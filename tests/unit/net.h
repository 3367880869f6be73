/* SPDX-License-Identifier: Apache-2.0 */
/* net: connections of this process to itself. */
#pragma once

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* Listens on address (any, when NULL) at a port of the kernel's choice; -1: no such family here. */
int net_listen(int family, const char *address, uint16_t *ret_port);

/* Connects from address `from` (NULL: any) to `to`. *ret_accepted is the server's end. */
int net_connect(int listener, int family, const char *from, const char *to, uint16_t port,
		int *ret_accepted);
