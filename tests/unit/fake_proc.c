/* SPDX-License-Identifier: Apache-2.0 */
/* fake_proc: see fake_proc.h. */
#include "tests/unit/fake_proc.h"
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(int proc, int pid, const char *name, const void *bytes, size_t count)
{
	owned char *path = mem_format("%d/%s", pid, name);
	struct err e = { 0 };

	assert_int_equal(io_replace_file(proc, path, bytes, count, &e), 0);
}

static void put_process(int proc, const struct fake *f)
{
	int pid = BASE + f->number;
	owned char *folder = mem_format("%d", pid), *exe = mem_format("%d/exe", pid);
	owned char *comm = mem_format("%s\n", f->comm);
	owned char *status = mem_format("Name:\t%s\nState:\t%c (x)\nPid:\t%d\nPPid:\t%d\n"
					"SigBlk:\t0000000000000000\nSigCgt:\t%s\nThreads:\t1\n",
					f->comm, f->state ? f->state : 'S', pid,
					f->parent ? BASE + f->parent : 0,
					f->caught ? f->caught : "0000000000000000");

	assert_int_equal(mkdirat(proc, folder, 0755), 0);
	put(proc, pid, "comm", comm, strlen(comm));
	put(proc, pid, "cmdline", f->line ? f->line : "", f->line_length);
	put(proc, pid, "status", status, strlen(status));
	if (f->exe)
		assert_int_equal(symlinkat(f->exe, proc, exe), 0);
}

int fake_proc(const struct fake *processes)
{
	int proc = open(unit_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e;

	assert_true(proc >= 0);
	assert_int_equal(mkdirat(proc, "self", 0755), 0);
	assert_int_equal(io_replace_file(proc, "uptime", "1 1\n", 4, &e), 0);
	for (; processes->comm; processes++)
		put_process(proc, processes);
	return proc;
}

void fake_file(int proc, int number, const char *name, const char *text)
{
	put(proc, BASE + number, name, text, strlen(text));
}
