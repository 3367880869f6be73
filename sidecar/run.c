/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: the resident. Until the line "running" in cmd_run() a failure may end the program; after it
 * every failure becomes a log line and a timer, since we are PID 1 of a container that players'
 * servers depend on.
 */
#include "sidecar/run.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "sidecar/commands.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#define TELL_FAILURE_EVERY_MS 10000

int check_run(const struct config *c, struct err *e)
{
	if (check_sync(c, e) < 0 || trigger_check(&c->reload, e) < 0 || run_watch_check(c, e) < 0)
		return -1;
	if (!address_is_local(&c->serve.control))
		return err_set(e, ERR_USAGE,
			       "%s: expected unix:PATH or a loopback address: control can change "
			       "things",
			       config_origin(c, "control"));
	return 0;
}

bool run_is_ready(struct run *r, const char **ret_reason)
{
	r->facts.published = r->published_at != 0;
	r->facts.reload_wanted = r->reload.trigger != NULL;
	r->facts.acknowledged = r->reload.state == RELOAD_ACKNOWLEDGED;
	r->facts.refused = r->reload.state == RELOAD_REFUSED;
	return readiness_verdict(&r->facts, ret_reason);
}

/* Logs a change of it. */
static void tell_readiness(struct run *r)
{
	const char *reason;
	char span[CLOCK_TEXT_SIZE];
	bool ready = run_is_ready(r, &reason);

	if (ready && !r->was_ready)
		log_info("ready, %s after start", clock_span(clock_ms() - r->began, span));
	else if (!ready && r->was_ready)
		log_warn("no longer ready: %s", reason);
	r->was_ready = ready;
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
	int64_t now = clock_ms();
	char span[CLOCK_TEXT_SIZE];

	if (!r->reload.attempts ||
	    (r->told_failure && now - r->told_failure < TELL_FAILURE_EVERY_MS))
		return;
	r->told_failure = now;
	log_warn("reload not acknowledged yet (try %u), trying on for up to %s: %s",
		 r->reload.attempts,
		 clock_span(r->reload.began + r->reload.deadline_ms - now, span),
		 r->reload.last.text);
}

static void on_reload_change(struct reload *reload)
{
	struct run *r = reload->owner;
	char span[CLOCK_TEXT_SIZE];

	switch (reload->state) {
	case RELOAD_OWED:
		tell_failed_try(r);
		break;
	case RELOAD_ACKNOWLEDGED:
		remember_acknowledged(r);
		log_info("reload of %s acknowledged (%s), try %u, %s after the first",
			 reload->wanted.digest, reload->trigger->name, reload->attempts,
			 clock_span(reload->acknowledged_at - reload->first_sent_at, span));
		break;
	case RELOAD_REFUSED:
		log_error("reload of %s given up after %s and %u tries, staying unready; a new "
			  "version, a restart or 'gs-sidecar reload' tries again: %s%s%s",
			  reload->wanted.digest, clock_span(reload->deadline_ms, span),
			  reload->attempts, reload->last.text,
			  reload->output && *reload->output ? ", it said: " : "",
			  reload->output ? reload->output : "");
		break;
	case RELOAD_NONE:
	case RELOAD_SENT:
		break;
	}
	tell_readiness(r);
}

void run_on_published(struct run *r)
{
	const struct record *published = &r->report.result.published;
	struct record acknowledged = state_acknowledged(&r->sync.state);
	struct trigger_key key = { .serial = published->serial };

	if (!r->reload.trigger) {
		tell_readiness(r);
		return;
	}
	_Static_assert(sizeof(key.digest) >= sizeof(published->digest), "a digest fits");
	memcpy(key.digest, published->digest, sizeof(published->digest));
	if (acknowledged.serial == published->serial &&
	    text_is(acknowledged.digest, published->digest)) {
		log_info("the game has acknowledged this version before: no reload");
		r->reload.state = RELOAD_ACKNOWLEDGED;
		r->reload.wanted = key;
		tell_readiness(r);
		return;
	}
	r->told_failure = 0;
	reload_request(&r->reload, &key);
}

static void on_signal(struct signals *s, int number)
{
	struct run *r = s->owner;

	if (number == SIGCHLD) {
		child_reap();
	} else if (number == SIGTERM || number == SIGINT || number == SIGQUIT) {
		log_info("%s: ending", signal_name(number));
		loop_stop(r->loop, EXIT_DONE);
	}
}

static int init_reload(struct run *r, struct err *e)
{
	const struct reload_settings *s = &r->config->reload;
	struct trigger *trigger;

	if (trigger_new(r->loop, s, &trigger, e) < 0)
		return -1;
	if (!trigger)
		return 0;
	r->reload.timeout_ms = s->timeout;
	r->reload.deadline_ms = s->deadline;
	r->reload.backoff_ms = s->backoff;
	r->reload.on_change = on_reload_change;
	r->reload.owner = r;
	reload_init(&r->reload, r->loop, trigger);
	return 0;
}

static int set_up(struct run *r, struct err *e)
{
	r->signals = (struct signals){ .on_signal = on_signal, .owner = r };
	run_sync_init(r);
	log_never_wait();
	/* Orphans come to us also when the pause process is PID 1 (shared process namespace). */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	r->loop = loop_new(e);
	if (!r->loop || signals_start(&r->signals, r->loop, e) < 0 || init_reload(r, e) < 0 ||
	    run_pages_start(r, e) < 0 || run_sync_open(r, e) < 0)
		return -1;
	run_watch_start(r);
	return 0;
}

static void tear_down(struct run *r)
{
	if (!r->loop)
		return;
	run_watch_stop(r);
	run_sync_stop(r);
	run_ask_stop(r);
	reload_done(&r->reload);
	run_pages_stop(r);
	sync_close(&r->sync);
	loop_free(r->loop);
}

int cmd_run(struct config *c)
{
	struct run r = { .config = c, .sync = SYNC_INIT, .began = clock_ms() };
	struct err e = { 0 };
	int status;

	clock_stamp(r.started);
	if (set_up(&r, &e) < 0) {
		status = command_failed(&e);
	} else {
		owned char *sources = list_join(&c->sync.sources, ", ");

		log_info("running: version " VERSION ", from %s to %s, reload by %s", sources,
			 c->sync.target,
			 r.reload.trigger ? r.reload.trigger->name : "nothing (not configured)");
		if (!r.next_sync.armed)
			run_sync_begin(&r);
		status = loop_run(r.loop);
	}
	tear_down(&r);
	return status;
}
