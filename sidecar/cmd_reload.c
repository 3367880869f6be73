/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_reload: `reload`: one reload now, with its outcome; or, without a way to reload, asking the
 * resident to try again and waiting for what comes of it.
 */
#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/http_client.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/signals.h"
#include "base/text.h"
#include "reloader/reload.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"
#include "sidecar/resident.h"

#include <signal.h>
#include <stdio.h>

#define ASK_TIMEOUT_MS 2000
#define ASK_PAUSE_MS 20

struct one_reload {
	struct loop *loop;
	struct signals signals;
	struct reload reload;
	int64_t told_at;
	int interrupted;
};

int check_reload(const struct config *c, struct err *e)
{
	if (c->reload.prove_probe || c->reload.idle_probe)
		return err_set(e, ERR_USAGE,
			       "prove-probe and reload-idle-probe ask the probes of 'run', and go "
			       "with that alone");
	return reload_settings_check(&c->reload, e);
}

static void on_change(struct reload *reload)
{
	struct one_reload *one = reload->owner;

	if (reload->state > RELOAD_SENT) {
		loop_stop(one->loop, EXIT_DONE);
	} else if (*reload_last_error(reload) && clock_ms() - one->told_at >= 1000) {
		one->told_at = clock_ms();
		log_info("not reloaded yet (try %u), trying on: %s", reload_behind(reload)->count,
			 reload_last_error(reload));
	}
}

static void on_signal(struct signals *s, int number)
{
	struct one_reload *one = s->owner;

	if (number == SIGCHLD) {
		child_reap();
	} else if (number == SIGTERM || number == SIGINT || number == SIGQUIT || number == SIGHUP) {
		one->interrupted = number;
		loop_stop(one->loop, 128 + number);
	}
}

static int report(const struct one_reload *one, int64_t deadline_ms)
{
	const struct reload *r = &one->reload;
	const struct tries *behind = reload_behind(r);
	const char *said = behind->output ? behind->output : "";
	char span[CLOCK_TEXT_SIZE];
	struct err e;

	if (one->interrupted)
		return 128 + one->interrupted;
	if (r->state == RELOAD_ACKNOWLEDGED) {
		(void)printf("reloaded by %s in %s, try %u\n", r->name,
			     clock_span(r->acknowledged_at - r->began, span), behind->count);
		return EXIT_DONE;
	}
	if (r->state == RELOAD_UNPROVEN)
		(void)err_set(&e, ERR_DEADLINE, "answered by %s, but %s", r->name,
			      r->unproven.text);
	else
		(void)err_set(&e, ERR_DEADLINE, "not reloaded by %s within %s (%u tries): %s%s%s",
			      behind->trigger->name, clock_span(deadline_ms, span), behind->count,
			      behind->last.text, *said ? ", it said: " : "", said);
	return command_failed(&e);
}

static int reload_here(const struct config *c, const struct trigger_list *triggers,
		       struct one_reload *one, struct err *e)
{
	const struct trigger_key key = { .serial = 1 };
	int status;

	one->reload.deadline_ms = c->wait.deadline;
	one->reload.on_change = on_change;
	one->reload.owner = one;
	one->told_at = clock_ms();
	if (reload_init(&one->reload, one->loop, &c->reload, triggers, e) < 0) {
		status = command_failed(e);
	} else {
		reload_request(&one->reload, &key);
		(void)loop_run(one->loop);
		status = report(one, c->wait.deadline);
	}
	reload_done(&one->reload);
	return status;
}

static char *state_of_resident(const struct config *c, struct err *e)
{
	struct http_result result;
	char *state = NULL;

	if (resident_ask(c, "GET", "/status", NULL, ASK_TIMEOUT_MS, &result, e) == 0) {
		struct json *j = json_read(result.body.data, e);
		const struct json *reload = json_get(j, "reload");
		const char *text = json_text(json_get(reload, "state"));

		/* Before the first version there is nothing to reload, but there will be. */
		if (text && text_is(text, reload_state_name(RELOAD_NONE)) &&
		    json_text(json_get(reload, "trigger")))
			text = reload_state_name(RELOAD_OWED);
		state = mem_copy(text ? text : "unknown");
		json_free(j);
	}
	http_result_done(&result);
	return state;
}

/* Whether the resident's reload has come to an end, and what we end with then. */
static bool is_over(const char *state, int *ret_status)
{
	bool good = text_is(state, reload_state_name(RELOAD_ACKNOWLEDGED)) ||
		    text_is(state, reload_state_name(RELOAD_NONE));
	bool bad = text_is(state, reload_state_name(RELOAD_REFUSED)) ||
		   text_is(state, reload_state_name(RELOAD_UNPROVEN));

	if (good || bad)
		*ret_status = good ? EXIT_DONE : EXIT_NO;
	return good || bad;
}

/* The resident's own reload: acknowledged 0, refused again 1, neither by the deadline 3. */
static int reload_there(const struct config *c, struct err *e)
{
	int64_t end = clock_ms() + c->wait.deadline;
	struct http_result result;
	int status = resident_ask(c, "POST", "/v1/reload", "", ASK_TIMEOUT_MS, &result, e);

	http_result_done(&result);
	while (status == 0 && clock_ms() < end) {
		owned char *state = state_of_resident(c, e);

		if (!state)
			return command_failed(e);
		if (is_over(state, &status)) {
			(void)printf("the resident's reload: %s\n", state);
			return status;
		}
		clock_pause(ASK_PAUSE_MS);
	}
	if (status == 0)
		(void)err_set(e, ERR_DEADLINE,
			      "the reload is still not acknowledged, the resident "
			      "goes on trying");
	return command_failed(e);
}

int cmd_reload(struct config *c)
{
	struct one_reload one = { 0 };
	struct trigger_list triggers = { 0 };
	struct err e = { 0 };
	int status;

	one.signals = (struct signals){ .on_signal = on_signal, .owner = &one };
	one.loop = loop_new(&e);
	if (!one.loop || trigger_list_new(one.loop, &c->reload, &triggers, &e) < 0 ||
	    (triggers.count && signals_start(&one.signals, one.loop, &e) < 0))
		status = command_failed(&e);
	else
		status = triggers.count ? reload_here(c, &triggers, &one, &e) : reload_there(c, &e);
	loop_free(one.loop);
	return status;
}
