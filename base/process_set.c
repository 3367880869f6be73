/* SPDX-License-Identifier: Apache-2.0 */
/* process_set: see process_set.h. */
#include "base/process_set.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/process_proc.h"
#include "base/text.h"

#include <string.h>

#define START_FIELD 22

/* The name, field 2, is in parentheses and may have any bytes; none behind it has one. */
static bool read_start(int proc, pid_t pid, uint64_t *ret)
{
	size_t length;
	owned char *stat = proc_read(proc, pid, "stat", &length);
	const char *at = strrchr(stat, ')');

	for (int field = 2; at && field < START_FIELD; field++)
		at = strchr(at + 1, ' ');
	if (at)
		*ret = strtoull(at, NULL, 10);
	return at != NULL;
}

static bool belongs(int proc, pid_t pid, const char *pattern, pid_t named)
{
	return named ? pid == named || proc_status(proc, pid, "PPid", 10) == named
		     : process_matches(proc, pid, pattern);
}

static int take(int proc, DIR *dir, const char *pattern, pid_t named, struct process_set *s,
		struct err *e)
{
	struct process_id id;

	while ((id.pid = proc_next(dir))) {
		if (!belongs(proc, id.pid, pattern, named) || proc_is_zombie(proc, id.pid) ||
		    !read_start(proc, id.pid, &id.start))
			continue;
		if (s->count == PROCESS_SET_MOST)
			return err_set(e, ERR_REMOTE, "more than %d processes match '%s'",
				       PROCESS_SET_MOST, pattern);
		s->items = mem_resize(s->items, s->count + 1, sizeof(id));
		s->items[s->count++] = id;
	}
	return 0;
}

int process_set_take(int proc, const char *pattern, struct process_set *ret, struct err *e)
{
	pid_t named = 0;

	*ret = (struct process_set){ 0 };
	if (text_starts(pattern, "pidfile:") && process_find(proc, pattern, &named, e) < 0)
		return e->kind == ERR_REMOTE ? 0 : -1;
	DIR *dir = proc_list(proc, e);
	if (!dir)
		return -1;
	int status = take(proc, dir, pattern, named, ret, e);
	(void)closedir(dir);
	if (status < 0)
		process_set_done(ret);
	return status;
}

static bool has(const struct process_set *s, const struct process_id *id)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].pid == id->pid && s->items[i].start == id->start)
			return true;
	return false;
}

bool process_set_has_new(const struct process_set *before, const struct process_set *after)
{
	for (size_t i = 0; i < after->count; i++)
		if (!has(before, &after->items[i]))
			return true;
	return false;
}

void process_set_done(struct process_set *s)
{
	free(s->items);
	*s = (struct process_set){ 0 };
}
