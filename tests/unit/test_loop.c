/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* What was called, in order. */
struct story {
	struct loop *loop;
	char said[32];
	size_t length;
	struct loop_timer timers[4];
	struct loop_watch watches[2];
};

static void say(struct story *s, char c)
{
	assert_true(s->length + 1 < sizeof(s->said));
	s->said[s->length++] = c;
}

static void say_timer(struct loop_timer *t)
{
	struct story *s = t->owner;

	assert_false(t->armed);
	say(s, (char)('0' + (t - s->timers)));
}

static void stop_at_timer(struct loop_timer *t)
{
	struct story *s = t->owner;

	say_timer(t);
	loop_stop(s->loop, 42);
}

static struct story *set_up(struct story *s)
{
	struct err e;

	*s = (struct story){ .loop = loop_new(&e) };
	assert_non_null(s->loop);
	for (size_t i = 0; i < 4; i++)
		s->timers[i] = (struct loop_timer){ .on_time = say_timer, .owner = s };
	s->timers[3].on_time = stop_at_timer;
	return s;
}

static void timers_come_in_order(void **state)
{
	struct story s;

	(void)state;
	set_up(&s);
	/* Started again until no pause of this process came between the calls. */
	do {
		loop_timer_start(s.loop, &s.timers[3], 6);
		loop_timer_start(s.loop, &s.timers[1], 4);
		loop_timer_start(s.loop, &s.timers[0], 2);
		loop_timer_start(s.loop, &s.timers[2], 5);
	} while (s.timers[0].at >= s.timers[1].at || s.timers[1].at >= s.timers[2].at ||
		 s.timers[2].at >= s.timers[3].at);
	int64_t last = s.timers[3].at;
	assert_int_equal(loop_run(s.loop), 42);
	assert_true(clock_ms() >= last);
	assert_string_equal(s.said, "0123");
	loop_free(s.loop);
}

static void equal_times_keep_their_order(void **state)
{
	struct story s;

	(void)state;
	set_up(&s);
	loop_timer_start(s.loop, &s.timers[2], 0);
	loop_timer_start(s.loop, &s.timers[0], 0);
	loop_timer_start(s.loop, &s.timers[1], 0);
	loop_timer_start(s.loop, &s.timers[3], 0);
	assert_int_equal(loop_run(s.loop), 42);
	assert_string_equal(s.said, "2013");
	loop_free(s.loop);
}

static void a_stopped_timer_is_silent_and_a_moved_one_calls_once(void **state)
{
	struct story s;

	(void)state;
	set_up(&s);
	loop_timer_stop(s.loop, &s.timers[0]);
	loop_timer_start(s.loop, &s.timers[0], 0);
	loop_timer_start(s.loop, &s.timers[1], 0);
	loop_timer_start(s.loop, &s.timers[2], 1);
	loop_timer_stop(s.loop, &s.timers[0]);
	loop_timer_stop(s.loop, &s.timers[0]);
	loop_timer_start(s.loop, &s.timers[1], 3);
	loop_timer_start(s.loop, &s.timers[3], 5);
	assert_true(s.timers[1].armed);
	assert_int_equal(loop_run(s.loop), 42);
	assert_string_equal(s.said, "213");
	loop_free(s.loop);
}

static void stop_the_next(struct loop_timer *t)
{
	struct story *s = t->owner;

	say_timer(t);
	loop_timer_stop(s->loop, &s->timers[1]);
	if (s->length < 3)
		loop_timer_start(s->loop, t, 0);
	else
		loop_timer_start(s->loop, &s->timers[3], 0);
}

static void timers_are_changed_from_callbacks(void **state)
{
	struct story s;

	(void)state;
	set_up(&s);
	s.timers[0].on_time = stop_the_next;
	loop_timer_start(s.loop, &s.timers[0], 0);
	loop_timer_start(s.loop, &s.timers[1], 0);
	assert_int_equal(loop_run(s.loop), 42);
	assert_string_equal(s.said, "0003");
	loop_free(s.loop);
}

static void say_watch(struct loop_watch *w, uint32_t events)
{
	struct story *s = w->owner;

	assert_true(events & (EPOLLIN | EPOLLOUT));
	say(s, (char)('a' + (w - s->watches)));
	if (s->length >= 3)
		loop_stop(s->loop, 7);
}

/* Two pipes with a byte in each: both are in the first batch. */
static void make_pipes(struct story *s, int ends[4],
		       void (*on_event)(struct loop_watch *, uint32_t))
{
	struct err e;

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(pipe2(ends + 2 * i, O_CLOEXEC), 0);
		assert_int_equal(write(ends[2 * i + 1], "x", 1), 1);
		s->watches[i] = (struct loop_watch){
			.fd = ends[2 * i],
			.on_event = on_event,
			.owner = s,
		};
		assert_int_equal(loop_watch_start(s->loop, &s->watches[i], EPOLLIN, &e), 0);
	}
}

static void tear_down(struct story *s, int ends[4])
{
	loop_free(s->loop);
	for (size_t i = 0; i < 4; i++)
		fd_close(&ends[i]);
}

static void a_watch_is_told_until_it_is_read(void **state)
{
	struct story s;
	int ends[4];

	(void)state;
	make_pipes(set_up(&s), ends, say_watch);
	loop_watch_stop(s.loop, &s.watches[1]);
	assert_int_equal(loop_run(s.loop), 7);
	assert_string_equal(s.said, "aaa");
	tear_down(&s, ends);
}

/* Whichever comes first stops both and forgets where they were: the other one may not be called. */
static void stop_both(struct loop_watch *w, uint32_t events)
{
	struct story *s = w->owner;

	(void)events;
	say(s, 'x');
	for (size_t i = 0; i < 2; i++) {
		loop_watch_stop(s->loop, &s->watches[i]);
		memset(&s->watches[i], 0, sizeof(s->watches[i]));
	}
	loop_timer_start(s->loop, &s->timers[3], 0);
}

static void a_stopped_watch_of_the_same_batch_is_silent(void **state)
{
	struct story s;
	int ends[4];

	(void)state;
	make_pipes(set_up(&s), ends, stop_both);
	assert_int_equal(loop_run(s.loop), 42);
	assert_string_equal(s.said, "x3");
	tear_down(&s, ends);
}

static void stop_watches_from_timer(struct loop_timer *t)
{
	struct story *s = t->owner;

	say_timer(t);
	loop_watch_stop(s->loop, &s->watches[0]);
	loop_watch_stop(s->loop, &s->watches[1]);
}

static void a_timer_stops_watches_of_the_batch(void **state)
{
	struct story s;
	int ends[4];

	(void)state;
	make_pipes(set_up(&s), ends, say_watch);
	s.timers[0].on_time = stop_watches_from_timer;
	loop_timer_start(s.loop, &s.timers[0], 0);
	loop_timer_start(s.loop, &s.timers[3], 2);
	assert_int_equal(loop_run(s.loop), 42);
	assert_string_equal(s.said, "03");
	tear_down(&s, ends);
}

static void stop_the_loop(struct loop_watch *w, uint32_t events)
{
	struct story *s = w->owner;

	(void)events;
	say(s, 'x');
	loop_stop(s->loop, 3);
}

static void after_a_stop_nothing_is_called_until_the_next_run(void **state)
{
	struct story s;
	int ends[4];

	(void)state;
	make_pipes(set_up(&s), ends, stop_the_loop);
	assert_int_equal(loop_run(s.loop), 3);
	assert_string_equal(s.said, "x");
	assert_int_equal(loop_run(s.loop), 3);
	assert_string_equal(s.said, "xx");
	tear_down(&s, ends);
}

static void say_out(struct loop_watch *w, uint32_t events)
{
	struct story *s = w->owner;

	say(s, events == EPOLLOUT ? 'o' : '?');
	loop_stop(s->loop, 1);
}

static void starting_again_changes_the_events(void **state)
{
	struct story s;
	struct err e;
	int ends[4];

	(void)state;
	make_pipes(set_up(&s), ends, say_watch);
	loop_watch_stop(s.loop, &s.watches[0]);
	loop_watch_stop(s.loop, &s.watches[1]);
	struct loop_watch out = { .fd = ends[1], .on_event = say_out, .owner = &s };
	assert_int_equal(loop_watch_start(s.loop, &out, EPOLLIN, &e), 0);
	assert_int_equal(loop_watch_start(s.loop, &out, EPOLLOUT, &e), 0);
	assert_int_equal(loop_run(s.loop), 1);
	assert_string_equal(s.said, "o");
	tear_down(&s, ends);
}

static void what_cannot_be_watched_is_an_error(void **state)
{
	struct story s;
	struct err e = { 0 };
	owned_fd file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct loop_watch w = { .fd = file, .on_event = say_watch }, none = { .fd = -1 };

	(void)state;
	set_up(&s);
	assert_int_equal(loop_watch_start(s.loop, &w, EPOLLIN, &e), -1);
	assert_int_equal(e.sys, EPERM);
	assert_int_equal(loop_watch_start(s.loop, &none, EPOLLIN, &e), -1);
	assert_int_equal(e.sys, EBADF);
	loop_watch_stop(s.loop, &none);
	loop_free(s.loop);
	loop_free(NULL);
}

int test_loop(void);

int test_loop(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_come_in_order),
		cmocka_unit_test(equal_times_keep_their_order),
		cmocka_unit_test(a_stopped_timer_is_silent_and_a_moved_one_calls_once),
		cmocka_unit_test(timers_are_changed_from_callbacks),
		cmocka_unit_test(a_watch_is_told_until_it_is_read),
		cmocka_unit_test(a_stopped_watch_of_the_same_batch_is_silent),
		cmocka_unit_test(a_timer_stops_watches_of_the_batch),
		cmocka_unit_test(after_a_stop_nothing_is_called_until_the_next_run),
		cmocka_unit_test(starting_again_changes_the_events),
		cmocka_unit_test(what_cannot_be_watched_is_an_error),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
