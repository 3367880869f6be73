/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_status: `status`: what the resident says of itself, at a glance. */
#include "base/clock.h"
#include "base/err.h"
#include "base/http_client.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"
#include "sidecar/resident.h"

#include <stdio.h>

#define ASK_TIMEOUT_MS 5000

static const char *text_of(const struct json *j, const char *key)
{
	const char *text = json_text(json_get(j, key));

	return text ? text : "-";
}

static double number_of(const struct json *j, const char *key)
{
	double number = 0;

	(void)json_number(json_get(j, key), &number);
	return number;
}

/* Names, errors and output may hold what steers a terminal. */
static void print_line(const char *head, const char *text)
{
	owned char *printable = text_printable(text);

	(void)printf("%s%s\n", head, printable);
}

static void print_if_there(const char *head, const struct json *j, const char *key)
{
	if (json_text(json_get(j, key)))
		print_line(head, text_of(j, key));
}

static void print_published(const struct json *j)
{
	const struct json *p = json_get(j, "published");
	char size[TEXT_SIZE_ROOM];

	if (!json_text(json_get(p, "digest"))) {
		(void)printf("published  nothing yet\n");
		return;
	}
	(void)printf("published  %s, serial %.0f, %.0f files, %s\n           at %s\n",
		     text_of(p, "digest"), number_of(p, "serial"), number_of(p, "files"),
		     text_size((unsigned long long)number_of(p, "bytes"), size), text_of(p, "at"));
	print_if_there("           label ", p, "label");
}

/* What can be gone back to, the newest first. */
static void print_kept(const struct json *j)
{
	const char *head = "kept       ";

	for (const struct json *k = json_first(json_get(j, "kept")); k; k = json_next(k)) {
		const char *label = json_text(json_get(k, "label"));
		char size[TEXT_SIZE_ROOM];
		bool held = false;

		(void)json_bool(json_get(k, "held"), &held);
		text_size((unsigned long long)number_of(k, "bytes"), size);
		owned char *line = mem_format(
			"%s%s%s, serial %.0f, %.0f files, %s, of %s%s", text_of(k, "digest"),
			label ? " " : "", label ? label : "", number_of(k, "serial"),
			number_of(k, "files"), size, text_of(k, "at"), held ? " (held back)" : "");

		print_line(head, line);
		head = "           ";
	}
}

static void print_cost(const struct json *cost)
{
	if (json_text(json_get(cost, "error")))
		print_line("           what it cost cannot be told: ", text_of(cost, "error"));
	else if (cost)
		(void)printf("           it cut %.0f of %.0f connections\n", number_of(cost, "cut"),
			     number_of(cost, "before"));
}

static void print_reload(const struct json *j)
{
	const struct json *r = json_get(j, "reload");

	if (!json_text(json_get(r, "trigger"))) {
		(void)printf("reload     not configured\n");
		return;
	}
	(void)printf("reload     %s, by %s, tries %.0f\n", text_of(r, "state"),
		     text_of(r, "trigger"), number_of(r, "attempts"));
	print_if_there("           waits ", r, "waits");
	print_if_there("           last failure: ", r, "last_error");
	print_if_there("           it said: ", r, "last_output");
	print_if_there("           unproven: ", r, "unproven");
	print_cost(json_get(r, "cost"));
}

static void print_sync(const struct json *j)
{
	const struct json *s = json_get(j, "sync"), *sources = json_get(j, "sources");
	char span[CLOCK_TEXT_SIZE];

	struct list texts = { 0 };

	for (const struct json *source = json_first(sources); source; source = json_next(source))
		list_add(&texts, json_text(source));
	owned char *from = list_join(&texts, " + ");
	owned char *places = mem_format("%s -> %s", from, text_of(j, "target"));
	list_clear(&texts);
	print_line("sync       ", places);
	(void)printf("           %.0f ended, %.0f failed, the last took %s: %.0f placed, %.0f "
		     "removed\n",
		     number_of(s, "ended"), number_of(s, "failures"),
		     clock_span((int64_t)number_of(s, "took_ms"), span), number_of(s, "placed"),
		     number_of(s, "removed"));
	print_if_there("           last failure: ", s, "last_error");
}

static void print_fetched(const struct json *j)
{
	const struct json *list = json_get(j, "fetched");
	const char *head = "fetched    ";

	for (const struct json *f = json_is_array(list) ? json_first(list) : NULL; f;
	     f = json_next(f)) {
		const char *error = json_text(json_get(f, "error"));
		bool pushed = false;

		(void)json_bool(json_get(f, "pushed"), &pushed);
		owned char *line = mem_format("%s%s: %s, %s of %s%s%s", text_of(f, "name"),
					      pushed ? " (by an update)" : "", text_of(f, "state"),
					      text_of(f, "version"), text_of(f, "fetched_at"),
					      error ? "; " : "", error ? error : "");

		print_line(head, line);
		head = "           ";
	}
}

static void print_update(const struct json *j)
{
	const struct json *u = json_get(j, "update");

	print_if_there("update     ", u, "state");
	print_if_there("           ", u, "error");
}

static void print_watch(const struct json *j)
{
	const struct json *w = json_get(j, "watch");

	(void)printf("watch      %s, %.0f directories by events, %.0f changes\n",
		     text_of(w, "mode"), number_of(w, "directories"), number_of(w, "changes"));
}

static void print_probes(const struct json *j)
{
	const struct json *list = json_get(j, "probes");
	const char *head = "probes     ";

	for (const struct json *p = json_is_array(list) ? json_first(list) : NULL; p;
	     p = json_next(p)) {
		bool pass = false;

		(void)json_bool(json_get(p, "pass"), &pass);
		(void)printf("%s%s: %s, %s\n", head, text_of(p, "probe"), text_of(p, "result"),
			     pass ? "pass" : "fail");
		head = "           ";
	}
}

static bool is_ready(const struct json *j)
{
	bool ready = false;

	(void)json_bool(json_get(j, "ready"), &ready);
	return ready;
}

static void print_for_people(const struct json *j)
{
	char span[CLOCK_TEXT_SIZE];

	(void)printf("%-10s %s (up %s, version %s)\n", is_ready(j) ? "READY" : "NOT READY",
		     is_ready(j) ? "published and acknowledged" : text_of(j, "reason"),
		     clock_span((int64_t)number_of(j, "uptime_ms"), span), text_of(j, "version"));
	print_published(j);
	print_kept(j);
	print_reload(j);
	print_sync(j);
	print_fetched(j);
	print_update(j);
	print_watch(j);
	print_probes(j);
}

int cmd_status(struct config *c)
{
	struct http_result result;
	struct err e = { 0 };
	struct json *j = NULL;
	int status;

	if (resident_ask(c, "GET", "/status", NULL, ASK_TIMEOUT_MS, &result, &e) == 0)
		j = json_read(result.body.data, &e);
	if (!j) {
		e.kind = ERR_REMOTE;
		status = command_failed(&e);
	} else {
		if (c->json)
			(void)fputs(result.body.data, stdout);
		else
			print_for_people(j);
		status = is_ready(j) ? EXIT_DONE : EXIT_NO;
	}
	json_free(j);
	http_result_done(&result);
	return status;
}
