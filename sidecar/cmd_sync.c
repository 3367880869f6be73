/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_sync: `sync`: one sync, by hand or as the child of `run`. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"
#include "sidecar/sync_report.h"

#include <stdio.h>
#include <time.h>

#define LOCK_PAUSE_MS 50

int check_sync(const struct config *c, struct err *e)
{
	if (!c->sync.source)
		return err_set(e, ERR_USAGE, "source is not set: --source DIR, what to sync");
	if (!c->sync.target)
		return err_set(e, ERR_USAGE, "target is not set: --target DIR, where to sync to");
	return 0;
}

static void pause_ms(int64_t ms)
{
	const struct timespec span = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&span, NULL);
}

static int take_lock(struct sync *s, const struct config *c, struct err *e)
{
	int64_t began = clock_ms();
	char span[CLOCK_TEXT_SIZE];
	bool told = false;

	if (c->lock.inherited) {
		state_adopt_lock(&s->state, (int)c->lock.inherited);
		return 0;
	}
	for (;;) {
		int status = state_try_lock(&s->state, e);

		if (status <= 0)
			return status;
		if (clock_ms() - began >= c->lock.wait)
			return err_set(e, ERR_DEADLINE, "another sidecar has '%s', waited %s",
				       c->sync.target, clock_span(c->lock.wait, span));
		if (!told)
			log_info("another sidecar has '%s', waiting up to %s for it",
				 c->sync.target, clock_span(c->lock.wait, span));
		told = true;
		pause_ms(LOCK_PAUSE_MS);
	}
}

static void write_note(void *owner, const char *text)
{
	(void)owner;
	log_warn("%s", text);
}

int cmd_sync(struct config *c)
{
	const struct sync_notes notes = { .note = write_note };
	struct sync s = SYNC_INIT;
	struct sync_report report = { 0 };
	int64_t began = clock_ms();

	report.done = sync_open(&s, &c->sync, &report.e) == 0 && take_lock(&s, c, &report.e) == 0 &&
		      sync_once(&s, &notes, &report.result, &report.e) == 0;
	sync_close(&s);
	report.took_ms = clock_ms() - began;
	owned char *text = c->json ? sync_report_print(&report) : sync_report_say(&report);
	if (report.done || c->json)
		(void)printf("%s\n", text);
	if (report.done)
		return EXIT_DONE;
	return c->json ? (int)err_exit_status(&report.e) : command_failed(&report.e);
}
