/* SPDX-License-Identifier: Apache-2.0 */
/* Who is served by which run, with a trigger that ends when the test says so. */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "reloader/runner.h"

#include <stdio.h>
#include <stdlib.h>

#define ASKS 20000
#define CONTENTS 4

struct fake {
	struct trigger trigger;
	struct runner runner;
	bool at_once; /* it ends before start returns, as a signal does */
	unsigned starts;
	bool freed;
};

struct client {
	struct runner_request request;
	struct fake *fake;
	char key[16], digest[16];
	uint64_t there_since; /* runs that had begun when what it wants was there */
	unsigned told;
	struct runner_outcome outcome;
	struct client *asks_again;
};

static void end_run(struct fake *f, bool done)
{
	struct trigger_outcome outcome = { .done = done, .output = "said" };

	if (!done)
		(void)err_set(&outcome.e, ERR_REMOTE, "no");
	f->trigger.on_done(&f->trigger, &outcome);
}

static void start(struct trigger *t, const struct trigger_key *key, int64_t timeout_ms)
{
	struct fake *f = (struct fake *)t;

	assert_int_equal(timeout_ms, 5000);
	assert_string_equal(key->digest, "");
	f->starts++;
	if (f->at_once)
		end_run(f, true);
}

static void cancel(struct trigger *t)
{
	(void)t;
}

static void free_it(struct trigger *t)
{
	((struct fake *)t)->freed = true;
}

static const struct trigger_way way = { start, cancel, free_it };

static void set_up(struct fake *f)
{
	*f = (struct fake){ .trigger = { .way = &way, .name = mem_copy("fake") } };
	runner_init(&f->runner, &f->trigger, 5000);
}

static void tear_down(struct fake *f)
{
	runner_done(&f->runner);
	assert_true(f->freed);
	runner_done(&f->runner);
}

static enum runner_answer ask(struct client *c);

static void on_done(struct runner_request *request, const struct runner_outcome *outcome)
{
	struct client *c = request->owner;

	c->told++;
	c->outcome = *outcome;
	assert_int_equal(outcome->run, request->run);
	assert_true(outcome->run > c->there_since);
	if (c->asks_again)
		assert_int_equal(ask(c->asks_again), RUNNER_ASKED);
}

static enum runner_answer ask(struct client *c)
{
	c->request = (struct runner_request){ .key = c->key[0] ? c->key : NULL,
					      .digest = c->digest[0] ? c->digest : NULL,
					      .on_done = on_done,
					      .owner = c };
	return runner_ask(&c->fake->runner, &c->request);
}

static void who_comes_during_a_run_waits_for_the_next(void **state)
{
	struct fake f;
	struct client first = { .fake = &f }, second = { .fake = &f, .there_since = 1 };
	struct client third = { .fake = &f, .there_since = 1 };

	(void)state;
	set_up(&f);
	assert_int_equal(ask(&first), RUNNER_ASKED);
	assert_int_equal(ask(&second), RUNNER_ASKED);
	assert_int_equal(ask(&third), RUNNER_ASKED);
	assert_int_equal(f.starts, 1);
	end_run(&f, false);
	assert_int_equal(first.told, 1);
	assert_false(first.outcome.done);
	assert_string_equal(first.outcome.e.text, "no");
	assert_int_equal(second.told, 0);
	assert_int_equal(f.starts, 2);
	end_run(&f, true);
	assert_true(second.told == 1 && third.told == 1 && second.outcome.done);
	assert_int_equal(f.starts, 2);
	assert_false(f.runner.running);
	assert_int_equal(f.runner.runs, 2);
	assert_int_equal(f.runner.failures, 1);
	tear_down(&f);
}

static void who_is_told_may_ask_again(void **state)
{
	struct fake f;
	struct client last = { .fake = &f, .there_since = 1, .digest = "A" };
	struct client first = { .fake = &f, .digest = "A", .asks_again = &last };
	struct client second = { .fake = &f, .digest = "A" };

	(void)state;
	set_up(&f);
	assert_int_equal(ask(&first), RUNNER_ASKED);
	assert_int_equal(ask(&second), RUNNER_ASKED);
	end_run(&f, false);
	assert_true(first.told == 1 && second.told == 1 && !second.outcome.done);
	assert_int_equal(last.told, 0);
	end_run(&f, true);
	assert_true(last.told == 1 && last.outcome.done);
	tear_down(&f);
}

static void a_trigger_may_end_at_once(void **state)
{
	struct fake f;
	struct client last = { .fake = &f, .there_since = 1 };
	struct client first = { .fake = &f, .asks_again = &last };

	(void)state;
	set_up(&f);
	f.at_once = true;
	assert_int_equal(ask(&first), RUNNER_ASKED);
	assert_true(first.told == 1 && last.told == 1);
	assert_true(first.outcome.run == 1 && last.outcome.run == 2);
	tear_down(&f);
}

static void an_end_tells_nobody(void **state)
{
	struct fake f;
	struct client first = { .fake = &f }, second = { .fake = &f };

	(void)state;
	set_up(&f);
	(void)ask(&first);
	(void)ask(&second);
	tear_down(&f);
	assert_true(first.told == 0 && second.told == 0);
}

/* Not rand(): the same with every libc. */
static unsigned next_random(void)
{
	static uint32_t state = 7;

	state = state * 1664525 + 1013904223;
	return state >> 16;
}

/* What is published, and what the game has, as far as anybody can say. */
struct world {
	struct fake fake;
	unsigned content, serial;
	uint64_t there_since;
	uint64_t loaded_by; /* the run that loaded what is there; 0: none that is known to have */
};

/* New content is published before anybody asks for it. */
static void change(struct world *w)
{
	w->content = (w->content + 1 + next_random() % (CONTENTS - 1)) % CONTENTS;
	w->serial++;
	w->there_since = w->fake.runner.begun;
	w->loaded_by = 0;
}

static struct client *new_client(struct world *w, struct client *c)
{
	*c = (struct client){ .fake = &w->fake, .there_since = w->there_since };
	switch (next_random() % 4) {
	case 0: /* without a name what it wants may be there since now only */
		c->there_since = w->fake.runner.begun;
		break;
	case 1:
		(void)snprintf(c->digest, sizeof(c->digest), "%u", w->content);
		break;
	case 2:
		(void)snprintf(c->digest, sizeof(c->digest), "%u", w->content);
		(void)snprintf(c->key, sizeof(c->key), "%u-%u", w->content, w->serial);
		break;
	default:
		(void)snprintf(c->key, sizeof(c->key), "%u-%u", w->content, w->serial);
		break;
	}
	return c;
}

static void end_run_of(struct world *w, bool done)
{
	uint64_t run = w->fake.runner.begun;

	w->loaded_by = done && run > w->there_since ? run : 0;
	end_run(&w->fake, done);
}

/* Over any sequence of events: nobody is told of a run that began before what he wants was there.
 */
static void nothing_is_ever_lost(void **state)
{
	struct client *clients = mem_alloc(ASKS * sizeof(*clients));
	struct world w = { 0 };
	unsigned known = 0, joined = 0;

	(void)state;
	set_up(&w.fake);
	for (size_t i = 0; i < ASKS; i++) {
		if (next_random() % 4 == 0)
			change(&w);
		while (w.fake.runner.running && next_random() % 3 == 0)
			end_run_of(&w, next_random() % 3 != 0);
		uint64_t begun = w.fake.runner.begun;
		bool ran = w.fake.runner.running;
		struct client *c = new_client(&w, &clients[i]);
		enum runner_answer answer = ask(c);
		assert_int_not_equal(answer, RUNNER_CONFLICT);
		if (answer == RUNNER_KNOWN) {
			known++;
			assert_true(c->key[0] || (w.loaded_by && w.loaded_by == begun));
			continue;
		}
		joined += ran && c->request.run == begun;
	}
	while (w.fake.runner.running)
		end_run_of(&w, true);
	for (size_t i = 0; i < ASKS; i++)
		assert_true(clients[i].told <= 1);
	assert_true(known > 100 && joined > 100);
	assert_true(w.fake.runner.runs < ASKS);
	tear_down(&w.fake);
	free(clients);
}

static void names_are_compared(void **state)
{
	struct fake f;
	struct client one = { .fake = &f, .key = "k", .digest = "A" };
	struct client other = { .fake = &f, .key = "k", .digest = "B" };
	struct client bare = { .fake = &f, .key = "k" };

	(void)state;
	set_up(&f);
	assert_int_equal(ask(&one), RUNNER_ASKED);
	assert_int_equal(ask(&other), RUNNER_CONFLICT);
	assert_int_equal(ask(&bare), RUNNER_ASKED);
	assert_int_equal(f.runner.served.count, 2);
	end_run(&f, true);
	assert_int_equal(ask(&other), RUNNER_CONFLICT);
	assert_int_equal(ask(&bare), RUNNER_KNOWN);
	assert_true(one.told == 1 && bare.told == 1 && other.told == 0);
	tear_down(&f);
}

int test_runner(void);

int test_runner(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_comes_during_a_run_waits_for_the_next),
		cmocka_unit_test(who_is_told_may_ask_again),
		cmocka_unit_test(a_trigger_may_end_at_once),
		cmocka_unit_test(an_end_tells_nobody),
		cmocka_unit_test(nothing_is_ever_lost),
		cmocka_unit_test(names_are_compared),
	};

	return cmocka_run_group_tests_name("runner", tests, NULL, NULL);
}
