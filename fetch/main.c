/* SPDX-License-Identifier: Apache-2.0 */
/* main: gs-fetch makes directories of what is elsewhere; gs-sidecar knows directories. */
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "fetch/commands.h"
#include "fetch/options.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct fetch_command *const commands[] = { &command_fetch, &command_unpack,
							&command_verify };

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct fetch_command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (text_is(name, commands[i]->name))
			return commands[i];
	return NULL;
}

static void help(FILE *to)
{
	(void)fputs(
		"gs-fetch " VERSION ": fills directories from elsewhere, for gs-sidecar\n"
		"\n"
		"gs-sidecar syncs directories, and starts gs-fetch for sources that are none. By "
		"hand:\n\n",
		to);
	for (size_t i = 0; i < COMMANDS; i++)
		(void)fprintf(to, "  gs-fetch %-7s %-12s %s\n", commands[i]->name,
			      commands[i]->words, commands[i]->summary);
	(void)fputs(
		"\n'gs-fetch COMMAND --help' says more. Errors are lines of the log, on stderr.\n",
		to);
}

static void help_options(const struct setting_group *g)
{
	for (size_t i = 0; i < g->count; i++) {
		const struct setting *s = &g->rows[i];

		(void)printf("  --%s%s%s\n      %s%s%s%s\n", s->name, s->value ? " " : "",
			     s->value ? s->value : "", s->help, s->standard ? " (" : "",
			     s->standard ? s->standard : "", s->standard ? ")" : "");
	}
}

static void help_command(const struct fetch_command *c)
{
	(void)printf("gs-fetch %s [OPTION...] %s: %s\n\n%s\nOptions:\n", c->name, c->words,
		     c->summary, c->text);
	help_options(&c->options);
	help_options(&options_of_all);
}

static int usage(const char *name, const struct err *e)
{
	log_setup(name, LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_error("%s", e->text);
	return EXIT_USAGE;
}

static int run(const struct fetch_command *c, char **arguments)
{
	struct options o;
	struct err e = { 0 };
	int status = EXIT_DONE;

	if (options_read(c, arguments, &o, &e) < 0) {
		status = usage(c->name, &e);
	} else if (o.help) {
		help_command(c);
	} else {
		log_setup(c->name, (enum log_format)o.log_format, LOG_LEVEL_INFO);
		status = c->run(o.words, o.values);
	}
	options_done(c, &o);
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == EXIT_DONE) {
		(void)err_sys(&e, "write to standard output");
		log_error("%s", e.text);
		status = EXIT_SYSTEM;
	}
	return status;
}

/* A closed one would become a file of ours, which log lines then end up in. */
static void keep_standard_descriptors(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			(void)open("/", O_PATH);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	const struct fetch_command *c = find(name);

	keep_standard_descriptors();
	/* Trees look the same whoever starts us. */
	(void)umask(022);
	/* For libarchive, which else takes names that are not ASCII for something to convert. */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	if (c)
		return run(c, argv + 2);
	if (text_is(name, "--version") || text_is(name, "version")) {
		(void)puts("gs-fetch " VERSION);
	} else if (text_is(name, "--help") || text_is(name, "-h") || text_is(name, "help")) {
		help(stdout);
	} else if (!*name) {
		help(stderr);
		return EXIT_USAGE;
	} else {
		(void)fprintf(stderr, "gs-fetch: '%s' is not a command, see 'gs-fetch --help'\n",
			      name);
		return EXIT_USAGE;
	}
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_SYSTEM;
}
