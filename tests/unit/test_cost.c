/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to a server of this process, some of which it cuts. */
#include "tests/unit/net.h"
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/sockets.h"
#include "reloader/cost.h"

#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLAYERS 100

static struct server {
	uint16_t port;
	int listener, clients[PLAYERS], accepted[PLAYERS];
} server;

static int start_server(void **state)
{
	(void)state;
	server.listener = net_listen(AF_INET, NULL, &server.port);
	for (int i = 0; i < PLAYERS; i++)
		server.clients[i] = net_connect(server.listener, AF_INET, NULL, "127.0.0.1",
						server.port, &server.accepted[i]);
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	fd_close(&server.listener);
	for (int i = 0; i < PLAYERS; i++) {
		fd_close(&server.clients[i]);
		fd_close(&server.accepted[i]);
	}
	return 0;
}

static struct cost taken(bool with_loopback)
{
	struct cost c = { .ports = &server.port, .port_count = 1, .with_loopback = with_loopback };

	cost_before(&c);
	if (c.unknown)
		fail_msg("%s", c.e.text);
	return c;
}

/* What a close does is seen a moment later. */
static void wait_for_cut(struct cost *c, size_t wanted)
{
	int64_t end = clock_ms() + 10000;

	do {
		cost_after(c);
	} while (!c->unknown && c->cut < wanted && clock_ms() < end);
	assert_false(c->unknown);
	assert_int_equal(c->cut, wanted);
}

static void a_clean_reload_costs_nothing(void **state)
{
	struct cost c = taken(true);

	(void)state;
	assert_int_equal(c.before, PLAYERS);
	cost_after(&c);
	assert_false(c.unknown);
	assert_int_equal(c.cut, 0);
	cost_done(&c);
	assert_int_equal(c.before, PLAYERS);
}

static void what_the_server_closes_is_counted(void **state)
{
	struct cost c = taken(true);

	(void)state;
	for (int i = 0; i < 70; i += 10)
		fd_close(&server.accepted[i]);
	wait_for_cut(&c, 7);
	owned char *text = cost_text(&c);
	owned char *expected = mem_format("cut 7 of 100 connections to port %u", server.port);
	assert_string_equal(text, expected);
	cost_done(&c);
}

static void a_reset_is_counted(void **state)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	struct cost c = taken(true);

	(void)state;
	assert_int_equal(
		setsockopt(server.accepted[3], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
		0);
	fd_close(&server.accepted[3]);
	wait_for_cut(&c, 1);
	cost_done(&c);
}

static void who_left_is_counted_too(void **state)
{
	struct cost c = taken(true);

	(void)state;
	fd_close(&server.clients[5]);
	wait_for_cut(&c, 1);
	cost_done(&c);
}

static void who_comes_later_makes_up_for_nobody(void **state)
{
	struct cost c = taken(true);

	(void)state;
	fd_close(&server.accepted[0]);
	fd_close(&server.clients[0]);
	server.clients[0] = net_connect(server.listener, AF_INET, NULL, "127.0.0.1", server.port,
					&server.accepted[0]);
	assert_true(server.clients[0] >= 0);
	wait_for_cut(&c, 1);
	cost_done(&c);
}

static void what_is_cut_later_is_seen_later(void **state)
{
	struct cost c = taken(true);

	(void)state;
	cost_after(&c);
	assert_int_equal(c.cut, 0);
	fd_close(&server.accepted[1]);
	wait_for_cut(&c, 1);
	fd_close(&server.accepted[2]);
	wait_for_cut(&c, 2);
	cost_done(&c);
}

static void the_pod_s_own_connections_do_not_count(void **state)
{
	struct cost c = taken(false);

	(void)state;
	assert_int_equal(c.before, 0);
	fd_close(&server.accepted[0]);
	cost_after(&c);
	assert_int_equal(c.cut, 0);
	cost_done(&c);
}

static void unknown_is_not_zero(void **state)
{
	static const uint16_t ports[SOCKETS_PORTS_MOST + 1];
	struct cost c = { .ports = ports, .port_count = SOCKETS_PORTS_MOST + 1 };

	(void)state;
	cost_before(&c);
	assert_true(c.unknown);
	cost_after(&c);
	assert_true(c.unknown);
	owned char *text = cost_text(&c);
	assert_non_null(strstr(text, "unknown"));
	assert_non_null(strstr(text, c.e.text));
	cost_done(&c);
}

static void a_list_by_another_way_is_unknown(void **state)
{
	struct cost c = taken(true);

	(void)state;
	c.way = c.way == SOCKETS_BY_DIAG ? SOCKETS_BY_PROC : SOCKETS_BY_DIAG;
	cost_after(&c);
	assert_true(c.unknown);
	assert_true(c.e.text[0] != '\0');
	cost_done(&c);
}

/* An address of our own on the loopback device, in a network namespace of our own. */
static bool has_own_network(void)
{
	owned_fd fd = -1;
	struct ifreq request = { .ifr_name = "lo:1" };
	struct sockaddr_in *in = (struct sockaddr_in *)&request.ifr_addr;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	in->sin_family = AF_INET;
	for (uint32_t last = 1; last <= 2; last++) {
		request.ifr_name[3] = (char)('0' + last);
		in->sin_addr.s_addr = htonl(0x0a090000 + last); /* 10.9.0.x */
		if (ioctl(fd, SIOCSIFADDR, &request) < 0)
			return false;
	}
	memcpy(request.ifr_name, "lo", sizeof("lo"));
	request.ifr_flags = IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request) == 0;
}

/* In a child: 0 when it is as it should be, 77 when it gets no network of its own. */
static int players_from_elsewhere(void)
{
	struct cost c = { .port_count = 1 };
	uint16_t port;
	int accepted[3];

	if (!has_own_network())
		return 77;
	owned_fd listener = net_listen(AF_INET, NULL, &port);
	owned_fd ours = net_connect(listener, AF_INET, NULL, "127.0.0.1", port, &accepted[0]);
	owned_fd self = net_connect(listener, AF_INET, "10.9.0.1", "10.9.0.1", port, &accepted[1]);
	owned_fd player =
		net_connect(listener, AF_INET, "10.9.0.2", "10.9.0.1", port, &accepted[2]);
	if (ours < 0 || self < 0 || player < 0)
		return 1;
	c.ports = &port;
	cost_before(&c);
	if (c.unknown || c.before != 1)
		return 2;
	(void)close(accepted[0]);
	(void)close(accepted[1]);
	cost_after(&c);
	if (c.unknown || c.cut != 0)
		return 3;
	(void)close(accepted[2]);
	for (int64_t end = clock_ms() + 10000; c.cut == 0 && clock_ms() < end;)
		cost_after(&c);
	cost_done(&c);
	return !c.unknown && c.cut == 1 ? 0 : 4;
}

static void only_who_comes_from_elsewhere_counts(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(players_from_elsewhere());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, start_server, stop_server)

int test_cost(void);

int test_cost(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(a_clean_reload_costs_nothing),
		WITH_SERVER(what_the_server_closes_is_counted),
		WITH_SERVER(a_reset_is_counted),
		WITH_SERVER(who_left_is_counted_too),
		WITH_SERVER(who_comes_later_makes_up_for_nobody),
		WITH_SERVER(what_is_cut_later_is_seen_later),
		WITH_SERVER(the_pod_s_own_connections_do_not_count),
		cmocka_unit_test(unknown_is_not_zero),
		WITH_SERVER(a_list_by_another_way_is_unknown),
		cmocka_unit_test(only_who_comes_from_elsewhere_counts),
	};

	return cmocka_run_group_tests_name("cost", tests, NULL, NULL);
}
