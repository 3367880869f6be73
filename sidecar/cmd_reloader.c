/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_reloader: `reloader`: the /reload endpoint in the main container, beside the game. */
#include "base/child.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/signals.h"
#include "reloader/endpoint.h"
#include "reloader/runner.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"
#include "sidecar/local_watch.h"

#include <signal.h>
#include <sys/prctl.h>

/* What reloads the game here: only what can be done in its own container. */
static struct reload_settings local_settings(const struct config *c)
{
	struct reload_settings s = c->reload;

	s.url = NULL;
	if (c->operands.count)
		s.command = c->operands;
	return s;
}

int check_reloader(const struct config *c, struct err *e)
{
	struct reload_settings s = local_settings(c);

	if (!s.signal && !s.command.count)
		return err_set(
			e, ERR_USAGE,
			"expected a command after --, or --signal and --process: what reloads "
			"the game");
	return trigger_check(&s, e) < 0 ? -1 : local_watch_check(c, e);
}

static void on_signal(struct signals *s, int number)
{
	if (number == SIGCHLD) {
		child_reap();
	} else if (number == SIGTERM || number == SIGINT || number == SIGQUIT) {
		log_info("%s: ending", signal_name(number));
		loop_stop(s->owner, EXIT_DONE);
	}
}

int cmd_reloader(struct config *c)
{
	struct reload_settings settings = local_settings(c);
	struct trigger *trigger = NULL;
	struct runner runner = { 0 };
	struct watcher *watcher = NULL;
	struct endpoint *endpoint = NULL;
	struct err e = { 0 };
	struct loop *loop = loop_new(&e);
	struct signals signals = { .on_signal = on_signal, .owner = loop };
	int status;

	log_never_wait();
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (loop && signals_start(&signals, loop, &e) == 0 &&
	    trigger_new(loop, &settings, &trigger, &e) == 0) {
		runner_init(&runner, trigger, settings.timeout);
		watcher = local_watch_new(loop, c, &runner);
		const struct endpoint_plan plan = { .settings = &c->endpoint,
						    .runner = &runner,
						    .add_status = watcher_add_status,
						    .owner = watcher };
		endpoint = endpoint_new(loop, &plan, &e);
	}
	if (!endpoint) {
		status = command_failed(&e);
	} else {
		owned char *address = address_text(&c->endpoint.listen);

		log_info("answering /reload on %s by %s", address, trigger->name);
		status = loop_run(loop);
	}
	runner_done(&runner);
	watcher_free(watcher);
	endpoint_free(endpoint);
	loop_free(loop);
	return status;
}
