/* SPDX-License-Identifier: Apache-2.0 */
/* ask_probe: see ask_probe.h. */
#include "sidecar/ask_probe.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/http_client.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/signals.h"
#include "base/text.h"
#include "probe/panel.h"
#include "sidecar/config.h"
#include "sidecar/resident.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct verdict unknown(const char *why)
{
	struct verdict v = { .word = RULES_UNKNOWN };

	(void)snprintf(v.why, sizeof(v.why), "%s", why);
	return v;
}

/* ---- by the resident ---- */

/* It names the probe: another server's answer, whatever it is, is none. */
char *ask_probe_answer(const char *name, const struct verdict *v)
{
	return mem_format("probe %s %s %s\n", name, v->pass ? "pass" : "fail", v->word);
}

struct verdict ask_probe_read(const char *name, const char *answer)
{
	struct verdict v = { 0 };

	for (int pass = 0; pass <= 1; pass++) {
		owned char *start = mem_format("probe %s %s ", name, pass ? "pass" : "fail");
		size_t length = strcspn(answer, "\n");
		size_t skip = strlen(start);

		if (!text_starts(answer, start) || length - skip > WORD_MOST)
			continue;
		v.pass = pass;
		memcpy(v.word, answer + skip, length - skip);
		if (word_is_safe(v.word) && text_is(answer + length, "\n"))
			return v;
	}
	return unknown("what answers there is no resident of ours");
}

static struct verdict ask_resident(const struct config *c, const char *name, int64_t timeout_ms,
				   struct json **ret_all)
{
	owned char *path = mem_format("/v1/probe/%s", name);
	struct http_result result;
	struct err e;
	struct verdict v;

	if (resident_ask(c, "GET", ret_all ? "/probes" : path, NULL, timeout_ms, &result, &e) < 0) {
		v = unknown(result.status == 404 ? "the resident has no such probe" : e.text);
	} else if (ret_all) {
		*ret_all = json_read(result.body.data, &e);
		v = unknown(*ret_all ? "" : e.text);
	} else {
		v = ask_probe_read(name, result.body.data);
	}
	http_result_done(&result);
	return v;
}

/* ---- by ourselves ---- */

struct look {
	struct loop *loop;
	struct signals signals;
	struct loop_timer end;
	struct panel panel;
};

static void on_signal(struct signals *s, int number)
{
	struct look *l = s->owner;

	if (number == SIGCHLD) {
		child_reap();
	} else if (number == SIGTERM || number == SIGINT || number == SIGQUIT) {
		panel_done(&l->panel);
		_exit(128 + number);
	}
}

static void on_end(struct loop_timer *t)
{
	const struct look *l = t->owner;

	loop_stop(l->loop, EXIT_DONE);
}

static void on_complete(void *owner)
{
	const struct look *l = owner;

	loop_stop(l->loop, EXIT_DONE);
}

static int read_plan(const struct config *c, const char *name, struct probe_plan *ret,
		     struct err *e)
{
	struct probe_settings ready_made = { 0 };
	int status;

	if (drained_wanted(&c->drained) && text_is(name, DRAINED_NAME)) {
		drained_write(&c->drained, &ready_made);
		status = probe_plan_read(&ready_made, name, ret, e);
		list_clear(&ready_made.sources);
		list_clear(&ready_made.rules);
	} else {
		status = probe_plan_read(&c->probe, name, ret, e);
	}
	if (status == 0 && !ret->probe_count)
		status = err_set(e, ERR_USAGE, "no probe is called '%s'", name);
	return status;
}

/* Each source's look ends before ours, so that its own reason is known. */
static void shorten(const struct probe_plan *plan, int64_t timeout_ms)
{
	for (size_t i = 0; i < plan->source_count; i++)
		if (plan->sources[i].timeout > timeout_ms - timeout_ms / 10)
			plan->sources[i].timeout = timeout_ms - timeout_ms / 10;
}

static int set_up(struct look *l, struct probe_plan *plan, int64_t timeout_ms, struct err *e)
{
	struct source_world world = { 0 };

	shorten(plan, timeout_ms);

	l->loop = loop_new(e);
	l->signals.owner = l;
	l->end = (struct loop_timer){ .on_time = on_end, .owner = l };
	world.loop = l->loop;
	if (!l->loop || signals_start(&l->signals, l->loop, e) < 0 ||
	    panel_init(&l->panel, plan, &world, e) < 0)
		return -1;
	l->panel.on_complete = on_complete;
	l->panel.owner = l;
	return 0;
}

static struct verdict look_once(struct look *l, int64_t timeout_ms, struct json **ret_all)
{
	struct verdict v;

	loop_timer_start(l->loop, &l->end, timeout_ms);
	panel_start(&l->panel, true);
	if (l->panel.waiting)
		(void)loop_run(l->loop);
	v = panel_verdict(&l->panel, l->panel.plan.probes);
	if (ret_all)
		*ret_all = panel_json(&l->panel, NULL);
	panel_done(&l->panel);
	return v;
}

static struct verdict ask_ourselves(const struct config *c, const char *name, int64_t timeout_ms,
				    struct json **ret_all)
{
	struct probe_plan plan;
	struct look l = { .signals = { .watch = { .fd = -1 }, .on_signal = on_signal } };
	struct err e;
	struct verdict v;

	if (read_plan(c, name, &plan, &e) < 0 || set_up(&l, &plan, timeout_ms, &e) < 0)
		v = unknown(e.text);
	else
		v = look_once(&l, timeout_ms, ret_all);
	probe_plan_done(&plan);
	if (l.loop)
		loop_free(l.loop);
	fd_close(&l.signals.watch.fd);
	/* Whoever asks again waits meanwhile, and has to be ended by a signal. */
	(void)sigprocmask(SIG_SETMASK, signals_original_mask(), NULL);
	return v;
}

static bool is_direct(const struct config *c, const char *name)
{
	return c->ask.direct || (drained_wanted(&c->drained) && text_is(name, DRAINED_NAME));
}

int ask_probe_check(const struct config *c, const char *name, struct err *e)
{
	struct probe_plan plan;
	int status;

	if (!word_is_safe(name))
		return err_set(e, ERR_USAGE, "'%s' is no probe's name", name);
	if (!c->ask.timeout)
		return err_set(e, ERR_USAGE, "probe-timeout: expected more than 0s");
	if (drained_wanted(&c->drained) && !text_is(name, DRAINED_NAME))
		return err_set(e, ERR_USAGE, "%s is for the probe '" DRAINED_NAME "' alone",
			       c->drained.tcp_port.count ? "probe-tcp-port" : "probe-prometheus");
	if (drained_wanted(&c->drained) && drained_check(&c->drained, e) < 0)
		return -1;
	if (!is_direct(c, name))
		return 0;
	status = read_plan(c, name, &plan, e);
	probe_plan_done(&plan);
	return status;
}

struct verdict ask_probe(const struct config *c, const char *name, int64_t timeout_ms,
			 struct json **ret_all)
{
	if (ret_all)
		*ret_all = NULL;
	return is_direct(c, name) ? ask_ourselves(c, name, timeout_ms, ret_all)
				  : ask_resident(c, name, timeout_ms, ret_all);
}
