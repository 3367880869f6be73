/* SPDX-License-Identifier: Apache-2.0 */
/* help: see help.h. */
#include "sidecar/help.h"

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"

#include <string.h>

#define HELP_WIDTH 78
#define HELP_INDENT 6

void help_overview(FILE *to)
{
	(void)fprintf(
		to, "gs-sidecar: hot updates for game servers on OpenKruiseGame\n"
		    "\n"
		    "Syncs a sidecar image's files into a volume shared with the game, makes the\n"
		    "game reload them, and answers probes.\n"
		    "\n"
		    "Usage: gs-sidecar COMMAND [FLAGS]\n"
		    "\n");
	for (const struct command *c = commands; c->name; c++)
		(void)fprintf(to, "  %-10s %s\n", c->name, c->help);
	(void)fprintf(
		to,
		"\n"
		"Every setting can be a flag, an environment variable GS_SIDECAR_*, or a key in\n"
		"%s. 'gs-sidecar help COMMAND' lists them.\n"
		"\n"
		"Exit status: 0 done or yes, 1 no, 2 usage or configuration, 3 deadline passed,\n"
		"4 the system refused, 5 a remote refused.\n",
		CONFIG_STANDARD_FILE);
}

/* Wraps text at blanks; backquotes are for docs/config.md only. */
static void print_wrapped(const char *text, FILE *to)
{
	int column = 0;

	while (*text) {
		int length = (int)strcspn(text, " ");

		if (column == 0)
			(void)fprintf(to, "%*s", HELP_INDENT, "");
		else if (column + 1 + length > HELP_WIDTH - HELP_INDENT)
			(void)fprintf(to, "\n%*s", HELP_INDENT, "");
		else
			(void)fputc(' ', to);
		column = column == 0 || column + 1 + length > HELP_WIDTH - HELP_INDENT
				 ? length
				 : column + 1 + length;
		for (int i = 0; i < length; i++)
			if (text[i] != '`')
				(void)fputc(text[i], to);
		text += length;
		text += strspn(text, " ");
	}
	(void)fputc('\n', to);
}

static void print_flag(const struct command *c, const struct setting *s, FILE *to)
{
	owned char *help = s->standard ? mem_format("%s Default: %s.", s->help, s->standard)
				       : mem_copy(s->help);

	(void)fprintf(to, "  --%s%s%s\n", config_flag_in(c, s), s->value ? " " : "",
		      s->value ? s->value : "");
	print_wrapped(help, to);
}

void help_command(const struct command *c, FILE *to)
{
	struct config_row row;

	(void)fprintf(to, "gs-sidecar %s: %s\n\nUsage: gs-sidecar %s [FLAGS]%s%s\n\n", c->name,
		      c->help, c->name, c->operands ? " " : "", c->operands ? c->operands : "");
	if (c->teaching)
		(void)fprintf(to, "%s\n", c->teaching);
	(void)fprintf(to, "Flags:\n");
	for (size_t i = 0; config_row(i, &row); i++)
		if ((c->groups & (unsigned)row.group) && row.setting->help)
			print_flag(c, row.setting, to);
}

static void list_commands_of(enum config_group group, FILE *to)
{
	const char *separator = "";

	for (const struct command *c = commands; c->name; c++) {
		if (!(c->groups & (unsigned)group) || text_is(c->name, "check"))
			continue;
		(void)fprintf(to, "%s`%s`", separator, c->name);
		separator = ", ";
	}
}

static void document(const struct config_row *row, FILE *to)
{
	const struct setting *s = row->setting;
	owned char *variable = config_variable(s);

	(void)fprintf(to, "### %s\n\n%s\n\n", s->name, s->help);
	(void)fprintf(to, "| flag | environment | JSON key | default | commands |\n"
			  "|---|---|---|---|---|\n");
	(void)fprintf(to, "| `--%s%s%s` | `%s` | ", s->name, s->value ? " " : "",
		      s->value ? s->value : "", variable);
	/* Which file to read cannot be said in the file. */
	(void)fprintf(to, text_is(s->name, "config") ? "- | " : "`\"%s\"` | ", s->name);
	(void)fprintf(to, s->standard ? "`%s` | " : "not set | ", s->standard);
	if (row->group == GROUP_GENERAL)
		(void)fprintf(to, "all");
	else
		list_commands_of(row->group, to);
	(void)fprintf(to, " |\n\n");
}

void help_settings(FILE *to)
{
	struct config_row row;

	(void)fprintf(
		to,
		"# Settings\n\n"
		"Printed by `gs-sidecar help settings`.\n\n"
		"A flag wins over the environment, the environment over the configuration file, "
		"the "
		"file over the default. The file is JSON, one object with the keys below: texts, "
		"numbers, true or false, and lists of texts for settings that may be given several "
		"times (in the environment: one item a line). Durations are written `250ms`, "
		"`10s`, "
		"`5m`, `1h`.\n\n"
		"An unknown flag, variable or key is an error. In an in-place update only the "
		"image "
		"can change, not arguments or environment: what may have to change belongs into "
		"`" CONFIG_STANDARD_FILE "` in the image.\n\n"
		"`reload`, `reloader` and `wrap` also take their flags without `reload-`: "
		"`reload --url`, `wrap --signal`.\n\n");
	for (size_t i = 0; config_row(i, &row); i++)
		if (row.setting->help)
			document(&row, to);
}

int cmd_help(struct config *c)
{
	const char *topic = c->operands.count ? c->operands.items[0] : NULL;
	const struct command *command = topic ? command_find(topic) : NULL;
	struct err e;

	if (command)
		help_command(command, stdout);
	else if (!topic)
		help_overview(stdout);
	else if (text_is(topic, "settings"))
		help_settings(stdout);
	else {
		(void)err_set(&e, ERR_USAGE, "'%s' is not a command", topic);
		return command_failed(&e);
	}
	return EXIT_DONE;
}
