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
#include "sidecar/commands.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

int check_run(const struct config *c, struct err *e)
{
	if (run_probes_check(c, e) < 0)
		return -1;
	if (check_sync(c, e) < 0 || reload_settings_check(&c->reload, e) < 0 ||
	    reload_settings_check_way(&c->reload, e) < 0 || run_watch_check(c, e) < 0)
		return -1;
	if (c->reload.on_failure == RELOAD_FAILED_ROLLBACK && !c->sync.keep)
		return err_set(e, ERR_USAGE,
			       "reload-failed rollback needs keep: with 0 there is no version to "
			       "go back to");
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
	r->facts.reload_wanted = r->reload.name != NULL;
	r->facts.acknowledged = r->reload.state == RELOAD_ACKNOWLEDGED;
	r->facts.refused = r->reload.state == RELOAD_REFUSED;
	r->facts.unproven = r->reload.state == RELOAD_UNPROVEN;
	r->facts.failed = r->failed_counts ? r->failed : NULL;
	return readiness_verdict(&r->facts, ret_reason);
}

void run_tell_readiness(struct run *r)
{
	const char *reason;
	char span[CLOCK_TEXT_SIZE];
	bool ready = run_is_ready(r, &reason);

	if (ready && !r->was_ready)
		log_info("ready, %s after start", clock_span(clock_ms() - r->began, span));
	else if (!ready && r->was_ready)
		log_warn("no longer ready: %s", reason);
	r->was_ready = ready;
	run_update_judge(r);
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

static int set_up(struct run *r, struct err *e)
{
	r->signals = (struct signals){ .on_signal = on_signal, .owner = r };
	run_sync_init(r);
	if (fetch_check(r->config, e))
		return -1;
	log_never_wait();
	/* Orphans come to us also when the pause process is PID 1 (shared process namespace). */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	r->loop = loop_new(e);
	if (!r->loop || signals_start(&r->signals, r->loop, e) < 0 || run_reload_start(r, e) < 0 ||
	    run_probes_start(r, e) < 0 || run_pages_start(r, e) < 0 || run_sync_open(r, e) < 0)
		return -1;
	run_probes_begin(r);
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
	run_reload_stop(r);
	run_pages_stop(r);
	run_probes_stop(r);
	sync_close(&r->sync);
	loop_free(r->loop);
}

/* What is written to a container's own filesystem nobody else sees. */
static void look_for_volume(const struct config *c)
{
	struct stat root, target;

	if (getpid() == 1 && stat("/", &root) == 0 && stat(c->sync.target, &target) == 0 &&
	    root.st_dev == target.st_dev)
		log_warn("target '%s' is not in a volume: other containers do not see it",
			 c->sync.target);
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
		struct list shown = { 0 };

		fetch_shown(&c->sync.sources, &shown);
		owned char *sources = list_join(&shown, ", ");
		list_clear(&shown);

		log_info("running: version " VERSION ", from %s to %s, reload by %s", sources,
			 c->sync.target,
			 r.reload.name ? r.reload.name : "nothing (not configured)");
		look_for_volume(c);
		if (!r.next_sync.armed)
			run_sync_begin(&r);
		status = loop_run(r.loop);
	}
	tear_down(&r);
	return status;
}
