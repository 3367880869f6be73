/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deny: runs a program for which system calls fail, as on an older kernel or under a strict
 * seccomp profile.
 *
 *   deny ENOSYS|EPERM NAME[,NAME...] PROGRAM [ARG...]
 *
 * "netlink" is socket(2) for AF_NETLINK alone.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DENIED_MOST 16

/* From linux/filter.h and linux/seccomp.h, which a libc need not come with. */
#define MODE_FILTER 2
#define LOAD 0x20     /* BPF_LD | BPF_W | BPF_ABS, from struct seccomp_data: */
#define CALL 0        /* its number */
#define ARGUMENT 16   /* the low half of its first argument */
#define IF_EQUAL 0x15 /* BPF_JMP | BPF_JEQ | BPF_K */
#define RETURN 0x06   /* BPF_RET | BPF_K */
#define RETURN_ERROR 0x00050000U
#define RETURN_ALLOW 0x7fff0000U

struct instruction {
	uint16_t code;
	uint8_t if_true, if_false; /* how many to jump over */
	uint32_t operand;
};

struct filter {
	uint16_t length;
	struct instruction *instructions;
};

static const struct {
	const char *name;
	unsigned number;
} calls[] = {
	{ "openat2", SYS_openat2 },
	{ "pidfd_open", SYS_pidfd_open },
	{ "pidfd_send_signal", SYS_pidfd_send_signal },
	{ "close_range", SYS_close_range },
	{ "renameat2", SYS_renameat2 },
	{ "copy_file_range", SYS_copy_file_range },
	{ "statx", SYS_statx },
	{ "getrandom", SYS_getrandom },
	{ "faccessat2", SYS_faccessat2 },
	{ "clone3", SYS_clone3 },
	{ "epoll_pwait2", SYS_epoll_pwait2 },
	{ "inotify_init1", SYS_inotify_init1 },
	{ "kill", SYS_kill },
};

static int number_of(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0)
			return (int)calls[i].number;
	return -1;
}

/* Behind it the call's number is loaded again; how many instructions. */
static uint16_t deny_netlink(struct instruction *at, uint32_t error)
{
	at[0] = (struct instruction){ IF_EQUAL, 0, 4, SYS_socket };
	at[1] = (struct instruction){ LOAD, 0, 0, ARGUMENT };
	at[2] = (struct instruction){ IF_EQUAL, 0, 1, AF_NETLINK };
	at[3] = (struct instruction){ RETURN, 0, 0, RETURN_ERROR | error };
	at[4] = (struct instruction){ LOAD, 0, 0, CALL };
	return 5;
}

int main(int argc, char **argv)
{
	struct instruction list[2 * DENIED_MOST + 8] = { { LOAD, 0, 0, CALL } };
	struct filter filter = { 1, list };

	if (argc < 4)
		return 2;
	uint32_t error = strcmp(argv[1], "EPERM") == 0 ? EPERM : ENOSYS;
	for (char *name = strtok(argv[2], ","); name; name = strtok(NULL, ",")) {
		int number = number_of(name);

		if (strcmp(name, "netlink") == 0 && filter.length <= 2 * DENIED_MOST) {
			filter.length += deny_netlink(list + filter.length, error);
			continue;
		}
		if (number < 0 || filter.length > 2 * DENIED_MOST - 1) {
			(void)fprintf(stderr, "deny: cannot deny '%s'\n", name);
			return 2;
		}
		list[filter.length++] = (struct instruction){ IF_EQUAL, 0, 1, (uint32_t)number };
		list[filter.length++] = (struct instruction){ RETURN, 0, 0, RETURN_ERROR | error };
	}
	list[filter.length++] = (struct instruction){ RETURN, 0, 0, RETURN_ALLOW };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, MODE_FILTER, &filter) < 0) {
		perror("deny: seccomp");
		return 1;
	}
	(void)execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 127;
}
