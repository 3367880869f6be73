/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_reload: the reload of what is published, what is written down of it, and what follows when it
 * fails: the container stays unready and, should the policy say so, the target goes back to the
 * last version that the game has acknowledged.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "sidecar/run.h"

#include <stdio.h>
#include <string.h>

#define TELL_FAILURE_EVERY_MS 10000

/* In memory first: on a full disk there may be no other place. */
void run_reload_judge(struct run *r)
{
	const char *digest = r->failed_digest;

	if (!r->failed)
		r->failed = state_failed(&r->sync.state, r->failed_digest);
	r->failed_counts =
		r->failed && (text_is(digest, r->report.result.published.digest) || r->went_back ||
			      (r->report.result.held && state_is_rejected(&r->sync.state, digest)));
}

void run_reload_forgive(struct run *r)
{
	state_unfail(&r->sync.state);
	free(r->failed);
	r->failed = NULL;
	r->failed_counts = false;
}

static void fail_version(struct run *r, const char *digest, const char *why)
{
	struct err e;

	if (state_fail(&r->sync.state, digest, why, &e) < 0)
		log_warn("this could not be recorded, a restart will forget it: %s: %s", why,
			 e.text);
	free(r->failed);
	r->failed = mem_copy(why);
	(void)snprintf(r->failed_digest, sizeof(r->failed_digest), "%s", digest);
	run_reload_judge(r);
}

static void remember_acknowledged(struct run *r)
{
	struct err e;

	if (state_acknowledge(&r->sync.state, &r->report.result.published, &e) < 0)
		log_warn("the acknowledged reload could not be recorded, a restart will send it "
			 "again: %s",
			 e.text);
}

static void tell_failed_try(struct run *r)
{
	const struct tries *behind = reload_behind(&r->reload);
	int64_t now = clock_ms();
	char span[CLOCK_TEXT_SIZE];

	if (behind->state != TRIES_PAUSED || !behind->count ||
	    (r->told_failure && now - r->told_failure < TELL_FAILURE_EVERY_MS))
		return;
	r->told_failure = now;
	log_warn("reload by %s not acknowledged yet (try %u), trying on for up to %s: %s",
		 behind->trigger->name, behind->count, clock_span(behind->end - now, span),
		 behind->last.text);
}

static void tell_acknowledged(const struct reload *reload)
{
	const struct tries *last = reload_behind(reload);
	char span[CLOCK_TEXT_SIZE];

	log_info("reload of %s acknowledged (%s), try %u, %s after the first",
		 reload->wanted.digest, reload->name, last->count,
		 clock_span(reload->acknowledged_at - reload->first_sent_at, span));
}

/* ---- failure ---- */

/* To the last version that was acknowledged, if that is another one. */
static bool go_back(struct run *r, const char *why)
{
	struct record good = state_acknowledged(&r->sync.state);
	const char *bad = r->reload.wanted.digest;

	if (r->config->reload.on_failure != RELOAD_FAILED_ROLLBACK)
		return false;
	if (!good.digest[0] || text_is(good.digest, bad)) {
		log_error("there is no version to go back to that the game has acknowledged");
		return false;
	}
	if (r->asked || r->sync.state.lock < 0) {
		log_warn("not going back: something else is asked for");
		return false;
	}
	/* Before: a crash after the target has changed must not forget it. */
	owned char *text = mem_format("gone back from %s: %s", bad, why);
	fail_version(r, bad, text);
	log_warn("going back to %s, which the game has acknowledged", good.digest);
	run_ask_back(r, good.digest);
	return true;
}

static void on_failure(struct run *r)
{
	const struct reload *reload = &r->reload;
	const struct tries *behind = reload_behind(reload);
	const char *said = behind->output ? behind->output : "";
	char span[CLOCK_TEXT_SIZE];

	if (reload->state == RELOAD_UNPROVEN)
		log_error("reload of %s was answered, but %s", reload->wanted.digest,
			  reload->unproven.text);
	else
		log_error("reload of %s by %s given up after %s and %u tries: %s%s%s",
			  reload->wanted.digest, behind->trigger->name,
			  clock_span(reload->deadline_ms, span), behind->count, behind->last.text,
			  *said ? ", it said: " : "", said);
	if (!go_back(r, reload_last_error(reload)))
		log_error("staying unready; a new version, a restart or 'gs-sidecar reload' tries "
			  "again");
}

static void on_change(struct reload *reload)
{
	struct run *r = reload->owner;

	switch (reload->state) {
	case RELOAD_OWED:
	case RELOAD_SENT:
		tell_failed_try(r);
		break;
	case RELOAD_ACKNOWLEDGED:
		/* It did well this time. */
		if (r->failed && text_is(r->failed_digest, reload->wanted.digest))
			run_reload_forgive(r);
		remember_acknowledged(r);
		tell_acknowledged(reload);
		break;
	case RELOAD_UNPROVEN:
	case RELOAD_REFUSED:
		on_failure(r);
		break;
	case RELOAD_NONE:
		break;
	}
	run_tell_readiness(r);
}

/* ---- what it cost ---- */

static void on_cost(struct reload *reload)
{
	struct run *r = reload->owner;
	const struct cost *cost = &reload->cost;
	owned char *text = cost_text(cost);
	int64_t limit = r->config->reload.cut_limit;

	if (cost->unknown) {
		log_warn("what the reload cost the players cannot be told: %s", cost->e.text);
		return;
	}
	log_info("the reload %s", text);
	if (cost->cut <= (uint64_t)limit)
		return;
	owned char *why = mem_format("its reload cut %zu connections, more than %lld", cost->cut,
				     (long long)limit);
	log_error("version %s is harmful: %s", reload->counted, why);
	fail_version(r, reload->counted, why);
	run_tell_readiness(r);
}

/* ---- beginning ---- */

static struct trigger_key key_of(const struct record *published)
{
	struct trigger_key key = { .serial = published->serial };

	_Static_assert(sizeof(key.digest) >= sizeof(published->digest), "a digest fits");
	_Static_assert(sizeof(key.version) >= sizeof(published->label), "a label fits");
	memcpy(key.digest, published->digest, sizeof(published->digest));
	memcpy(key.version, published->label, sizeof(published->label));
	return key;
}

void run_reload_published(struct run *r)
{
	const struct record *published = &r->report.result.published;
	struct record acknowledged = state_acknowledged(&r->sync.state);
	struct trigger_key key = key_of(published);

	if (r->reload.name && acknowledged.serial == published->serial &&
	    text_is(acknowledged.digest, published->digest)) {
		log_info("the game has acknowledged this version before: no reload");
		reload_is_known(&r->reload, &key);
	} else if (r->reload.name) {
		r->told_failure = 0;
		r->reload.turn.no_spread = !acknowledged.digest[0] || r->went_back;
		reload_request(&r->reload, &key);
		if (r->reload.turn.waits_for[0])
			log_info("the reload waits %s", r->reload.turn.waits_for);
		return;
	}
	run_tell_readiness(r);
}

int run_reload_start(struct run *r, struct err *e)
{
	const struct reload_settings *s = &r->config->reload;
	struct trigger_list triggers;

	if (trigger_list_new(r->loop, s, &triggers, e) < 0)
		return -1;
	r->reload.deadline_ms = s->deadline;
	r->reload.on_change = on_change;
	r->reload.on_cost = on_cost;
	r->reload.owner = r;
	return reload_init(&r->reload, r->loop, s, &triggers, e);
}

void run_reload_stop(struct run *r)
{
	reload_done(&r->reload);
	free(r->failed);
	r->failed = NULL;
}
