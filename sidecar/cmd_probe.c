/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_probe: `probe NAME`: one verdict, one word, one exit status.
 *
 * kruise-daemon keeps stdout of exit status 0 and stderr of every other: the word goes where it is
 * kept, and nothing else is said.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "sidecar/ask_probe.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"

#include <stdio.h>

int check_probe(const struct config *c, struct err *e)
{
	const char *name = c->operands.count == 1 ? c->operands.items[0] : NULL;

	if (!name)
		return err_set(e, ERR_USAGE, "expected which probe: gs-sidecar probe NAME");
	if (drained_wanted(&c->drained) && !c->drained.state_file)
		return err_set(e, ERR_USAGE,
			       "probe-state-file is not set: an empty server that nobody wants to "
			       "delete would be called done");
	if (c->json && !c->ask.explain)
		return err_set(e, ERR_USAGE, "json goes with probe-explain");
	return ask_probe_check(c, name, e);
}

/* ---- for people ---- */

static const char *text_of(const struct json *j, const char *key)
{
	const char *text = json_text(json_get(j, key));

	return text ? text : "-";
}

static bool flag_of(const struct json *j, const char *key)
{
	bool flag = false;

	(void)json_bool(json_get(j, key), &flag);
	return flag;
}

static void print_probe(const struct json *probe)
{
	const struct json *rules = json_get(probe, "rules");
	const char *why = json_text(json_get(probe, "unknown"));
	char span[CLOCK_TEXT_SIZE];
	int number = 0;

	(void)printf("%s  %s, %s, for %s%s%s\n", text_of(probe, "probe"), text_of(probe, "result"),
		     flag_of(probe, "pass") ? "pass" : "fail",
		     clock_span((int64_t)json_count(json_get(probe, "since_ms")), span),
		     why ? ": " : "", why ? why : "");
	for (const struct json *r = json_first(rules); r; r = json_next(r)) {
		owned char *line = text_printable(text_of(r, "why"));

		(void)printf("  rule %-2d  %-16s %-4s  %-8s %s\n", ++number, text_of(r, "result"),
			     flag_of(r, "pass") ? "pass" : "fail", text_of(r, "holds"), line);
	}
}

static void print_source(const struct json *s)
{
	const struct json *age = json_get(s, "age_ms");
	const char *reading = json_text(json_get(s, "reading"));
	owned char *said = text_printable(reading ? reading : text_of(s, "unknown"));
	char span[CLOCK_TEXT_SIZE];

	(void)printf("  %-16s %-10s %s%s", text_of(s, "source"), text_of(s, "kind"),
		     reading ? "" : "unknown: ", said);
	if (age)
		(void)printf(" (%s ago)", clock_span((int64_t)json_count(age), span));
	(void)putchar('\n');
}

static const struct json *find_probe(const struct json *all, const char *name)
{
	const struct json *list = json_get(all, "probes");

	for (const struct json *j = json_is_array(list) ? json_first(list) : NULL; j;
	     j = json_next(j))
		if (text_is(text_of(j, "probe"), name) && json_is_array(json_get(j, "rules")))
			return j;
	return NULL;
}

static int explain(const struct config *c, const char *name)
{
	struct json *all;
	struct verdict v = ask_probe(c, name, c->ask.timeout, &all);
	const struct json *probe = find_probe(all, name), *sources = json_get(all, "sources");
	struct err e;
	int status = EXIT_NO;

	if (!probe) {
		(void)err_set(&e, ERR_REMOTE, "nothing can be told of the probe '%s': %s", name,
			      v.why[0] ? v.why : "the resident has no such probe");
		status = command_failed(&e);
	} else if (c->json) {
		owned char *text = json_print(all, true);

		(void)fputs(text, stdout);
	} else {
		print_probe(probe);
		(void)printf("sources\n");
		for (const struct json *s = json_first(sources); s; s = json_next(s))
			print_source(s);
	}
	if (probe && flag_of(probe, "pass"))
		status = EXIT_DONE;
	json_free(all);
	return status;
}

int cmd_probe(struct config *c)
{
	const char *name = c->operands.items[0];

	if (c->ask.explain)
		return explain(c, name);
	struct verdict v = ask_probe(c, name, c->ask.timeout, NULL);
	(void)fprintf(v.pass ? stdout : stderr, "%s\n", v.word);
	return v.pass ? EXIT_DONE : EXIT_NO;
}
