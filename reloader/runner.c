/* SPDX-License-Identifier: Apache-2.0 */
/* runner: see runner.h. */
#include "reloader/runner.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

/* A command is told what it is for, when that can do no harm in a shell or a label. */
#define DIGEST_VARIABLE "RELOAD_DIGEST"
#define DIGEST_VARIABLE_MOST 128

static void queue_add(struct runner_queue *q, struct runner_request *request)
{
	request->next = NULL;
	if (!q->first)
		q->end = &q->first;
	*q->end = request;
	q->end = &request->next;
	q->count++;
}

/* end points into its queue: it cannot be moved by assignment. */
static struct runner_request *queue_take_all(struct runner_queue *q)
{
	struct runner_request *first = q->first;

	*q = (struct runner_queue){ 0 };
	return first;
}

static bool same(const char *a, const char *b)
{
	return a && b && text_is(a, b);
}

static bool differ(const char *a, const char *b)
{
	return a && b && !text_is(a, b);
}

static const struct runner_request *find_key(const struct runner_queue *q, const char *key)
{
	const struct runner_request *request = q->first;

	while (request && !same(request->key, key))
		request = request->next;
	return request;
}

static const struct runner_memory *recall(const struct runner *r, const char *key)
{
	for (size_t i = 0; i < RUNNER_KEYS_MOST; i++)
		if (same(r->remembered[i].key, key))
			return &r->remembered[i];
	return NULL;
}

static void remember(struct runner *r, const struct runner_request *request)
{
	struct runner_memory *m = &r->remembered[r->next_memory];

	if (!request->key || recall(r, request->key))
		return;
	free(m->key);
	free(m->digest);
	m->key = mem_copy(request->key);
	m->digest = request->digest ? mem_copy(request->digest) : NULL;
	r->next_memory = (r->next_memory + 1) % RUNNER_KEYS_MOST;
}

static void set_text(char **place, const char *text)
{
	free(*place);
	*place = text ? mem_copy(text) : NULL;
}

static void name_in_environment(const char *digest)
{
	const char *safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t length = digest ? strlen(digest) : 0;

	if (length > 0 && length <= DIGEST_VARIABLE_MOST && strspn(digest, safe) == length)
		(void)setenv(DIGEST_VARIABLE, digest, 1);
	else
		(void)unsetenv(DIGEST_VARIABLE);
}

static void begin(struct runner *r)
{
	const struct trigger_key key = { 0 }; /* what runs here asks nobody else */
	const char *newest = NULL;

	for (struct runner_request *w = queue_take_all(&r->waiting), *next; w; w = next) {
		next = w->next;
		newest = w->digest;
		queue_add(&r->served, w);
	}
	/* Who came last knows best what is there. From now on the game may have half of it. */
	set_text(&r->last_digest, newest);
	set_text(&r->reloaded, NULL);
	name_in_environment(newest);
	r->running = true;
	r->begun++;
	r->began = clock_ms();
	r->trigger->way->start(r->trigger, &key, r->timeout_ms);
}

static void tell(const struct runner *r)
{
	const struct runner_outcome *o = &r->last;
	char span[CLOCK_TEXT_SIZE];

	if (o->done)
		log_info("reloaded by %s in %s", r->trigger->name, clock_span(o->took_ms, span));
	else
		log_error("reload failed: %s%s%s", o->e.text, o->output[0] ? ", it said: " : "",
			  o->output);
}

static void keep(struct runner *r, const struct trigger_outcome *outcome)
{
	char stamp[CLOCK_TEXT_SIZE];

	r->runs++;
	r->failures += !outcome->done;
	free(r->last_output);
	r->last_output = mem_copy(outcome->output);
	r->last = (struct runner_outcome){
		.done = outcome->done,
		.e = outcome->e,
		.output = r->last_output,
		.took_ms = clock_ms() - r->began,
		.run = r->begun,
	};
	set_text(&r->last_at, clock_stamp(stamp));
	if (!outcome->done)
		return;
	set_text(&r->reloaded, r->last_digest);
	for (const struct runner_request *s = r->served.first; s; s = s->next)
		remember(r, s);
}

static void on_outcome(struct trigger *trigger, const struct trigger_outcome *outcome)
{
	struct runner *r = trigger->owner;

	keep(r, outcome);
	tell(r);
	/* Who asks again from inside on_done waits: all have to get this outcome first. */
	for (struct runner_request *s = queue_take_all(&r->served), *next; s; s = next) {
		next = s->next;
		s->on_done(s, &r->last);
	}
	r->running = false;
	if (r->waiting.first)
		begin(r);
}

static bool conflicts(const struct runner *r, const struct runner_request *request)
{
	const struct runner_memory *m = recall(r, request->key);
	const struct runner_request *served = find_key(&r->served, request->key);
	const struct runner_request *waiting = find_key(&r->waiting, request->key);

	return (m && differ(m->digest, request->digest)) ||
	       (served && differ(served->digest, request->digest)) ||
	       (waiting && differ(waiting->digest, request->digest));
}

static bool is_known(const struct runner *r, const struct runner_request *request)
{
	return request->key ? recall(r, request->key) != NULL : same(r->reloaded, request->digest);
}

/* Whether the run that is under way began after what the request is for was there. */
static bool is_being_served(const struct runner *r, const struct runner_request *request)
{
	if (!r->served.first)
		return false;
	if (request->key)
		return find_key(&r->served, request->key) != NULL;
	/* Other content that was asked for since has replaced this one: A, B, and A again. */
	return !r->waiting.first && same(r->last_digest, request->digest);
}

enum runner_answer runner_ask(struct runner *r, struct runner_request *request)
{
	if (conflicts(r, request))
		return RUNNER_CONFLICT;
	if (is_known(r, request))
		return RUNNER_KNOWN;
	bool joins = is_being_served(r, request);
	request->run = joins ? r->begun : r->begun + 1;
	queue_add(joins ? &r->served : &r->waiting, request);
	if (!r->running)
		begin(r);
	return RUNNER_ASKED;
}

void runner_init(struct runner *r, struct trigger *trigger, int64_t timeout_ms)
{
	*r = (struct runner){ .trigger = trigger, .timeout_ms = timeout_ms };
	trigger->on_done = on_outcome;
	trigger->owner = r;
}

void runner_done(struct runner *r)
{
	trigger_free(r->trigger);
	for (size_t i = 0; i < RUNNER_KEYS_MOST; i++) {
		free(r->remembered[i].key);
		free(r->remembered[i].digest);
	}
	free(r->reloaded);
	free(r->last_at);
	free(r->last_digest);
	free(r->last_output);
	*r = (struct runner){ 0 };
}
