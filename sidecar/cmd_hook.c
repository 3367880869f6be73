/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_hook: `hook pre-stop`, see hook_pre_stop.h, and `hook post-start`: wait until this
 * container's `run` has published and the game has acknowledged.
 *
 * kubelet starts a pod's containers one after another and waits for each one's hook, without a time
 * limit of its own. A sidecar listed first would wait for a game that cannot start. So at the first
 * start on a volume, when there is no older version that players could be running on, the hook lets
 * go as soon as the files are there and the game turns out to be unreachable.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/http_client.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "sidecar/commands.h"
#include "sidecar/config.h"
#include "sidecar/hook_pre_stop.h"
#include "sidecar/resident.h"

#include <stdio.h>

#define ASK_TIMEOUT_MS 2000
#define ASK_PAUSE_FIRST_MS 2
#define ASK_PAUSE_MOST_MS 100

int check_hook(const struct config *c, struct err *e)
{
	const char *hook = c->operands.count == 1 ? c->operands.items[0] : "";

	if (text_is(hook, "pre-stop"))
		return hook_pre_stop_check(c, e);
	if (!text_is(hook, "post-start"))
		return err_set(e, ERR_USAGE,
			       "expected which hook: gs-sidecar hook post-start, or pre-stop");
	return 0;
}

enum answer { WAIT, LET_GO, READY };

static bool flag_of(const struct json *j, const char *key)
{
	bool flag = false;

	(void)json_bool(json_get(j, key), &flag);
	return flag;
}

static enum answer judge(const struct json *status, struct err *why)
{
	const struct json *reload = json_get(status, "reload");
	const char *reason = json_text(json_get(status, "reason"));

	if (flag_of(status, "ready"))
		return READY;
	(void)err_set(why, ERR_DEADLINE, "%s", reason ? reason : "its status cannot be read");
	if (flag_of(status, "first_start") && flag_of(status, "synced") &&
	    flag_of(reload, "unreachable"))
		return LET_GO;
	return WAIT;
}

/* No answer in the rest of the time says less than what was answered before: why is kept then. */
static enum answer ask(const struct config *c, int64_t left_ms, struct err *why)
{
	struct http_result result;
	struct err e = { 0 };
	enum answer answer = WAIT;

	if (left_ms > ASK_TIMEOUT_MS)
		left_ms = ASK_TIMEOUT_MS;
	if (resident_ask(c, "GET", "/status", NULL, left_ms, &result, &e) == 0) {
		struct json *status = json_read(result.body.data, &e);

		if (status)
			answer = judge(status, why);
		json_free(status);
	}
	if (e.kind != ERR_NONE && (why->kind == ERR_NONE || left_ms == ASK_TIMEOUT_MS))
		*why = e;
	http_result_done(&result);
	return answer;
}

static int deadline_passed(const struct config *c, const struct err *why)
{
	char span[CLOCK_TEXT_SIZE];
	bool fail = c->wait.on_deadline == ON_DEADLINE_FAIL;
	owned char *text = mem_format("hook post-start: deadline of %s passed (%s): %s",
				      clock_span(c->wait.deadline, span), why->text,
				      fail ? "failing, kubelet restarts the container"
					   : "left to run, the pod stays unready");
	struct err e;

	resident_tell(c, RESIDENT_WARNING, text);
	if (!fail)
		return EXIT_DONE;
	(void)err_set(&e, ERR_DEADLINE, "%s", text);
	return command_failed(&e);
}

static int hook_post_start(const struct config *c)
{
	int64_t end = clock_ms() + c->wait.deadline, pause_ms = ASK_PAUSE_FIRST_MS;
	struct err why = { 0 };

	for (;;) {
		int64_t left = end - clock_ms();
		enum answer answer = left > 0 ? ask(c, left, &why) : WAIT;

		if (answer == READY)
			return EXIT_DONE;
		if (answer == LET_GO) {
			resident_tell(c, RESIDENT_WARNING,
				      "hook post-start: the files are there, the game is not up "
				      "yet at this first start: letting the pod start go on");
			return EXIT_DONE;
		}
		if (left <= 0)
			return deadline_passed(c, &why);
		if (pause_ms > left)
			pause_ms = left;
		clock_pause(pause_ms);
		if (pause_ms < ASK_PAUSE_MOST_MS)
			pause_ms *= 2;
	}
}

int cmd_hook(struct config *c)
{
	return text_is(c->operands.items[0], "pre-stop") ? hook_pre_stop(c) : hook_post_start(c);
}
