/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_command: any program that fills a directory, $GS_FETCH_DIR, which is its working directory
 * too. Exit status 0: it is whole. With "keep" it finds there what it left the last time.
 */
#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "fetch/program.h"
#include "fetch/source.h"
#include "fetch/tree.h"

#include <stdlib.h>

static int run(const struct fetch *f, const char *name, int directory, struct err *e)
{
	owned char *path = mem_format("%s/%s", f->folder->path, name);
	owned char *whole = realpath(path, NULL);
	owned char *variable = mem_format("GS_FETCH_DIR=%s", whole ? whole : path);
	struct list environment = { 0 };
	struct tree_growth growth = { directory, source_limits(f->source) };
	struct program_end end;
	const struct program_plan plan = {
		.argv = (const char *const *)f->source->command.items,
		.environment = &environment,
		.directory = directory,
		.deadline = f->deadline,
		.check = tree_check_growth,
		.owner = &growth,
	};

	list_add(&environment, variable);
	int status = program_run(&plan, &end, e);
	list_clear(&environment);
	return status;
}

static enum source_fill fill(struct fetch *f, int tree, struct err *e)
{
	f->settle = true;
	if (!f->source->keep)
		return (enum source_fill)run(f, CACHE_NEW, tree, e);
	owned_fd keep = cache_work_open(f->folder, e);
	struct tree_growth kept = { keep, source_limits(f->source) };
	if (keep < 0 || run(f, f->folder->work, keep, e) < 0 || tree_check_growth(&kept, e) < 0)
		return SOURCE_FILL_FAILED;
	/* What the program changes the next time must not change a tree. */
	return (enum source_fill)tree_copy(keep, tree, e);
}

const struct source_kind kind_command = {
	.name = "command",
	.takes = "keep",
	.fill = fill,
};
