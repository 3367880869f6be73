/* SPDX-License-Identifier: Apache-2.0 */
/* query: what games answer, whole, cut at each byte, and otherwise. */
#include "tests/unit/unit.h"

#include "base/address.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "probe/a2s.h"
#include "probe/minecraft.h"
#include "probe/quake3.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HEAD "\xff\xff\xff\xff"
#define BYTES(text) (text), sizeof(text) - 1

/* What a reader says of an answer. */
struct said {
	enum query_step step;
	unsigned players;
	struct err e;
	struct buf request;
};

static struct said read_bytes(query_read *read, const char *bytes, size_t length, bool bots)
{
	owned_buf answer = BUF_INIT(1 << 20);
	struct said said = { .request = BUF_INIT(100) };

	assert_int_equal(buf_add(&answer, bytes, length), 0);
	said.step = read(&answer, bots, &said.request, &said.players, &said.e);
	return said;
}

static void expect_players(query_read *read, const char *bytes, size_t length, bool bots,
			   unsigned players)
{
	struct said said = read_bytes(read, bytes, length, bots);

	if (said.step != QUERY_DONE)
		fail_msg("%s", said.step == QUERY_BAD ? said.e.text : "more");
	assert_int_equal(said.players, players);
	buf_done(&said.request);
}

static void expect_bad(query_read *read, const char *bytes, size_t length, bool bots,
		       const char *why)
{
	struct said said = read_bytes(read, bytes, length, bots);

	assert_int_equal(said.step, QUERY_BAD);
	assert_non_null(strstr(said.e.text, why));
	buf_done(&said.request);
}

/* ---- a2s ---- */

#define INFO_TEXTS "A server\0map\0folder\0game\0"
/* Players, most, bots, a dedicated server on Linux, version. */
#define INFO(protocol, counts)                                  \
	HEAD "I" protocol INFO_TEXTS "\xb8\x01" counts "dl\0\1" \
	     "1.0\0"
#define INFO_MORE "\xb1\x87\x69"
#define OBSOLETE(counts)                                   \
	HEAD "m127.0.0.1:27015\0" INFO_TEXTS counts "\x2f" \
	     "dl\0\0"                                      \
	     "\1\0"

static void a2s_counts(void **state)
{
	(void)state;
	expect_players(a2s_read, BYTES(INFO("\x11", "\x05\x20\x02")), true, 5);
	expect_players(a2s_read, BYTES(INFO("\x11", "\x05\x20\x02")), false, 3);
	expect_players(a2s_read, BYTES(INFO("\x11", "\x05\x20\x05")), false, 0);
	expect_players(a2s_read, BYTES(INFO("\x11", "\x00\x20\x00")), false, 0);
	expect_players(a2s_read, BYTES(INFO("\x11", "\xff\xff\x01")), false, 254);
	expect_players(a2s_read, BYTES(INFO("\x11", "\x05\x20\x02") INFO_MORE), false, 3);
}

static void a2s_of_goldsource_counts_no_bots(void **state)
{
	(void)state;
	expect_players(a2s_read, BYTES(INFO("\x2f", "\x03\x20\x03")), false, 3);
	expect_players(a2s_read, BYTES(INFO("\x30", "\x03\x20\x07")), false, 3);
	expect_players(a2s_read, BYTES(INFO("\x31", "\x03\x20\x03")), false, 3);
	expect_players(a2s_read, BYTES(OBSOLETE("\x03\x20")), false, 3);
	expect_players(a2s_read, BYTES(OBSOLETE("\x03\x20")), true, 3);
}

static void a2s_that_is_no_count(void **state)
{
	(void)state;
	expect_bad(a2s_read, BYTES(INFO("\x11", "\x02\x20\x03")), false, "more bots than players");
	expect_players(a2s_read, BYTES(INFO("\x11", "\x02\x20\x03")), true, 2);
	expect_bad(a2s_read, BYTES(INFO("\x11", "\x00\x00\x00")), true, "takes no players");
	expect_bad(a2s_read, BYTES(OBSOLETE("\x00\x00")), true, "takes no players");
	expect_bad(a2s_read,
		   BYTES("\xfe\xff\xff\xff"
			 "\1\0\0\0\2\0\xe0\4"),
		   true, "in parts");
	expect_bad(a2s_read, BYTES(HEAD "D\0"), true, "not A2S");
	expect_bad(a2s_read, BYTES(HEAD "TSource Engine Query\0"), true, "not A2S");
	expect_bad(a2s_read,
		   BYTES(HEAD "I\x11"
			      "a\0b\0c\0d\0\1\0\0\x20\0xl\0\0v\0"),
		   true, "not a whole");
	expect_bad(a2s_read, BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"), true, "not A2S");
	expect_bad(a2s_read, BYTES(""), true, "not A2S");
}

static void a2s_is_whole_or_nothing(void **state)
{
	static const char info[] = INFO("\x11", "\x00\x20\x00"), obsolete[] = OBSOLETE("\0\x20");

	(void)state;
	for (size_t length = 0; length < sizeof(info) - 1; length++)
		expect_bad(a2s_read, info, length, true, "the answer is not");
	/* Without what GoldSource has behind it: the module, anti-cheat and bots. */
	for (size_t length = 0; length < sizeof(obsolete) - 3; length++)
		expect_bad(a2s_read, obsolete, length, true, "the answer is not");
}

static void a2s_challenge_is_sent_back(void **state)
{
	owned_buf plain = BUF_INIT(100);

	(void)state;
	a2s_ask(&plain, NULL);
	assert_int_equal(plain.length, 25);
	assert_memory_equal(plain.data, HEAD "TSource Engine Query", 25);

	struct said said = read_bytes(a2s_read, BYTES(HEAD "A\x01\x00\xff\n"), true);
	assert_int_equal(said.step, QUERY_MORE);
	assert_int_equal(said.request.length, 29);
	assert_memory_equal(said.request.data, plain.data, 25);
	assert_memory_equal(said.request.data + 25, "\x01\x00\xff\n", 4);
	buf_done(&said.request);
	expect_bad(a2s_read, BYTES(HEAD "A\x01\x00\xff"), true, "not A2S");
}

/* ---- quake3 ---- */

#define STATUS HEAD "statusResponse\n\\mapname\\q3dm17\\sv_maxclients\\8\n"

static void quake3_counts(void **state)
{
	(void)state;
	expect_players(quake3_read, BYTES(STATUS), true, 0);
	expect_players(quake3_read, BYTES(STATUS "\0"), true, 0);
	expect_players(quake3_read, BYTES(STATUS "0 0 \"Sarge\"\n-3 48 \"a \"b\" c\"\n"), true, 2);
	expect_players(quake3_read, BYTES(STATUS "0 0 \"Sarge\"\n-3 48 \"a\"\n"), false, 1);
	expect_players(quake3_read, BYTES(STATUS "0 999 \"\"\n"), false, 1);
	expect_players(quake3_read, BYTES(STATUS "0 0 \"Sarge\"\n"), false, 0);
	/* With a team in front of the name, as DarkPlaces has it, or behind, as Warsow. */
	expect_players(quake3_read, BYTES(STATUS "5 20 1 \"a\"\n5 00 \"b\" 2\n"), false, 2);
}

static void quake3_that_is_no_list(void **state)
{
	static const char *const lines[] = {
		"\n",           "0\n",         "0 \n",        "0 0\n",           "0 0 \n",
		"0 0 \"\n",     "0 0 a\n",     "a 0 \"a\"\n", "0 a \"a\"\n",     " 0 0 \"a\"\n",
		"0  0 \"a\"\n", "- 0 \"a\"\n", "0 0 \"a\"",   "0 50 \"a\nb\"\n", "\n0 50 \"a\"\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		owned char *text =
			mem_format(STATUS "0 50 \"a\"\n%s%s", lines[i], i ? "" : "0 50 \"a\"\n");

		expect_bad(quake3_read, text, strlen(text), true, "not whole");
	}
	expect_bad(quake3_read, BYTES(STATUS "\0\0"), true, "not whole");
	expect_bad(quake3_read,
		   BYTES(STATUS "\0"
				"0 50 \"a\"\n"),
		   true, "not whole");
	expect_bad(quake3_read, BYTES(STATUS "\n\nX"), true, "not whole");
	expect_bad(quake3_read, BYTES(HEAD "statusResponse\n\\a\\b"), true, "not whole");
	expect_bad(quake3_read, BYTES(HEAD "statusResponse\n"), true, "no statusResponse");
	expect_bad(quake3_read, BYTES(HEAD "statusResponse\n\n"), true, "no statusResponse");
	expect_bad(quake3_read, BYTES(HEAD "infoResponse\n\\clients\\0"), true,
		   "no statusResponse");
	expect_bad(quake3_read, BYTES(HEAD "print\nno\n"), true, "no statusResponse");
	expect_bad(quake3_read, BYTES(""), true, "no statusResponse");
}

static void quake3_is_whole_or_nothing(void **state)
{
	static const char answer[] = STATUS "0 50 \"a\"\n";

	(void)state;
	for (size_t length = 0; length < sizeof(answer) - 1; length++) {
		struct said said = read_bytes(quake3_read, answer, length, true);

		/* It may end behind a line, as that of a game without the player does. */
		assert_int_equal(said.step, length == sizeof(STATUS) - 1 ? QUERY_DONE : QUERY_BAD);
		buf_done(&said.request);
	}
}

/* Quake3e leaves out who does not fit into a packet: a list of bots may lack the players. */
static void quake3_list_of_bots_may_be_cut(void **state)
{
	owned_buf b = BUF_INIT(10000);

	(void)state;
	assert_int_equal(buf_add_text(&b, STATUS), 0);
	while (b.length <= 1300)
		assert_int_equal(buf_add_text(&b, "0 0 \"Sarge\"\n"), 0);
	expect_bad(quake3_read, b.data, b.length, false, "may have been cut");
	expect_players(quake3_read, b.data, b.length, true, 105);
	while (b.length <= 1400)
		assert_int_equal(buf_add_text(&b, "0 0 \"Sarge\"\n"), 0);
	expect_players(quake3_read, b.data, b.length, false, 0);

	/* Settings alone cut nothing. */
	owned char *settings = mem_format(HEAD "statusResponse\n\\%01350d\n", 0);
	expect_players(quake3_read, settings, strlen(settings), false, 0);
}

static void quake3_list_may_be_long(void **state)
{
	owned_buf b = BUF_INIT(65507);
	unsigned players = 0;

	(void)state;
	assert_int_equal(buf_add_text(&b, STATUS), 0);
	for (; buf_add_text(&b, "-99999 123 \"somebody\"\n") == 0; players++) {
	}
	expect_players(quake3_read, b.data, b.length, false, players);
}

/* ---- minecraft ---- */

static void put_varint(struct buf *b, size_t number)
{
	do {
		char byte = (char)((number & 0x7f) | (number > 0x7f ? 0x80 : 0));

		assert_int_equal(buf_add(b, &byte, 1), 0);
	} while (number >>= 7);
}

/* The packet with the text; on the heap. */
static struct buf packet(const char *text, size_t length)
{
	struct buf b = BUF_INIT(1 << 20), inner = BUF_INIT(1 << 20);

	assert_int_equal(buf_add(&inner, "", 1), 0);
	put_varint(&inner, length);
	assert_int_equal(buf_add(&inner, text, length), 0);
	put_varint(&b, inner.length);
	assert_int_equal(buf_add(&b, inner.data, inner.length), 0);
	buf_done(&inner);
	return b;
}

static void minecraft_counts(void **state)
{
	static const struct {
		const char *text;
		unsigned players;
	} answers[] = {
		{ "{\"players\":{\"max\":20,\"online\":0}}", 0 },
		{ "{\"version\":{\"name\":\"1.21\",\"protocol\":767},\"description\":{\"text\":"
		  "\"\xc2\xa7"
		  "aHi\"},\"players\":{\"max\":1,\"online\":3,\"sample\":[]},\"favicon\":\"data:"
		  "\"}",
		  3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		owned_buf b = packet(answers[i].text, strlen(answers[i].text));

		for (size_t length = 0; length < b.length; length++) {
			struct said said = read_bytes(minecraft_read, b.data, length, true);

			assert_int_equal(said.step, QUERY_MORE);
			buf_done(&said.request);
		}
		expect_players(minecraft_read, b.data, b.length, true, answers[i].players);
		/* Another packet may follow. */
		assert_int_equal(buf_add(&b, "\1\1", 2), 0);
		expect_players(minecraft_read, b.data, b.length, true, answers[i].players);
	}
}

static void minecraft_without_a_count(void **state)
{
	static const struct {
		const char *text, *why;
	} answers[] = {
		{ "{}", "no count" },
		{ "{\"players\":null}", "no count" },
		{ "{\"players\":{\"online\":0}}", "no count" },
		{ "{\"players\":{\"max\":20}}", "no count" },
		{ "{\"players\":{\"max\":20,\"online\":-1}}", "no count" },
		{ "{\"players\":{\"max\":20,\"online\":0.5}}", "no count" },
		{ "{\"players\":{\"max\":20,\"online\":1e99}}", "no count" },
		{ "{\"players\":{\"max\":20,\"online\":4294967296}}", "no count" },
		{ "{\"players\":{\"max\":20,\"online\":\"0\"}}", "no count" },
		{ "{\"players\":{\"max\":20,\"online\":[]}}", "no count" },
		{ "{\"players\":{\"max\":-1,\"online\":0}}", "no count" },
		{ "{\"players\":{\"max\":0,\"online\":0}}", "takes no players" },
		{ "{\"players\":{\"max\":20,\"online\":0}", "not valid JSON" },
		{ "{\"players\":{\"max\":20,\"online\":0}} x", "not valid JSON" },
		{ "<html>", "not valid JSON" },
		{ "", "not valid JSON" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		owned_buf b = packet(answers[i].text, strlen(answers[i].text));

		expect_bad(minecraft_read, b.data, b.length, true, answers[i].why);
	}
}

static void minecraft_that_is_no_status(void **state)
{
	static const char text[] = "{\"players\":{\"max\":20,\"online\":0}}\0{}";
	owned_buf zero = packet(BYTES(text));

	(void)state;
	expect_bad(minecraft_read, zero.data, zero.length, true, "no status");
	/* Too long, and not what a VarInt may be. */
	expect_bad(minecraft_read, BYTES("\x81\x80\x10"), true, "no status");
	expect_bad(minecraft_read, BYTES("\xff\xff\xff\xff\xff"), true, "no status");
	/* No packet at all, of another type, and with a text that is too long or too short. */
	expect_bad(minecraft_read, BYTES("\0"), true, "no status");
	expect_bad(minecraft_read, BYTES("\x01\x00"), true, "no status");
	expect_bad(minecraft_read, BYTES("\x04\x01\x02{}"), true, "no status");
	expect_bad(minecraft_read, BYTES("\x04\x00\x03{}}"), true, "no status");
	expect_bad(minecraft_read, BYTES("\x05\x00\x02{}}"), true, "no status");
	/* What servers before 1.7 answer: they end the connection behind it. */
	assert_int_equal(read_bytes(minecraft_read, BYTES("\xff\0\x23\0\xa7\0\x31\0\0"), true).step,
			 QUERY_MORE);
	expect_bad(minecraft_read,
		   BYTES("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
			 "<html><body>Whatever it says more of</body></html>"),
		   true, "no status");
}

static void minecraft_request(void **state)
{
	owned_buf b = BUF_INIT(200);
	struct address a;
	struct err e;

	(void)state;
	assert_int_equal(address_parse("[::1]:25565", &a, &e), 0);
	minecraft_ask(&b, &a);
	assert_int_equal(b.length, 16);
	assert_memory_equal(b.data, "\x0d\0\xff\xff\xff\xff\x0f\x03::1\x63\xdd\x01\x01\0", 16);
	address_done(&a);
}

int test_query(void);

int test_query(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a2s_counts),
		cmocka_unit_test(a2s_of_goldsource_counts_no_bots),
		cmocka_unit_test(a2s_that_is_no_count),
		cmocka_unit_test(a2s_is_whole_or_nothing),
		cmocka_unit_test(a2s_challenge_is_sent_back),
		cmocka_unit_test(quake3_counts),
		cmocka_unit_test(quake3_that_is_no_list),
		cmocka_unit_test(quake3_is_whole_or_nothing),
		cmocka_unit_test(quake3_list_of_bots_may_be_cut),
		cmocka_unit_test(quake3_list_may_be_long),
		cmocka_unit_test(minecraft_counts),
		cmocka_unit_test(minecraft_without_a_count),
		cmocka_unit_test(minecraft_that_is_no_status),
		cmocka_unit_test(minecraft_request),
	};

	return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
