/* SPDX-License-Identifier: Apache-2.0 */
/* turn: see turn.h. */
#include "reloader/turn.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "reloader/probes.h"
#include "reloader/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOK_EVERY_MS 2000

/* FNV-1a with 64 bits, whose upper bits are the better ones: names differ in their last letter. */
int64_t turn_moment(const char *pod, int64_t window_ms)
{
	uint64_t hash = 14695981039346656037u;

	for (; *pod; pod++)
		hash = (hash ^ (unsigned char)*pod) * 1099511628211u;
	hash ^= hash >> 29;
	hash *= 0xbf58476d1ce4e5b9u;
	return (int64_t)((hash >> 32) * (uint64_t)window_ms >> 32);
}

static int64_t own_moment(const struct reload_settings *s)
{
	char host[256] = "";

	if (!s->pod_name)
		(void)gethostname(host, sizeof(host) - 1);
	return turn_moment(s->pod_name ? s->pod_name : host, s->spread);
}

static void look_again(struct turn *t, int64_t ms)
{
	loop_timer_start(t->loop, &t->timer, ms);
}

/* What was looked at before we began to wait says nothing of now. */
static bool is_busy_by_probe(struct turn *t)
{
	const struct reload_settings *s = t->settings;
	struct reload_verdict v = t->probes->ask(t->probes->owner, s->idle_probe);
	bool fits = s->idle_word ? text_is(v.word, s->idle_word) : v.pass;

	(void)snprintf(t->waits_for, sizeof(t->waits_for), "until the probe %s says %s, now %s",
		       s->idle_probe, s->idle_word ? s->idle_word : "that it passes", v.word);
	return !fits || !v.known || v.seen_from < t->began;
}

static bool is_busy_by_connections(struct turn *t)
{
	struct cost now = turn_cost(t);
	cost_before(&now);
	cost_done(&now);
	if (now.unknown)
		(void)snprintf(t->waits_for, sizeof(t->waits_for),
			       "for idle, which cannot be told: %.120s", now.e.text);
	else
		(void)snprintf(t->waits_for, sizeof(t->waits_for),
			       "until nobody is connected, now %zu", now.before);
	return now.unknown || now.before > 0;
}

/* Whether players keep us waiting. */
static bool is_busy(struct turn *t)
{
	const struct reload_settings *s = t->settings;

	if (s->when != RELOAD_IDLE ||
	    (s->idle_or_after && clock_ms() - t->began >= s->idle_or_after))
		return false;
	return s->idle_probe ? is_busy_by_probe(t) : is_busy_by_connections(t);
}

static void look(struct turn *t)
{
	int64_t left = t->spread_ends - clock_ms();
	char span[CLOCK_TEXT_SIZE];

	if (left > 0) {
		(void)snprintf(t->waits_for, sizeof(t->waits_for),
			       "for its moment in the spread, %s after the change",
			       clock_span(t->spread_ends - t->began, span));
		look_again(t, left);
	} else if (is_busy(t)) {
		look_again(t, LOOK_EVERY_MS);
	} else {
		t->waits_for[0] = '\0';
		t->on_turn(t);
	}
}

static void on_timer(struct loop_timer *timer)
{
	look(timer->owner);
}

struct cost turn_cost(const struct turn *t)
{
	return (struct cost){ .ports = t->ports,
			      .port_count = t->port_count,
			      .with_loopback = t->settings->game_loopback };
}

void turn_init(struct turn *t, struct loop *l, const struct reload_settings *s)
{
	for (size_t i = 0; i < s->game_tcp.count && i < SOCKETS_PORTS_MOST; i++)
		t->ports[t->port_count++] = (uint16_t)strtol(s->game_tcp.items[i], NULL, 10);
	t->loop = l;
	t->settings = s;
	t->timer = (struct loop_timer){ .on_time = on_timer, .owner = t };
}

void turn_wait(struct turn *t)
{
	if (t->timer.armed)
		return;
	t->began = clock_ms();
	t->spread_ends = t->began;
	if (t->settings->spread && !t->no_spread)
		t->spread_ends += own_moment(t->settings);
	look(t);
}

void turn_cancel(struct turn *t)
{
	loop_timer_stop(t->loop, &t->timer);
	t->waits_for[0] = '\0';
}
