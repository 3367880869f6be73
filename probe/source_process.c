/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_process: how many processes match a pattern of base/process, besides this one.
 *
 * A sidecar sees the game's only where the pod shares its process namespace; elsewhere there is
 * none to be seen, ever, so 0 is said only when it can be told.
 */
#include "base/err.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/process_set.h"
#include "base/process_why.h"
#include "base/text.h"
#include "probe/evidence.h"
#include "probe/number.h"
#include "probe/source_kinds.h"

#include <fcntl.h>

static int check(const struct source_settings *s, struct err *e)
{
	return *s->process ? 0 : err_set(e, ERR_USAGE, "\"process\": expected a name or a pattern");
}

/* /proc is in no order that has to stay. */
static uint64_t evidence_of(const struct process_set *set)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < set->count; i++)
		sum += evidence_add(evidence_add(0, (uint64_t)set->items[i].pid),
				    set->items[i].start);
	return set->count ? evidence_add(0, sum) : 0;
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
	char text[NUMBER_TEXT_SIZE];
	struct err e;
	int status = proc < 0 ? err_sys(&e, "open '/proc'")
			      : process_set_take(proc, s->settings->process, &set, &e);

	if (status == 0 && set.count)
		s->own = s; /* such a process has been seen */
	else if (status == 0)
		status = none_is_sure(proc, s, &e);
	if (status == 0)
		source_say(s, number_text((double)set.count, text), evidence_of(&set));
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
