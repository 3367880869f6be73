/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_wrap: `wrap`: the game's init. It passes signals on, reaps what is left to it, ends with the
 * game's exit status, and signals the game when /reload asks for it.
 *
 * The game gets a process group of its own and, on a terminal, the foreground: a Ctrl-C reaches it
 * once, from the terminal, and not again from us.
 */
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

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* As env(1) and nohup(1) have it, since 0 to 125 are the game's own. */
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND 127

struct wrap {
	struct loop *loop;
	struct signals signals;
	struct child game;
	pid_t group; /* the game's */
	struct runner runner;
	struct watcher *watcher; /* NULL: nothing is watched */
	struct endpoint *endpoint;
};

int check_wrap(const struct config *c, struct err *e)
{
	if (!c->operands.count)
		return err_set(e, ERR_USAGE, "expected a program after --: what to start");
	if (!c->reload.signal)
		return err_set(e, ERR_USAGE,
			       "reload-signal is not set: --signal NAME, what reloads the program");
	return local_watch_check(c, e);
}

static void on_game_end(struct child *child, int status)
{
	struct wrap *w = child->owner;

	if (status > 128)
		log_info("the program was ended by %s", signal_name(status - 128));
	else
		log_info("the program ended with status %d", status);
	/* A script that started us may want to read on. SIGTTOU is blocked. */
	if (tcgetpgrp(STDIN_FILENO) == w->group)
		(void)tcsetpgrp(STDIN_FILENO, getpgrp());
	loop_stop(w->loop, status);
}

static void on_signal(struct signals *s, int number)
{
	struct wrap *w = s->owner;

	if (number == SIGCHLD) {
		child_reap();
		return;
	}
	/* To the game alone, as if it were PID 1 itself; what it has started is its own to tell. */
	if (w->game.pid && number != SIGTTIN && number != SIGTTOU)
		(void)kill(w->game.pid, number);
}

static int start_game(struct wrap *w, const struct config *c, struct err *e)
{
	const struct child_plan plan = {
		.argv = (const char *const *)c->operands.items,
		.in = CHILD_KEEP_STDIN,
		.out = -1,
		.err = -1,
		.pass = -1,
		.own_group = true,
		.foreground = true,
		/* As it would if we were PID 1: without us nobody could tell it anything. */
		.dies_with_us = true,
	};

	w->game = (struct child){ .on_exit = on_game_end, .owner = w };
	if (child_start(&w->game, &plan, e) < 0)
		return -1;
	w->group = w->game.pid;
	return 0;
}

static int set_up(struct wrap *w, struct config *c, struct err *e)
{
	w->signals = (struct signals){ .on_signal = on_signal, .owner = w };
	log_never_wait();
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	w->loop = loop_new(e);
	if (!w->loop || signals_start(&w->signals, w->loop, e) < 0)
		return -1;
	runner_init(&w->runner, trigger_child_new(c->reload.signal, &w->game.pid),
		    c->reload.timeout);
	w->watcher = local_watch_new(w->loop, c, &w->runner);
	const struct endpoint_plan plan = { .settings = &c->endpoint,
					    .runner = &w->runner,
					    .add_status = watcher_add_status,
					    .owner = w->watcher };
	w->endpoint = endpoint_new(w->loop, &plan, e);
	return w->endpoint ? 0 : -1;
}

int cmd_wrap(struct config *c)
{
	struct wrap w = { 0 };
	struct err e = { 0 };
	int status;

	if (set_up(&w, c, &e) < 0) {
		status = command_failed(&e);
	} else if (start_game(&w, c, &e) < 0) {
		(void)command_failed(&e);
		status = e.sys == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	} else {
		owned char *address = address_text(&c->endpoint.listen);

		log_info("started '%s' as process %d, answering /reload on %s by %s",
			 c->operands.items[0], (int)w.game.pid, address,
			 signal_name(c->reload.signal));
		status = loop_run(w.loop);
	}
	runner_done(&w.runner);
	watcher_free(w.watcher);
	endpoint_free(w.endpoint);
	loop_free(w.loop);
	return status;
}
