/* SPDX-License-Identifier: Apache-2.0 */
/* main: from the first word of the command line to a command, and its exit status. */
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"
#include "sidecar/help.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

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

/*
 * A descriptor 0, 1 or 2 that is closed would become a socket or a file of ours, which log lines or
 * a child's output then end up in.
 */
static void keep_standard_descriptors(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			(void)open("/", O_PATH); /* a scratch container without /dev/null */
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
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == EXIT_DONE) {
		(void)err_sys(&e, "write to standard output");
		status = command_failed(&e);
	}
	config_done(&config);
	return status;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	keep_standard_descriptors();
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
