/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process in a /proc of our own making. The input is, divided by the byte 0xff: the pattern,
 * the command line, the status, the comm.
 */
#include "tests/fuzz/guard.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define FAKE_PID 9000001 /* above every real one */

static char fake_proc[] = "/tmp/gs-sidecar-fuzz-XXXXXX";

static void remove_fake_proc(void)
{
	static const char *const names[] = { "cmdline", "status", "comm" };

	for (size_t i = 0; i < 3; i++) {
		owned char *path = mem_format("%s/%d/%s", fake_proc, FAKE_PID, names[i]);

		(void)unlink(path);
	}
	owned char *folder = mem_format("%s/%d", fake_proc, FAKE_PID);
	(void)rmdir(folder);
	(void)rmdir(fake_proc);
}

static int fake_process(void)
{
	static int proc = -1;

	if (proc >= 0)
		return proc;
	MUST(mkdtemp(fake_proc) && atexit(remove_fake_proc) == 0);
	proc = open(fake_proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	owned char *name = mem_format("%d", FAKE_PID);
	MUST(proc >= 0 && mkdirat(proc, name, 0700) == 0);
	return proc;
}

/* What is before the next 0xff, written into a file; the rest is left. */
static void put_part(int proc, const char *name, const char **at, size_t *size)
{
	const char *end = memchr(*at, 0xff, *size);
	size_t length = end ? (size_t)(end - *at) : *size;
	owned char *path = mem_format("%d/%s", FAKE_PID, name);
	owned_fd fd = openat(proc, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	MUST(fd >= 0 && io_write(fd, *at, length) == 0);
	length += end != NULL;
	*at += length;
	*size -= length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = guard_bytes(data, size);
	const char *end = at ? memchr(at, 0xff, size) : NULL;
	int proc = fake_process();
	struct err e = { 0 };
	pid_t pid = 0;

	if (!end)
		return 0;
	owned char *pattern = mem_copy_part(at, (size_t)(end - at));
	if (text_starts(pattern, "pidfile:")) /* any file of this machine */
		return 0;
	size -= (size_t)(end + 1 - at);
	at = end + 1;
	put_part(proc, "cmdline", &at, &size);
	put_part(proc, "status", &at, &size);
	put_part(proc, "comm", &at, &size);
	if (process_find(proc, pattern, &pid, &e) == 0)
		MUST(pid == FAKE_PID);
	else
		MUST(e.kind == ERR_REMOTE && e.text[0]);
	for (int number = 1; number <= 64; number++)
		MUST(process_catches(proc, FAKE_PID, number) <= 1);
	return 0;
}
