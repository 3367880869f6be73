/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/address.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static void addresses_are_read(void **state)
{
	static const struct {
		const char *text, *host, *again;
		int port;
		bool ipv6, local;
	} good[] = {
		{ "127.0.0.1:3000", "127.0.0.1", "127.0.0.1:3000", 3000, false, true },
		{ "localhost:80", "127.0.0.1", "127.0.0.1:80", 80, false, true },
		{ "0.0.0.0:8077", "0.0.0.0", "0.0.0.0:8077", 8077, false, false },
		{ "10.1.2.3:0", "10.1.2.3", "10.1.2.3:0", 0, false, false },
		{ "127.9.9.9:65535", "127.9.9.9", "127.9.9.9:65535", 65535, false, true },
		{ "[::1]:80", "::1", "[::1]:80", 80, true, true },
		{ "[::]:80", "::", "[::]:80", 80, true, false },
		{ "[fe80::1]:80", "fe80::1", "[fe80::1]:80", 80, true, false },
		{ "[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", "[::ffff:127.0.0.1]:1", 1, true,
		  false },
	};

	(void)state;
	for (size_t i = 0; i < LEN(good); i++) {
		struct address a;
		struct err e = { 0 };

		assert_int_equal(address_parse(good[i].text, &a, &e), 0);
		assert_int_equal(a.kind, ADDRESS_TCP);
		assert_string_equal(a.host, good[i].host);
		assert_string_equal(a.text, good[i].text);
		assert_int_equal(a.port, good[i].port);
		assert_int_equal(a.ipv6, good[i].ipv6);
		assert_int_equal(address_is_local(&a), good[i].local);
		owned char *again = address_text(&a);
		assert_string_equal(again, good[i].again);
		address_done(&a);
		assert_int_equal(a.kind, ADDRESS_NONE);
		assert_null(a.text);
	}
}

static void bad_addresses_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"unix:",
		":",
		":80",
		"80",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:65536",
		"127.0.0.1:-1",
		"127.0.0.1:+1",
		"127.0.0.1: 80",
		"127.0.0.1:80 ",
		" 127.0.0.1:80",
		"127.0.0.1:0x50",
		"127.0.0.1:http",
		"127.1:80",
		"127.0.0.256:80",
		"127.0.0.01:80",
		"1.2.3.4.5:80",
		"example.com:80",
		"LOCALHOST:80",
		"::1:80",
		"::1",
		"[::1]",
		"[::1]80",
		"[::1]:",
		"[::1:80",
		"::1]:80",
		"[]:80",
		"[:80",
		"[127.0.0.1]:80",
		"[localhost]:80",
		"[fe80::1%lo]:80",
		"[[::1]]:80",
		"tcp:127.0.0.1:80",
		"UNIX:/a",
		"http://127.0.0.1:80",
		"1111111111111111111111111111111111111111111111111111111111111111111111:80",
		"[1111111111111111111111111111111111111111111111111111111111111111]:80",
	};

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		struct address a = { .port = 7 };
		struct err e = { 0 };

		assert_int_equal(address_parse(bad[i], &a, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_non_null(strstr(e.text, "expected unix:PATH or HOST:PORT"));
		assert_int_equal(a.port, 7);
	}
}

static void unix_addresses_are_paths(void **state)
{
	struct address a;
	struct err e;

	(void)state;
	assert_int_equal(address_parse("unix:/run/a b:80", &a, &e), 0);
	assert_int_equal(a.kind, ADDRESS_UNIX);
	assert_string_equal(a.text, "/run/a b:80");
	assert_true(address_is_local(&a));
	owned char *text = address_text(&a);
	assert_string_equal(text, "unix:/run/a b:80");
	address_done(&a);
}

static void other_kinds_have_texts(void **state)
{
	struct address a = address_abstract("gs-sidecar/x"), none = { 0 };

	(void)state;
	owned char *text = address_text(&a), *nowhere = address_text(&none);
	assert_string_equal(text, "@gs-sidecar/x");
	assert_string_equal(nowhere, "nowhere");
	assert_true(address_is_local(&a));
	address_done(&a);
}

static void assert_answers(int listener, const struct sockaddr *to, socklen_t length)
{
	owned_fd fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, to, length), 0);
	owned_fd peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(peer >= 0);
}

static void assert_answers_at_path(int listener, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	owned_fd dir = -1;
	owned char *shorter = address_short_path(path, &dir);

	assert_non_null(shorter);
	assert_true(strlen(shorter) < sizeof(un.sun_path));
	memcpy(un.sun_path, shorter, strlen(shorter) + 1);
	assert_answers(listener, (struct sockaddr *)&un, sizeof(un));
}

/* base/xxx...xxx/socket, length bytes long */
static char *path_of_length(const char *base, size_t length)
{
	size_t folder = length - strlen(base) - strlen("//socket");
	char *path = mem_format("%s/%0*d/socket", base, (int)folder, 0);
	owned char *made = mem_format("%s/%0*d", base, (int)folder, 0);

	assert_int_equal(mkdir(made, 0755), 0);
	assert_int_equal(strlen(path), length);
	return path;
}

static void unix_sockets_of_any_length(void **state)
{
	static const size_t lengths[] = { 90, 102, 103, 104, 105, 106, 107, 108, 109, 120, 200 };
	owned char *base = mem_copy(unit_directory());

	(void)state;
	for (size_t i = 0; i < LEN(lengths); i++) {
		owned char *path = path_of_length(base, lengths[i]);
		owned char *temporary = mem_format("%s.new", path);
		struct address a = address_unix(path);
		struct err e = { 0 };
		struct stat st;
		owned_fd fd = -1;

		assert_int_equal(address_listen(&a, &fd, &e), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode, S_IFSOCK | 0600);
		assert_int_equal(access(temporary, F_OK), -1);
		assert_answers_at_path(fd, path);
		address_done(&a);
	}
}

static void a_socket_that_was_left_is_no_obstacle(void **state)
{
	owned char *path = mem_format("%s/s", unit_directory());
	owned char *temporary = mem_format("%s.new", path);
	struct address a = address_unix(path);
	struct err e;
	owned_fd old = -1, new = -1;

	(void)state;
	owned_fd left = open(temporary, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(left >= 0);
	assert_int_equal(address_listen(&a, &old, &e), 0);
	assert_int_equal(address_listen(&a, &new, &e), 0);
	assert_answers_at_path(new, path);
	assert_int_equal(accept4(old, NULL, NULL, SOCK_CLOEXEC), -1);
	assert_int_equal(errno, EAGAIN);
	address_done(&a);
}

static void a_directory_is_not_replaced(void **state)
{
	owned char *path = mem_format("%s/s", unit_directory());
	owned char *temporary = mem_format("%s.new", path);
	owned char *expected = mem_format("listen on unix:%s: Is a directory", path);
	struct address a = address_unix(path);
	struct err e = { 0 };
	int fd = -1;

	(void)state;
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(address_listen(&a, &fd, &e), -1);
	assert_int_equal(fd, -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_string_equal(e.text, expected);
	assert_int_equal(access(temporary, F_OK), -1);
	address_done(&a);
}

static void a_name_too_long_is_an_error(void **state)
{
	owned char *path = mem_format("%s/%0120d", unit_directory(), 0);
	int dir = -1;

	(void)state;
	errno = 0;
	assert_null(address_short_path(path, &dir));
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(dir, -1);
	owned char *nowhere = mem_format("/nowhere%0120d/s", 0);
	assert_null(address_short_path(nowhere, &dir));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(dir, -1);
}

static void a_short_path_stays(void **state)
{
	int dir = -1;
	owned char *same = address_short_path("/run/x", &dir);

	(void)state;
	assert_string_equal(same, "/run/x");
	assert_int_equal(dir, -1);
}

static void abstract_names_are_taken_once(void **state)
{
	owned char *name = mem_format("gs-sidecar-unit-%d", (int)getpid());
	struct address a = address_abstract(name);
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct err e = { 0 };
	owned_fd fd = -1;
	int second = -1;

	(void)state;
	assert_int_equal(address_listen(&a, &fd, &e), 0);
	memcpy(un.sun_path + 1, name, strlen(name));
	assert_answers(fd, (struct sockaddr *)&un,
		       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)));
	assert_int_equal(address_listen(&a, &second, &e), -1);
	assert_int_equal(e.sys, EADDRINUSE);
	assert_int_equal(second, -1);
	address_done(&a);
}

static void the_kernel_chooses_a_port(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct address a, again;
	struct err e = { 0 };
	owned_fd fd = -1;
	int second = -1;

	(void)state;
	assert_int_equal(address_parse("127.0.0.1:0", &a, &e), 0);
	assert_int_equal(address_listen(&a, &fd, &e), 0);
	assert_true(a.port != 0);
	in.sin_port = htons(a.port);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_answers(fd, (struct sockaddr *)&in, sizeof(in));
	owned char *text = address_text(&a);
	assert_int_equal(address_parse(text, &again, &e), 0);
	assert_int_equal(address_listen(&again, &second, &e), -1);
	assert_int_equal(e.sys, EADDRINUSE);
	owned char *expected = mem_format("listen on %s: Address in use", text);
	assert_memory_equal(e.text, expected, strlen("listen on 127.0.0.1:"));
	address_done(&a);
	address_done(&again);
}

static void listeners_do_not_block_and_close_on_exec(void **state)
{
	struct address a = { .kind = ADDRESS_TCP, .host = "127.0.0.1" };
	struct err e;
	owned_fd fd = -1;

	(void)state;
	assert_int_equal(address_listen(&a, &fd, &e), 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

static void the_peer_of_a_unix_socket_is_known(void **state)
{
	int ends[2];
	pid_t pid = 0;
	uid_t uid = (uid_t)-1;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	owned_fd one = ends[0], other = ends[1];
	assert_true(address_peer(one, &pid, &uid));
	assert_int_equal(pid, getpid());
	assert_int_equal(uid, geteuid());
	owned_fd tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_false(address_peer(tcp, &pid, &uid));
	assert_false(address_peer(-1, &pid, &uid));
	assert_true(other >= 0);
}

int test_address(void);

int test_address(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read),
		cmocka_unit_test(bad_addresses_are_refused),
		cmocka_unit_test(unix_addresses_are_paths),
		cmocka_unit_test(other_kinds_have_texts),
		cmocka_unit_test(unix_sockets_of_any_length),
		cmocka_unit_test(a_socket_that_was_left_is_no_obstacle),
		cmocka_unit_test(a_directory_is_not_replaced),
		cmocka_unit_test(a_name_too_long_is_an_error),
		cmocka_unit_test(a_short_path_stays),
		cmocka_unit_test(abstract_names_are_taken_once),
		cmocka_unit_test(the_kernel_chooses_a_port),
		cmocka_unit_test(listeners_do_not_block_and_close_on_exec),
		cmocka_unit_test(the_peer_of_a_unix_socket_is_known),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
