/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of /proc/net/nf_conntrack; what they lead to is in tests/system/probe_local.bats. */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "probe/conntrack.h"

#include <arpa/inet.h>
#include <string.h>

static int read_line(const char *line, struct flow *ret)
{
	owned char *copy = mem_copy(line);

	*ret = (struct flow){ 0 };
	return conntrack_line(copy, ret);
}

static void assert_end(const struct flow_end *end, const char *address, uint16_t port)
{
	uint8_t expected[16];

	assert_int_equal(inet_pton(AF_INET6, address, expected), 1);
	assert_memory_equal(end->address, expected, 16);
	assert_int_equal(end->port, port);
}

static void both_directions_are_read(void **state)
{
	struct flow f;

	(void)state;
	/* As a kernel with nf_conntrack_acct has it, with the port translated. */
	assert_int_equal(
		read_line("ipv4     2 udp      17 119 src=192.0.2.7 dst=10.244.0.10 sport=53211 "
			  "dport=7777 packets=12 bytes=900 src=10.244.0.11 dst=192.0.2.7 "
			  "sport=7000 dport=53211 packets=9 bytes=700 [ASSURED] mark=0 "
			  "secctx=null zone=0 use=2",
			  &f),
		1);
	assert_true(f.replied);
	assert_end(&f.ends[FLOW_FROM], "::ffff:192.0.2.7", 53211);
	assert_end(&f.ends[FLOW_TO], "::ffff:10.244.0.10", 7777);
	assert_end(&f.ends[FLOW_BACK_FROM], "::ffff:10.244.0.11", 7000);
	assert_end(&f.ends[FLOW_BACK_TO], "::ffff:192.0.2.7", 53211);
}

static void ipv6_without_an_answer_is_read(void **state)
{
	struct flow f;

	(void)state;
	assert_int_equal(
		read_line("ipv6     10 udp      17 30 src=2001:0db8:0000:0000:0000:0000:0000:0007 "
			  "dst=2001:0db8:0000:0000:0000:0000:0000:0001 sport=5 dport=7777 "
			  "zone-orig=4 [UNREPLIED] src=2001:0db8:0000:0000:0000:0000:0000:0001 "
			  "dst=2001:0db8:0000:0000:0000:0000:0000:0007 sport=7777 dport=5 mark=0 "
			  "zone=0 use=2",
			  &f),
		1);
	assert_false(f.replied);
	assert_end(&f.ends[FLOW_FROM], "2001:db8::7", 5);
	assert_end(&f.ends[FLOW_BACK_FROM], "2001:db8::1", 7777);
}

#define TUPLE "src=10.0.0.1 dst=10.0.0.2 sport=5 dport=6 "

static void an_offloaded_flow_has_no_time(void **state)
{
	struct flow f;

	(void)state;
	assert_int_equal(read_line("ipv4 2 udp 17 " TUPLE TUPLE "[OFFLOAD] mark=0 use=3", &f), 1);
	assert_true(f.replied);
	assert_end(&f.ends[FLOW_FROM], "::ffff:10.0.0.1", 5);
}

static void other_protocols_are_left_out(void **state)
{
	static const char *const others[] = {
		"ipv4 2 tcp 6 431999 ESTABLISHED " TUPLE TUPLE,
		"ipv4 2 icmp 1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=1 ",
		"ipv4 2 udplite 136 29 " TUPLE TUPLE,
		"unknown  2 unknown  253 599 src=10.0.0.1 dst=10.0.0.2",
	};
	struct flow f;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(read_line(others[i], &f), 0);
}

static void what_no_line_can_be(void **state)
{
	static const char *const wrong[] = {
		"",
		"ipv4",
		"ipv4 2 udp",
		"ipv4 2 udp 17",
		"ipv4 2 udp 17 30 " TUPLE,
		"ipv5 2 udp 17 30 " TUPLE TUPLE,
		"ipv6 10 udp 17 30 " TUPLE TUPLE,
		"ipv4 2 udp 17 30 " TUPLE "src=10.0.0.1 dst=10.0.0.2 sport=5",
		"ipv4 2 udp 17 30 " TUPLE "src=10.0.0.1 dst=10.0.0.2 sport=5 dport=65536",
		"ipv4 2 udp 17 30 " TUPLE "src=10.0.0.1 dst=10.0.0.2 sport=-1 dport=6",
		"ipv4 2 udp 17 30 " TUPLE "src=10.0.0 dst=10.0.0.2 sport=5 dport=6",
		"ipv4 2 udp 17 30 " TUPLE "dst=10.0.0.2 src=10.0.0.1 sport=5 dport=6",
	};
	struct flow f;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (read_line(wrong[i], &f) != -1)
			fail_msg("'%s' is a line", wrong[i]);
}

int test_conntrack(void);

int test_conntrack(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_are_read),
		cmocka_unit_test(ipv6_without_an_answer_is_read),
		cmocka_unit_test(an_offloaded_flow_has_no_time),
		cmocka_unit_test(other_protocols_are_left_out),
		cmocka_unit_test(what_no_line_can_be),
	};

	return cmocka_run_group_tests_name("conntrack", tests, NULL, NULL);
}
