/* SPDX-License-Identifier: Apache-2.0 */
/* main: the table of commands and their dispatch; nothing else. */
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"
#include "sidecar/help.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define RELOAD_WAYS                                                                          \
	(GROUP_RELOAD_HTTP | GROUP_RELOAD_SIGNAL | GROUP_RELOAD_PROCESS | GROUP_RELOAD_TRY | \
	 GROUP_RELOAD_RETRY)

const struct command commands[] = {
	{ .name = "run",
	  .help = "sync, reload the game, then stay: answer probes, status and metrics",
	  .teaching =
		  "The sidecar container's main process.\n"
		  "\n"
		  "  gs-sidecar run --source /app/js --target /app/scripts \\\n"
		  "      --reload-url http://127.0.0.1:3000/reload --probe-listen 0.0.0.0:8077\n",
	  .groups = GROUP_SYNC | RELOAD_WAYS | GROUP_RELOAD_DEADLINE | GROUP_SERVE | GROUP_GENERAL,
	  .check = check_run,
	  .run = cmd_run },
	{ .name = "sync",
	  .help = "sync and publish once, then exit",
	  .teaching = "For an init container, a job, or by hand.\n"
		      "\n"
		      "  gs-sidecar sync --source /app/js --target /app/scripts\n",
	  .groups = GROUP_SYNC | GROUP_LOCK | GROUP_JSON | GROUP_INTERNAL | GROUP_GENERAL,
	  .check = check_sync,
	  .run = cmd_sync },
	{ .name = "reload",
	  .help = "trigger one reload and report the outcome",
	  .teaching =
		  "Tries until it succeeds or the deadline has passed. Without a way to reload it\n"
		  "tells this container's `run` to try again what the game refused.\n"
		  "\n"
		  "  gs-sidecar reload --url http://127.0.0.1:3000/reload --deadline 60s\n",
	  .groups = RELOAD_WAYS | GROUP_DEADLINE | GROUP_SERVE | GROUP_GENERAL,
	  .prefix = "reload-",
	  .check = check_reload,
	  .run = cmd_reload },
	{ .name = "hook",
	  .operands = "post-start",
	  .help = "wait, in a container hook, for this container's sync and reload",
	  .teaching = "For lifecycle.postStart of the sidecar. Needs no address: it finds the "
		      "`run` of\n"
		      "its own container. At a pod's first start it does not wait for a game that\n"
		      "cannot be reached, since kubelet may start that only after this hook.\n"
		      "\n"
		      "  gs-sidecar hook post-start --deadline 60s\n",
	  .groups = GROUP_DEADLINE | GROUP_ON_DEADLINE | GROUP_SERVE | GROUP_GENERAL,
	  .check = check_hook,
	  .run = cmd_hook },
	{ .name = "reloader",
	  .operands = "[-- COMMAND [ARG...]]",
	  .help = "answer /reload in the game's container by a command or a signal",
	  .teaching = "  gs-sidecar reloader --listen 127.0.0.1:3000 -- nginx -s reload\n"
		      "  gs-sidecar reloader --signal HUP --process nginx\n",
	  .groups = GROUP_LISTEN | GROUP_RELOAD_SIGNAL | GROUP_RELOAD_PROCESS | GROUP_RELOAD_TRY |
		    GROUP_GENERAL,
	  .prefix = "reload-",
	  .runs_program = true,
	  .check = check_reloader,
	  .run = cmd_reloader },
	{ .name = "wrap",
	  .operands = "-- PROGRAM [ARG...]",
	  .help = "start the game as a good init would, and answer /reload by signalling it",
	  .teaching =
		  "Signals are passed on, orphans reaped, and its exit status is kept. No shared\n"
		  "process namespace is needed.\n"
		  "\n"
		  "  gs-sidecar wrap --listen 127.0.0.1:3000 --signal HUP -- nginx -g 'daemon "
		  "off;'\n",
	  .groups = GROUP_LISTEN | GROUP_RELOAD_SIGNAL | GROUP_GENERAL,
	  .prefix = "reload-",
	  .runs_program = true,
	  .check = check_wrap,
	  .run = cmd_wrap },
	{ .name = "status",
	  .help = "show what is published, what was reloaded, and what is missing",
	  .teaching = "Exit status 0: ready, 1: not ready. Finds the `run` of its own container.\n"
		      "\n"
		      "  kubectl exec gss-2048-0 -c sidecar -- gs-sidecar status\n",
	  .groups = GROUP_SERVE | GROUP_JSON | GROUP_GENERAL,
	  .run = cmd_status },
	{ .name = "check",
	  .operands = "[COMMAND]",
	  .help = "validate the configuration of a command (run) and print it in full",
	  .teaching = "  gs-sidecar check --config gs-sidecar.json\n",
	  .groups = ~0U & ~(unsigned)GROUP_INTERNAL,
	  .run = cmd_check },
	{ .name = "install",
	  .operands = "DIR",
	  .help = "copy this program into a directory",
	  .teaching =
		  "For an init container that hands the program to a main container built from\n"
		  "another image, through a shared volume.\n"
		  "\n"
		  "  gs-sidecar install /shared/bin\n",
	  .groups = GROUP_GENERAL,
	  .run = cmd_install },
	{ .name = "version",
	  .help = "print the version",
	  .groups = GROUP_GENERAL,
	  .run = cmd_version },
	{ .name = "help",
	  .operands = "[COMMAND | settings]",
	  .help = "explain a command, or print all settings as docs/config.md",
	  .groups = GROUP_GENERAL,
	  .run = cmd_help },
	{ 0 },
};

const struct command *command_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (text_is(c->name, name))
			return c;
	return NULL;
}

int command_failed(const struct err *e)
{
	owned char *printable = text_printable(e->text);

	(void)fprintf(stderr, "gs-sidecar: %s\n", printable);
	return (int)err_exit_status(e);
}

static void end_by_signal(int number)
{
	_exit(128 + number);
}

/*
 * PID 1 gets no default action for a signal (pid_namespaces(7)): without a handler an init
 * container would ignore SIGTERM for the whole grace period. Commands that stay replace this by
 * base/signals.
 */
static void listen_to_signals(void)
{
	const struct sigaction action = { .sa_handler = end_by_signal };

	if (getpid() != 1)
		return;
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGQUIT, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
}

static int run_command(const struct command *command, char **arguments)
{
	struct config config;
	struct err e = { 0 };

	config_init(&config);
	int status = config_load(&config, command, arguments, environ, &e);
	if (status == 0 && command->check)
		status = command->check(&config, &e);
	if (status < 0) {
		status = command_failed(&e);
	} else if (status > 0) {
		help_command(command, stdout);
		status = EXIT_DONE;
	} else {
		log_setup(command->name, (enum log_format)config.general.log_format,
			  (enum log_level)config.general.log_level);
		status = command->run(&config);
	}
	config_done(&config);
	return status;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	listen_to_signals();
	if (text_is(name, "--help") || text_is(name, "-h"))
		name = "help";
	if (text_is(name, "--version"))
		name = "version";
	const struct command *command = command_find(name);
	if (command)
		return run_command(command, argv + 2);
	if (!*name)
		help_overview(stderr);
	else
		(void)fprintf(stderr, "gs-sidecar: '%s' is not a command, see 'gs-sidecar help'\n",
			      name);
	return EXIT_USAGE;
}
