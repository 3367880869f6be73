/* SPDX-License-Identifier: Apache-2.0 */
/* panel: what of a panel outlives it, and that it never makes a condition hold early. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "probe/panel.h"
#include "probe/settings.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

struct kept {
	struct panel panel;
	struct source_world world;
	char *path, *evidence;
	int verdicts, told;
};

static void write_file(const struct kept *k, const char *text)
{
	struct err e = { 0 };

	assert_int_equal(io_replace_file(AT_FDCWD, k->path, text, strlen(text), &e), 0);
}

static void on_verdict(void *owner, const struct rules *r, const struct verdict *v)
{
	struct kept *k = owner;

	(void)r;
	k->verdicts++;
	if (v->pass)
		loop_stop(k->world.loop, 0);
}

static void on_evidence(void *owner)
{
	struct kept *k = owner;

	k->told++;
	free(k->evidence);
	k->evidence = panel_evidence(&k->panel);
}

/* A panel with one probe, one source "f", the file; test is of its condition. */
static void open_panel(struct kept *k, const char *test)
{
	owned char *source =
		mem_format("{\"name\":\"f\",\"file\":\"%s\",\"every\":\"5ms\"}", k->path);
	owned char *rules = mem_format("{\"name\":\"p\",\"rules\":[{\"if\":{\"source\":\"f\",%s},"
				       "\"result\":\"done\"},{\"result\":\"no\",\"pass\":false}]}",
				       test);
	struct probe_settings settings = { 0 };
	struct probe_plan plan;
	struct err e = { 0 };

	list_add(&settings.sources, source);
	list_add(&settings.rules, rules);
	if (probe_plan_read(&settings, NULL, &plan, &e) < 0)
		fail_msg("%s", e.text);
	k->world = (struct source_world){ .loop = loop_new(&e) };
	assert_non_null(k->world.loop);
	assert_int_equal(panel_init(&k->panel, &plan, &k->world, &e), 0);
	k->panel.on_verdict = on_verdict;
	k->panel.on_evidence = on_evidence;
	k->panel.owner = k;
	list_clear(&settings.sources);
	list_clear(&settings.rules);
}

static void close_panel(struct kept *k)
{
	panel_done(&k->panel);
	loop_free(k->world.loop);
}

static const char *word(struct kept *k)
{
	static struct verdict v;

	v = panel_verdict(&k->panel, k->panel.plan.probes);
	return v.word;
}

#define TEST "\"equals\":0,\"for\":\"60ms\""

/* An earlier panel has seen it hold for long enough, and is gone. */
static void hold_and_go(struct kept *k)
{
	*k = (struct kept){ .path = mem_format("%s/file", unit_directory()) };
	write_file(k, "0\n");
	open_panel(k, TEST);
	panel_start(&k->panel, false);
	assert_string_equal(word(k), "unknown");
	(void)loop_run(k->world.loop);
	assert_string_equal(word(k), "done");
	close_panel(k);
	assert_non_null(strstr(k->evidence, "\"since\""));
}

/* What the next one says after its first look. */
static void expect_next(struct kept *k, const char *text, const char *test, const char *expected)
{
	open_panel(k, test);
	panel_restore(&k->panel, text);
	panel_start(&k->panel, false);
	if (!text_is(word(k), expected))
		fail_msg("with %s it says %s, expected %s", text, word(k), expected);
	close_panel(k);
}

static void end(struct kept *k)
{
	free(k->path);
	free(k->evidence);
}

static void what_nothing_happened_to_has_held_on(void **state)
{
	struct kept k;

	(void)state;
	hold_and_go(&k);
	owned char *kept = mem_copy(k.evidence);
	expect_next(&k, kept, TEST, "done");
	expect_next(&k, kept, TEST, "done");
	end(&k);
}

static void another_file_is_none_of_it(void **state)
{
	struct kept k;

	(void)state;
	hold_and_go(&k);
	owned char *kept = mem_copy(k.evidence);
	write_file(&k, "0\n"); /* the same content, but who knows what it was in between */
	expect_next(&k, kept, TEST, "unknown");
	write_file(&k, "1\n");
	expect_next(&k, kept, TEST, "no");
	end(&k);
}

static void another_configuration_is_none_of_it(void **state)
{
	struct kept k;

	(void)state;
	hold_and_go(&k);
	owned char *kept = mem_copy(k.evidence);
	expect_next(&k, kept, "\"max\":0,\"for\":\"60ms\"", "unknown");
	expect_next(&k, kept, "\"equals\":0,\"for\":\"1h\"", "unknown");
	expect_next(&k, kept, "\"equals\":0,\"for\":\"60ms\",\"samples\":2", "unknown");
	end(&k);
}

/* The text with one part of it replaced. */
static char *with(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	if (!at)
		fail_msg("%s is not in %s", from, text);
	owned char *head = mem_copy_part(text, (size_t)(at - text));
	return mem_format("%s%s%s", head, to, at + strlen(from));
}

static void garbage_is_none_of_it(void **state)
{
	static const char *const changes[][2] = {
		{ "\"boot\":\"", "\"boot\":\"0" },
		{ "\"boot\":", "\"booted\":" },
		{ "\"boot\":\"", "\"boot\":[1],\"x\":\"" },
		{ "\"configuration\":\"", "\"configuration\":\"0" },
		{ "\"configuration\":", "\"configured\":" },
		{ "\"holds\":[", "\"held\":[" },
		{ "\"holds\":[", "\"holds\":[{}," },
		{ "\"holds\":[", "\"holds\":[null," },
		{ "\"condition\":", "\"condition\":7" },
		{ "\"condition\":", "\"condition\":0," },
		{ "\"since\":", "\"since\":-" },
		{ "\"since\":", "\"since\":99999" }, /* in the future */
		{ "\"since\":", "\"since\":\"x\",\"then\":" },
		{ "\"since\":", "\"then\":" },
		{ "\"evidence\":\"", "\"evidence\":\"1" },
		{ "\"evidence\":\"", "\"evidence\":\"x" },
		{ "\"evidence\":", "\"evident\":" },
		{ "}", "" },
	};
	static const char *const texts[] = { "", "{}", "[]", "null", "0", "\"boot\"", "{\"boot\"" };
	struct kept k;

	(void)state;
	hold_and_go(&k);
	owned char *kept = mem_copy(k.evidence);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		owned char *changed = with(kept, changes[i][0], changes[i][1]);

		expect_next(&k, changed, TEST, "unknown");
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_next(&k, texts[i], TEST, "unknown");
	expect_next(&k, kept, TEST, "done"); /* else the above would say nothing */
	end(&k);
}

static void on_end(struct loop_timer *t)
{
	const struct kept *k = t->owner;

	loop_stop(k->world.loop, 0);
}

static void run_for(struct kept *k, int64_t ms)
{
	struct loop_timer timer = { .on_time = on_end, .owner = k };

	loop_timer_start(k->world.loop, &timer, ms);
	(void)loop_run(k->world.loop);
	loop_timer_stop(k->world.loop, &timer); /* a verdict may have been first */
}

static void what_broke_is_written_down(void **state)
{
	struct kept k;

	(void)state;
	hold_and_go(&k);
	owned char *kept = mem_copy(k.evidence);
	open_panel(&k, TEST);
	panel_restore(&k.panel, kept);
	panel_start(&k.panel, false);
	assert_non_null(strstr(k.evidence, "\"since\""));
	write_file(&k, "1\n");
	while (!text_is(word(&k), "no"))
		run_for(&k, 5);
	assert_null(strstr(k.evidence, "\"since\""));
	close_panel(&k);
	end(&k);
}

/* Neither a look that finds the same, nor one that fails again, is news. */
static void only_news_are_told(void **state)
{
	struct kept k;

	(void)state;
	hold_and_go(&k);
	open_panel(&k, TEST);
	k.verdicts = k.told = 0;
	panel_start(&k.panel, false);
	uint64_t looks = k.panel.sources[0].looks;
	while (k.panel.sources[0].looks < looks + 5)
		run_for(&k, 5);
	assert_int_equal(k.told, 1);
	panel_evidence_lost(&k.panel);
	looks = k.panel.sources[0].looks;
	while (k.panel.sources[0].looks < looks + 5)
		run_for(&k, 5);
	assert_int_equal(k.told, 2);
	assert_true(k.verdicts <= 2); /* not yet, done; as busy as the machine may be */
	close_panel(&k);
	end(&k);
}

/* Makefile links with --wrap=clock_gettime: how far somebody has set the wall clock, in seconds. */
static time_t clock_step;

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	int status = __real_clock_gettime(clock, ret);

	if (clock == CLOCK_REALTIME)
		ret->tv_sec += clock_step;
	return status;
}

struct stepper {
	struct loop_timer timer;
	struct kept *kept;
	int left; /* so many steps before the loop ends */
};

static void on_step(struct loop_timer *t)
{
	struct stepper *s = t->owner;

	clock_step = clock_step > 0 ? -86400 : 86400;
	if (--s->left == 0)
		loop_stop(s->kept->world.loop, 1);
	else
		loop_timer_start(s->kept->world.loop, t, 3);
}

/* 1: after so many steps of a day it has not passed yet. */
static int run_with_steps(const char *test, int steps)
{
	struct kept k = { .path = mem_format("%s/file", unit_directory()) };
	struct stepper s = { .timer = { .on_time = on_step, .owner = &s },
			     .kept = &k,
			     .left = steps };
	int status;

	write_file(&k, "0");
	open_panel(&k, test);
	panel_start(&k.panel, false);
	loop_timer_start(k.world.loop, &s.timer, 0);
	status = loop_run(k.world.loop);
	loop_timer_stop(k.world.loop, &s.timer);
	close_panel(&k);
	end(&k);
	clock_step = 0;
	return status;
}

static void steps_of_the_wall_clock_are_no_time(void **state)
{
	struct timespec before, after;

	(void)state;
	assert_int_equal(clock_gettime(CLOCK_REALTIME, &before), 0);
	clock_step = 86400;
	assert_int_equal(clock_gettime(CLOCK_REALTIME, &after), 0);
	assert_true(after.tv_sec - before.tv_sec >= 86400);
	assert_int_equal(run_with_steps("\"equals\":0,\"for\":\"10h\"", 30), 1);
	assert_int_equal(run_with_steps("\"equals\":0,\"for\":\"60ms\"", 1000000), 0);
}

int test_panel(void);

int test_panel(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nothing_happened_to_has_held_on),
		cmocka_unit_test(another_file_is_none_of_it),
		cmocka_unit_test(another_configuration_is_none_of_it),
		cmocka_unit_test(garbage_is_none_of_it),
		cmocka_unit_test(what_broke_is_written_down),
		cmocka_unit_test(only_news_are_told),
		cmocka_unit_test(steps_of_the_wall_clock_are_no_time),
	};

	return cmocka_run_group_tests_name("panel", tests, NULL, NULL);
}
