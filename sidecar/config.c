/* SPDX-License-Identifier: Apache-2.0 */
/* config: see config.h. */
#include "sidecar/config.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "sidecar/commands.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FILE_MOST ((size_t)1024 * 1024)

static void *values_of(struct config *c, const struct config_row *row)
{
	return (char *)c + row->values;
}

struct source {
	const char *origin; /* for people: "--deadline" */
	enum config_rank rank;
};

/* A list in a variable is written in lines; everywhere else an item may have lines itself. */
static int set_value(const struct config_row *row, void *values, const struct source *from,
		     const char *text, struct err *e)
{
	if (from->rank == CONFIG_RANK_ENVIRONMENT)
		return setting_set(row->setting, values, text, e);
	return setting_add(row->setting, values, text, e);
}

/* Overridden, but a wrong value is wrong all the same. */
static int check_value(const struct config_row *row, const struct source *from, const char *text,
		       struct err *e)
{
	struct config scratch = { 0 };
	int status = set_value(row, values_of(&scratch, row), from, text, e);

	setting_clear(row->setting, values_of(&scratch, row));
	return status;
}

/* A list is replaced by what a stronger source has, and grows by what the same one adds. */
static int set_row(struct config *c, size_t index, const char *text, const struct source *from,
		   struct err *e)
{
	struct config_row row;
	int status;

	(void)config_row(index, &row);
	if (from->rank < c->ranks[index]) {
		status = check_value(&row, from, text, e);
	} else {
		if (from->rank > c->ranks[index])
			setting_clear(row.setting, values_of(c, &row));
		if (!text_is(c->origins.items[index], from->origin)) {
			free(c->origins.items[index]);
			c->origins.items[index] = mem_copy(from->origin);
		}
		c->ranks[index] = (unsigned char)from->rank;
		status = set_value(&row, values_of(c, &row), from, text, e);
	}
	return status < 0 ? err_in(e, "%s", from->origin) : 0;
}

void config_init(struct config *c)
{
	struct config_row row;
	struct err e;
	size_t i = 0;

	*c = (struct config){ 0 };
	for (; config_row(i, &row); i++) {
		list_add(&c->origins, "default");
		if (row.setting->standard)
			(void)setting_set(row.setting, values_of(c, &row), row.setting->standard,
					  &e);
	}
	c->ranks = mem_alloc(i * sizeof(*c->ranks));
}

void config_done(struct config *c)
{
	struct config_row row;

	for (size_t i = 0; config_row(i, &row); i++)
		setting_clear(row.setting, values_of(c, &row));
	list_clear(&c->sync.called);
	list_clear(&c->operands);
	list_clear(&c->origins);
	free(c->ranks);
}

const char *config_origin(const struct config *c, const char *name)
{
	size_t index;

	return config_find(name, &index) ? c->origins.items[index] : "default";
}

/* ---- configuration file ---- */

static int set_from_json(struct config *c, size_t index, const struct json *value,
			 const struct source *from, struct err *e)
{
	const char *text = json_text(value);
	double number;
	bool flag;

	if (text)
		return set_row(c, index, text, from, e);
	if (json_bool(value, &flag))
		return set_row(c, index, flag ? "true" : "false", from, e);
	if (json_number(value, &number)) {
		owned char *digits = mem_format("%.17g", number);

		return set_row(c, index, digits, from, e);
	}
	return err_set(e, ERR_USAGE, "%s: expected a text, a number, true or false", from->origin);
}

static int set_list_from_json(struct config *c, size_t index, const struct json *array,
			      const struct source *from, struct err *e)
{
	struct config_row row;

	(void)config_row(index, &row);
	for (const struct json *item = json_first(array); item; item = json_next(item)) {
		bool object = row.setting->objects && json_is_object(item);
		owned char *printed = object ? json_print(item, false) : NULL;
		const char *text = object ? printed : json_text(item);

		if (!text)
			return err_set(e, ERR_USAGE, "%s: expected %s in the list", from->origin,
				       row.setting->objects ? "objects" : "texts");
		if (set_row(c, index, text, from, e) < 0)
			return -1;
	}
	return 0;
}

static int apply_member(struct config *c, const char *file, const struct json *member,
			struct err *e)
{
	const char *key = json_key(member);
	owned char *origin = mem_format("%s: \"%s\"", file, key);
	const struct source from = { origin, CONFIG_RANK_FILE };
	struct config_row row;
	size_t index;

	if (!config_find(key, &index) || text_is(key, "config"))
		return err_set(e, ERR_USAGE, "%s: no setting has this name", origin);
	(void)config_row(index, &row);
	if (json_is_array(member) && row.setting->type == SETTING_LIST)
		return set_list_from_json(c, index, member, &from, e);
	return set_from_json(c, index, member, &from, e);
}

static int apply_json(struct config *c, const char *file, const struct json *j, struct err *e)
{
	if (!json_is_object(j))
		return err_set(e, ERR_USAGE, "%s: expected a JSON object", file);
	for (const struct json *m = json_first(j); m; m = json_next(m)) {
		if (json_get(j, json_key(m)) != m)
			return err_set(e, ERR_USAGE, "%s: \"%s\": it is there twice", file,
				       json_key(m));
		if (apply_member(c, file, m, e) < 0)
			return -1;
	}
	return 0;
}

static int apply_file(struct config *c, const char *file, bool must_exist, struct err *e)
{
	owned_buf text = BUF_INIT(FILE_MOST);

	if (io_read_file(AT_FDCWD, file, &text, e) < 0) {
		if (e->sys == ENOENT && !must_exist)
			return 0;
		e->kind = ERR_USAGE;
		return err_in(e, "configuration");
	}
	if (strlen(text.data) != text.length)
		return err_set(e, ERR_USAGE, "%s: it has zero bytes: not JSON", file);
	struct json *j = json_read(text.data, e);
	if (!j)
		return err_in(e, "%s", file);
	int status = apply_json(c, file, j, e);
	json_free(j);
	return status;
}

/* ---- environment ---- */

/*
 * kubelet sets these for every Service of the namespace (kubernetes.io, "Service", environment
 * variables): with a Service called "gs-sidecar" or "gs-sidecar-x" they carry our prefix.
 * rest: what follows "GS_SIDECAR".
 */
static bool is_service_link(const char *rest, const char *value)
{
	if (text_ends(rest, "_SERVICE_HOST") || strstr(rest, "_SERVICE_PORT"))
		return true;
	/* The name of the Service may have "_PORT" in it too: gs-sidecar-portal. */
	for (const char *at = strstr(rest, "_PORT"); at; at = strstr(at, "_PORT")) {
		at += strlen("_PORT");
		if (*at ? *at == '_' && isdigit((unsigned char)at[1])
			: strstr(value, "://") != NULL)
			return true;
	}
	return false;
}

static bool find_variable(const char *name, size_t *ret)
{
	struct config_row row;

	for (size_t i = 0; config_row(i, &row); i++) {
		owned char *variable = config_variable(row.setting);

		if (row.setting->help && text_is(variable, name)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static int apply_variable(struct config *c, const char *variable, struct err *e)
{
	size_t index, length = strcspn(variable, "=");
	owned char *name = mem_copy_part(variable, length);
	const char *value = variable[length] ? variable + length + 1 : "";

	const struct source from = { name, CONFIG_RANK_ENVIRONMENT };

	if (find_variable(name, &index))
		return set_row(c, index, value, &from, e);
	if (is_service_link(name + strlen(CONFIG_VARIABLE_PREFIX) - 1, value))
		return 0;
	return err_set(e, ERR_USAGE, "%s: no setting has this name", name);
}

static int apply_environment(struct config *c, char **environment, struct err *e)
{
	for (; *environment; environment++)
		if (text_starts(*environment, CONFIG_VARIABLE_PREFIX) &&
		    apply_variable(c, *environment, e) < 0)
			return -1;
	return 0;
}

/* ---- command line ---- */

const char *config_flag_in(const struct command *command, const struct setting *setting)
{
	if (command->prefix && text_starts(setting->name, command->prefix))
		return setting->name + strlen(command->prefix);
	return setting->name;
}

static bool find_flag(const struct command *command, const char *name, size_t *ret_index,
		      struct config_row *ret)
{
	for (size_t i = 0; config_row(i, ret); i++) {
		*ret_index = i;
		if ((command->groups & (unsigned)ret->group) &&
		    (text_is(ret->setting->name, name) ||
		     text_is(config_flag_in(command, ret->setting), name)))
			return true;
	}
	return false;
}

/* The number of arguments used, or -1. */
static int apply_flag(struct config *c, const struct command *command,
		      const struct command *checked, char **arguments, struct err *e)
{
	size_t index, length = strcspn(arguments[0], "=");
	owned char *flag = mem_copy_part(arguments[0], length);
	const char *value = arguments[0][length] ? arguments[0] + length + 1 : NULL;
	struct config_row row;
	int used = 1;

	if (!text_starts(flag, "--") || (!(checked && find_flag(checked, flag + 2, &index, &row)) &&
					 !find_flag(command, flag + 2, &index, &row)))
		return err_set(e, ERR_USAGE, "%s: no such flag of '%s', see 'gs-sidecar help %s'",
			       flag, command->name, command->name);
	if (!value && row.setting->type == SETTING_FLAG) {
		value = "true";
	} else if (!value) {
		value = arguments[1];
		used = 2;
	}
	if (!value)
		return err_set(e, ERR_USAGE, "%s: expected a value after it", flag);
	const struct source from = { flag, CONFIG_RANK_FLAG };
	return set_row(c, index, value, &from, e) < 0 ? -1 : used;
}

static void take_operands(struct config *c, char **arguments)
{
	for (; *arguments; arguments++)
		list_add(&c->operands, *arguments);
}

static int apply_arguments(struct config *c, const struct command *command, char **arguments,
			   struct err *e)
{
	const struct command *checked = NULL; /* the one that `check` is about */

	while (*arguments) {
		const char *word = *arguments;

		if (text_is(word, "--help") || text_is(word, "-h"))
			return 1;
		if (text_is(word, "--")) {
			take_operands(c, arguments + 1);
			break;
		}
		if (word[0] != '-' && (checked ? checked : command)->runs_program) {
			take_operands(c, arguments); /* its own flags are not ours */
			break;
		}
		if (word[0] != '-') {
			if (command->run == cmd_check && !c->operands.count)
				checked = command_find(word);
			list_add(&c->operands, word);
			arguments++;
			continue;
		}
		int used = apply_flag(c, command, checked, arguments, e);
		if (used < 0)
			return -1;
		arguments += used;
	}
	if (c->operands.count && !command->operands)
		return err_set(e, ERR_USAGE, "'%s': '%s' takes flags only", c->operands.items[0],
			       command->name);
	return 0;
}

/* Strongest first: flags and environment may say which file to read. */
int config_load(struct config *c, const struct command *command, char **arguments,
		char **environment, struct err *e)
{
	int status = apply_arguments(c, command, arguments, e);

	if (status != 0)
		return status;
	if (apply_environment(c, environment, e) < 0)
		return -1;
	const char *file = c->general.config;
	return apply_file(c, file ? file : CONFIG_STANDARD_FILE, file != NULL, e);
}
