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
/* With the one before it, and each byte as \u00XX. */
#define RECORD_MOST ((size_t)16 * UPDATE_MOST)

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

/* ---- update.json ---- */

static void remove_record(const struct state *state)
{
	if (unlinkat(state->dir, RECORD, 0) < 0 && errno != ENOENT)
		log_error("remove " RECORD " from the state directory: %s", strerror(errno));
}

/* NULL: there is none. */
static struct json *read_record(const struct state *state)
{
	owned_buf b = BUF_INIT(RECORD_MOST);
	struct err e = { .sys = ENOENT };
	struct json *record = NULL;

	if (state->dir >= 0 && io_read_regular(state->dir, RECORD, &b, &e) == 0) {
		e.sys = 0;
		record = json_read(b.data, &e);
	}
	if (!record && e.sys != ENOENT)
		log_error("the accepted update cannot be read, going on without it: %s", e.text);
	return record;
}

static int replace_record(const struct state *state, const struct json *record, struct err *e)
{
	owned char *text = json_print(record, false);

	return io_replace_file(state->dir, RECORD, text, strlen(text), e);
}

/* NULL, or one without members: none is there afterwards. */
static void put_back(const struct state *state, const struct json *record)
{
	struct err e;

	if (!json_first(record))
		remove_record(state);
	else if (replace_record(state, record, &e) < 0)
		log_error("the update before this one is lost: %s", e.text);
}

/* All of it but these members. */
static struct json *copy_without(const struct json *record, const char *members)
{
	struct json *ret = json_object();

	for (const struct json *j = json_first(record); j; j = json_next(j))
		if (!text_has_word(members, json_key(j)))
			json_put(ret, json_key(j), json_copy(j));
	return ret;
}

static bool is_over(const struct json *record, const struct state *state)
{
	struct record published = state_published(state);

	return text_is(json_text(json_get(record, "over")), published.digest);
}

static bool has_flag(const struct json *record, const char *key)
{
	bool set = false;

	(void)json_bool(json_get(record, key), &set);
	return set;
}

/* ---- which update counts ---- */

static void drop(struct update *u)
{
	json_free(u->pushed);
	u->pushed = NULL;
	u->given_up = true;
}

void update_give_up(struct update *u, const char *why)
{
	const char *version = json_text(json_get(u->pushed, "version"));

	if (!u->look) {
		log_warn("update %s is given up: %s", version ? version : "", why);
		remove_record(u->state);
	}
	drop(u);
}

/* It was killed before what it brings was published: who pushed it was told that it is rejected. */
static void undo_cut_off(struct update *u)
{
	struct json *before = json_copy(json_get(u->record, "before"));

	if (!u->look) {
		log_warn("an update was cut off before it was published: it is given up");
		put_back(u->state, before);
	}
	json_free(u->record);
	u->record = json_first(before) ? before : NULL;
	if (!u->record)
		json_free(before);
	u->given_up = true;
}

/* The record that is there already, if it still counts. */
static int take_accepted(struct update *u, const struct config *c, const struct sync_notes *notes,
			 struct err *e)
{
	if (has_flag(u->record, "tried") && json_get(u->record, "before") &&
	    is_over(u->record, u->state))
		undo_cut_off(u);
	if (!u->record)
		return 0;
	const struct json *pushed = json_get(u->record, "update");
	if (!json_is_object(pushed)) {
		update_give_up(u, RECORD " is damaged");
		return 0;
	}
	u->pushed = json_copy(pushed);
	if (find_brought(u, c, notes, e) < 0)
		return -1;
	if (!text_is(json_text(json_get(u->record, "brought")), u->brought))
		update_give_up(u, "the image or the configuration brings something else now");
	return 0;
}

static int take_trial(struct update *u, const struct config *c, const struct sync_notes *notes,
		      struct err *e)
{
	if (read_trial(u, e) < 0 || find_brought(u, c, notes, e) < 0)
		return -1;
	if (text_is(json_text(json_get(u->record, "brought")), u->brought))
		return 0;
	json_free(u->record);
	u->record = NULL;
	return 0;
}

int update_open(struct update *u, const struct config *c, const struct state *state,
		const struct sync_notes *notes, struct err *e)
{
	u->state = state;
	u->record = read_record(state);
	if (c->lock.update)
		return take_trial(u, c, notes, e);
	return u->record ? take_accepted(u, c, notes, e) : 0;
}

void update_done(struct update *u)
{
	json_free(u->pushed);
	json_free(u->record);
}

const struct json *update_before(const struct update *u)
{
	return u->trial ? json_get(u->record, "update") : json_at(u->record, "/before/update");
}

/* ---- what becomes of it ---- */

static int write_trial(const struct update *u, struct err *e)
{
	struct json *record = json_object();
	struct record published = state_published(u->state);
	const char *base = json_text(json_get(u->record, "base"));
	char now[CLOCK_TEXT_SIZE];

	json_put_bool(record, "tried", true);
	json_put_text(record, "brought", u->brought);
	json_put_text(record, "at", clock_stamp(now));
	json_put(record, "update", json_copy(u->pushed));
	json_put_text(record, "over", published.digest);
	json_put_text(record, "base", base ? base : published.digest);
	json_put(record, "before", copy_without(u->record, "before"));
	int status = replace_record(u->state, record, e);
	json_free(record);
	return status;
}

int update_accept(const struct update *u, struct config *c, struct err *e)
{
	const char *version = json_text(json_get(u->pushed, "version"));

	if (!u->pushed)
		return 0;
	if (sync_check_label(version, e) < 0)
		return err_in(e, "update: \"version\"");
	free(c->sync.label);
	c->sync.label = mem_copy(version);
	return u->trial ? write_trial(u, e) : 0;
}

void update_confirm(const struct update *u)
{
	struct json *record = read_record(u->state);
	struct json *confirmed = copy_without(record, "tried");
	struct err e;

	if (has_flag(record, "tried") && replace_record(u->state, confirmed, &e) < 0)
		log_warn("should this be killed now, the update is given up: %s", e.text);
	json_free(confirmed);
	json_free(record);
}

void update_reject(struct update *u)
{
	if (u->trial && u->pushed)
		put_back(u->state, u->record);
}

bool update_is_there(const struct state *state)
{
	return io_is_there(state->dir, RECORD);
}

void update_went_back(const struct state *state)
{
	struct json *record = read_record(state);
	const char *base = json_text(json_get(record, "base"));
	struct record published = state_published(state);
	struct err e;

	if (record)
		log_warn("the update is given up: an older version is wanted");
	if (record && !is_over(record, state)) {
		/* What the sources have without any update is not wanted either. */
		if (base && *base && !text_is(base, published.digest) &&
		    state_reject(state, base, &e) < 0)
			log_error("version %s could not be held back: %s", base, e.text);
		remove_record(state);
	} else if (record) {
		put_back(state, json_get(record, "before"));
	}
	json_free(record);
}
