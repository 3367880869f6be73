/* SPDX-License-Identifier: Apache-2.0 */
/* options: see options.h. */
#include "fetch/options.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

static const char *const log_formats[] = { "text", "json", NULL };

static const struct setting rows[] = {
	{ .name = "log-format",
	  .value = "FORMAT",
	  .standard = "text",
	  .help = "how lines of the log are written: text or json",
	  .choices = log_formats,
	  .type = SETTING_CHOICE,
	  .offset = offsetof(struct options, log_format) },
};

const struct setting_group options_of_all = SETTING_GROUP(rows);

static const struct setting *find(const struct setting_group *g, const char *name, size_t length)
{
	for (size_t i = 0; i < g->count; i++)
		if (strlen(g->rows[i].name) == length && !strncmp(g->rows[i].name, name, length))
			return &g->rows[i];
	return NULL;
}

/* "--name=value", or "--name" and the value in the next argument, which is taken then. */
static int read_option(const struct fetch_command *c, char ***arguments, struct options *o,
		       struct err *e)
{
	const char *name = **arguments + strlen("--");
	size_t length = strcspn(name, "=");
	const struct setting *s = find(&options_of_all, name, length);
	void *values = o;
	const char *value;

	if (!s) {
		s = find(&c->options, name, length);
		values = o->values;
	}
	if (!s)
		return err_set(e, ERR_USAGE, "'--%.*s' is no option of %s, see --help", (int)length,
			       name, c->name);
	if (name[length])
		value = name + length + 1;
	else if (s->type == SETTING_FLAG)
		value = "true";
	else if (!(value = *++*arguments))
		return err_set(e, ERR_USAGE, "--%s needs a value: %s", s->name, s->value);
	return setting_set(s, values, value, e) < 0 ? err_in(e, "--%s", s->name) : 0;
}

static int read_arguments(const struct fetch_command *c, char **arguments, struct options *o,
			  struct err *e)
{
	bool words_only = false;

	for (; *arguments; arguments++) {
		if (!words_only && text_is(*arguments, "--")) {
			words_only = true;
		} else if (!words_only &&
			   (text_is(*arguments, "--help") || text_is(*arguments, "-h"))) {
			o->help = true;
			return 0;
		} else if (!words_only && text_starts(*arguments, "--")) {
			if (read_option(c, &arguments, o, e) < 0)
				return -1;
		} else if (o->count == WORDS_MOST) {
			return err_set(e, ERR_USAGE, "'%s' is a word too many", *arguments);
		} else {
			o->words[o->count++] = *arguments;
		}
	}
	return 0;
}

static size_t words_wanted(const struct fetch_command *c)
{
	size_t count = 0;

	for (const char *word = c->words; *word; word += strspn(word, " ")) {
		word += strcspn(word, " ");
		count++;
	}
	return count;
}

static int set_standards(const struct setting_group *g, void *values, struct err *e)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->rows[i].standard &&
		    setting_set(&g->rows[i], values, g->rows[i].standard, e) < 0)
			return err_in(e, "--%s", g->rows[i].name);
	return 0;
}

int options_read(const struct fetch_command *c, char **arguments, struct options *ret,
		 struct err *e)
{
	*ret = (struct options){ .values = mem_alloc(c->size) };
	if (set_standards(&c->options, ret->values, e) < 0 ||
	    read_arguments(c, arguments, ret, e) < 0)
		return -1;
	if (!ret->help && ret->count != words_wanted(c))
		return err_set(e, ERR_USAGE, "%s needs %s, see --help", c->name,
			       *c->words ? c->words : "no words");
	return 0;
}

void options_done(const struct fetch_command *c, struct options *o)
{
	for (size_t i = 0; i < c->options.count; i++)
		setting_clear(&c->options.rows[i], o->values);
	free(o->values);
}
