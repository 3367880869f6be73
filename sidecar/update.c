/* SPDX-License-Identifier: Apache-2.0 */
/* update: see update.h. */
#include "sidecar/update.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "sidecar/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD "update.json"
#define RECORD_MOST ((size_t)4 * UPDATE_MOST)

static void add_list(struct digest_stream *s, const struct list *l)
{
	owned char *joined = list_join(l, "\n");

	digest_add(s, joined, strlen(joined) + 1);
}

static int find_brought(struct update *u, const struct config *c, const struct sync_notes *notes,
			struct err *e)
{
	const char *label = c->sync.label ? c->sync.label : "";
	struct digest directories;

	if (sync_directories_digest(&c->sync, notes, &directories, e) < 0)
		return -1;
	struct digest_stream *s = digest_new();
	add_list(s, &c->sync.sources);
	add_list(s, &c->fetch.update_sources);
	add_list(s, &c->fetch.update_hosts);
	digest_add(s, label, strlen(label));
	digest_add(s, directories.bytes, sizeof(directories.bytes));
	struct digest all = digest_result(s);
	digest_free(s);
	(void)digest_text(&all, u->brought);
	return 0;
}

static int read_trial(struct update *u, struct err *e)
{
	owned_buf b = BUF_INIT(UPDATE_MOST);

	u->trial = true;
	if (io_read_all(STDIN_FILENO, &b, e) < 0)
		return err_in(e, "update");
	u->pushed = json_read(b.length ? b.data : "", e);
	return u->pushed ? 0 : err_in(e, "update");
}

static void remove_record(const struct state *state)
{
	if (unlinkat(state->dir, RECORD, 0) < 0 && errno != ENOENT)
		log_error("remove " RECORD " from the state directory: %s", strerror(errno));
}

void update_give_up(struct update *u, const char *why)
{
	const char *version = json_text(json_get(u->pushed, "version"));

	log_warn("update %s is given up: %s", version ? version : "", why);
	remove_record(u->state);
	json_free(u->pushed);
	u->pushed = NULL;
	u->given_up = true;
}

/* As text, on the heap; NULL: there is none. */
static char *read_record(const struct state *state)
{
	owned_buf b = BUF_INIT(RECORD_MOST);
	struct err e = { .sys = ENOENT };

	if (state->dir >= 0 && io_read_regular(state->dir, RECORD, &b, &e) == 0)
		return mem_copy(b.data);
	if (e.sys != ENOENT)
		log_error("the accepted update cannot be read, going on without it: %s", e.text);
	return NULL;
}

static int replace_record(const struct state *state, const char *text, struct err *e)
{
	return io_replace_file(state->dir, RECORD, text, strlen(text), e);
}

/* The record that is there already, if it still counts. */
static int take_accepted(struct update *u, const struct config *c, const struct sync_notes *notes,
			 struct err *e)
{
	struct err damage;
	struct json *record = json_read(u->before, &damage);
	const char *brought = json_text(json_get(record, "brought"));
	owned char *then = mem_copy(brought ? brought : "");

	u->pushed = record ? json_copy(json_get(record, "update")) : json_object();
	json_free(record);
	if (find_brought(u, c, notes, e) < 0)
		return -1;
	if (!text_is(then, u->brought))
		update_give_up(u, "the image or the configuration brings something else now");
	return 0;
}

int update_open(struct update *u, const struct config *c, const struct state *state,
		const struct sync_notes *notes, struct err *e)
{
	*u = (struct update){ .state = state, .before = read_record(state) };
	if (c->lock.update)
		return read_trial(u, e) < 0 ? -1 : find_brought(u, c, notes, e);
	return u->before ? take_accepted(u, c, notes, e) : 0;
}

void update_done(struct update *u)
{
	json_free(u->pushed);
	free(u->before);
}

/* The one before it, without those before that. */
static struct json *record_before(const struct update *u)
{
	struct err ignored;
	struct json *record = u->before ? json_read(u->before, &ignored) : NULL;
	struct json *ret = json_object();

	for (const struct json *j = json_first(record); j; j = json_next(j))
		if (!text_is(json_key(j), "before"))
			json_put(ret, json_key(j), json_copy(j));
	json_free(record);
	return ret;
}

static int write_record(const struct update *u, struct err *e)
{
	struct json *record = json_object();
	struct record published = state_published(u->state);
	char now[CLOCK_TEXT_SIZE];

	json_put_text(record, "brought", u->brought);
	json_put_text(record, "at", clock_stamp(now));
	json_put(record, "update", json_copy(u->pushed));
	json_put_text(record, "over", published.digest);
	json_put(record, "before", record_before(u));
	owned char *text = json_print(record, false);
	json_free(record);
	return replace_record(u->state, text, e);
}

int update_accept(struct update *u, struct config *c, struct err *e)
{
	const char *version = json_text(json_get(u->pushed, "version"));

	if (!u->pushed)
		return 0;
	if (sync_check_label(version, e) < 0)
		return err_in(e, "update: \"version\"");
	free(c->sync.label);
	c->sync.label = mem_copy(version);
	return u->trial ? write_record(u, e) : 0;
}

void update_reject(struct update *u)
{
	struct err e;

	if (!u->trial || !u->pushed)
		return;
	if (!u->before)
		remove_record(u->state);
	else if (replace_record(u->state, u->before, &e) < 0)
		log_error("the update before this one is lost: %s", e.text);
}

bool update_is_there(const struct state *state)
{
	return io_is_there(state->dir, RECORD);
}

void update_went_back(const struct state *state)
{
	owned char *text = read_record(state);
	struct err e;
	struct json *record = text ? json_read(text, &e) : NULL;
	struct record published = state_published(state);
	const struct json *before = json_get(record, "before");
	owned char *earlier = json_first(before) ? json_print(before, false) : NULL;

	if (text_is(json_text(json_get(record, "over")), published.digest)) {
		log_warn("the update is given up: what was published before it is wanted");
		if (!earlier)
			remove_record(state);
		else if (replace_record(state, earlier, &e) < 0)
			log_error("the update before it is lost: %s", e.text);
	}
	json_free(record);
}
