/* SPDX-License-Identifier: Apache-2.0 */
/* Which peers do not count. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/sockets_peer.h"
#include "probe/prefix.h"

#include <arpa/inet.h>
#include <string.h>

static void read_address(const char *text, uint8_t ret[16])
{
	if (inet_pton(AF_INET, text, ret) == 1)
		sockets_map_ipv4(ret, ret);
	else
		assert_int_equal(inet_pton(AF_INET6, text, ret), 1);
}

static void what_a_prefix_has(void **state)
{
	static const struct {
		const char *prefix, *address;
		bool has;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.0.1", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.0/8", "::ffff:10.1.2.3", true },
		{ "10.0.0.0/8", "::10.1.2.3", false },
		{ "10.0.0.0/8", "a00::", false },
		{ "192.168.1.128/25", "192.168.1.128", true },
		{ "192.168.1.128/25", "192.168.1.127", false },
		{ "192.168.1.130/31", "192.168.1.131", true },
		{ "192.168.1.130/31", "192.168.1.132", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.0", false },
		{ "192.0.2.1/32", "192.0.2.1", true },
		{ "128.0.0.0/1", "200.0.0.1", true },
		{ "128.0.0.0/1", "100.0.0.1", false },
		{ "2001:db8::/32", "2001:db8:ffff::1", true },
		{ "2001:db8::/32", "2001:db9::1", false },
		{ "2001:db8::/33", "2001:db8:8000::", false },
		{ "2001:db8::7", "2001:db8::7", true },
		{ "2001:db8::7", "2001:db8::6", false },
		{ "::ffff:10.0.0.0/104", "10.9.9.9", true },
		{ "::ffff:0.0.0.0/96", "10.9.9.9", true },
		{ "::/64", "::1", true },
		{ "::/64", "10.9.9.9", false },
		{ "::/1", "10.9.9.9", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = { 0 };
		struct prefix p;
		uint8_t address[16];

		read_address(cases[i].address, address);
		if (prefix_parse(cases[i].prefix, &p, &e) < 0)
			fail_msg("%s", e.text);
		if (prefix_has(&p, address) != cases[i].has)
			fail_msg("%s in %s", cases[i].address, cases[i].prefix);
	}
}

static void what_is_no_prefix(void **state)
{
	static const char *const wrong[] = {
		"",
		"10",
		"10.0.0",
		"10.0.0.0.0",
		" 10.0.0.0",
		"10.0.0.0 ",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"10.0.0.0/8/8",
		"10.0.0.0/8 ",
		"10.0.0.0/255.0.0.0",
		"/8",
		"0.0.0.0/0",
		"::/0",
		"2001:db8::/129",
		"fe80::1%eth0",
		"[::1]",
		"localhost",
		/* Bits behind the prefix. */
		"10.0.0.1/8",
		"192.168.1.129/25",
		"2001:db8::1/32",
		"::ffff:10.0.0.0/95",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct err e = { 0 };
		struct prefix p;

		if (prefix_parse(wrong[i], &p, &e) == 0)
			fail_msg("'%s' is a prefix", wrong[i]);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_non_null(strstr(e.text, wrong[i]));
	}
}

int test_prefix(void);

int test_prefix(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_prefix_has),
		cmocka_unit_test(what_is_no_prefix),
	};

	return cmocka_run_group_tests_name("prefix", tests, NULL, NULL);
}
