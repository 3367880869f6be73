/* SPDX-License-Identifier: Apache-2.0 */
/* sockets: see sockets.h. */
#include "base/sockets.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/sockets_diag.h"
#include "base/sockets_peer.h"
#include "base/sockets_proc.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define PASSES_MOST 4 /* a list that changed under the kernel is read so often */
/* The kernel makes the parts of a list as large as what is received into, NLMSG_GOODSIZE at least,
 * which is below 8 KiB. */
#define RECEIVE_ROOM 16384
#define OPS_PER_PORT 5

/* From linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h, which a libc does not come with.
 */
#define SOCK_DIAG 4      /* NETLINK_SOCK_DIAG */
#define FLAGS_DUMP 0x301 /* NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH */
#define BYTECODE 1       /* INET_DIAG_REQ_BYTECODE */
#define BC_JMP 1
#define BC_PORT_GE 2 /* INET_DIAG_BC_S_GE: the local port */
#define BC_PORT_LE 3

struct netlink_address {
	uint16_t family, pad;
	uint32_t pid, groups;
};

/* Jumps are in bytes, from the op itself; a port is the `no` of the op behind. */
struct op {
	uint8_t code, yes;
	uint16_t no;
};

struct request {
	struct sockets_diag_head head;
	uint8_t family, source_length, target_length, extensions; /* struct inet_diag_req */
	struct sockets_diag_ends ends;
	uint32_t states, tables;
	uint16_t filter_length, filter_type; /* struct nlattr */
	struct op filter[SOCKETS_PORTS_MOST * OPS_PER_PORT];
};

/*
 * Each port is "at least, at most, then jump to the end, which accepts"; a comparison that fails
 * goes to the next port, and that of the last one behind the end, which refuses. The kernel wants
 * every op to be reached by `yes` alone, so a jump has the next port there.
 * (INET_DIAG_BC_S_EQ would be shorter, and is newer than some kernels.)
 */
static size_t make_filter(struct op *ops, const uint16_t *ports, size_t count)
{
	const size_t size = sizeof(*ops);
	/* The last port needs no jump: what follows is the end. */
	size_t total = count ? (count * OPS_PER_PORT - 1) * size : 0;

	for (size_t i = 0; i < count; i++) {
		struct op *op = ops + i * OPS_PER_PORT;
		size_t next = OPS_PER_PORT * size;
		size_t left = total - i * OPS_PER_PORT * size;

		op[0] = (struct op){ BC_PORT_GE, 2 * sizeof(*op), (uint16_t)next };
		op[1] = (struct op){ .no = ports[i] };
		op[2] = (struct op){ BC_PORT_LE, 2 * sizeof(*op), (uint16_t)(next - 2 * size) };
		op[3] = (struct op){ .no = ports[i] };
		if (i + 1 < count)
			op[4] = (struct op){ BC_JMP, sizeof(*op), (uint16_t)(left - 4 * size) };
	}
	return total;
}

/*
 * TCPDIAG_GETSOCK and no family is what ss asks: IPv4 and IPv6 in one walk through the kernel's
 * table, where SOCK_DIAG_BY_FAMILY takes two.
 */
static int ask(int fd, const struct sockets_look *look)
{
	struct request r = {
		.head = { .type = SOCKETS_DIAG_TCP, .flags = FLAGS_DUMP },
		/* INET_DIAG_NOCOOKIE: any socket, not the one with this cookie. */
		.ends.cookie = { UINT32_MAX, UINT32_MAX },
		.states = 1U << SOCKETS_ESTABLISHED,
		.filter_type = BYTECODE,
	};
	size_t filter = make_filter(r.filter, look->ports, look->port_count);

	r.filter_length = (uint16_t)(2 * sizeof(uint16_t) + filter);
	r.head.length = (uint32_t)(offsetof(struct request, filter) + filter);
	if (filter == 0) /* an empty one is refused */
		r.head.length = offsetof(struct request, filter_length);
	return send(fd, &r, r.head.length, 0) < 0 ? -1 : 0;
}

static enum sockets_pass receive(const struct sockets_look *look, int fd, int64_t deadline,
				 bool *changed)
{
	char part[RECEIVE_ROOM];
	int64_t left = deadline - clock_ms();
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	int count = left > 0 ? poll(&ready, 1, (int)left) : 0;

	if (count == 0) {
		errno = ETIMEDOUT;
		return SOCKETS_PASS_FAILED;
	}
	/* With MSG_TRUNC the length is the true one, also when it did not fit. */
	ssize_t got = count < 0 ? -1 : recv(fd, part, sizeof(part), MSG_TRUNC | MSG_DONTWAIT);
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return SOCKETS_PASS_MORE;
	if (got < 0)
		return sockets_diag_error();
	if ((size_t)got > sizeof(part)) {
		errno = EMSGSIZE;
		return SOCKETS_PASS_FAILED;
	}
	return sockets_diag_part(look, part, (size_t)got, changed);
}

/* A socket of its own for each pass: what is left of a list that broke off goes with it. */
static enum sockets_pass list_once(const struct sockets_look *look, int64_t deadline)
{
	const struct netlink_address kernel = { .family = AF_NETLINK };
	owned_fd fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, SOCK_DIAG);
	enum sockets_pass pass = SOCKETS_PASS_MORE;
	bool changed = false;

	/* Once connected to the kernel, nobody else can answer. */
	if (fd < 0 || connect(fd, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0 ||
	    ask(fd, look) < 0)
		return sockets_diag_error();
	look->begin(look->user);
	while (pass == SOCKETS_PASS_MORE)
		pass = receive(look, fd, deadline, &changed);
	return pass == SOCKETS_PASS_DONE && changed ? SOCKETS_PASS_AGAIN : pass;
}

int sockets_each(const struct sockets_look *look, struct err *e)
{
	int64_t deadline = clock_ms() + look->timeout_ms;
	enum sockets_pass pass = SOCKETS_PASS_AGAIN;

	if (look->port_count > SOCKETS_PORTS_MOST)
		return err_set(e, ERR_USAGE,
			       "connections of %zu ports: at most %d can be asked for",
			       look->port_count, SOCKETS_PORTS_MOST);
	for (int i = 0; i < PASSES_MOST && pass == SOCKETS_PASS_AGAIN; i++)
		pass = list_once(look, deadline);
	if (pass == SOCKETS_PASS_DONE)
		return SOCKETS_BY_DIAG;
	if (pass == SOCKETS_PASS_AGAIN)
		return err_set(e, ERR_SYSTEM,
			       "list connections: the list changed under each of %d tries",
			       PASSES_MOST);
	if (pass == SOCKETS_PASS_FAILED)
		return err_sys(e, "list connections by sock_diag");
	return sockets_proc_each(look, deadline, e) < 0 ? err_in(e, "list connections")
							: SOCKETS_BY_PROC;
}
