/* SPDX-License-Identifier: Apache-2.0 */
/* one_sync: see one_sync.h. */
#include "sidecar/one_sync.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"
#include "sidecar/progress.h"
#include "sidecar/resident_sync.h"
#include "sidecar/sync_report.h"
#include "sidecar/update.h"

#include <stdio.h>

#define LOCK_PAUSE_MS 50

static int take_lock(struct sync *s, const struct config *c, struct err *e)
{
	int64_t began = clock_ms();
	char span[CLOCK_TEXT_SIZE];
	bool told = false;

	if (c->lock.inherited) {
		state_adopt_lock(&s->state, (int)c->lock.inherited);
		return 0;
	}
	while (s->state.lock < 0) {
		int status = sync_try_lock(s, &c->sync, e);

		if (status <= 0)
			return status;
		if (clock_ms() - began >= c->lock.wait)
			return err_set(e, ERR_DEADLINE, "another sidecar has '%s', waited %s",
				       c->sync.target, clock_span(c->lock.wait, span));
		if (!told)
			log_info("another sidecar has '%s', waiting up to %s for it",
				 c->sync.target, clock_span(c->lock.wait, span));
		told = true;
		clock_pause(LOCK_PAUSE_MS);
	}
	return 0;
}

static void write_note(void *owner, const char *text)
{
	struct progress *p = owner;

	progress_end(p);
	log_warn("%s", text);
}

/* The parts of a sync come one after the other. */
static void show_progress(void *owner, const char *what, const struct sync_progress *now)
{
	struct progress *p = owner;

	if (p->what != what) {
		progress_end(p);
		progress_init(p, what);
	}
	progress_show(p, now);
}

struct sync_notes one_sync_notes(struct progress *p)
{
	return (struct sync_notes){ .note = write_note, .progress = show_progress, .owner = p };
}

static int sync_locked(struct sync *s, struct config *c, const char *back,
		       const struct sync_notes *notes, struct sync_report *ret, struct err *e)
{
	if (back) {
		int status =
			sync_rollback(s, &c->sync, text_is(back, ONE_SYNC_NEWEST) ? NULL : back,
				      notes, &ret->result, e);

		if (status == 0)
			update_went_back(&s->state);
		return status;
	}
	struct update u = { 0 };
	int status = update_open(&u, c, &s->state, notes, e);

	if (status == 0)
		status = fetch_sources(c, &u, &ret->fetched, e);
	if (status == 0)
		status = update_accept(&u, c, e);
	if (status == 0)
		status = sync_once(s, &c->sync, notes, &ret->result, e);
	if (status == 0 && u.trial && ret->result.held)
		status = err_set(e, ERR_USAGE, "update: that version was gone back from");
	if (status < 0)
		update_reject(&u);
	else if (u.pushed)
		update_confirm(&u);
	update_done(&u);
	return status;
}

/* The resident keeps the lock for as long as it lives: so it is asked to do it. */
static bool has_resident(struct sync *s, const struct config *c, const char *back, int *ret_status)
{
	struct err e = { 0 };

	if (c->lock.inherited || sync_try_lock(s, &c->sync, &e) != 1)
		return false;
	*ret_status = resident_sync(c, back, &e);
	return *ret_status >= 0;
}

int one_sync(struct config *c, const char *back)
{
	struct progress progress = { 0 };
	const struct sync_notes notes = one_sync_notes(&progress);
	struct sync s = SYNC_INIT;
	struct sync_report report = { 0 };
	int64_t began = clock_ms();
	int status = 0;

	report.done = sync_open(&s, &c->sync, &report.e) == 0;
	if (report.done && (c->sync.force || back) && has_resident(&s, c, back, &status)) {
		sync_close(&s);
		return status;
	}
	report.done = report.done && take_lock(&s, c, &report.e) == 0 &&
		      sync_locked(&s, c, back, &notes, &report, &report.e) == 0;
	sync_close(&s);
	progress_end(&progress);
	report.took_ms = clock_ms() - began;
	owned char *text = c->json ? sync_report_print(&report) : sync_report_say(&report);
	json_free(report.fetched);
	if (report.done || c->json)
		(void)printf("%s\n", text);
	if (report.done)
		return EXIT_DONE;
	return c->json ? (int)err_exit_status(&report.e) : command_failed(&report.e);
}
