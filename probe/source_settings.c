/* SPDX-License-Identifier: Apache-2.0 */
/* source_settings: see source_settings.h. */
#include "probe/source_settings.h"

#include "base/err.h"
#include "base/json.h"
#include "base/setting_object.h"
#include "base/text.h"
#include "probe/source.h"

#include <stddef.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyz0123456789-_"

const char *const source_empties[] = { "unknown", "zero", NULL };
static const char *const bots[] = { "with", "without", NULL };

/* The member is called as the field. */
#define ROW(kind, field) \
	.name = #field, .type = (kind), .offset = offsetof(struct source_settings, field)

int source_check_port(const char *text, struct err *e)
{
	int64_t port;

	return parse_count(text, 1, 65535, &port, e);
}

static const struct setting rows[] = {
	{ ROW(SETTING_TEXT, name) },
	{ ROW(SETTING_DURATION, every), .standard = "2s" },
	{ ROW(SETTING_DURATION, timeout), .standard = "1s" },
	{ ROW(SETTING_DURATION, stale) },
	{ ROW(SETTING_TEXT, file) },
	{ ROW(SETTING_LIST, tcp), .check = source_check_port },
	{ ROW(SETTING_LIST, udp), .check = source_check_port },
	{ ROW(SETTING_URL, prometheus) },
	{ ROW(SETTING_URL, http) },
	{ ROW(SETTING_URL, metrics) },
	{ ROW(SETTING_TEXT, process) },
	{ ROW(SETTING_LIST, command) },
	{ ROW(SETTING_TEXT, a2s) },
	{ ROW(SETTING_TEXT, minecraft) },
	{ ROW(SETTING_TEXT, quake3) },
	{ ROW(SETTING_TEXT, sidecar) },
	{ ROW(SETTING_TEXT, json) },
	{ ROW(SETTING_FLAG, age) },
	{ ROW(SETTING_LIST, except) },
	{ ROW(SETTING_TEXT, query) },
	{ ROW(SETTING_CHOICE, empty), .choices = source_empties },
	{ ROW(SETTING_TEXT, sample) },
	{ ROW(SETTING_FLAG, sum) },
	{ ROW(SETTING_FLAG, status) },
	{ ROW(SETTING_LIST, headers), .check = parse_header },
	{ .name = "token-file",
	  .type = SETTING_TEXT,
	  .offset = offsetof(struct source_settings, token_file) },
	{ .name = "ca-file",
	  .type = SETTING_TEXT,
	  .offset = offsetof(struct source_settings, ca_file) },
	{ ROW(SETTING_CHOICE, bots), .choices = bots },
};
static const struct setting_group group = SETTING_GROUP(rows);
static const struct setting_group *const groups[] = { &group };

static const struct setting_object object = {
	.what = "a source",
	.groups = groups,
	.count = 1,
	.size = sizeof(struct source_settings),
};

static int find_kind(struct source_settings *s, const struct json *j, struct err *e)
{
	for (const struct json *m = json_first(j); m; m = json_next(m)) {
		const struct source_kind *kind = source_kind_named(json_key(m));

		if (kind && s->kind)
			return err_set(e, ERR_USAGE, "it cannot be both, \"%s\" and \"%s\"",
				       s->kind->name, kind->name);
		if (kind)
			s->kind = kind;
	}
	return s->kind ? 0
		       : err_set(e, ERR_USAGE,
				 "expected what it is, such as \"file\" or \"tcp\": see "
				 "docs/probes.md");
}

/* A setting that does nothing is a mistake. */
static int check_members(const struct source_kind *kind, const struct json *j, struct err *e)
{
	for (const struct json *m = json_first(j); m; m = json_next(m))
		if (!text_has_word("name every timeout stale", json_key(m)) &&
		    !text_has_word(kind->name, json_key(m)) &&
		    !text_has_word(kind->takes, json_key(m)))
			return err_set(e, ERR_USAGE, "\"%s\" does nothing with \"%s\"", json_key(m),
				       kind->name);
	return 0;
}

static int check(struct source_settings *s, const struct json *j, struct err *e)
{
	if (!s->name || strspn(s->name, LETTERS) != strlen(s->name))
		return err_set(e, ERR_USAGE,
			       "expected a \"name\" of lower-case letters, digits, - and _");
	if (!s->every || !s->timeout)
		return err_set(e, ERR_USAGE, "\"every\" and \"timeout\": expected more than 0s");
	if (s->stale && s->stale < s->every)
		return err_set(e, ERR_USAGE, "\"stale\": expected at least \"every\"");
	if (s->json && s->json[0] != '/')
		return err_set(e, ERR_USAGE,
			       "\"json\": expected a JSON pointer such as /players/online");
	if (find_kind(s, j, e) < 0 || check_members(s->kind, j, e) < 0)
		return -1;
	return s->kind->check ? s->kind->check(s, e) : 0;
}

int source_settings_read(const char *text, struct source_settings *ret, struct err *e)
{
	struct json *j = json_read(text, e);
	int status = -1;

	*ret = (struct source_settings){ 0 };
	if (!j)
		return -1;
	setting_object_init(&object, ret);
	if (setting_object_set(&object, ret, j, e) == 0 && check(ret, j, e) == 0)
		status = 0;
	else if (ret->name)
		status = err_in(e, "source \"%s\"", ret->name);
	if (status < 0)
		source_settings_done(ret);
	json_free(j);
	return status;
}

void source_settings_done(struct source_settings *s)
{
	setting_object_clear(&object, s);
}

int source_settings_check(const char *text, struct err *e)
{
	struct source_settings s;

	if (source_settings_read(text, &s, e) < 0)
		return -1;
	source_settings_done(&s);
	return 0;
}
