/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_process: how many processes match a pattern of base/process, besides this one.
 *
 * A sidecar sees the game's only where the pod shares its process namespace; elsewhere there is
 * none to be seen, ever, so 0 is said only when it can be told. That the same ones are there is no
 * evidence that no other has come and gone.
 */
#include "base/err.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/process_set.h"
#include "base/process_why.h"
#include "base/text.h"
#include "probe/source_kinds.h"

#include <fcntl.h>

static int check(const struct source_settings *s, struct err *e)
{
	return *s->process ? 0 : err_set(e, ERR_USAGE, "\"process\": expected a name or a pattern");
}

/* A pid file that is not there or not a number does not say that nobody is. */
static int none_is_sure(int proc, const struct source *s, struct err *e)
{
	const char *pattern = s->settings->process;
	pid_t pid;

	if (text_starts(pattern, "pidfile:") && process_find(proc, pattern, &pid, e) < 0)
		return -1;
	return process_none_is_sure(proc, pattern, s->own != NULL, e);
}

static void look(struct source *s)
{
	owned_fd proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct process_set set = { 0 };
	struct err e;
	int status = proc < 0 ? err_sys(&e, "open '/proc'")
			      : process_set_take(proc, s->settings->process, &set, &e);

	if (status == 0 && set.count)
		s->own = s; /* such a process has been seen */
	else if (status == 0)
		status = none_is_sure(proc, s, &e);
	if (status == 0)
		source_say_number(s, (double)set.count);
	else
		source_fail(s, &e);
	process_set_done(&set);
}

const struct source_kind source_process = {
	.name = "process",
	.takes = "",
	.check = check,
	.look = look,
};
