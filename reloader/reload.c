/* SPDX-License-Identifier: Apache-2.0 */
/* reload: see reload.h. */
#include "reloader/reload.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/metric.h"

#include <sys/random.h>

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
static struct metric acknowledged_count = {
	.name = "gs_sidecar_reloads_acknowledged_total",
	.help = "Versions whose reload the game acknowledged.",
	.kind = METRIC_COUNTER,
};

const char *reload_state_name(enum reload_state state)
{
	static const char *const names[] = {
		[RELOAD_NONE] = "none",       [RELOAD_OWED] = "owed",
		[RELOAD_SENT] = "sent",       [RELOAD_ACKNOWLEDGED] = "acknowledged",
		[RELOAD_REFUSED] = "refused",
	};

	return names[state];
}

static int64_t min_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t time_left(const struct reload *r)
{
	return r->began + r->deadline_ms - clock_ms();
}

static void change(struct reload *r, enum reload_state state)
{
	r->state = state;
	r->on_change(r);
}

static void try_now(struct reload *r)
{
	int64_t timeout = min_of(r->timeout_ms, time_left(r));

	r->sent = r->wanted;
	r->attempts++;
	if (!r->first_sent_at)
		r->first_sent_at = clock_ms();
	sent_count.value++;
	r->state = RELOAD_SENT;
	r->trigger->way->start(r->trigger, &r->sent, timeout > 0 ? timeout : 1);
}

/* A fleet that was updated together must not knock together: 20 percent either way. */
static int64_t jittered(int64_t ms)
{
	unsigned char byte = 128;

	(void)!getrandom(&byte, sizeof(byte), GRND_NONBLOCK);
	return ms * 4 / 5 + ms * 2 / 5 * byte / 255;
}

static int64_t next_pause(struct reload *r, const struct trigger_outcome *outcome)
{
	if (outcome->not_there_yet && clock_ms() - r->began < UNREACHABLE_PATIENCE_MS)
		return UNREACHABLE_PAUSE_MS;
	r->pause_ms = r->pause_ms ? min_of(2 * r->pause_ms, r->backoff_ms) : REFUSED_PAUSE_MS;
	return jittered(r->pause_ms);
}

static void begin(struct reload *r)
{
	r->attempts = 0;
	r->pause_ms = 0;
	r->unreachable = false;
	r->first_sent_at = r->acknowledged_at = 0;
	r->began = clock_ms();
	r->last = (struct err){ 0 };
	change(r, RELOAD_OWED);
	loop_timer_start(r->loop, &r->timer, 0);
}

static void retry_later(struct reload *r, const struct trigger_outcome *outcome)
{
	int64_t left = time_left(r);

	failed_count.value++;
	r->last = outcome->e;
	r->unreachable = outcome->not_there_yet && (r->attempts == 1 || r->unreachable);
	free(r->output);
	r->output = mem_copy(outcome->output);
	if (left <= 0) {
		change(r, RELOAD_REFUSED);
		return;
	}
	loop_timer_start(r->loop, &r->timer, min_of(next_pause(r, outcome), left));
	change(r, RELOAD_OWED);
}

static void on_outcome(struct trigger *trigger, const struct trigger_outcome *outcome)
{
	struct reload *r = trigger->owner;

	if (r->sent.serial != r->wanted.serial) {
		begin(r);
		return;
	}
	if (!outcome->done) {
		retry_later(r, outcome);
		return;
	}
	r->acknowledged_at = clock_ms();
	acknowledged_count.value++;
	change(r, RELOAD_ACKNOWLEDGED);
}

static void on_timer(struct loop_timer *t)
{
	struct reload *r = t->owner;

	if (r->attempts && time_left(r) <= 0)
		change(r, RELOAD_REFUSED);
	else
		try_now(r);
}

void reload_init(struct reload *r, struct loop *l, struct trigger *trigger)
{
	r->loop = l;
	r->trigger = trigger;
	r->timer = (struct loop_timer){ .on_time = on_timer, .owner = r };
	trigger->on_done = on_outcome;
	trigger->owner = r;
	metric_list(&sent_count);
	metric_list(&failed_count);
	metric_list(&acknowledged_count);
}

void reload_done(struct reload *r)
{
	if (!r->trigger)
		return;
	loop_timer_stop(r->loop, &r->timer);
	trigger_free(r->trigger);
	free(r->output);
	r->trigger = NULL;
	r->output = NULL;
}

void reload_request(struct reload *r, const struct trigger_key *key)
{
	r->wanted = *key;
	if (r->state != RELOAD_SENT)
		begin(r);
}

bool reload_again(struct reload *r)
{
	if (r->state != RELOAD_REFUSED)
		return false;
	begin(r);
	return true;
}
