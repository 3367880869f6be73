/* SPDX-License-Identifier: Apache-2.0 */
/* source: see source.h. */
#include "probe/source.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/http_client.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "probe/number.h"
#include "probe/source_kinds.h"

#include <stdio.h>
#include <string.h>

#define BLANKS " \t\r\n"

static const struct source_kind *const kinds[] = {
	&source_file,    &source_tcp,  &source_udp,       &source_process,
	&source_command, &source_http, &source_metrics,   &source_prometheus,
	&source_sidecar, &source_a2s,  &source_minecraft, &source_quake3,
};

const struct source_kind *source_kind_named(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (text_is(kinds[i]->name, name))
			return kinds[i];
	return NULL;
}

int64_t source_stale_ms(const struct source_settings *s)
{
	return s->stale ? s->stale : 3 * s->every + s->timeout;
}

/* ---- a look ends ---- */

static void end_look(struct source *s, const struct reading *r)
{
	int64_t now = clock_ms(), next = s->began + s->settings->every - now;

	s->looking = false;
	s->looks++;
	s->failures += !r->known;
	s->took_ms = now - s->began;
	if (s->again)
		loop_timer_start(s->world->loop, &s->timer, next > 0 ? next : 0);
	else
		loop_timer_stop(s->world->loop, &s->timer);
	s->on_reading(s, r);
}

void source_fail(struct source *s, const struct err *e)
{
	struct reading r = { .from = s->began, .at = clock_ms() };

	(void)snprintf(r.why, sizeof(r.why), "%.*s", READING_WHY_SIZE - 1, e->text);
	end_look(s, &r);
}

void source_say(struct source *s, const char *text, uint64_t evidence)
{
	struct reading r = {
		.known = true, .evidence = evidence, .from = s->began, .at = clock_ms()
	};
	struct err e;
	size_t length;

	text += strspn(text, BLANKS);
	for (length = strlen(text); length && strchr(BLANKS, text[length - 1]);)
		length--;
	if (length && length < sizeof(r.text)) {
		memcpy(r.text, text, length);
		end_look(s, &r);
		return;
	}
	(void)err_set(&e, ERR_REMOTE, length ? "it says more than %d bytes" : "it says nothing",
		      READING_TEXT_SIZE - 1);
	source_fail(s, &e);
}

void source_say_number(struct source *s, double number)
{
	char text[NUMBER_TEXT_SIZE];

	source_say(s, number_text(number, text), 0);
}

void source_say_json(struct source *s, const char *text, uint64_t evidence)
{
	const char *pointer = s->settings->json;
	struct err e;

	if (!pointer) {
		source_say(s, text, evidence);
		return;
	}
	struct json *j = json_read(text, &e);
	const struct json *value = j ? json_at(j, pointer) : NULL;
	owned char *printed = value ? json_print(value, false) : NULL;
	/* No object, no array, no null, which a number beyond all numbers is too. */
	if (printed && !strchr("{[n", *printed)) {
		source_say(s, json_text(value) ? json_text(value) : printed, evidence);
	} else {
		if (j)
			(void)err_set(&e, ERR_REMOTE, "no text, number or flag is at %s", pointer);
		source_fail(s, &e);
	}
	json_free(j);
}

/* ---- looking ---- */

static void look(struct source *s)
{
	s->began = clock_ms();
	s->looking = true;
	loop_timer_start(s->world->loop, &s->timer, s->settings->timeout);
	s->kind->look(s);
}

static void on_time(struct loop_timer *t)
{
	struct source *s = t->owner;
	char span[CLOCK_TEXT_SIZE];
	struct err e;

	if (!s->looking) {
		look(s);
		return;
	}
	if (s->kind->cancel)
		s->kind->cancel(s);
	(void)err_set(&e, ERR_DEADLINE, "no answer within %s",
		      clock_span(s->settings->timeout, span));
	source_fail(s, &e);
}

void source_start(struct source *s, bool again)
{
	s->again = again;
	look(s);
}

void source_take(struct source *s, const struct reading *r)
{
	bool steady = s->steady_since && source_reading(s, r->at)->known;

	if (!r->known) {
		s->steady_since = 0;
	} else if (!steady) {
		s->steady_since = r->at;
		s->changed_at = 0;
	} else if (!text_is(s->last.text, r->text)) {
		s->changed_at = r->at;
	}
	s->last = *r;
}

const struct reading *source_reading(const struct source *s, int64_t now)
{
	static const struct reading none = { .why = "not looked at yet" },
				    stale = { .why = "stale: no look has ended for too long" };

	if (!s->last.at)
		return &none;
	return now - s->last.at > source_stale_ms(s->settings) ? &stale : &s->last;
}

/* ---- life ---- */

struct http_client *source_http_client(struct source *s, struct err *e)
{
	if (!s->world->http)
		s->world->http = http_client_new(s->world->loop, e);
	return s->world->http;
}

int source_open(struct source *s, const struct source_settings *settings,
		struct source_world *world, struct err *e)
{
	*s = (struct source){ .settings = settings, .world = world };
	s->timer = (struct loop_timer){ .on_time = on_time, .owner = s };
	if (settings->kind->open && settings->kind->open(s, e) < 0)
		return -1;
	s->kind = settings->kind;
	return 0;
}

void source_close(struct source *s)
{
	if (!s->kind)
		return;
	loop_timer_stop(s->world->loop, &s->timer);
	if (s->looking && s->kind->cancel)
		s->kind->cancel(s);
	if (s->kind->close)
		s->kind->close(s);
	*s = (struct source){ 0 };
}
