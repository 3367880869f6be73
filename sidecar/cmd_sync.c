/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_sync: `sync`: one sync, by hand or as the child of `run`. Or what it would do. */
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"
#include "sidecar/one_sync.h"
#include "sidecar/progress.h"
#include "sidecar/update.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPLAIN_MOST ((size_t)1 << 20)

int check_sync(const struct config *c, struct err *e)
{
	if (c->explain.diff && !c->explain.dry_run)
		return err_set(e, ERR_USAGE, "diff only means something with dry-run");
	if (c->explain.path && c->sync.sources.count)
		return 0; /* nothing is synced */
	return sync_check(&c->sync, e);
}

/* The directories that a sync would have now. */
static int bring(struct config *c, const struct sync_notes *notes, struct err *e)
{
	owned char *path = c->sync.target || c->sync.state ? sync_state_path(&c->sync) : NULL;
	struct state state = STATE_INIT;
	struct json *fetched = NULL;
	struct update u = { .look = true };
	int status = path ? state_open_existing(&state, path, e) : 0;

	if (fetch_is_wanted(&c->sync.sources) && !path && !c->fetch.cache)
		status = err_set(e, ERR_USAGE, "target is not set: what is fetched is kept there");
	if (status >= 0)
		status = update_open(&u, c, &state, notes, e);
	if (status == 0)
		status = fetch_sources(c, &u, &fetched, e);
	update_done(&u);
	json_free(fetched);
	state_close(&state);
	return status;
}

/* Slashes around it are no part of a path below the source. */
static int explain(struct config *c, const struct sync_notes *notes, struct err *e)
{
	owned_buf b = BUF_INIT(EXPLAIN_MOST);
	owned char *path = mem_copy(c->explain.path + strspn(c->explain.path, "/"));

	for (size_t length = strlen(path); length && path[length - 1] == '/';)
		path[--length] = '\0';
	int status = sync_explain(&c->sync, path, notes, &b, e);
	progress_end(notes->owner);
	if (status >= 0)
		(void)fputs(b.length ? b.data : "", stdout);
	return status;
}

/* ---- --dry-run ---- */

struct telling {
	bool wanted;
	char *source;      /* whose lines come */
	struct json *list; /* of --json */
};

static void tell(void *owner, const char *source, enum sync_would what, const char *path)
{
	struct telling *t = owner;
	const char letter[] = { (char)what, '\0' };

	if (!t->wanted)
		return;
	if (t->list) {
		struct json *one = json_object();

		json_put_text(one, "what", letter);
		json_put_text(one, "path", path);
		json_put_text(one, "source", source);
		json_add(t->list, one);
		return;
	}
	owned char *head = text_printable(source ? source : "in no source any more");
	owned char *printable = text_printable(path);
	if (!t->source || !text_is(t->source, head))
		(void)printf("%s:\n", head);
	free(t->source);
	t->source = mem_take(head);
	(void)printf("  %s %s\n", letter, printable);
}

static void print_totals(const struct sync_preview *p, struct json *list)
{
	const char *then = p->published.digest[0] ? p->published.digest : NULL;

	if (!list) {
		(void)printf("would publish %s: %" PRIu64 " to add, %" PRIu64 " to change, %" PRIu64
			     " to remove; published is %s\n",
			     p->digest, p->added, p->changed, p->removed, then ? then : "nothing");
		return;
	}
	struct json *j = json_object();
	json_put_text(j, "digest", p->digest);
	json_put_text(j, "published", then);
	json_put_number(j, "added", (double)p->added);
	json_put_number(j, "changed", (double)p->changed);
	json_put_number(j, "removed", (double)p->removed);
	json_put(j, "differences", list);
	owned char *text = json_print(j, true);
	json_free(j);
	(void)fputs(text, stdout);
}

static int dry_run(struct config *c, const struct sync_notes *notes, struct err *e)
{
	struct telling t = { .wanted = c->explain.diff, .list = c->json ? json_array() : NULL };
	struct sync_preview p = { .tell = tell, .owner = &t };
	int status = sync_preview(&c->sync, notes, &p, e);

	progress_end(notes->owner);
	if (status == 0)
		print_totals(&p, t.list);
	else
		json_free(t.list);
	free(t.source);
	return status;
}

int cmd_sync(struct config *c)
{
	struct progress progress = { 0 };
	const struct sync_notes notes = one_sync_notes(&progress);
	struct err e = { 0 };

	if (!c->explain.path && !c->explain.dry_run)
		return one_sync(c, c->lock.back);
	int status = bring(c, &notes, &e);
	if (status == 0)
		status = c->explain.path ? explain(c, &notes, &e) : dry_run(c, &notes, &e);
	progress_end(&progress);
	if (status < 0)
		return command_failed(&e);
	return status == 0 ? EXIT_DONE : EXIT_NO;
}
