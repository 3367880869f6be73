/* SPDX-License-Identifier: Apache-2.0 */
/* Each test runs thrice: by the kernel's openat2, and with it denied in both ways that are met. */
#include "tests/unit/unit.h"

#include "base/beneath.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * outside/secret
 * root/a/b/file  root/top
 * root/a/out -> ../../outside   root/a/in -> b   root/a/b/link -> file   root/abs -> /
 */
static int make_tree(void)
{
	owned char *base = mem_copy(unit_directory());
	owned_fd at = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e;

	assert_int_equal(mkdirat(at, "outside", 0755), 0);
	assert_int_equal(io_replace_file(at, "outside/secret", "secret", 6, &e), 0);
	assert_int_equal(mkdirat(at, "root", 0755), 0);
	assert_int_equal(mkdirat(at, "root/a", 0755), 0);
	assert_int_equal(mkdirat(at, "root/a/b", 0755), 0);
	assert_int_equal(io_replace_file(at, "root/a/b/file", "inside", 6, &e), 0);
	assert_int_equal(io_replace_file(at, "root/top", "top", 3, &e), 0);
	assert_int_equal(symlinkat("../../outside", at, "root/a/out"), 0);
	assert_int_equal(symlinkat("b", at, "root/a/in"), 0);
	assert_int_equal(symlinkat("file", at, "root/a/b/link"), 0);
	assert_int_equal(symlinkat("../../../outside/secret", at, "root/a/b/far"), 0);
	assert_int_equal(symlinkat("/", at, "root/abs"), 0);
	int root = openat(at, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(root >= 0);
	return root;
}

/* Asserts are of no use in a child of fork(): what went wrong is told by its exit status. */
static bool opens(int root, const char *path, int flags, const char *content)
{
	owned_fd fd = beneath_open(root, path, flags);
	owned_buf b = BUF_INIT(100);
	struct err e;

	if (fd < 0 || !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
		return false;
	return !content || (io_read_all(fd, &b, &e) == 0 && strcmp(b.data, content) == 0);
}

static bool refuses(int root, const char *path, int flags, int one, int other)
{
	errno = 0;
	owned_fd fd = beneath_open(root, path, flags);

	if (fd >= 0 || (errno != one && errno != other)) {
		(void)fprintf(stderr, "beneath_open('%s', %x): %d, %s\n", path, (unsigned)flags, fd,
			      strerror(errno));
		return false;
	}
	return true;
}

static int check_open(int root)
{
	int folder = O_RDONLY | O_DIRECTORY;

	if (!opens(root, "top", O_RDONLY, "top") || !opens(root, "a/b/file", O_RDONLY, "inside") ||
	    !opens(root, "a/b", folder, NULL) || !opens(root, "", folder, NULL) ||
	    !opens(root, ".", folder, NULL) || !opens(root, "a", O_PATH | O_DIRECTORY, NULL))
		return 1;
	if (!refuses(root, "a/out/secret", O_RDONLY, ELOOP, ENOTDIR) ||
	    !refuses(root, "a/in/file", O_RDONLY, ELOOP, ENOTDIR) ||
	    !refuses(root, "abs/etc/passwd", O_RDONLY, ELOOP, ENOTDIR))
		return 2;
	if (!refuses(root, "a/b/link", O_RDONLY, ELOOP, ENOTDIR) ||
	    !refuses(root, "a/b/far", O_RDONLY, ELOOP, ENOTDIR) ||
	    !refuses(root, "a/out", folder, ELOOP, ENOTDIR) ||
	    !refuses(root, "a/out", O_PATH | O_DIRECTORY, ELOOP, ENOTDIR))
		return 3;
	if (!refuses(root, "..", folder, EXDEV, EXDEV) ||
	    !refuses(root, "../outside/secret", O_RDONLY, EXDEV, EXDEV) ||
	    !refuses(root, "a/../../outside/secret", O_RDONLY, EXDEV, EXDEV))
		return 4;
	if (!refuses(root, "/etc/passwd", O_RDONLY, EXDEV, ENOENT) ||
	    !refuses(root, "/", folder, EXDEV, ENOENT))
		return 5;
	if (!refuses(root, "none", O_RDONLY, ENOENT, ENOENT) ||
	    !refuses(root, "a/none/file", O_RDONLY, ENOENT, ENOENT) ||
	    !refuses(root, "top/file", O_RDONLY, ENOTDIR, ENOTDIR))
		return 6;
	return 0;
}

static int check_long_names(int root)
{
	char name[NAME_MAX + 2], path[PATH_MAX + 2];

	memset(name, 'n', sizeof(name));
	name[NAME_MAX] = '\0';
	if (!refuses(root, name, O_RDONLY, ENOENT, ENOENT))
		return 11;
	name[NAME_MAX] = 'n';
	name[NAME_MAX + 1] = '\0';
	if (!refuses(root, name, O_RDONLY, ENAMETOOLONG, ENAMETOOLONG))
		return 12;
	(void)snprintf(path, sizeof(path), "a/%s/b", name);
	if (!refuses(root, path, O_RDONLY, ENAMETOOLONG, ENAMETOOLONG))
		return 13;
	return 0;
}

static int check_parent(int root)
{
	struct beneath b = beneath_init(root);
	const char *name = NULL;
	int status = 0;

	int first = beneath_parent(&b, "a/b/file", &name);
	if (first < 0 || strcmp(name, "file") != 0 || faccessat(first, name, F_OK, 0) < 0)
		status = 21;
	else if (beneath_parent(&b, "a/b/other", &name) != first || strcmp(name, "other") != 0)
		status = 22;
	else if (beneath_parent(&b, "top", &name) != root || strcmp(name, "top") != 0)
		status = 23;
	else if (beneath_parent(&b, "a/out/secret", &name) != -1 || b.path)
		status = 24;
	else if (beneath_parent(&b, "a/b2/x", &name) != -1 || errno != ENOENT)
		status = 25;
	else if (beneath_parent(&b, "a/in", &name) < 0 || strcmp(name, "in") != 0)
		status = 26;
	beneath_done(&b);
	return status || b.dir == -1 ? status : 27;
}

/* What it remembers is not looked up again before it is told to forget. */
static int check_forget(int root)
{
	struct beneath b = beneath_init(root);
	const char *name;
	int status = 0;

	if (beneath_parent(&b, "a/b/file", &name) < 0)
		status = 31;
	else if (renameat(root, "a/b", root, "a/c") < 0 || mkdirat(root, "a/b", 0755) < 0)
		status = 32;
	else if (faccessat(beneath_parent(&b, "a/b/file", &name), name, F_OK, 0) < 0)
		status = 33;
	else if ((beneath_forget(&b),
		  faccessat(beneath_parent(&b, "a/b/file", &name), name, F_OK, 0) == 0))
		status = 34;
	beneath_done(&b);
	return status;
}

static int check_all(int root)
{
	int status = check_open(root);

	if (!status)
		status = check_long_names(root);
	if (!status)
		status = check_parent(root);
	return status ? status : check_forget(root);
}

static bool openat2_fails_with(int root, int error)
{
	struct open_how how = { .flags = O_RDONLY };

	errno = 0;
	return syscall(SYS_openat2, root, "top", &how, sizeof(how)) < 0 && errno == error;
}

/* qemu's user mode has neither openat2 nor seccomp: there it is missing anyhow. */
static bool deny_openat2(int root, int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		(void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	return openat2_fails_with(root, error) || openat2_fails_with(root, ENOSYS);
}

static int status_with_denied(int error)
{
	owned_fd root = make_tree();
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (error && !deny_openat2(root, error))
			_exit(99);
		_exit(check_all(root));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void it_never_leaves(void **state)
{
	(void)state;
	assert_int_equal(status_with_denied(0), 0);
}

static void it_never_leaves_on_old_kernels(void **state)
{
	(void)state;
	assert_int_equal(status_with_denied(ENOSYS), 0);
}

static void it_never_leaves_in_sandboxes(void **state)
{
	(void)state;
	assert_int_equal(status_with_denied(EPERM), 0);
}

int test_beneath(void);

int test_beneath(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_never_leaves),
		cmocka_unit_test(it_never_leaves_on_old_kernels),
		cmocka_unit_test(it_never_leaves_in_sandboxes),
	};

	return cmocka_run_group_tests_name("beneath", tests, NULL, NULL);
}
