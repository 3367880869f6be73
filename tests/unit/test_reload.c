/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine in a real loop, with a trigger that answers as the test says. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/mem.h"
#include "reloader/reload.h"

#include <stdio.h>
#include <string.h>

/* What a try is answered with: d done, f failed, n not there yet, w not answered (yet). */
struct fake {
	struct trigger trigger;
	struct reload reload;
	struct reload_settings settings;
	struct loop *loop;
	struct loop_timer watchdog;
	const char *answers;
	int64_t keys[64];
	int64_t timeouts[64];
	size_t tries;
	bool cancelled, freed;
	char changes[256]; /* first letters of the states */
	size_t change_count;
	enum reload_state end;
	void (*at_try)(struct fake *f);
};

static struct fake *fake_of(struct trigger *t)
{
	return (struct fake *)t;
}

static void answer(struct fake *f, char how)
{
	struct trigger_outcome outcome = { .output = how == 'f' ? "its last line" : "" };

	outcome.done = how == 'd';
	outcome.not_there_yet = how == 'n';
	if (!outcome.done)
		(void)err_set(&outcome.e, ERR_REMOTE, how == 'n' ? "refused" : "status 500");
	f->trigger.on_done(&f->trigger, &outcome);
}

static void start(struct trigger *t, const struct trigger_key *key, int64_t timeout_ms)
{
	struct fake *f = fake_of(t);
	size_t try = f->tries++, last = strlen(f->answers) - 1;

	assert_true(try < sizeof(f->keys) / sizeof(f->keys[0]));
	f->keys[try] = key->serial;
	f->timeouts[try] = timeout_ms;
	assert_int_equal(f->reload.state, RELOAD_SENT);
	if (f->at_try)
		f->at_try(f);
	char how = f->answers[try < last ? try : last];
	if (how != 'w')
		answer(f, how);
}

static void cancel(struct trigger *t)
{
	fake_of(t)->cancelled = true;
}

static void free_it(struct trigger *t)
{
	fake_of(t)->freed = true;
}

static const struct trigger_way way = { start, cancel, free_it };

static void on_change(struct reload *r)
{
	struct fake *f = r->owner;

	assert_true(f->change_count + 1 < sizeof(f->changes));
	f->changes[f->change_count++] = reload_state_name(r->state)[0];
	if (r->state == f->end)
		loop_stop(f->loop, 1);
}

/* Only a broken program is that slow. */
static void on_watchdog(struct loop_timer *t)
{
	struct fake *f = t->owner;

	loop_stop(f->loop, 99);
}

static void set_up(struct fake *f, const char *answers, enum reload_state end)
{
	struct err e;

	*f = (struct fake){ .answers = answers, .loop = loop_new(&e), .end = end };
	assert_non_null(f->loop);
	f->trigger.way = &way;
	f->trigger.name = mem_copy("fake");
	f->settings = (struct reload_settings){ .timeout = 5000, .backoff = 50 };
	const struct trigger_list triggers = { .items = { &f->trigger }, .count = 1 };
	f->reload = (struct reload){ .deadline_ms = 10000, .on_change = on_change, .owner = f };
	assert_int_equal(reload_init(&f->reload, f->loop, &f->settings, &triggers, &e), 0);
	f->watchdog = (struct loop_timer){ .on_time = on_watchdog, .owner = f };
	loop_timer_start(f->loop, &f->watchdog, 20000);
}

static void tear_down(struct fake *f)
{
	reload_done(&f->reload);
	assert_true(f->freed);
	assert_true(f->cancelled);
	reload_done(&f->reload);
	loop_free(f->loop);
}

static void request(struct fake *f, int64_t serial)
{
	struct trigger_key key = { .serial = serial };

	(void)snprintf(key.digest, sizeof(key.digest), "digest-%d", (int)serial);
	reload_request(&f->reload, &key);
}

static void success_at_once(void **state)
{
	struct fake f;

	(void)state;
	set_up(&f, "d", RELOAD_ACKNOWLEDGED);
	assert_int_equal(f.reload.state, RELOAD_NONE);
	request(&f, 7);
	assert_int_equal(f.reload.state, RELOAD_OWED);
	assert_int_equal(f.tries, 0);
	assert_int_equal(loop_run(f.loop), 1);
	assert_int_equal(f.tries, 1);
	assert_int_equal(f.keys[0], 7);
	assert_in_range(f.timeouts[0], 4900, 5000);
	assert_string_equal(f.reload.tries[0].key.digest, "digest-7");
	assert_string_equal(f.changes, "oa");
	assert_int_equal(reload_behind(&f.reload)->count, 1);
	assert_true(f.reload.acknowledged_at >= f.reload.first_sent_at);
	assert_true(f.reload.first_sent_at >= f.reload.began);
	tear_down(&f);
}

static void a_failed_try_is_repeated(void **state)
{
	struct fake f;

	(void)state;
	set_up(&f, "nfd", RELOAD_ACKNOWLEDGED);
	request(&f, 1);
	assert_int_equal(loop_run(f.loop), 1);
	assert_int_equal(f.tries, 3);
	assert_string_equal(f.changes, "oooa");
	assert_int_equal(reload_behind(&f.reload)->count, 3);
	assert_string_equal(reload_last_error(&f.reload), "status 500");
	assert_string_equal(reload_behind(&f.reload)->output, "its last line");
	assert_false(reload_behind(&f.reload)->unreachable);
	tear_down(&f);
}

static void while_nothing_listens_it_is_asked_often(void **state)
{
	struct fake f;

	(void)state;
	set_up(&f, "nnnd", RELOAD_ACKNOWLEDGED);
	request(&f, 1);
	int64_t began = clock_ms();
	assert_int_equal(loop_run(f.loop), 1);
	int64_t took = clock_ms() - began;
	assert_int_equal(f.tries, 4);
	assert_true(took >= 72);
	assert_true(reload_behind(&f.reload)->unreachable);
	assert_string_equal(reload_last_error(&f.reload), "refused");
	tear_down(&f);
}

static void pauses_grow_to_the_longest(void **state)
{
	struct fake f;

	(void)state;
	set_up(&f, "fffd", RELOAD_ACKNOWLEDGED);
	f.reload.tries[0].backoff_ms = 20;
	request(&f, 1);
	int64_t began = clock_ms();
	assert_int_equal(loop_run(f.loop), 1);
	/* 200 and then 20 and 20, 20 percent less at most */
	assert_true(clock_ms() - began >= 160 + 2 * 15);
	assert_int_equal(reload_behind(&f.reload)->pause_ms, 20);
	tear_down(&f);
}

static void request_newer(struct fake *f)
{
	if (f->tries == 1)
		request(f, 2);
}

static void a_newer_version_is_tried_at_once_and_the_old_answer_ignored(void **state)
{
	struct fake f;

	(void)state;
	set_up(&f, "dd", RELOAD_ACKNOWLEDGED);
	f.at_try = request_newer;
	request(&f, 1);
	int64_t began = clock_ms();
	assert_int_equal(loop_run(f.loop), 1);
	assert_true(clock_ms() - began < 150); /* no pause */
	assert_int_equal(f.tries, 2);
	assert_int_equal(f.keys[0], 1);
	assert_int_equal(f.keys[1], 2);
	assert_string_equal(f.changes, "ooa");
	assert_int_equal(reload_behind(&f.reload)->count, 1);
	tear_down(&f);
}

static void an_old_failure_is_ignored_too(void **state)
{
	struct fake f;

	(void)state;
	set_up(&f, "fd", RELOAD_ACKNOWLEDGED);
	f.at_try = request_newer;
	request(&f, 1);
	int64_t began = clock_ms();
	assert_int_equal(loop_run(f.loop), 1);
	assert_true(clock_ms() - began < 150);
	assert_int_equal(f.keys[1], 2);
	assert_int_equal(reload_behind(&f.reload)->count, 1);
	assert_string_equal(reload_last_error(&f.reload), "");
	tear_down(&f);
}

static void request_same(struct fake *f)
{
	if (f->tries == 1)
		request(f, 1);
}

static void the_same_version_is_reloaded_once(void **state)
{
	struct fake f;

	(void)state;
	set_up(&f, "d", RELOAD_ACKNOWLEDGED);
	f.at_try = request_same;
	request(&f, 1);
	assert_int_equal(loop_run(f.loop), 1);
	assert_int_equal(f.tries, 1);
	assert_string_equal(f.changes, "oa");
	tear_down(&f);
}

static void request_another(struct fake *f)
{
	const struct trigger_key key = { .serial = 1, .digest = "another" };

	if (f->tries == 1)
		reload_request(&f->reload, &key);
}

/* After the state directory was removed. */
static void another_digest_is_another_version(void **state)
{
	struct fake f;

	(void)state;
	set_up(&f, "d", RELOAD_ACKNOWLEDGED);
	f.at_try = request_another;
	request(&f, 1);
	assert_int_equal(loop_run(f.loop), 1);
	assert_int_equal(f.tries, 2);
	assert_string_equal(f.reload.tries[0].key.digest, "another");
	assert_string_equal(f.changes, "ooa");
	tear_down(&f);
}

static void a_newer_version_ends_a_pause(void **state)
{
	struct fake f;

	(void)state;
	set_up(&f, "fd", RELOAD_OWED);
	f.end = RELOAD_NONE;
	request(&f, 1);
	f.end = RELOAD_OWED;
	assert_int_equal(loop_run(f.loop), 1); /* the first try has failed */
	assert_int_equal(f.tries, 1);
	f.end = RELOAD_ACKNOWLEDGED;
	request(&f, 2);
	int64_t began = clock_ms();
	assert_int_equal(loop_run(f.loop), 1);
	assert_true(clock_ms() - began < 150);
	assert_int_equal(f.keys[1], 2);
	assert_int_equal(f.tries, 2);
	tear_down(&f);
}

static void the_deadline_refuses(void **state)
{
	struct fake f;

	(void)state;
	set_up(&f, "n", RELOAD_REFUSED);
	f.reload.deadline_ms = 120;
	request(&f, 1);
	int64_t began = clock_ms();
	assert_int_equal(loop_run(f.loop), 1);
	assert_in_range(clock_ms() - began, 119, 10000);
	assert_true(f.tries > 1);
	assert_int_equal(reload_behind(&f.reload)->count, f.tries);
	assert_string_equal(reload_last_error(&f.reload), "refused");
	assert_true(f.timeouts[0] <= 120); /* no try goes on beyond it */
	for (size_t i = 1; i < f.tries; i++)
		assert_true(f.timeouts[i] < f.timeouts[i - 1]);
	assert_false(f.reload.tries[0].timer.armed);
	tear_down(&f);
}

static void it_can_be_begun_again(void **state)
{
	struct fake f;

	(void)state;
	set_up(&f, "n", RELOAD_REFUSED);
	f.reload.deadline_ms = 40;
	assert_false(reload_again(&f.reload));
	request(&f, 5);
	assert_false(reload_again(&f.reload));
	assert_int_equal(loop_run(f.loop), 1);
	size_t tries = f.tries;
	f.answers = "d";
	f.end = RELOAD_ACKNOWLEDGED;
	assert_true(reload_again(&f.reload));
	assert_int_equal(f.reload.state, RELOAD_OWED);
	assert_int_equal(reload_behind(&f.reload)->count, 0);
	assert_int_equal(loop_run(f.loop), 1);
	assert_int_equal(f.tries, tries + 1);
	assert_int_equal(f.keys[tries], 5);
	assert_false(reload_again(&f.reload));
	tear_down(&f);
}

static void a_refused_version_gives_way_to_a_newer_one(void **state)
{
	struct fake f;

	(void)state;
	set_up(&f, "n", RELOAD_REFUSED);
	f.reload.deadline_ms = 30;
	request(&f, 1);
	assert_int_equal(loop_run(f.loop), 1);
	f.answers = "d";
	f.end = RELOAD_ACKNOWLEDGED;
	request(&f, 2);
	assert_int_equal(loop_run(f.loop), 1);
	assert_int_equal(f.keys[f.tries - 1], 2);
	tear_down(&f);
}

static void answer_late(struct loop_timer *t)
{
	struct fake *f = t->owner;

	answer(f, 'd');
}

static void an_answer_may_come_later(void **state)
{
	struct fake f;
	struct loop_timer late = { .on_time = answer_late, .owner = &f };

	(void)state;
	set_up(&f, "w", RELOAD_ACKNOWLEDGED);
	request(&f, 1);
	loop_timer_start(f.loop, &late, 5);
	assert_int_equal(loop_run(f.loop), 1);
	assert_int_equal(f.tries, 1);
	assert_string_equal(f.changes, "oa");
	tear_down(&f);
}

static void a_deadline_of_nothing_still_tries_once(void **state)
{
	struct fake f;

	(void)state;
	set_up(&f, "f", RELOAD_REFUSED);
	f.reload.deadline_ms = 0;
	request(&f, 1);
	assert_int_equal(loop_run(f.loop), 1);
	assert_int_equal(f.tries, 1);
	assert_int_equal(f.timeouts[0], 1);
	assert_string_equal(f.changes, "or");
	tear_down(&f);
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(reload_state_name(RELOAD_NONE), "none");
	assert_string_equal(reload_state_name(RELOAD_OWED), "owed");
	assert_string_equal(reload_state_name(RELOAD_SENT), "sent");
	assert_string_equal(reload_state_name(RELOAD_ACKNOWLEDGED), "acknowledged");
	assert_string_equal(reload_state_name(RELOAD_REFUSED), "refused");
}

int test_reload(void);

int test_reload(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(success_at_once),
		cmocka_unit_test(a_failed_try_is_repeated),
		cmocka_unit_test(while_nothing_listens_it_is_asked_often),
		cmocka_unit_test(pauses_grow_to_the_longest),
		cmocka_unit_test(a_newer_version_is_tried_at_once_and_the_old_answer_ignored),
		cmocka_unit_test(an_old_failure_is_ignored_too),
		cmocka_unit_test(the_same_version_is_reloaded_once),
		cmocka_unit_test(another_digest_is_another_version),
		cmocka_unit_test(a_newer_version_ends_a_pause),
		cmocka_unit_test(the_deadline_refuses),
		cmocka_unit_test(it_can_be_begun_again),
		cmocka_unit_test(a_refused_version_gives_way_to_a_newer_one),
		cmocka_unit_test(an_answer_may_come_later),
		cmocka_unit_test(a_deadline_of_nothing_still_tries_once),
		cmocka_unit_test(states_have_names),
	};

	return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
