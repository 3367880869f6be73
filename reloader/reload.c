/* SPDX-License-Identifier: Apache-2.0 */
/* reload: see reload.h. */
#include "reloader/reload.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/text.h"
#include "reloader/proof.h"

#include <string.h>

static struct metric acknowledged_count = {
	.name = "gs_sidecar_reloads_acknowledged_total",
	.help = "Versions whose reload the game acknowledged.",
	.kind = METRIC_COUNTER,
};
static struct metric unproven_count = {
	.name = "gs_sidecar_reloads_unproven_total",
	.help = "Versions whose reload was answered, but whose proof did not come.",
	.kind = METRIC_COUNTER,
};
static struct metric refused_count = {
	.name = "gs_sidecar_reloads_refused_total",
	.help = "Versions whose reload was given up.",
	.kind = METRIC_COUNTER,
};
static struct metric cut_count = {
	.name = "gs_sidecar_reload_cut_connections_total",
	.help = "Players' connections that were there before a reload and not after it.",
	.kind = METRIC_COUNTER,
};

static void list_metrics(void)
{
	tries_list_metrics();
	metric_list(&acknowledged_count);
	metric_list(&unproven_count);
	metric_list(&refused_count);
	metric_list(&cut_count);
}

const char *reload_state_name(enum reload_state state)
{
	static const char *const names[] = {
		[RELOAD_NONE] = "none",         [RELOAD_OWED] = "owed",
		[RELOAD_SENT] = "sent",         [RELOAD_ACKNOWLEDGED] = "acknowledged",
		[RELOAD_UNPROVEN] = "unproven", [RELOAD_REFUSED] = "refused",
	};

	return names[state];
}

const struct tries *reload_behind(const struct reload *r)
{
	for (size_t i = 0; i < r->started; i++)
		if (r->tries[i].state != TRIES_DONE)
			return &r->tries[i];
	return &r->tries[r->started ? r->started - 1 : 0];
}

const char *reload_last_error(const struct reload *r)
{
	if (r->state == RELOAD_UNPROVEN)
		return r->unproven.text;
	return r->name ? reload_behind(r)->last.text : "";
}

static size_t count_in(const struct reload *r, enum tries_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < r->started; i++)
		count += r->tries[i].state == state;
	return count;
}

/* ---- what it cost ---- */

static void count_cut(struct reload *r)
{
	loop_timer_stop(r->loop, &r->counts);
	if (!r->counting)
		return;
	r->counting = false;
	cost_after(&r->cost);
	cost_done(&r->cost);
	if (!r->cost.unknown)
		cut_count.value += (double)r->cost.cut;
	if (r->on_cost)
		r->on_cost(r);
}

static void on_count_time(struct loop_timer *t)
{
	count_cut(t->owner);
}

static void end(struct reload *r, enum reload_state state, struct metric *count)
{
	r->state = state;
	r->proving = false;
	count->value++;
	if (r->counting)
		loop_timer_start(r->loop, &r->counts, r->settings->cut_within);
	r->on_change(r);
}

/* ---- the way of a version ---- */

static int64_t min_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* One that starts late, since another one took long, has the time of a try all the same. */
static void start_next(struct reload *r)
{
	struct tries *t = &r->tries[r->started];
	int64_t ends = r->began + r->deadline_ms;
	int64_t least = clock_ms() + min_of(t->timeout_ms, r->deadline_ms);

	tries_begin(t, &r->wanted, r->started && ends < least ? least : ends);
	r->started++;
}

static void on_turn(struct turn *t)
{
	struct reload *r = t->owner;

	r->began = clock_ms();
	if (r->proof) {
		proof_before(r->proof);
		r->wanted.proven_from = r->began;
	}
	r->counting = r->turn.port_count > 0;
	if (r->counting) {
		r->cost = turn_cost(&r->turn);
		cost_before(&r->cost);
		memcpy(r->counted, r->wanted.digest, sizeof(r->counted));
	}
	start_next(r);
}

static void forget_last(struct reload *r)
{
	if (r->proof)
		proof_cancel(r->proof);
	count_cut(r);
	r->again = r->proving = false;
	r->started = 0;
	r->first_sent_at = r->acknowledged_at = 0;
	r->unproven = (struct err){ 0 };
	r->tries[0].last = (struct err){ 0 };
	r->tries[0].count = 0;
	r->state = RELOAD_OWED;
}

static void begin(struct reload *r)
{
	forget_last(r);
	r->on_change(r);
	turn_wait(&r->turn);
}

static void on_proof(void *owner, const struct err *why)
{
	struct reload *r = owner;

	if (why) {
		r->unproven = *why;
		end(r, RELOAD_UNPROVEN, &unproven_count);
	} else {
		r->acknowledged_at = clock_ms();
		end(r, RELOAD_ACKNOWLEDGED, &acknowledged_count);
	}
}

static void all_answered(struct reload *r)
{
	if (count_in(r, TRIES_GIVEN_UP)) {
		end(r, RELOAD_REFUSED, &refused_count);
	} else if (r->proof) {
		r->proving = true;
		r->state = RELOAD_SENT;
		proof_begin(r->proof, &r->wanted, on_proof, r);
	} else {
		on_proof(r, NULL);
	}
}

static void on_try_end(struct tries *t)
{
	struct reload *r = t->owner;
	bool newest = t == &r->tries[r->started - 1];

	if (!r->first_sent_at || t->sent_at < r->first_sent_at)
		r->first_sent_at = t->sent_at;
	if (r->again) {
		if (!count_in(r, TRIES_UNDER_WAY))
			begin(r);
		return;
	}
	if (newest && r->started < r->triggers.count)
		start_next(r);
	else if (count_in(r, TRIES_DONE) + count_in(r, TRIES_GIVEN_UP) == r->triggers.count) {
		all_answered(r);
		return;
	}
	r->state = count_in(r, TRIES_UNDER_WAY) ? RELOAD_SENT : RELOAD_OWED;
	if (t->state == TRIES_PAUSED || t->state == TRIES_GIVEN_UP)
		r->on_change(r);
}

static void on_try_start(struct tries *t)
{
	struct reload *r = t->owner;

	r->state = RELOAD_SENT;
	if (!r->first_sent_at)
		r->first_sent_at = t->sent_at;
}

/* ---- from outside ---- */

int reload_init(struct reload *r, struct loop *l, const struct reload_settings *s,
		const struct trigger_list *triggers, struct err *e)
{
	struct list names = { 0 };

	r->loop = l;
	r->settings = s;
	r->triggers = *triggers;
	if (!triggers->count)
		return 0;
	r->tries = mem_alloc(triggers->count * sizeof(*r->tries));
	for (size_t i = 0; i < triggers->count; i++) {
		const struct reload_settings *own =
			triggers->settings[i] ? triggers->settings[i] : s;

		r->tries[i] = (struct tries){ .timeout_ms = own->timeout,
					      .backoff_ms = own->backoff,
					      .on_start = on_try_start,
					      .on_end = on_try_end,
					      .owner = r };
		tries_init(&r->tries[i], l, triggers->items[i]);
		list_add(&names, triggers->items[i]->name);
	}
	r->name = list_join(&names, ", ");
	list_clear(&names);
	r->turn.on_turn = on_turn;
	r->turn.owner = r;
	r->turn.probes = &r->probes;
	turn_init(&r->turn, l, s);
	r->counts = (struct loop_timer){ .on_time = on_count_time, .owner = r };
	list_metrics();
	return proof_new(l, s, &r->probes, &r->proof, e);
}

void reload_done(struct reload *r)
{
	for (size_t i = 0; r->tries && i < r->triggers.count; i++)
		tries_done(&r->tries[i]);
	trigger_list_done(&r->triggers);
	if (!r->name)
		return;
	turn_cancel(&r->turn);
	loop_timer_stop(r->loop, &r->counts);
	proof_free(r->proof);
	cost_done(&r->cost);
	free(r->tries);
	free(r->name);
	r->tries = NULL;
	r->proof = NULL;
	r->name = NULL;
}

void reload_request(struct reload *r, const struct trigger_key *key)
{
	bool new = key->serial != r->wanted.serial || !text_is(key->digest, r->wanted.digest);

	r->wanted = *key;
	if (!count_in(r, TRIES_UNDER_WAY)) {
		for (size_t i = 0; i < r->started; i++)
			tries_stop(&r->tries[i]);
		begin(r);
	} else if (new) {
		r->again = true;
		for (size_t i = 0; i < r->started; i++)
			tries_stop(&r->tries[i]);
	}
}

bool reload_again(struct reload *r)
{
	if (r->state != RELOAD_REFUSED && r->state != RELOAD_UNPROVEN)
		return false;
	forget_last(r);
	r->on_change(r);
	on_turn(&r->turn);
	return true;
}

void reload_is_known(struct reload *r, const struct trigger_key *key)
{
	r->wanted = *key;
	r->state = RELOAD_ACKNOWLEDGED;
}
