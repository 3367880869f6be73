/* SPDX-License-Identifier: Apache-2.0 */
/* tries: see tries.h. */
#include "reloader/tries.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/metric.h"

/*
 * While nothing listens, asking costs next to nothing and the game may be up any moment: players
 * wait for it. After this long it is more likely broken than starting.
 */
#define UNREACHABLE_PAUSE_MS 25
#define UNREACHABLE_PATIENCE_MS 60000
#define REFUSED_PAUSE_MS 200

static struct metric sent_count = {
	.name = "gs_sidecar_reload_tries_total",
	.help = "Reloads sent to the game, tries that could not reach it included.",
	.kind = METRIC_COUNTER,
};
static struct metric failed_count = {
	.name = "gs_sidecar_reload_failed_tries_total",
	.help = "Tries that were not acknowledged.",
	.kind = METRIC_COUNTER,
};

void tries_list_metrics(void)
{
	metric_list(&sent_count);
	metric_list(&failed_count);
}

static int64_t min_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void try_now(struct tries *t)
{
	int64_t timeout = min_of(t->timeout_ms, t->end - clock_ms());

	t->count++;
	if (!t->sent_at)
		t->sent_at = clock_ms();
	sent_count.value++;
	t->state = TRIES_UNDER_WAY;
	t->on_start(t);
	t->trigger->way->start(t->trigger, &t->key, timeout > 0 ? timeout : 1);
}

static int64_t next_pause(struct tries *t, bool not_there_yet)
{
	if (not_there_yet && clock_ms() - t->began < UNREACHABLE_PATIENCE_MS)
		return UNREACHABLE_PAUSE_MS;
	t->pause_ms = t->pause_ms ? min_of(2 * t->pause_ms, t->backoff_ms) : REFUSED_PAUSE_MS;
	return clock_jittered(t->pause_ms);
}

static void end_one(struct tries *t, enum tries_state state)
{
	t->state = state;
	t->on_end(t);
}

static void failed(struct tries *t, const struct trigger_outcome *outcome)
{
	int64_t left = t->end - clock_ms();

	/* That the last one was cut short by the deadline says less than what the one before said.
	 */
	bool says_nothing = t->count > 1 && left <= 0 && outcome->e.kind == ERR_DEADLINE;

	failed_count.value++;
	if (!says_nothing) {
		t->last = outcome->e;
		t->unreachable = outcome->not_there_yet && (t->count == 1 || t->unreachable);
		free(t->output);
		t->output = mem_copy(outcome->output);
	}
	if (left <= 0) {
		end_one(t, TRIES_GIVEN_UP);
		return;
	}
	loop_timer_start(t->loop, &t->timer, min_of(next_pause(t, outcome->not_there_yet), left));
	end_one(t, TRIES_PAUSED);
}

static void on_outcome(struct trigger *trigger, const struct trigger_outcome *outcome)
{
	struct tries *t = trigger->owner;

	if (outcome->done)
		end_one(t, TRIES_DONE);
	else
		failed(t, outcome);
}

static void on_timer(struct loop_timer *timer)
{
	struct tries *t = timer->owner;

	if (t->count && t->end <= clock_ms())
		end_one(t, TRIES_GIVEN_UP);
	else
		try_now(t);
}

void tries_init(struct tries *t, struct loop *l, struct trigger *trigger)
{
	t->loop = l;
	t->trigger = trigger;
	t->timer = (struct loop_timer){ .on_time = on_timer, .owner = t };
	trigger->on_done = on_outcome;
	trigger->owner = t;
}

void tries_done(struct tries *t)
{
	loop_timer_stop(t->loop, &t->timer);
	trigger_free(t->trigger);
	free(t->output);
	t->trigger = NULL;
	t->output = NULL;
}

void tries_begin(struct tries *t, const struct trigger_key *key, int64_t end)
{
	t->key = *key;
	t->count = 0;
	t->pause_ms = 0;
	t->unreachable = false;
	t->sent_at = 0;
	t->began = clock_ms();
	t->end = end;
	t->last = (struct err){ 0 };
	free(t->output);
	t->output = NULL;
	t->state = TRIES_PAUSED;
	loop_timer_start(t->loop, &t->timer, 0);
}

void tries_stop(struct tries *t)
{
	loop_timer_stop(t->loop, &t->timer);
	if (t->state == TRIES_UNDER_WAY)
		t->end = 0;
	else
		t->state = TRIES_NONE;
}
