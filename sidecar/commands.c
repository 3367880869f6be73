/* SPDX-License-Identifier: Apache-2.0 */
/* commands: the table of them. */
#include "sidecar/commands.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "sidecar/config.h"

#include <stdio.h>

#define RELOAD_WAYS                                                                          \
	(GROUP_RELOAD_HTTP | GROUP_RELOAD_SIGNAL | GROUP_RELOAD_PROCESS | GROUP_RELOAD_TRY | \
	 GROUP_RELOAD_RETRY | GROUP_RELOAD_TRIGGER | GROUP_RELOAD_PROOF)

const struct command commands[] = {
	{ .name = "run",
	  .help = "sync, reload the game, then stay and answer probes",
	  .teaching =
		  "The sidecar container's main process.\n"
		  "\n"
		  "  gs-sidecar run --source /app/js --target /app/scripts \\\n"
		  "      --reload-url http://127.0.0.1:3000/reload --probe-listen 0.0.0.0:8077\n",
	  .groups = GROUP_TARGET | GROUP_SYNC | GROUP_LABEL | GROUP_WATCH_SOURCE | GROUP_WATCH |
		    RELOAD_WAYS | GROUP_RELOAD_DEADLINE | GROUP_RELOAD_GAME | GROUP_PROBE |
		    GROUP_PROBE_SERVE | GROUP_SERVE | GROUP_GENERAL,
	  .check = check_run,
	  .run = cmd_run },
	{ .name = "sync",
	  .help = "sync and publish once, then exit",
	  .teaching =
		  "For an init container, a job, or by hand. Later sources cover earlier ones.\n"
		  "\n"
		  "  gs-sidecar sync --source /app/js --target /app/scripts\n"
		  "  gs-sidecar sync --source /base --source /patch --explain js/game.js\n"
		  "  gs-sidecar sync --source /app/js --target /app/scripts --dry-run --diff\n",
	  .groups = GROUP_TARGET | GROUP_SYNC | GROUP_LABEL | GROUP_FORCE | GROUP_EXPLAIN |
		    GROUP_LOCK | GROUP_JSON | GROUP_INTERNAL | GROUP_GENERAL,
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
	  .operands = "post-start | pre-stop",
	  .help = "wait in a container hook: for the reload, or until players left",
	  .teaching =
		  "post-start, for lifecycle.postStart of the sidecar: waits for this container's\n"
		  "sync and reload. Needs no address: it finds the `run` of its own container. At\n"
		  "a pod's first start it does not wait for a game that cannot be reached, since\n"
		  "kubelet may start that only after this hook.\n"
		  "pre-stop, for lifecycle.preStop: waits until a probe says `done`, for deletes\n"
		  "that OKG is not asked about. The deadline has to end before the pod's\n"
		  "terminationGracePeriodSeconds.\n"
		  "\n"
		  "  gs-sidecar hook post-start --deadline 60s\n"
		  "  gs-sidecar hook pre-stop --probe empty --deadline 25s\n"
		  "  gs-sidecar hook pre-stop --probe drained --probe-tcp-port 5000 --deadline "
		  "25s\n",
	  .groups = GROUP_DEADLINE | GROUP_ON_DEADLINE | GROUP_PRE_STOP | GROUP_PROBE_ASK |
		    GROUP_DRAINED | GROUP_PROBE | GROUP_SERVE | GROUP_GENERAL,
	  .check = check_hook,
	  .run = cmd_hook },
	{ .name = "probe",
	  .operands = "NAME",
	  .help = "answer an OKG serviceQuality: one word and an exit status",
	  .teaching =
		  "Exit status 0: the word on stdout; 1: the word on stderr, nothing else: as\n"
		  "Kruise reads it. Asks this container's `run`, whose configuration has the\n"
		  "probes. What cannot be told is `unknown`, and fails. `drained` with a state\n"
		  "file needs no configuration and no `run`:\n"
		  "\n"
		  "  gs-sidecar probe drained --state-file /etc/gsinfo/state --tcp-port 5000\n"
		  "  gs-sidecar probe drain --explain\n",
	  .groups = GROUP_PROBE_ASK | GROUP_PROBE_EXPLAIN | GROUP_DRAINED | GROUP_PROBE |
		    GROUP_SERVE | GROUP_JSON | GROUP_GENERAL,
	  .prefix = "probe-",
	  .check = check_probe,
	  .run = cmd_probe },
	{ .name = "reloader",
	  .operands = "[-- COMMAND [ARG...]]",
	  .help = "reload beside the game: on /reload, or when files change",
	  .teaching = "  gs-sidecar reloader --listen 127.0.0.1:3000 -- nginx -s reload\n"
		      "  gs-sidecar reloader --signal HUP --process nginx\n"
		      "  gs-sidecar reloader --watch /var/www/html/js -- nginx -s reload\n",
	  .groups = GROUP_LISTEN | GROUP_RELOAD_SIGNAL | GROUP_RELOAD_PROCESS | GROUP_RELOAD_TRY |
		    GROUP_WATCH_CONTENT | GROUP_WATCH | GROUP_GENERAL,
	  .prefix = "reload-",
	  .runs_program = true,
	  .check = check_reloader,
	  .run = cmd_reloader },
	{ .name = "wrap",
	  .operands = "-- PROGRAM [ARG...]",
	  .help = "be the game's init, and answer /reload by signalling it",
	  .teaching =
		  "Signals are passed on, orphans reaped, and its exit status is kept. No shared\n"
		  "process namespace is needed. A program that ignores SIGTERM is not killed:\n"
		  "kubelet does that to both when the grace period is over.\n"
		  "\n"
		  "  gs-sidecar wrap --listen 127.0.0.1:3000 --signal HUP -- nginx -g 'daemon "
		  "off;'\n",
	  .groups = GROUP_LISTEN | GROUP_RELOAD_SIGNAL | GROUP_WATCH_CONTENT | GROUP_WATCH |
		    GROUP_GENERAL,
	  .prefix = "reload-",
	  .runs_program = true,
	  .check = check_wrap,
	  .run = cmd_wrap },
	{ .name = "status",
	  .help = "show what is published and reloaded, and what is missing",
	  .teaching = "Exit status 0: ready, 1: not ready. Finds the `run` of its own container.\n"
		      "\n"
		      "  kubectl exec gss-2048-0 -c sidecar -- /gs-sidecar status\n",
	  .groups = GROUP_SERVE | GROUP_JSON | GROUP_GENERAL,
	  .run = cmd_status },
	{ .name = "update",
	  .help = "bring other content for a fetched source, and reload it",
	  .teaching =
		  "On stdin is what to bring, for sources that update-sources names:\n"
		  "\n"
		  "  echo '{\"version\": \"v2\", \"sources\": [{\"name\": \"patch\", \"http\": "
		  "URL}]}' |\n"
		  "      gs-sidecar update\n"
		  "\n"
		  "It is done by this container's `run`, as POST /v1/update. Exit status 0: it is\n"
		  "published and reloaded; 5: not, and why.\n",
	  .groups = GROUP_DEADLINE | GROUP_SERVE | GROUP_JSON | GROUP_GENERAL,
	  .run = cmd_update },
	{ .name = "rollback",
	  .operands = "[DIGEST]",
	  .help = "publish an older version again, and reload it",
	  .teaching =
		  "DIGEST, or how it begins, names the version; `status` lists them. Without one\n"
		  "it is the newest other one. The version left behind is not published again\n"
		  "until the sources have another. It is done by the `run` that has the target,\n"
		  "which then reloads the game, or, where there is none, in --target alone.\n"
		  "\n"
		  "  kubectl exec gss-2048-0 -c sidecar -- /gs-sidecar rollback\n",
	  .groups =
		  GROUP_TARGET | GROUP_SYNC | GROUP_LOCK | GROUP_SERVE | GROUP_JSON | GROUP_GENERAL,
	  .check = check_rollback,
	  .run = cmd_rollback },
	{ .name = "verify",
	  .operands = "[DIR]",
	  .help = "compare a sealed directory, or the target, byte by byte",
	  .teaching =
		  "With DIR: a sealed directory with its seal. Without: the target with what was\n"
		  "published there. Exit status 0: no difference, 1: differences, each on a line,\n"
		  "or nothing is published.\n"
		  "\n"
		  "  gs-sidecar verify --target /app/scripts\n",
	  .groups = GROUP_TARGET | GROUP_JSON | GROUP_GENERAL,
	  .check = check_verify,
	  .run = cmd_verify },
	{ .name = "seal",
	  .operands = "DIR",
	  .help = "write down what a source holds, when its image is built",
	  .teaching = "A sealed source is not hashed again at every start. Times later than the\n"
		      "environment's SOURCE_DATE_EPOCH are written as that time.\n"
		      "\n"
		      "  gs-sidecar seal /app/js --label v1.4.2\n",
	  .groups = GROUP_LABEL | GROUP_JSON | GROUP_GENERAL,
	  .check = check_seal,
	  .run = cmd_seal },
	{ .name = "check",
	  .operands = "[COMMAND]",
	  .help = "validate a command's configuration and print it in full",
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
