/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_check: `check`: is this configuration right for a command, and what is it in full. */
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "probe/advice.h"
#include "probe/probe_plan.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"

#include <stdio.h>

static bool is_shown(const struct command *command, const struct config_row *row)
{
	return row->setting->help && (command->groups & (unsigned)row->group);
}

/* URLs of sources may have secrets. */
static char *value_of(const struct config *c, const struct config_row *row)
{
	if (text_is(row->setting->name, "source")) {
		struct list shown = { 0 };

		fetch_shown(&c->sync.sources, &shown);
		char *joined = list_join(&shown, ", ");
		list_clear(&shown);
		return joined;
	}
	return setting_show(row->setting, (const char *)c + row->values);
}

static void print_text(const struct config *c, const struct command *command)
{
	struct config_row row;

	for (size_t i = 0; config_row(i, &row); i++) {
		if (!is_shown(command, &row))
			continue;
		owned char *value = value_of(c, &row);
		owned char *printable = text_printable(value ? value : "-");
		(void)printf("%-24s %-32s %s\n", row.setting->name, printable, c->origins.items[i]);
	}
}

static void print_json(const struct config *c, const struct command *command)
{
	struct json *all = json_object();
	struct config_row row;

	for (size_t i = 0; config_row(i, &row); i++) {
		if (!is_shown(command, &row))
			continue;
		owned char *value = value_of(c, &row);
		struct json *one = json_object();
		json_put_text(one, "value", value);
		json_put_text(one, "from", c->origins.items[i]);
		json_put(all, row.setting->name, one);
	}
	owned char *text = json_print(all, true);
	json_free(all);
	(void)fputs(text, stdout);
}

/* The command that is checked must see its own operands, and ours is its name. */
static void drop_first_operand(struct config *c)
{
	struct list rest = { 0 };

	for (size_t i = 1; i < c->operands.count; i++)
		list_add(&rest, c->operands.items[i]);
	list_clear(&c->operands);
	c->operands = rest;
}

static void warn(const char *text)
{
	owned char *printable = text_printable(text);

	(void)fprintf(stderr, "gs-sidecar: warning: %s\n", printable);
}

static void advise(const struct config *c)
{
	struct probe_plan plan;
	struct err e;

	if (probe_plan_read(&c->probe, NULL, &plan, &e) == 0)
		advice_give(&plan, warn);
	probe_plan_done(&plan);
}

int cmd_check(struct config *c)
{
	const char *name = c->operands.count ? c->operands.items[0] : "run";
	const struct command *command = command_find(name);
	struct err e = { 0 };

	if (!command) {
		(void)err_set(&e, ERR_USAGE, "'%s' is not a command", name);
		return command_failed(&e);
	}
	drop_first_operand(c);
	if (command->check && command->check(c, &e) < 0)
		return command_failed(&e);
	int fetched = command->groups & GROUP_SYNC ? fetch_check(c, &e) : 0;
	if (fetched < 0)
		return command_failed(&e);
	if (fetched > 0)
		warn(e.text);
	if (command->groups & GROUP_PROBE)
		advise(c);
	if (c->json)
		print_json(c, command);
	else
		print_text(c, command);
	return EXIT_DONE;
}
