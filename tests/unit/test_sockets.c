/* SPDX-License-Identifier: Apache-2.0 */
/* Real connections, seen through the kernel and through /proc. */
#include "tests/unit/net.h"
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/sockets.h"
#include "base/sockets_proc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEEN_MOST 64

struct seen {
	struct connection c[SEEN_MOST];
	size_t count;
	int begun;
};

static void forget(void *user)
{
	struct seen *s = user;

	s->count = 0;
	s->begun++;
}

static void remember(const struct connection *c, void *user)
{
	struct seen *s = user;

	if (s->count < SEEN_MOST)
		s->c[s->count++] = *c;
}

static int list(struct seen *s, const uint16_t *ports, size_t count)
{
	const struct sockets_look look = {
		.ports = ports,
		.port_count = count,
		.timeout_ms = 10000,
		.begin = forget,
		.seen = remember,
		.user = s,
	};
	struct err e = { 0 };
	int way = sockets_each(&look, &e);

	if (way < 0)
		fail_msg("%s", e.text);
	assert_true(s->begun >= 1);
	return way;
}

static size_t count_on(uint16_t port)
{
	struct seen s = { .count = 0 };

	(void)list(&s, &port, 1);
	return s.count;
}

/* The kernel is done with a close some time after it. */
static void wait_for_count(uint16_t port, size_t wanted)
{
	int64_t end = clock_ms() + 10000;

	while (count_on(port) != wanted && clock_ms() < end)
		clock_pause(5);
	assert_int_equal(count_on(port), wanted);
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length), 0);
	return cookie;
}

static uint16_t own_port(int fd)
{
	struct sockaddr_in6 in6 = { 0 }; /* the port is at the same place for IPv4 */
	socklen_t length = sizeof(in6);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&in6, &length), 0);
	return ntohs(in6.sin6_port);
}

/* One connection to a listener, as it is to be seen from its side. */
static void check_one(int listen_family, const char *listen_on, int family, const char *from,
		      const char *to, const char *peer_text)
{
	struct seen s = { .count = 0 };
	uint8_t peer[16];
	uint16_t port;
	owned_fd listener = net_listen(listen_family, listen_on, &port);

	assert_true(listener >= 0);
	assert_int_equal(count_on(port), 0);
	owned_fd accepted = -1;
	owned_fd client = net_connect(listener, family, from, to, port, &accepted);
	assert_true(client >= 0 && accepted >= 0);
	int way = list(&s, &port, 1);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.c[0].local_port, port);
	assert_int_equal(s.c[0].peer_port, own_port(client));
	assert_int_equal(inet_pton(AF_INET6, peer_text, peer), 1);
	assert_memory_equal(s.c[0].peer, peer, 16);
	assert_true(s.c[0].loopback);
	assert_true(s.c[0].identity != 0);
	if (way == SOCKETS_BY_DIAG)
		assert_true(s.c[0].identity == cookie_of(accepted));
}

static void an_ipv4_connection_is_seen(void **state)
{
	(void)state;
	check_one(AF_INET, "127.0.0.1", AF_INET, "127.0.0.2", "127.0.0.1", "::ffff:127.0.0.2");
}

static void an_ipv6_connection_is_seen(void **state)
{
	(void)state;
	check_one(AF_INET6, "::1", AF_INET6, NULL, "::1", "::1");
}

static void ipv4_on_an_ipv6_socket_is_seen(void **state)
{
	(void)state;
	check_one(AF_INET6, NULL, AF_INET, NULL, "127.0.0.1", "::ffff:127.0.0.1");
}

static void a_connection_that_nobody_has_accepted_is_seen(void **state)
{
	uint16_t port;
	owned_fd listener = net_listen(AF_INET, "127.0.0.1", &port);
	owned_fd client = net_connect(listener, AF_INET, NULL, "127.0.0.1", port, NULL);

	(void)state;
	assert_true(client >= 0);
	assert_int_equal(count_on(port), 1);
}

static void half_closed_is_not_established(void **state)
{
	uint16_t port;
	owned_fd listener = net_listen(AF_INET, "127.0.0.1", &port), left = -1, sent_away = -1;
	owned_fd leaves = net_connect(listener, AF_INET, NULL, "127.0.0.1", port, &left);
	owned_fd stays = net_connect(listener, AF_INET, NULL, "127.0.0.1", port, &sent_away);

	(void)state;
	assert_int_equal(count_on(port), 2);
	assert_int_equal(shutdown(leaves, SHUT_WR), 0); /* CLOSE_WAIT at the server */
	wait_for_count(port, 1);
	assert_int_equal(shutdown(sent_away, SHUT_WR), 0); /* FIN_WAIT2 at the server */
	wait_for_count(port, 0);
	assert_true(stays >= 0);
}

static void only_the_ports_asked_for_are_seen(void **state)
{
	uint16_t ports[SOCKETS_PORTS_MOST];
	int listeners[SOCKETS_PORTS_MOST], clients[SOCKETS_PORTS_MOST],
		accepted[SOCKETS_PORTS_MOST];
	struct seen s = { .count = 0 };

	(void)state;
	for (int i = 0; i < SOCKETS_PORTS_MOST; i++) {
		listeners[i] = net_listen(AF_INET, "127.0.0.1", &ports[i]);
		clients[i] = net_connect(listeners[i], AF_INET, NULL, "127.0.0.1", ports[i],
					 &accepted[i]);
		assert_true(clients[i] >= 0);
	}
	/* Each alone, then more and more of them: the filter is of any length. */
	for (int i = 0; i < SOCKETS_PORTS_MOST; i++) {
		(void)list(&s, &ports[i], 1);
		assert_int_equal(s.count, 1);
		assert_int_equal(s.c[0].local_port, ports[i]);
		(void)list(&s, ports, (size_t)i + 1);
		assert_int_equal(s.count, i + 1);
	}
	(void)list(&s, NULL, 0);
	assert_true(s.count >= SEEN_MOST);
	for (int i = 0; i < SOCKETS_PORTS_MOST; i++) {
		fd_close(&listeners[i]);
		fd_close(&clients[i]);
		fd_close(&accepted[i]);
	}
}

static void too_many_ports_are_an_error(void **state)
{
	static const uint16_t ports[SOCKETS_PORTS_MOST + 1];
	const struct sockets_look look = { .ports = ports, .port_count = SOCKETS_PORTS_MOST + 1 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(sockets_each(&look, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
}

static void no_time_is_an_error_and_no_count(void **state)
{
	struct seen s = { .count = 0 };
	const struct sockets_look look = { .begin = forget, .seen = remember, .user = &s };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(sockets_each(&look, &e), -1);
	assert_non_null(strstr(e.text, "list connections"));
}

/* Every socket(AF_NETLINK, ...) of this process fails from now on, as under gVisor. */
static bool deny_netlink(int error)
{
	const struct {
		uint16_t code;
		uint8_t if_true, if_false;
		uint32_t operand;
	} list[] = {
		{ 0x20, 0, 0, 0 },                               /* load the call's number */
		{ 0x15, 0, 3, SYS_socket },  { 0x20, 0, 0, 16 }, /* its first argument */
		{ 0x15, 0, 1, AF_NETLINK },  { 0x06, 0, 0, 0x00050000U | (unsigned)error },
		{ 0x06, 0, 0, 0x7fff0000U },
	};
	const struct {
		uint16_t length;
		const void *list;
	} filter = { 6, list };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, 2, &filter) == 0;
}

/* In a child: 0 when it is as it should be, 77 when calls cannot be denied here. */
static int by_proc_alone(int error, uint16_t port)
{
	struct seen first = { .count = 0 }, second = { .count = 0 };
	const struct sockets_look look = { &port, 1, 10000, forget, remember, &first },
				  again = { &port, 1, 10000, forget, remember, &second };
	struct err e = { 0 };

	if (!deny_netlink(error))
		return 77;
	if (sockets_each(&look, &e) != SOCKETS_BY_PROC ||
	    sockets_each(&again, &e) != SOCKETS_BY_PROC)
		return 1;
	if (first.count != 2 || second.count != 2)
		return 2;
	if (first.c[0].local_port != port || !first.c[0].loopback || !first.c[1].loopback)
		return 3;
	if (first.c[0].identity == first.c[1].identity)
		return 4;
	for (int i = 0; i < 2; i++)
		if (first.c[i].identity != second.c[i].identity)
			return 5;
	return 0;
}

static void where_netlink_is_denied_proc_is_read(void **state)
{
	static const int errors[] = { EPERM, EACCES, EAFNOSUPPORT, EPROTONOSUPPORT, ENOSYS };
	uint16_t port;
	owned_fd listener = net_listen(AF_INET, "127.0.0.1", &port), one = -1, other = -1;
	owned_fd client = net_connect(listener, AF_INET, NULL, "127.0.0.1", port, &one);
	owned_fd second = net_connect(listener, AF_INET, NULL, "127.0.0.1", port, &other);
	int status;

	(void)state;
	assert_true(client >= 0 && second >= 0);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(by_proc_alone(errors[i], port));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		/* An emulator does not know how; tests/run says that it is one. */
		if (WEXITSTATUS(status) == 77 && getenv("INSIDE_BINFMT"))
			skip();
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

static void check_line(const char *line, const char *peer_text, uint16_t peer_port, bool loopback)
{
	struct connection c;
	uint8_t peer[16];

	assert_int_equal(inet_pton(AF_INET6, peer_text, peer), 1);
	assert_int_equal(sockets_proc_line(line, &c), 1);
	assert_int_equal(c.local_port, 3000);
	assert_int_equal(c.peer_port, peer_port);
	assert_memory_equal(c.peer, peer, 16);
	assert_int_equal(c.loopback, loopback);
	assert_true(c.identity != 0);
}

static void lines_of_proc_are_read(void **state)
{
	(void)state;
	check_line("   0: 0A00F40A:0BB8 1701A8C0:D431 01 0:0 0:0 0 0 0 5 1", "::ffff:192.168.1.23",
		   54321, false);
	check_line("  10: 0100007F:0BB8 0200007F:0001 01 ", "::ffff:127.0.0.2", 1, true);
	/* The pod's own address, by which its sidecar came. */
	check_line(" 100: 0A00F40A:0BB8 0A00F40A:FFFF 01 ", "::ffff:10.244.0.10", 65535, true);
	check_line("1000: 0000000000000000FFFF00000A00F40A:0BB8 "
		   "0000000000000000FFFF00001701A8C0:D431 01 ",
		   "::ffff:192.168.1.23", 54321, false);
	check_line("   0: B80D0120000000000000000001000000:0bb8 "
		   "B80D0120000000000000000002000000:d431 01 ",
		   "2001:db8::2", 54321, false);
	check_line("   0: 00000000000000000000000001000000:0BB8 "
		   "00000000000000000000000001000000:0002 01 ",
		   "::1", 2, true);
}

static void other_lines_are_no_connections(void **state)
{
	static const char *const others[] = {
		"  sl  local_address rem_address   st tx_queue",
		"   0: 00000000:0BB8 00000000:0000 0A 0:0",
		"   0: 0A00F40A:0BB8 1701A8C0:D431 08 0:0",
		"   0: 0A00F40A:0BB8 1701A8C0:D431 06 0:0",
	};
	static const char *const wrong[] = {
		"",
		"   0",
		"   0: ",
		"   0: 0A00F40A",
		"   0: 0A00F40A:0BB8",
		"   0: 0A00F40A:0BB8 1701A8C0:D431",
		"   0: 0A00F40A:0BB8 1701A8C0:D431 01",
		"   0: 0A00F40A:0BB8 1701A8C0:D431 1 ",
		"   0: 0A00F40:0BB8 1701A8C0:D431 01 ",
		"   0: 0A00F40A00:0BB8 1701A8C0:D431 01 ",
		"   0: 0A00F40G:0BB8 1701A8C0:D431 01 ",
		"   0: 0A00F40A:0BB8  1701A8C0:D431 01 ",
		"   0: 0A00F40A:BB8 1701A8C0:D431 01 ",
	};
	struct connection c;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(sockets_proc_line(others[i], &c), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(sockets_proc_line(wrong[i], &c), -1);
}

static void identity_is_of_both_ends(void **state)
{
	struct connection one, same, other;

	(void)state;
	assert_int_equal(sockets_proc_line("0: 0A00F40A:0BB8 1701A8C0:D431 01 0 0", &one), 1);
	assert_int_equal(sockets_proc_line("99: 0A00F40A:0BB8 1701A8C0:D431 01 7", &same), 1);
	assert_int_equal(sockets_proc_line("0: 0A00F40A:0BB8 1701A8C0:D432 01 0 0", &other), 1);
	assert_true(one.identity == same.identity);
	assert_true(one.identity != other.identity);
}

int test_sockets(void);

int test_sockets(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ipv4_connection_is_seen),
		cmocka_unit_test(an_ipv6_connection_is_seen),
		cmocka_unit_test(ipv4_on_an_ipv6_socket_is_seen),
		cmocka_unit_test(a_connection_that_nobody_has_accepted_is_seen),
		cmocka_unit_test(half_closed_is_not_established),
		cmocka_unit_test(only_the_ports_asked_for_are_seen),
		cmocka_unit_test(too_many_ports_are_an_error),
		cmocka_unit_test(no_time_is_an_error_and_no_count),
		cmocka_unit_test(where_netlink_is_denied_proc_is_read),
		cmocka_unit_test(lines_of_proc_are_read),
		cmocka_unit_test(other_lines_are_no_connections),
		cmocka_unit_test(identity_is_of_both_ends),
	};

	return cmocka_run_group_tests_name("sockets", tests, NULL, NULL);
}
