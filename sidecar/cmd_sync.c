/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_sync: `sync`: one sync, by hand or as the child of `run`. */
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"
#include "sidecar/one_sync.h"
#include "sidecar/progress.h"

#include <stdio.h>
#include <string.h>

#define EXPLAIN_MOST ((size_t)1 << 20)

int check_sync(const struct config *c, struct err *e)
{
	if (c->explain.path && c->sync.sources.count)
		return 0; /* nothing is synced */
	return sync_check(&c->sync, e);
}

/* Slashes around it are no part of a path below the source. */
static int explain(struct config *c)
{
	struct progress progress = { 0 };
	const struct sync_notes notes = one_sync_notes(&progress);
	owned_buf b = BUF_INIT(EXPLAIN_MOST);
	owned char *path = mem_copy(c->explain.path + strspn(c->explain.path, "/"));
	struct json *fetched = NULL;
	struct err e = { 0 };

	for (size_t length = strlen(path); length && path[length - 1] == '/';)
		path[--length] = '\0';
	if (fetch_is_wanted(&c->sync.sources) && !c->sync.target && !c->fetch.cache)
		(void)err_set(&e, ERR_USAGE, "target is not set: what is fetched is kept there");
	else
		(void)fetch_sources(c, &fetched, &e);
	json_free(fetched);
	int status = e.kind != ERR_NONE ? -1 : sync_explain(&c->sync, path, &notes, &b, &e);

	progress_end(&progress);
	if (status < 0)
		return command_failed(&e);
	(void)fputs(b.length ? b.data : "", stdout);
	return status == 0 ? EXIT_DONE : EXIT_NO;
}

int cmd_sync(struct config *c)
{
	return c->explain.path ? explain(c) : one_sync(c, c->lock.back);
}
