/* SPDX-License-Identifier: Apache-2.0 */
/* hook_pre_stop: see hook_pre_stop.h. */
#include "sidecar/hook_pre_stop.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "sidecar/ask_probe.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"
#include "sidecar/resident.h"

#define PAUSE_MS 500

int hook_pre_stop_check(const struct config *c, struct err *e)
{
	if (!c->pre_stop.probe)
		return err_set(e, ERR_USAGE, "probe is not set: which one tells who is left?");
	if (!word_is_safe(c->pre_stop.until) || text_is(c->pre_stop.until, RULES_UNKNOWN))
		return err_set(e, ERR_USAGE, "until: '%s' is no word to wait for",
			       c->pre_stop.until);
	return ask_probe_check(c, c->pre_stop.probe, e);
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* A word that was refreshed is the same. */
static bool is_wanted(const struct config *c, const struct verdict *v)
{
	owned char *refreshed = mem_format("%s" RULES_REFRESHED, c->pre_stop.until);

	return v->pass && (text_is(v->word, c->pre_stop.until) || text_is(v->word, refreshed));
}

int hook_pre_stop(const struct config *c)
{
	int64_t began = clock_ms(), end = began + c->wait.deadline, left;
	char span[CLOCK_TEXT_SIZE];
	struct verdict v = { .word = RULES_UNKNOWN, .why = "nobody was asked" }, now;
	struct err e;

	while ((left = end - clock_ms()) > 0) {
		now = ask_probe(c, c->pre_stop.probe, smaller(left, c->ask.timeout), NULL);
		/* No answer in the rest of the time says less than the one before. */
		if (left >= c->ask.timeout || !now.why[0] || v.why[0])
			v = now;
		if (is_wanted(c, &v)) {
			owned char *text = mem_format(
				"hook pre-stop: %s said '%s' after %s: letting go",
				c->pre_stop.probe, v.word, clock_span(clock_ms() - began, span));

			resident_tell(c, RESIDENT_NOTE, text);
			return EXIT_DONE;
		}
		clock_pause(smaller(end - clock_ms(), PAUSE_MS));
	}
	owned char *text = mem_format(
		"hook pre-stop: deadline of %s passed, %s still said '%s'%s%s: letting go",
		clock_span(c->wait.deadline, span), c->pre_stop.probe, v.word, v.why[0] ? ", " : "",
		v.why);
	resident_tell(c, RESIDENT_WARNING, text);
	if (c->wait.on_deadline == ON_DEADLINE_LEAVE)
		return EXIT_DONE;
	(void)err_set(&e, ERR_DEADLINE, "%s", text);
	return command_failed(&e);
}
